//! What a write of the whole map carried of others' attributes, and which of them it undid.
//!
//! Between its read and its write somebody else may have written (SEMANTICS 8). The map itself does
//! not tell, because the write took their place; the event of their write does: a snapshot without
//! ours shows for a key something else than what we carried, after one that showed what we carried.
//! What is found here is only a suspicion, which the read before the next write proves or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::updates::push::{Changes, Losses, Lost};

/// Events may lag behind a write; one that lags for longer tells nothing any more.
const TELLING_FOR: Duration = Duration::from_secs(60);

/// Nothing late is older than so many changes of one key.
const MAX_PASSED: usize = 16;

type Attributes = BTreeMap<String, String>;

#[derive(Debug)]
pub(crate) struct Carried {
    /// As read just before the write, and with what was put back.
    carried: Attributes,
    /// Our keys, with the values that were sent.
    ours: Changes,
    /// Our keys with what the read had shown, where that was something else.
    before: Attributes,
    losses: Losses,
    /// What keys were before they changed, by others or by an undoing of ours: a late snapshot shows
    /// that again, and nobody wrote it.
    passed: BTreeMap<Arc<str>, BTreeSet<Option<Arc<str>>>>,
    until: Instant,
}

impl Carried {
    /// `read` is what was there, `restored` what went back beside `ours`; `losses` are suspected
    /// already, and go on being so.
    pub(crate) fn new(
        previous: Option<Carried>,
        read: Attributes,
        ours: Changes,
        restored: &Losses,
        losses: Losses,
        now: Instant,
    ) -> Carried {
        let value = |key: &str| read.get(key).cloned().unwrap_or_default();
        let telling = ours.iter().filter(|&(key, sent)| value(key) != **sent);
        let before = telling.map(|(key, _)| ((**key).to_owned(), value(key))).collect();
        let mut carried = read;
        let mut passed =
            previous.filter(|it| it.tells(now)).map(|it| it.passed).unwrap_or_default();
        for (key, lost) in restored {
            pass(&mut passed, key, lost.carried.clone());
            match &lost.value {
                Some(value) => drop(carried.insert((**key).to_owned(), (**value).to_owned())),
                None => drop(carried.remove(&**key)),
            }
        }
        Carried { carried, ours, before, losses, passed, until: now + TELLING_FOR }
    }

    /// Whether snapshots may still tell something.
    pub(crate) fn tells(&self, now: Instant) -> bool {
        now < self.until
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Takes in a snapshot, given the one before. Returns true if something else is suspected now.
    pub(crate) fn see(&mut self, earlier: &Attributes, seen: &Attributes) -> bool {
        let newer = self.shows_ours(seen);
        let keys: BTreeSet<&str> = earlier
            .keys()
            .chain(seen.keys())
            .map(String::as_str)
            .chain(self.losses.keys().map(|key| &**key))
            .filter(|key| !self.ours.contains_key(*key))
            .collect();
        let mut losses = Losses::new();
        for key in keys {
            let (carried, is) = (self.carried.get(key), seen.get(key));
            let suspected = self.losses.get(key);
            let undone = is == carried;
            let lost = match (suspected, newer) {
                // The map after our write, which undid it.
                (Some(known), true) if undone => known.clone(),
                // Written after ours, and so not undone by it.
                (Some(_) | None, true) => continue,
                // Taken back before ours came.
                (_, false) if undone => continue,
                (None, false) if self.has_passed(key, is) => continue,
                // An event older than our read shows older values, too: theirs came after what we
                // carried had been there.
                (None, false)
                    if earlier.get(key) != carried && !self.has_passed(key, earlier.get(key)) =>
                {
                    continue;
                }
                (Some(_) | None, false) => {
                    let text = |text: &String| Arc::from(text.as_str());
                    Lost { carried: carried.map(text), value: is.map(text) }
                }
            };
            losses.insert(Arc::from(key), lost);
        }
        for key in earlier.keys().chain(seen.keys()) {
            if earlier.get(key) != seen.get(key) && !self.ours.contains_key(&**key) {
                let was = earlier.get(key).map(|text| Arc::from(text.as_str()));
                pass(&mut self.passed, key, was);
            }
        }
        let changed = losses != self.losses;
        self.losses = losses;
        changed
    }

    fn has_passed(&self, key: &str, value: Option<&String>) -> bool {
        let value = value.map(|text| Arc::from(text.as_str()));
        self.passed.get(key).is_some_and(|values| values.contains(&value))
    }

    /// Whether a snapshot is one of after our write, as far as it can tell.
    fn shows_ours(&self, seen: &Attributes) -> bool {
        let sent = |key: &str| self.ours.get(key).map_or("", |value| &**value);
        self.before.keys().any(|key| seen.get(key).map_or("", String::as_str) == sent(key))
    }
}

fn pass(
    passed: &mut BTreeMap<Arc<str>, BTreeSet<Option<Arc<str>>>>,
    key: &str,
    value: Option<Arc<str>>,
) {
    let values = passed.entry(Arc::from(key)).or_default();
    if values.len() < MAX_PASSED {
        values.insert(value);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn what_was_written_between_read_and_write_is_lost() {
        check("x=0 | x=0 | x=1 | x=0 ours", expect!["x: 0 -> 1"]);
        check("x=0 | x=0 | x=1 | x=2 | x=0 ours", expect!["x: 0 -> 2"]);
        check(" |  | x=1", expect!["x:  -> 1"]);
        check("x=0 | x=0 | ", expect!["x: 0 -> "]);
    }

    #[test]
    fn what_was_written_before_the_read_or_after_the_write_is_not() {
        check("x=1 | x=0 | x=1 | x=1 ours", expect![""]);
        check("x=1 | x=0 | x=0 y=1 | x=1 | x=1 ours", expect![""]);
        check("x=0 | x=0 | x=0 ours | x=1 ours", expect![""]);
    }

    #[test]
    fn what_came_and_went_is_not() {
        check("x=0 | x=0 | x=1 | x=0", expect![""]);
        check("x=0 | x=0 | x=1 | x=0 ours | x=2 ours", expect![""]);
    }

    #[test]
    fn what_a_late_snapshot_shows_again_is_not() {
        check("x=1 | x=0 | x=1 | x=0 | x=1 | x=1 ours", expect![""]);
        check("x=1 | x=0 | x=1 | x=0 | x=2", expect!["x: 1 -> 2"]);
    }

    #[test]
    fn what_was_put_back_is_lost_when_it_is_undone_again() {
        let lost = |carried: &str, value: &str| Lost {
            carried: Some(Arc::from(carried)),
            value: Some(Arc::from(value)),
        };
        let restored = Losses::from([(Arc::from("x"), lost("0", "1"))]);
        let now = Instant::now();
        let mut carried =
            Carried::new(None, of("x=0"), Changes::new(), &restored, Losses::new(), now);
        assert!(!carried.see(&of("x=0"), &of("x=1")));
        assert!(carried.see(&of("x=1"), &of("x=2")));
        assert_eq!(carried.losses()["x"], lost("1", "2"));
        assert!(carried.tells(now) && !carried.tells(now + TELLING_FOR));
    }

    /// The first word is what a write of `ours=1` read, the second what snapshots had shown by then;
    /// the others are the snapshots that follow.
    #[track_caller]
    fn check(script: &str, expected: Expect) {
        let mut steps = script.split(" | ").map(|step| of(step.trim()));
        let ours = Changes::from([(Arc::from("ours"), Arc::from("1"))]);
        let read = steps.next().unwrap();
        let mut carried =
            Carried::new(None, read, ours, &Losses::new(), Losses::new(), Instant::now());
        let mut earlier = steps.next().unwrap();
        for seen in steps {
            carried.see(&earlier, &seen);
            earlier = seen;
        }
        let text = |value: &Option<Arc<str>>| value.as_deref().unwrap_or_default().to_owned();
        let losses = carried.losses().iter();
        let losses = losses
            .map(|(key, lost)| format!("{key}: {} -> {}", text(&lost.carried), text(&lost.value)));
        expected.assert_eq(&losses.collect::<Vec<_>>().join(", "));
    }

    fn of(words: &str) -> Attributes {
        let words = words.split(' ').filter(|word| !word.is_empty());
        let pairs = words.map(|word| word.split_once('=').unwrap_or((word, "1")));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}
