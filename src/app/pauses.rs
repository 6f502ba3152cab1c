//! What somebody has paused, over restarts: nothing is pushed, or nothing by one rule, until somebody
//! resumes it or its time is over.
//!
//! Only the pushing stops. Sockets stay up, what comes merges in the outbox, and grows old there as
//! ever: `max_age` and the ends of conversations hold. A pause of all and the pauses of rules are
//! apart: ending one ends no other.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::error;

use super::state_file::StateFile;
use crate::status::control::pauses::{PausedUntil, Pauses as Told};
use crate::updates::orders::Orders;

const FILE: &str = "paused.json";
/// How often it is said that something is still paused: a pause that is forgotten costs updates.
const REMIND: Duration = Duration::from_secs(3600);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Pauses {
    file: StateFile,
    kept: Kept,
    /// When it was last said what is paused.
    told: Instant,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    all: Option<Pause>,
    rules: BTreeMap<Arc<str>, Pause>,
}

/// In milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    since: i64,
    until: Option<i64>,
}

impl Pauses {
    /// What an earlier process left. A file that cannot be read is said and passed over.
    pub(super) fn load(state_dir: &Path) -> Pauses {
        let file = StateFile::new(state_dir, FILE);
        let kept = file.load().unwrap_or_else(|error| {
            error!(
                file = %file.path().display(), %error,
                "what was paused cannot be read: nothing is paused; pause again what should be"
            );
            None
        });
        Pauses { file, kept: kept.unwrap_or_default(), told: Instant::now() }
    }

    /// Pauses a rule, or all; what is paused already is from now on by these words.
    pub(super) fn pause(&mut self, rule: Option<&str>, lasts: Option<Duration>, now: Timestamp) {
        let until = lasts.map(|lasts| {
            let until = now.saturating_add(SignedDuration::try_from(lasts).unwrap_or_default());
            until.unwrap_or(Timestamp::MAX).as_millisecond()
        });
        let pause = Pause { since: now.as_millisecond(), until };
        match rule {
            None => self.kept.all = Some(Pause { since: since(self.kept.all, pause), ..pause }),
            Some(rule) => {
                let before = self.kept.rules.get(rule).copied();
                let pause = Pause { since: since(before, pause), ..pause };
                self.kept.rules.insert(Arc::from(rule), pause);
            }
        }
    }

    /// Ends the pause of a rule, or that of all. Returns false if there was none.
    pub(super) fn resume(&mut self, rule: Option<&str>) -> bool {
        match rule {
            None => self.kept.all.take().is_some(),
            Some(rule) => self.kept.rules.remove(rule).is_some(),
        }
    }

    /// Ends those whose time is over; returns which, `None` for that of all.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<Option<Arc<str>>> {
        let over = |pause: &Pause| pause.until.is_some_and(|until| until <= now.as_millisecond());
        let mut ended = Vec::new();
        if self.kept.all.as_ref().is_some_and(over) {
            self.kept.all = None;
            ended.push(None);
        }
        let rules = self.kept.rules.extract_if(.., |_, pause| over(pause));
        ended.extend(rules.map(|(rule, _)| Some(rule)));
        ended
    }

    /// Keeps it for the next process. Blocks for a moment.
    ///
    /// # Errors
    ///
    /// If it cannot be written: a restart would know what was kept before.
    pub(super) fn keep(&self) -> io::Result<()> {
        self.file.save(&self.kept)
    }

    /// What follows for the updates, with the caps of the rules.
    pub(super) fn orders(&self, caps: BTreeMap<Arc<str>, NonZeroU32>) -> Orders {
        Orders {
            all_paused: self.kept.all.is_some(),
            rules_paused: self.kept.rules.keys().cloned().collect(),
            writes_per_minute: Arc::new(caps),
        }
    }

    /// Whether it is time to say again what is paused.
    pub(super) fn is_long(&mut self, now: Instant) -> bool {
        let long = !self.is_empty() && now >= self.told + REMIND;
        if long || self.is_empty() {
            self.told = now;
        }
        long
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.all.is_none() && self.kept.rules.is_empty()
    }

    /// Nothing is pushed.
    pub(super) fn is_all(&self) -> bool {
        self.kept.all.is_some()
    }

    /// How many are paused by themselves.
    pub(super) fn rules_paused(&self) -> u64 {
        self.kept.rules.len() as u64
    }

    /// Nothing is pushed of this rule.
    pub(super) fn is_paused(&self, rule: &str) -> bool {
        self.is_all() || self.kept.rules.contains_key(rule)
    }

    /// As it is told over the control socket.
    pub(super) fn told(&self) -> Told {
        let rules = self.kept.rules.iter().map(|(rule, it)| (rule.to_string(), it.told()));
        Told { all: self.kept.all.map(Pause::told), rules: rules.collect() }
    }
}

impl Pause {
    fn told(self) -> PausedUntil {
        PausedUntil { since: time(self.since), until: self.until.map(time) }
    }
}

/// A pause that is given another end goes on.
fn since(before: Option<Pause>, pause: Pause) -> i64 {
    before.map_or(pause.since, |before| before.since)
}

/// To the second.
fn time(millis: i64) -> String {
    let time = Timestamp::from_second(millis.div_euclid(1000)).unwrap_or_default();
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn shown(pauses: &Pauses) -> String {
        pauses.told().to_string()
    }

    #[test]
    fn pauses_are_apart_and_end_by_a_word_or_by_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut pauses = Pauses::load(dir.path());
        assert!(pauses.is_empty() && !pauses.resume(None) && !pauses.resume(Some("r")));
        pauses.pause(Some("r"), None, at(0));
        pauses.pause(Some("s"), Some(Duration::from_secs(60)), at(0));
        pauses.pause(None, Some(Duration::from_secs(30)), at(10));
        // Another end, and the same beginning.
        pauses.pause(None, Some(Duration::from_secs(30)), at(20));
        assert_eq!(
            shown(&pauses),
            "all since 2023-11-14T22:13:30Z until 2023-11-14T22:14:10Z; \
             rule r since 2023-11-14T22:13:20Z; \
             rule s since 2023-11-14T22:13:20Z until 2023-11-14T22:14:20Z"
        );
        pauses.keep().unwrap();
        let mut pauses = Pauses::load(dir.path());
        assert!(pauses.expire(at(49)).is_empty() && pauses.orders(BTreeMap::new()).all_paused);
        assert!(pauses.is_all() && pauses.is_paused("t"));
        assert_eq!(pauses.expire(at(50)), [None]);
        assert_eq!(pauses.expire(at(99)), [Some(Arc::from("s"))]);
        let Orders { all_paused, rules_paused, .. } = pauses.orders(BTreeMap::new());
        assert!(!all_paused && rules_paused.len() == 1);
        assert!(!pauses.is_all() && pauses.is_paused("r") && !pauses.is_paused("s"));
        let now = Instant::now();
        assert!(!pauses.is_long(now + REMIND / 2));
        assert!(pauses.is_long(now + 2 * REMIND) && !pauses.is_long(now + 2 * REMIND));
        assert!(pauses.resume(Some("r")) && pauses.is_empty());
        pauses.keep().unwrap();
        assert!(Pauses::load(dir.path()).is_empty());
    }

    #[test]
    fn a_broken_file_pauses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Pauses::load(dir.path()).is_empty());
        assert!(Pauses::load(&dir.path().join("none")).keep().is_err());
    }
}
