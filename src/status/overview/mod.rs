//! How the daemon is, at one moment: what `/readyz`, `/metrics`, the status page and `attributed
//! status` are all made from, so that none of them can say otherwise than another.
//!
//! Plain values that can be sent as JSON and read back. [`Overview::checks`] says what is wrong, and
//! what to do. Names of rules, numbers and times are in it, and reasons in words that the log has
//! too; no attribute value, number, name or subject, no secret and no address of a channel. Nothing
//! in it grows with users or conversations.
//!
//! The app makes one every second, and whenever something important changes, from its own state and
//! from what the loops count; whoever reads holds a [`watch`](tokio::sync::watch) receiver and costs
//! the loops nothing.

mod checks;
mod lately;
mod now;
mod troubles;
mod verdict;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use checks::{Check, State};
pub use lately::{History, Letters, Rates, Update};
pub use now::{Newest, StatusNow};
pub use troubles::{Failing, Forbidden, Rest, Rested, Troubles};
pub use verdict::Verdict;

use super::histogram::Noted;
use checks::WRITING;

/// Milliseconds since 1970.
pub type Millis = i64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// When it was made.
    pub at: Millis,
    pub started_at: Millis,
    pub version: String,
    pub stage: Stage,
    /// Everything is done but writing.
    pub dry_run: bool,
    /// What is paused, in words; empty when nothing is.
    pub paused: Vec<String>,
    /// Nothing is pushed at all, because somebody said so.
    pub all_paused: bool,
    /// Loops that hang.
    pub silent_loops: Vec<String>,
    /// One for each OAuth client.
    pub accounts: Vec<Account>,
    pub channels: Channels,
    /// Why the directory does not say whom to watch, or not all of it.
    pub directory_problem: Option<String>,
    pub gaps: Gaps,
    pub rules: Rules,
    pub configuration: Configuration,
    pub journal: Journal,
    pub updates: Updates,
    pub troubles: Troubles,
    pub flow: Flow,
    pub history: Arc<History>,
    /// The newest updates, the newest first.
    pub latest: Vec<Update>,
    /// The dead letters that are kept, by reason.
    pub letters: Vec<Letters>,
    /// When files were last read again, whatever came of it.
    pub reload_tried_at: Option<Millis>,
}

/// How far the daemon has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// There was no token yet.
    #[default]
    LoggingIn,
    /// The directory has not said yet whom to watch.
    Asking,
    /// Not every topic is subscribed yet.
    Subscribing,
    /// It was ready once; the checks say how it is now.
    Working,
    /// It pushes what waits, and listens no more.
    Stopping,
}

/// An OAuth client: its token, and its budget of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Short, and the same for as long as the configuration is.
    pub client: String,
    /// `None` while there is no token.
    pub token_expires_at: Option<Millis>,
    /// Why the last attempt to get one failed; `None` after one that did not.
    pub token_problem: Option<String>,
    /// Requests in the current window of a minute, those of other programs included.
    pub used: u32,
    /// Of these, those of other programs, as far as known.
    pub foreign: u32,
    pub allowed: u32,
    /// Seconds; `None` as long as the window's phase is unknown.
    pub window_ends_in: Option<f64>,
    /// Seconds that the account still rests, after a 429.
    pub resting_for: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    pub total: u64,
    pub connected: u64,
    pub topics: Topics,
    /// Since when a topic is on no channel that lives; of several, the one longest without.
    pub uncovered_since: Option<Millis>,
    /// In the order of their numbers.
    pub each: Vec<Channel>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topics {
    pub wanted: u64,
    pub permitted: u64,
    pub rejected: u64,
    pub without_room: u64,
    /// On fewer channels than `channels.copies` asks for.
    pub short_of_copies: u64,
}

/// A channel with its socket. What never was is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub number: u32,
    pub connected: bool,
    /// Of the newest socket.
    pub connected_at: Option<Millis>,
    pub last_frame_at: Option<Millis>,
    /// A heartbeat, or the answer to a ping.
    pub last_heartbeat_at: Option<Millis>,
    pub expires_at: Option<Millis>,
    pub topics: u64,
    /// How often topics of it were not heard for a while, and for how long together.
    pub gaps: u64,
    pub unheard_ms: u64,
    /// How its socket was lost, until its topics are heard again.
    pub lost: Option<Loss>,
    /// When somebody took it away last.
    pub evicted_at: Option<Millis>,
}

/// How a socket was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    Closed,
    Silent,
    Broken,
    Garbled,
    Evicted,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// Looked into, or waiting for it.
    pub open: u64,
    /// When the oldest began of those that are open, topics on no channel included.
    pub oldest_since: Option<Millis>,
    /// It may not be asked which conversations are open.
    pub not_permitted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub count: u64,
    /// The beginning of the SHA-256 of the text in force.
    pub hash: String,
    pub loaded_at: Millis,
    /// Why the rules file is not what is in force.
    pub problem: Option<String>,
    /// An earlier set is in force because somebody said so: its hash.
    pub rolled_back: Option<String>,
    /// Writes that wait for `attributed reload --confirm`.
    pub unconfirmed_writes: Option<u64>,
    /// Lists that are not what their files say, and why.
    pub lists_refused: Vec<(String, String)>,
    /// In the order of the file, `monitoring.rule_series` of them at most.
    pub each: Vec<Rule>,
    /// When one that is not in `each` could not be evaluated last.
    pub others_last_error_at: Option<Millis>,
}

/// A rule, and what became of it since the start (or since it is in force).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    pub dry_run: bool,
    pub paused: bool,
    /// Looks at which it held.
    pub matches: u64,
    pub errors: u64,
    /// Keys that were accepted.
    pub written: u64,
    /// Keys that became dead letters.
    pub failed: u64,
    pub last_match_at: Option<Millis>,
    /// When it could not be evaluated last.
    pub last_error_at: Option<Millis>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The beginning of the SHA-256 of the values in force.
    pub hash: String,
    pub loaded_at: Millis,
    /// Why the file is not what is in force.
    pub problem: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// Why what is accepted would not outlive the process, if it would not.
    pub suspended: Option<String>,
    /// Rows that were written or removed.
    pub rows: u64,
    /// How long its transactions took.
    pub commits: Noted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Updates {
    /// Participants that wait or are under way.
    pub waiting: u64,
    pub capacity: u64,
    /// When the oldest of them was wished; looked for every ten seconds.
    pub oldest_at: Option<Millis>,
    /// At the pace of the last minutes; as long as that is not known, or where it never ends: were
    /// nothing more to come, and the whole budget used for it.
    pub seconds_to_empty: f64,
    /// At this pace what waits will not go within `updates.max_age`.
    pub late: bool,
    pub in_flight: u64,
    /// That are kept.
    pub dead_letters: u64,
}

/// What went through since the start: rates are made of two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub frames: u64,
    pub snapshots: u64,
    pub matches: u64,
    /// Keys that were wished.
    pub wished: u64,
    /// Keys that were accepted.
    pub written: u64,
    /// Keys that became dead letters.
    pub failed: u64,
    pub requests: u64,
}

impl Rules {
    /// Neither refused, nor stepped back from, nor waiting for somebody to confirm it.
    pub fn are_as_in_the_file(&self) -> bool {
        let Rules { problem, rolled_back, unconfirmed_writes, .. } = self;
        problem.is_none() && rolled_back.is_none() && unconfirmed_writes.is_none()
    }
}

impl Overview {
    /// Nothing that has to be well for the work is not.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|check| check.state != State::Failed)
    }

    /// The one sentence: whether all is well, and if not what is the worst and what to do.
    pub fn sentence(&self) -> String {
        let checks = self.checks();
        let worst = checks.iter().filter(|check| check.state != State::Good);
        // Of warnings, why nothing is written at all goes first.
        let decides = |check: &Check| check.name == WRITING && self.writes_nothing();
        match worst.min_by_key(|check| (check.state, !decides(check))) {
            Some(Check { reason, help, .. }) => format!("{reason}; {help}"),
            None => format!(
                "All is well: {} of {} topics heard on {} of {} channels, {} participants wait.",
                self.channels.topics.permitted,
                self.channels.topics.wanted,
                self.channels.connected,
                self.channels.total,
                self.updates.waiting
            ),
        }
    }

    /// How long ago something was, in seconds; 0 for what never was.
    pub fn age(&self, since: Option<Millis>) -> f64 {
        since.map_or(0.0, |since| seconds(self.at.saturating_sub(since).max(0)))
    }
}

/// As metrics have it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^52")]
pub fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}
