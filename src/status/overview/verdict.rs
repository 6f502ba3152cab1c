//! Whether attributes are being written: the first thing that somebody wants to know.
//!
//! Pure, and made from the same values as the checks. Why not, and what to do, is said by
//! [`Overview::sentence`].

use serde::{Deserialize, Serialize};

use super::{Account, Overview, Stage, State};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub state: State,
    pub words: String,
}

impl Overview {
    pub fn verdict(&self) -> Verdict {
        let worst = self.checks().iter().map(|check| check.state).min().unwrap_or(State::Good);
        let (state, words) = match self.stage {
            Stage::LoggingIn | Stage::Asking | Stage::Subscribing => {
                (State::Failed, "Attributes are not being written yet: the service starts")
            }
            Stage::Stopping => {
                (State::Failed, "The service is stopping: what waits is written first")
            }
            Stage::Working if self.hears_nothing() || self.writes_nothing() => {
                (worst, "Attributes are NOT being written")
            }
            Stage::Working if self.rests() => {
                (worst, "Attributes wait until the account may ask again")
            }
            Stage::Working => (worst, self.while_written(worst)),
        };
        Verdict { state, words: words.to_owned() }
    }

    /// What is heard is written, or would be: that somebody holds it back, or that every account
    /// rests for now, is no failure.
    pub fn is_writing(&self) -> bool {
        match self.stage {
            Stage::LoggingIn | Stage::Asking | Stage::Subscribing => false,
            Stage::Working => !self.hears_nothing() && (self.holds_back() || !self.cannot_write()),
            Stage::Stopping => true,
        }
    }

    /// Nothing is written, because somebody wants it so.
    fn holds_back(&self) -> bool {
        self.dry_run || self.all_paused
    }

    /// Nothing is written, whatever is heard.
    pub(super) fn writes_nothing(&self) -> bool {
        self.holds_back() || self.cannot_write()
    }

    /// No write is accepted.
    fn cannot_write(&self) -> bool {
        let forbidden = self.troubles.forbidden.as_ref();
        forbidden.is_some_and(|it| it.all) || self.failing().is_some()
    }

    /// Nothing comes to be written.
    pub(super) fn hears_nothing(&self) -> bool {
        let no_token = self.accounts.iter().all(|account| !self.has_token(account));
        let channels = &self.channels;
        no_token
            || !self.silent_loops.is_empty()
            || channels.connected == 0
            || channels.topics.permitted == 0
    }

    fn rests(&self) -> bool {
        let rests = |account: &Account| account.resting_for.is_some();
        !self.accounts.is_empty() && self.accounts.iter().all(rests)
    }

    fn while_written(&self, worst: State) -> &'static str {
        let is_kept = self.journal.suspended.is_none();
        match worst {
            State::Failed if is_kept => "Attributes are being written in part only",
            State::Failed => "Attributes are being written, but a crash would lose what waits",
            State::Warning => "Attributes are being written, and something needs a look",
            State::Good => "Attributes are being written",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::well;
    use super::super::{Failing, Forbidden, Topics};
    use super::*;

    fn forbidden() -> Forbidden {
        let (operation, missing) = ("patch_attributes".to_owned(), String::new());
        Forbidden { operation, missing, all: true }
    }

    #[test]
    fn it_is_said_whether_attributes_are_being_written() {
        type Change = fn(&mut Overview);
        let cases: [(Change, State, &str); 15] = [
            (|_| (), State::Good, "are being written"),
            (|it| it.gaps.open = 1, State::Warning, "something needs a look"),
            (|it| it.paused = vec!["rule a".to_owned()], State::Warning, "are being written, and"),
            (
                |it| (it.all_paused, it.paused) = (true, vec!["every rule".to_owned()]),
                State::Warning,
                "NOT",
            ),
            (|it| it.dry_run = true, State::Warning, "NOT"),
            (|it| it.troubles.forbidden = Some(forbidden()), State::Warning, "NOT"),
            (
                |it| {
                    (it.updates.waiting, it.updates.capacity, it.at) = (1, 9, 20_000);
                    it.accounts[0].token_expires_at = Some(90_000);
                    it.troubles.failing = Some(Failing { since: 1, how: "503".into() });
                },
                State::Warning,
                "NOT",
            ),
            (|it| it.accounts[0].token_expires_at = None, State::Failed, "NOT"),
            (|it| it.channels.connected = 0, State::Failed, "NOT"),
            (|it| it.channels.uncovered_since = Some(1), State::Failed, "in part"),
            (|it| it.journal.suspended = Some("full".to_owned()), State::Failed, "a crash would"),
            (|it| it.silent_loops = vec!["pipeline".to_owned()], State::Failed, "NOT"),
            (|it| it.accounts[0].resting_for = Some(9.0), State::Warning, "wait until"),
            (|it| it.stage = Stage::Subscribing, State::Failed, "not being written yet"),
            (|it| it.stage = Stage::Stopping, State::Failed, "stopping"),
        ];
        for (change, state, words) in cases {
            let mut overview = well();
            change(&mut overview);
            let verdict = overview.verdict();
            assert_eq!(verdict.state, state, "{verdict:?}");
            assert!(verdict.words.contains(words), "{verdict:?}");
        }
    }

    #[test]
    fn what_is_held_back_is_no_failure_and_what_is_not_heard_is() {
        type Change = fn(&mut Overview);
        let cases: [(bool, Change); 12] = [
            (true, |_| ()),
            (true, |it| it.channels.uncovered_since = Some(1)),
            (true, |it| it.accounts[0].resting_for = Some(9.0)),
            (true, |it| it.dry_run = true),
            (true, |it| it.all_paused = true),
            (true, |it| it.stage = Stage::Stopping),
            (false, |it| it.stage = Stage::Subscribing),
            (false, |it| it.accounts[0].token_expires_at = None),
            (false, |it| it.channels.connected = 0),
            (false, |it| (it.dry_run, it.channels.topics) = (true, Topics::default())),
            (false, |it| it.silent_loops = vec!["pipeline".to_owned()]),
            (false, |it| it.troubles.forbidden = Some(forbidden())),
        ];
        for (number, (expected, change)) in cases.into_iter().enumerate() {
            let mut overview = well();
            change(&mut overview);
            assert_eq!(overview.is_writing(), expected, "{number}: {:?}", overview.verdict());
        }
        assert!(!Overview::default().is_writing());
    }

    #[test]
    fn why_nothing_is_written_goes_before_other_warnings() {
        let mut overview = well();
        overview.gaps.open = 1;
        overview.dry_run = true;
        assert!(overview.sentence().starts_with("dry run"), "{}", overview.sentence());
        overview.channels.connected = 0;
        assert!(overview.sentence().starts_with("0 of 2"), "{}", overview.sentence());
    }
}
