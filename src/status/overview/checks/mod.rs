//! What is well and what is not, each with a reason and with what to do.
//!
//! Pure. *Failed* is what keeps events from being heard, or what was accepted from being kept:
//! then the daemon is not ready. *Warning* is what somebody should look at while the work goes on.

mod rules;
mod writes;

#[cfg(test)]
pub(super) mod tests;

use serde::{Deserialize, Serialize};

use super::{Account, Loss, Millis, Overview, Stage};
use crate::status::counted::{counted, either};

/// The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Failed,
    Warning,
    Good,
}

/// One question about the daemon, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// A stable word.
    pub name: String,
    pub state: State,
    /// How it is.
    pub reason: String,
    /// What to do; empty where there is nothing to do.
    pub help: String,
}

impl State {
    pub const ALL: [State; 3] = [State::Failed, State::Warning, State::Good];

    pub fn word(self) -> &'static str {
        match self {
            State::Failed => "failed",
            State::Warning => "warning",
            State::Good => "good",
        }
    }
}

/// The check that says whether somebody keeps the service from writing.
pub(super) const WRITING: &str = "writing";

/// A channel that was taken is spoken of for so long: the alert `AttributedChannelEvicted` looks as
/// far back, and one that is made anew may be taken again.
const EVICTED_LATELY: Millis = 15 * 60 * 1000;
const EVICTED: &str = "another program of this OAuth client makes channels: give this service a client of its own; it takes another channel by itself, and looks up what was missed";
const LOST: &str = "it reconnects by itself, and looks up what was missed; if it does not, see the log's `disconnected` lines and the network";

/// A budget of which others use this share is not ours any more, in percent.
const MOSTLY_FOREIGN: u64 = 50;

impl Overview {
    /// Always the same checks, in the same order.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            self.loops(),
            self.token(),
            self.sockets(),
            self.subscriptions(),
            self.journal_kept(),
            self.gaps_closed(),
            self.rules_in_force(),
            self.lists(),
            self.configuration_file(),
            self.budget(),
            self.outbox(),
            self.delivered(),
            self.writing(),
        ]
    }

    fn loops(&self) -> Check {
        if self.silent_loops.is_empty() {
            return good("loops", "every loop goes round");
        }
        let names = self.silent_loops.join(", ");
        let reason = format!("hanging: {names}");
        failed("loops", reason, "systemd restarts the service; keep the log for a report")
    }

    fn token(&self) -> Check {
        let problem = |account: &Account| account.token_problem.clone();
        let without = self.accounts.iter().find(|account| !self.has_token(account));
        if let Some(account) = without {
            let reason = problem(account).unwrap_or_else(|| "there is no token yet".to_owned());
            let help = "check the client's id, secret and roles, and the way to the login; it is tried again by itself";
            return failed("token", reason, help);
        }
        if self.accounts.is_empty() {
            return failed("token", "there is no token yet", "wait a moment: the service starts");
        }
        match self.accounts.iter().find_map(problem) {
            Some(reason) => warning(
                "token",
                format!("the token cannot be renewed: {reason}"),
                "mend it before the token ends; it is tried again by itself",
            ),
            None => good("token", "valid"),
        }
    }

    pub(super) fn has_token(&self, account: &Account) -> bool {
        account.token_expires_at.is_some_and(|ends| ends > self.at)
    }

    fn sockets(&self) -> Check {
        let channels = &self.channels;
        let connected =
            format!("{} of {} connected", channels.connected, counted(channels.total, "channel"));
        let of = format!("{connected}{}", self.how_lost());
        let evicted = self.channels.each.iter().any(|it| it.lost == Some(Loss::Evicted));
        let help = if evicted { EVICTED } else { LOST };
        if channels.total == 0 && channels.topics.wanted == 0 {
            return good("sockets", "none is needed: it is not known whom to watch");
        }
        if channels.connected == 0 && self.stage != Stage::Working {
            return failed("sockets", format!("{of}: the service starts"), "wait a moment");
        }
        if channels.connected == 0 || channels.uncovered_since.is_some() {
            return failed("sockets", format!("{of}: some topics are not heard"), help);
        }
        if channels.connected < channels.total {
            return warning("sockets", format!("{of}: every topic is heard on another"), help);
        }
        if self.was_evicted() {
            let reason = format!("{of}: a channel was taken from us within the last 15 minutes");
            return warning("sockets", reason, EVICTED);
        }
        good("sockets", of)
    }

    /// Of the first channel whose topics are not heard.
    fn how_lost(&self) -> String {
        let mut each = self.channels.each.iter();
        let lost = each.find_map(|channel| Some((channel.number, channel.lost?)));
        let Some((number, lost)) = lost else { return String::new() };
        let how = match lost {
            Loss::Closed => "the server closed its socket",
            Loss::Silent => "nothing came on its socket any more (half-open)",
            Loss::Broken => "its connection broke",
            Loss::Garbled => "something came that no server should send",
            Loss::Evicted => "it was taken from us",
        };
        format!(" (channel {number}: {how})")
    }

    fn was_evicted(&self) -> bool {
        let mut at = self.channels.each.iter().filter_map(|channel| channel.evicted_at);
        at.any(|at| self.at.saturating_sub(at) < EVICTED_LATELY)
    }

    fn subscriptions(&self) -> Check {
        let name = "subscriptions";
        let topics = &self.channels.topics;
        match self.stage {
            Stage::LoggingIn | Stage::Asking => {
                let asked = "the directory has not said yet whom to watch";
                let (reason, help) = match &self.directory_problem {
                    Some(problem) => (format!("{asked}: {problem}"), "it is asked again by itself"),
                    None => (asked.to_owned(), "wait a moment: the service starts"),
                };
                return failed(name, reason, help);
            }
            Stage::Stopping => return failed(name, "the service stops", "nothing"),
            Stage::Subscribing | Stage::Working => {}
        }
        let permitted = format!("{} permitted", counted(topics.permitted, "topic"));
        let rejected = format!("{permitted}, {} rejected", topics.rejected);
        let roles = "give a role of the OAuth client the permissions that the log names, and restart; it asks again by itself when the channel is renewed, within a day";
        if topics.wanted == 0 {
            let help = "check the names in [watch] with `attributed check --online`";
            let reason = match &self.directory_problem {
                Some(problem) => format!("nothing is watched: {problem}"),
                None => "nothing is watched".to_owned(),
            };
            return failed(name, reason, help);
        }
        if topics.permitted == 0 && topics.rejected > 0 {
            return failed(name, rejected, roles);
        }
        if topics.permitted + topics.rejected + topics.without_room < topics.wanted {
            let reason = format!("{permitted} of {}: subscribing", topics.wanted);
            return failed(name, reason, "wait; if it lasts, see the log's `topics not set` lines");
        }
        if topics.rejected > 0 {
            return warning(name, rejected, roles);
        }
        if topics.without_room > 0 {
            let reason = format!("{permitted}, {} without room", topics.without_room);
            return warning(name, reason, "watch fewer users, or use a second client");
        }
        good(name, permitted)
    }

    fn journal_kept(&self) -> Check {
        match &self.journal.suspended {
            Some(reason) => failed(
                "journal",
                format!("suspended, a crash loses what waits: {reason}"),
                "see to the disk and state.dir; it is tried again every 30 s",
            ),
            None => good("journal", "written"),
        }
    }

    fn gaps_closed(&self) -> Check {
        if self.gaps.not_permitted {
            let reason = "gaps stay open until a next event: it may not be asked which conversations are open";
            let help = "give the client's role analytics:conversationDetail:view";
            return warning("gaps", reason, help);
        }
        if self.gaps.open > 0 {
            let open = counted(self.gaps.open, "gap");
            let is = either(self.gaps.open, "is", "are");
            let seconds = self.age(self.gaps.oldest_since);
            let reason = format!("{open} {is} looked into, the oldest for {seconds:.0} s");
            return warning("gaps", reason, "wait: the log said what it costs");
        }
        good("gaps", "none is open")
    }

    fn configuration_file(&self) -> Check {
        match &self.configuration.problem {
            Some(problem) => warning(
                "configuration",
                format!("the configuration is refused, the earlier one is in force: {problem}"),
                "mend it (`attributed check`) and reload",
            ),
            None => good("configuration", "as its file said"),
        }
    }

    fn budget(&self) -> Check {
        let name = "budget";
        let resting = self.accounts.iter().find_map(|account| account.resting_for);
        if let Some(seconds) = resting {
            let reason = format!("Genesys said 429: the account rests for {seconds:.0} s");
            return warning(
                name,
                reason,
                "look for another program that uses the same OAuth client",
            );
        }
        let foreign = |account: &&Account| {
            u64::from(account.foreign) * 100 >= u64::from(account.allowed) * MOSTLY_FOREIGN
                && account.allowed > 0
        };
        if let Some(account) = self.accounts.iter().find(foreign) {
            let Account { foreign, allowed, .. } = account;
            let reason = format!("others use {foreign} of {allowed} requests a minute");
            return warning(name, reason, "give this service an OAuth client of its own");
        }
        let used: u32 = self.accounts.iter().map(|account| account.used).sum();
        let allowed: u32 = self.accounts.iter().map(|account| account.allowed).sum();
        good(name, format!("{used} of {allowed} requests used in this minute"))
    }
}

fn good(name: &str, reason: impl Into<String>) -> Check {
    check(name, State::Good, reason, "")
}

fn warning(name: &str, reason: impl Into<String>, help: &str) -> Check {
    check(name, State::Warning, reason, help)
}

fn failed(name: &str, reason: impl Into<String>, help: &str) -> Check {
    check(name, State::Failed, reason, help)
}

fn check(name: &str, state: State, reason: impl Into<String>, help: &str) -> Check {
    Check { name: name.to_owned(), state, reason: reason.into(), help: help.to_owned() }
}
