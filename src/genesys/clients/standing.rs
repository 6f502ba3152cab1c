//! How one client stands: whether it is refused, and what it is forbidden.
//!
//! Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::genesys::call::{Call, CallError, Class};

/// So many refusals of an operation in a row are no longer one division's conversations.
const IN_A_ROW: u32 = 3;
/// How long a client is not asked for what it is forbidden, where another is not.
const BARRED: Duration = Duration::from_secs(60);
/// A client that gets no token for so long while another has one is as good as refused.
const NO_TOKEN: Duration = Duration::from_secs(60);

/// How a client stands, for those who share out work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Well,
    /// After a 429, until then. What it carries it goes on carrying.
    Resting {
        until: Instant,
    },
    /// Nothing that it does will succeed until somebody mends it.
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct State {
    refused: Option<Refused>,
    /// Since when there was no token; `None` as long as there is.
    no_token_since: Option<Instant>,
    /// By operation.
    forbidden: BTreeMap<&'static str, Bar>,
}

#[derive(Debug)]
struct Refused {
    /// One line.
    reason: String,
    credentials: bool,
    probe_at: Instant,
}

#[derive(Debug)]
struct Bar {
    class: Class,
    in_a_row: u32,
    until: Option<Instant>,
}

impl State {
    /// Why it is refused, if it is.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_ref().map(|refused| refused.reason.as_str())
    }

    pub(super) fn credentials_refused(&self) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.credentials)
    }

    /// Returns true if that is news.
    pub(super) fn refuse(&mut self, error: &CallError, probe_at: Instant) -> bool {
        let (credentials, reason) = if let CallError::Credentials(reason) = error {
            (true, reason.clone())
        } else {
            (false, error.to_string())
        };
        let news = self.refused.is_none();
        let probe_at = self.refused.as_ref().map_or(probe_at, |refused| refused.probe_at);
        self.refused = Some(Refused { reason, credentials, probe_at });
        news
    }

    /// When it is to be tried, if it is refused.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        self.refused.as_ref().map(|refused| refused.probe_at)
    }

    /// It is being tried; the next time is then.
    pub(super) fn probed(&mut self, next: Instant) {
        if let Some(refused) = &mut self.refused {
            refused.probe_at = next;
        }
    }

    pub(super) fn is_well(&mut self) {
        *self = State::default();
    }

    /// There is a token: a call was answered, or one was got.
    pub(super) fn answered(&mut self) {
        self.no_token_since = None;
    }

    /// A call of this operation succeeded.
    pub(super) fn succeeded(&mut self, operation: &'static str) {
        self.answered();
        if !self.forbidden.is_empty() {
            self.forbidden.remove(operation);
        }
    }

    pub(super) fn has_token(&self) -> bool {
        self.no_token_since.is_none()
    }

    /// There was no token. Returns true if there has been none for long.
    pub(super) fn without_token(&mut self, now: Instant) -> bool {
        now >= *self.no_token_since.get_or_insert(now) + NO_TOKEN
    }

    /// A call was forbidden. Returns true if the operation is barred by it that was not.
    pub(super) fn forbidden(&mut self, call: &Call, now: Instant) -> bool {
        let new = Bar { class: call.class, in_a_row: 0, until: None };
        let bar = self.forbidden.entry(call.operation).or_insert(new);
        bar.in_a_row = bar.in_a_row.saturating_add(1);
        if bar.in_a_row < IN_A_ROW {
            return false;
        }
        bar.until.replace(now + BARRED).is_none()
    }

    /// Whether it is forbidden this call, or without one anything of the class.
    pub(super) fn is_barred(&self, class: Class, call: Option<&Call>, now: Instant) -> bool {
        let is = |bar: &Bar| bar.until.is_some_and(|until| until > now);
        match call {
            Some(call) => self.forbidden.get(call.operation).is_some_and(is),
            None => self.forbidden.values().any(|bar| bar.class == class && is(bar)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn call(operation: &'static str) -> Call {
        let path = String::new();
        Call { class: Class::Update, operation, method: Method::GET, path, body: None }
    }

    #[test]
    fn what_is_forbidden_again_and_again_is_barred_for_a_while() {
        let (mut state, start) = (State::default(), Instant::now());
        let patch = call("patch_attributes");
        assert!(!state.forbidden(&patch, start) && !state.forbidden(&patch, start));
        state.succeeded("patch_attributes");
        let barred: Vec<bool> = (0..4).map(|_| state.forbidden(&patch, start)).collect();
        assert_eq!(barred, [false, false, true, false], "said once");
        assert!(state.is_barred(Class::Update, None, start));
        assert!(!state.is_barred(Class::Recovery, None, start));
        assert!(!state.is_barred(Class::Update, Some(&call("get_participant")), start));
        assert!(state.is_barred(Class::Update, Some(&patch), start + BARRED / 2));
        assert!(!state.is_barred(Class::Update, Some(&patch), start + BARRED), "tried again");
        state.succeeded("patch_attributes");
        assert!(!state.forbidden(&patch, start + BARRED));
    }

    #[test]
    fn a_token_that_is_missing_for_long_is_a_refusal() {
        let (mut state, start) = (State::default(), Instant::now());
        assert!(!state.without_token(start) && !state.has_token());
        assert!(!state.without_token(start + NO_TOKEN / 2));
        assert!(state.without_token(start + NO_TOKEN));
        state.answered();
        assert!(state.has_token() && !state.without_token(start + 2 * NO_TOKEN));
    }
}
