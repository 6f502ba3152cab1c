//! The journal at the start: where it lies, what an earlier process left in it, and since when
//! nobody listened.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::info;

use super::Ended;
use crate::config::Config;
use crate::updates::calendar::Calendar;
use crate::updates::journal::{Health, Journal, Monitor, Opener, Recovered, Store, StoreError};

/// Beside the time after which a silent socket is noticed: what was on its way from the server, and
/// clocks that do not agree.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// The journal as it is handed to the updates.
pub(super) struct Opened {
    pub journal: Journal,
    pub recovered: Recovered,
    pub calendar: Calendar,
}

/// Opens the journal of the state directory, or the one that is given in its place.
pub(super) fn open(
    config: &Config,
    given: Option<Opener>,
    now: Option<Timestamp>,
) -> Result<Opened, Ended> {
    let dir = config.state.dir.clone();
    let opened = match given {
        Some(opener) => Journal::inline(opener),
        None => Journal::start(Box::new(move || Store::open(&dir))),
    };
    let (journal, recovered) = opened.map_err(|error| locked(config, &error))?;
    let away_since = recovered.good_until.and_then(|good_until| away_since(config, good_until));
    match away_since {
        Some(since) => info!(
            %since, participants = recovered.pending.len(), remembered = recovered.memory.len(),
            "the journal of the process before is taken over: events may have been missed since"
        ),
        None => info!(dir = %config.state.dir.display(), "no process was here before"),
    }
    let calendar = Calendar::new(Instant::now(), now.unwrap_or_else(Timestamp::now));
    Ok(Opened { journal, recovered, calendar })
}

/// A socket may have been silent for a while, and nobody had noticed yet.
fn away_since(config: &Config, good_until: i64) -> Option<Timestamp> {
    let unnoticed = SignedDuration::try_from(config.channels.dead_after).ok()?;
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
