//! What is well and what is not, each with a reason and with what to do.
//!
//! Pure. *Failed* is what keeps events from being heard, or what was accepted from being kept:
//! then the daemon is not ready. *Warning* is what somebody should look at while the work goes on.

use serde::{Deserialize, Serialize};

use super::{Account, Overview, Stage};
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

/// A budget of which others use this share is not ours any more, in percent.
const MOSTLY_FOREIGN: u64 = 50;
/// An update that waits so long is worth a look: ten times what the confirmation of one takes.
const OLD_SECONDS: f64 = 300.0;

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
            self.rules_file(),
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
        let of =
            format!("{} of {} connected", channels.connected, counted(channels.total, "channel"));
        let help = "it reconnects by itself, and looks up what was missed; if it does not, see the log's `disconnected` lines and the network";
        if channels.connected == 0 && self.stage != Stage::Working {
            return failed("sockets", format!("{of}: the service starts"), "wait a moment");
        }
        if channels.connected == 0 || channels.uncovered_since.is_some() {
            return failed("sockets", format!("{of}: some topics are not heard"), help);
        }
        if channels.connected < channels.total {
            return warning("sockets", format!("{of}: every topic is heard on another"), help);
        }
        good("sockets", of)
    }

    fn subscriptions(&self) -> Check {
        let name = "subscriptions";
        let topics = &self.channels.topics;
        match self.stage {
            Stage::LoggingIn | Stage::Asking => {
                return failed(
                    name,
                    "the directory has not said yet whom to watch",
                    "wait; if it lasts, see the log's `directory` lines",
                );
            }
            Stage::Stopping => return failed(name, "the service stops", "nothing"),
            Stage::Subscribing | Stage::Working => {}
        }
        let permitted = format!("{} permitted", counted(topics.permitted, "topic"));
        let rejected = format!("{permitted}, {} rejected", topics.rejected);
        let roles =
            "give a role of the OAuth client the permissions that the log names, and reload";
        if topics.wanted == 0 {
            let help = "check the names in [watch] with `attributed check --online`";
            return failed(name, "nothing is watched", help);
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

    fn rules_file(&self) -> Check {
        let (name, rules) = ("rules", &self.rules);
        if let Some(problem) = &rules.problem {
            let reason =
                format!("the rules file is refused, earlier rules are in force: {problem}");
            return warning(
                name,
                reason,
                "mend it (`attributed check` shows every problem) and reload",
            );
        }
        if let Some(set) = &rules.rolled_back {
            let reason = format!("rolled back to {set}, the rules file is passed over");
            return warning(name, reason, "mend the rules file and reload");
        }
        if let Some(writes) = rules.unconfirmed_writes {
            let reason = format!("{} not made yet", counted(writes, "write"));
            return warning(
                name,
                reason,
                "look at `attributed reload --plan`, then `attributed reload --confirm`",
            );
        }
        good(name, format!("{} in force ({})", counted(rules.count, "rule"), rules.hash))
    }

    fn lists(&self) -> Check {
        match self.rules.lists_refused.first() {
            Some((list, why)) => warning(
                "lists",
                format!("the list {list} is refused, the earlier one is in force: {why}"),
                "mend its file; `attributed reload --confirm` takes one that has shrunk",
            ),
            None => good("lists", "as their files say"),
        }
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

    fn outbox(&self) -> Check {
        let updates = &self.updates;
        let waiting = counted(updates.waiting, "participant");
        let (age, wait) = (self.age(updates.oldest_at), either(updates.waiting, "waits", "wait"));
        if updates.waiting > 0 && updates.waiting >= updates.capacity {
            let reason = format!("full: {waiting} {wait}");
            return warning(
                "outbox",
                reason,
                "more is wished than the budget can write: see the rules with the most matches",
            );
        }
        if age > OLD_SECONDS {
            let reason = format!("{waiting} {wait}, the oldest for {age:.0} s");
            return warning("outbox", reason, "see the budget and the log's `push failed` lines");
        }
        good("outbox", format!("{waiting} {wait}"))
    }

    fn delivered(&self) -> Check {
        match self.updates.dead_letters {
            0 => good("dead-letters", "none"),
            letters => warning(
                "dead-letters",
                format!("{} kept", counted(letters, "dead letter")),
                "`attributed dead-letters list` says which and why; retry or drop them",
            ),
        }
    }

    fn writing(&self) -> Check {
        if self.dry_run {
            let help = "start without --dry-run, or set updates.dry_run = false and reload";
            return warning(WRITING, "dry run: nothing is written", help);
        }
        if !self.paused.is_empty() {
            let reason = format!("paused: {}", self.paused.join(", "));
            return warning(WRITING, reason, "`attributed resume` when it is time");
        }
        good(WRITING, "attributes are written")
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

#[cfg(test)]
mod tests {
    use super::super::{Channels, Topics};
    use super::*;

    /// Everything is well.
    fn well() -> Overview {
        let account = Account { token_expires_at: Some(9_000), allowed: 300, ..Account::default() };
        let topics = Topics { wanted: 3, permitted: 3, ..Topics::default() };
        Overview {
            at: 1_000,
            stage: Stage::Working,
            accounts: vec![account],
            channels: Channels { total: 2, connected: 2, topics, ..Channels::default() },
            ..Overview::default()
        }
    }

    /// What is not good, as `name state`.
    fn bad(change: impl FnOnce(&mut Overview)) -> Vec<String> {
        let mut overview = well();
        change(&mut overview);
        let checks = overview.checks();
        let bad = checks.into_iter().filter(|check| check.state != State::Good);
        bad.map(|check| {
            assert!(!check.reason.is_empty() && !check.help.is_empty(), "{check:?}");
            format!("{} {}", check.name, check.state.word())
        })
        .collect()
    }

    #[test]
    fn all_is_well() {
        assert_eq!(bad(|_| ()), Vec::<String>::new());
        assert!(well().is_ready());
        assert!(well().sentence().starts_with("All is well: 3 of 3 topics"));
    }

    #[test]
    fn what_keeps_the_work_from_being_done_fails() {
        type Change = fn(&mut Overview);
        let cases: [(&str, Change); 8] = [
            ("loops failed", |it| it.silent_loops = vec!["pipeline".to_owned()]),
            ("token failed", |it| it.accounts[0].token_expires_at = None),
            ("token failed", |it| it.accounts[0].token_expires_at = Some(1_000)),
            ("sockets failed", |it| it.channels.connected = 0),
            ("sockets failed", |it| it.channels.uncovered_since = Some(7)),
            ("subscriptions failed", |it| it.channels.topics.permitted = 2),
            ("subscriptions failed", |it| it.channels.topics.wanted = 0),
            ("journal failed", |it| it.journal.suspended = Some("disk full".to_owned())),
        ];
        for (expected, change) in cases {
            assert_eq!(bad(change), [expected]);
        }
        let nothing_permitted = |it: &mut Overview| {
            it.channels.topics = Topics { wanted: 3, rejected: 3, ..Topics::default() };
        };
        assert_eq!(bad(nothing_permitted), ["subscriptions failed"]);
        let mut broken = well();
        broken.journal.suspended = Some("disk full".to_owned());
        broken.dry_run = true;
        assert!(!broken.is_ready());
        let sentence = broken.sentence();
        assert!(
            sentence.starts_with("suspended, a crash loses what waits: disk full; see"),
            "{sentence}"
        );
    }

    #[test]
    fn what_somebody_should_look_at_is_a_warning() {
        type Change = fn(&mut Overview);
        let cases: [(&str, Change); 17] = [
            ("token warning", |it| it.accounts[0].token_problem = Some("503".to_owned())),
            ("sockets warning", |it| it.channels.connected = 1),
            ("subscriptions warning", |it| {
                it.channels.topics.permitted = 2;
                it.channels.topics.rejected = 1;
            }),
            ("subscriptions warning", |it| {
                it.channels.topics.permitted = 2;
                it.channels.topics.without_room = 1;
            }),
            ("gaps warning", |it| it.gaps.open = 1),
            ("gaps warning", |it| it.gaps.not_permitted = true),
            ("rules warning", |it| it.rules.problem = Some("rules.toml:3: no".to_owned())),
            ("rules warning", |it| it.rules.rolled_back = Some("abc".to_owned())),
            ("rules warning", |it| it.rules.unconfirmed_writes = Some(4000)),
            ("lists warning", |it| {
                it.rules.lists_refused = vec![("vip".to_owned(), "it has shrunk".to_owned())];
            }),
            ("configuration warning", |it| it.configuration.problem = Some("no".to_owned())),
            ("budget warning", |it| it.accounts[0].resting_for = Some(17.0)),
            ("budget warning", |it| it.accounts[0].foreign = 150),
            ("outbox warning", |it| it.updates.waiting = 1),
            ("outbox warning", |it| {
                (it.updates.waiting, it.updates.capacity) = (1, 10);
                (it.at, it.updates.oldest_at) = (400_000, Some(1));
                it.accounts[0].token_expires_at = Some(500_000);
            }),
            ("dead-letters warning", |it| it.updates.dead_letters = 2),
            ("writing warning", |it| it.paused = vec!["every rule".to_owned()]),
        ];
        for (expected, change) in cases {
            assert_eq!(bad(change), [expected]);
            let mut overview = well();
            change(&mut overview);
            assert!(overview.is_ready(), "{expected}");
        }
    }

    #[test]
    fn it_is_not_ready_before_it_has_begun() {
        let none = Overview::default();
        assert!(!none.is_ready());
        let names: Vec<String> = none.checks().into_iter().map(|check| check.name).collect();
        let same: Vec<String> = well().checks().into_iter().map(|check| check.name).collect();
        assert_eq!(names, same, "always the same checks");
    }
}
