//! The state directory and the journal in it, at the start: where it lies, what an earlier process left in it, and since when
//! nobody listened.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{App, Ended, Options};
use crate::config::{self, Config};
use crate::machine;
use crate::updates::calendar::Calendar;
use crate::updates::journal::{Health, Journal, Millis, Monitor, Recovered, Store, StoreError};
use crate::updates::story::{Reader, Story};

/// Beside the time after which a silent socket is noticed: what was on its way from the server, and
/// clocks that do not agree.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// The journal as it was found, which nobody works with yet.
pub(super) struct Found {
    pub journal: Journal,
    pub recovered: Recovered,
    /// Events may have been missed from then on; `None` if no process was here before.
    pub away_since: Option<Timestamp>,
    /// Whether the story of the attributes is kept, too.
    tells: bool,
}

/// The journal as it is handed to the updates.
pub(super) struct Opened {
    pub journal: Journal,
    pub recovered: Recovered,
    pub calendar: Calendar,
    pub story: Story,
    pub story_reader: Reader,
    /// Events may have been missed from then on; `None` if no process was here before.
    pub away_since: Option<Timestamp>,
}

/// Makes the state directory where it is missing; without one we go on in memory.
pub(super) fn prepare_directory(config: &Config) {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let dir = &config.state.dir;
    let mode = std::fs::metadata(dir).map_or(0, |found| found.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        warn!(dir = %dir.display(), mode = %format_args!("{mode:04o}"), "others may look into the state directory, where attribute values are kept: chmod 0700 it");
    }
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        warn!(dir = %dir.display(), %error, "no state directory: names, channels and the last good rules are not kept; set state.dir to a directory that can be written");
    }
}

/// Opens the journal of the state directory, or what the options put in its place.
pub(super) fn open(config: &Config, options: &mut Options) -> Result<Found, Ended> {
    let dir = config.state.dir.clone();
    // No thread is to decide the order of things, or nothing is to outlive the process.
    let tells = options.journal.is_none() && !options.no_journal;
    let opened = match options.journal.take() {
        _ if options.no_journal => Ok((Journal::off(), Recovered::default())),
        Some(opener) => Journal::inline(opener),
        None => Journal::start(Box::new(move || Store::open(&dir))),
    };
    let (journal, recovered) = opened.map_err(|error| locked(config, &error))?;
    let away_since =
        recovered.good_until.and_then(|good_until| away_since(&config.channels, good_until));
    if let Some(since) = away_since {
        info!(
            %since, participants = recovered.pending.len(), remembered = recovered.memory.len(),
            "another process was here before: events may have been missed since"
        );
    }
    Ok(Found { journal, recovered, away_since, tells })
}

impl Found {
    /// From here on moments are written down. Not before: while a token is waited for, a clock that was
    /// wrong when the machine started may still be put right.
    pub(super) fn begin(self, config: &Config, options: &Options) -> Opened {
        let Found { journal, recovered, away_since, tells } = self;
        let calendar = Calendar::new(Instant::now(), options.now.unwrap_or_else(machine::now));
        let (story, story_reader) = if tells {
            Story::start(&config.state.dir, config.state.story, calendar)
        } else {
            (Story::default(), Reader::default())
        };
        Opened { journal, recovered, calendar, story, story_reader, away_since }
    }
}

/// A socket may have been silent for a while, and nobody had noticed yet.
fn away_since(channels: &config::Channels, good_until: Millis) -> Option<Timestamp> {
    let unnoticed = SignedDuration::try_from(channels.dead_after).ok()?;
    let good_until = Timestamp::from_millisecond(good_until).ok()?;
    good_until.checked_sub(unnoticed).ok()?.checked_sub(MARGIN).ok()
}

fn locked(config: &Config, error: &StoreError) -> Ended {
    Ended::StateInUse(format!("{}: {error}", config.state.dir.display()))
}

/// Why what is accepted would not outlive the process, if it would not.
pub(super) fn suspended(journal: &Monitor) -> Option<String> {
    match journal.health() {
        Health::Kept => None,
        Health::Suspended { reason } => Some(reason),
    }
}

impl App {
    /// How much the journal has written.
    pub fn journal(&self) -> Monitor {
        self.journal.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_gap_begins_before_a_silent_socket_would_have_been_noticed() {
        let channels = config::Channels {
            copies: 1,
            max: 20,
            ping_after: Duration::from_secs(15),
            dead_after: Duration::from_secs(40),
        };
        let since = away_since(&channels, 100_000).unwrap();
        assert_eq!(since, Timestamp::from_second(50).unwrap());
        assert_eq!(away_since(&channels, i64::MIN), None);
    }
}
