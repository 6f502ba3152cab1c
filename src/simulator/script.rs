//! Faults that a test asks for: the next so many answers of an operation.
//!
//! What is done is said in a [`Trouble`]; the gate does it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Scripted faults that may wait at once.
const MOST: usize = 1_000;

/// "The next `times` requests of `operation`, after `skip` that pass, are answered so."
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scripted {
    /// `METHOD part-of-the-template`, such as `PATCH /attributes`; `*` stands for any method.
    pub operation: String,
    pub times: u32,
    pub skip: u32,
    /// Instead of the true answer.
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    /// A text is sent as HTML, anything else as JSON; without one, an `ErrorBody`.
    pub body: Option<Value>,
    /// Before the answer, but after acting.
    pub delay_ms: u64,
    /// The request is acted on although the answer says otherwise.
    pub act: bool,
    /// The connection breaks instead of an answer.
    pub reset: bool,
    /// A write is accepted and forgotten.
    pub swallow: bool,
}

/// What befalls one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trouble {
    /// Instead of the true answer.
    pub(super) answer: Option<Given>,
    pub(super) delay: Duration,
    /// Whether the request is acted on.
    pub(super) act: bool,
    pub(super) reset: bool,
    pub(super) swallow: bool,
}

/// An answer that is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Given {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Script {
    waiting: VecDeque<Scripted>,
}

impl Default for Scripted {
    fn default() -> Scripted {
        Scripted {
            operation: "*".to_owned(),
            times: 1,
            skip: 0,
            status: None,
            headers: BTreeMap::new(),
            body: None,
            delay_ms: 0,
            act: false,
            reset: false,
            swallow: false,
        }
    }
}

impl Script {
    /// Returns false if and only if there is no room.
    pub(super) fn push(&mut self, scripted: Scripted) -> bool {
        let has_room = self.waiting.len() < MOST;
        if has_room {
            self.waiting.push_back(scripted);
        }
        has_room
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Scripted> {
        self.waiting.iter()
    }

    /// The first that fits, used up by one.
    pub(super) fn next(&mut self, method: &str, template: &str) -> Option<Trouble> {
        let fits = |scripted: &Scripted| is_operation(&scripted.operation, method, template);
        let at = self.waiting.iter().position(fits)?;
        let scripted = self.waiting.get_mut(at)?;
        if scripted.skip > 0 {
            scripted.skip -= 1;
            return None;
        }
        let trouble = scripted.trouble();
        scripted.times = scripted.times.saturating_sub(1);
        if scripted.times == 0 {
            self.waiting.remove(at);
        }
        Some(trouble)
    }
}

impl Scripted {
    fn trouble(&self) -> Trouble {
        let answer = self.status.map(|status| Given {
            status,
            headers: self.headers.clone(),
            body: self.body.clone(),
        });
        Trouble {
            act: self.act || (answer.is_none() && !self.reset),
            answer,
            delay: Duration::from_millis(self.delay_ms),
            reset: self.reset,
            swallow: self.swallow,
        }
    }
}

impl Trouble {
    pub(super) fn answer(status: u16, act: bool) -> Trouble {
        Trouble { answer: Some(Given { status, ..Given::default() }), act, ..Trouble::default() }
    }

    pub(super) fn html(status: u16, act: bool) -> Trouble {
        let body = Value::from("<html><body><h1>502 Bad Gateway</h1></body></html>");
        let given = Given { status, body: Some(body), ..Given::default() };
        Trouble { answer: Some(given), act, ..Trouble::default() }
    }

    pub(super) fn throttled(seconds: u64) -> Trouble {
        let headers = BTreeMap::from([("retry-after".to_owned(), seconds.to_string())]);
        let given = Given { status: 429, headers, body: None };
        Trouble { answer: Some(given), ..Trouble::default() }
    }

    pub(super) fn slow(delay: Duration) -> Trouble {
        Trouble { delay, act: true, ..Trouble::default() }
    }

    pub(super) fn reset(act: bool) -> Trouble {
        Trouble { reset: true, act, ..Trouble::default() }
    }

    /// What kind of fault it is, for counting.
    pub(super) fn kind(&self) -> &'static str {
        let Some(given) = &self.answer else {
            return match (self.reset, self.swallow, self.act) {
                (true, _, true) => "reset after acting",
                (true, _, false) => "reset",
                (false, true, _) => "write swallowed",
                (false, false, _) => "answer slow",
            };
        };
        match (given.status, self.act) {
            (429, _) => "answer 429",
            (408, true) => "answer 408 after acting",
            (408, false) => "answer 408",
            (500.., true) => "answer 5xx after acting",
            (500.., false) => "answer 5xx",
            (_, true) => "answer 4xx after acting",
            (_, false) => "answer 4xx",
        }
    }

    /// For the log.
    pub(super) fn name(&self) -> String {
        let what = match (&self.answer, self.reset, self.swallow) {
            (Some(given), _, _) => match given.headers.get("retry-after") {
                Some(seconds) => format!("answer {}, retry after {seconds} s", given.status),
                None => format!("answer {}", given.status),
            },
            (None, true, _) => "reset".to_owned(),
            (None, false, true) => "swallow".to_owned(),
            (None, false, false) => format!("slow {} ms", self.delay.as_millis()),
        };
        let acts = self.act && (self.answer.is_some() || self.reset);
        if acts { format!("{what} after acting") } else { what }
    }
}

/// Returns true if and only if `METHOD part-of-the-template` names the operation.
pub(super) fn is_operation(pattern: &str, method: &str, template: &str) -> bool {
    let (wanted, part) = pattern.split_once(' ').unwrap_or((pattern, ""));
    (wanted == "*" || wanted.eq_ignore_ascii_case(method)) && template.contains(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_fault_is_used_up() {
        let mut script = Script::default();
        let operation = "PATCH /attributes".to_owned();
        assert!(script.push(Scripted {
            operation,
            times: 2,
            skip: 1,
            status: Some(503),
            ..Scripted::default()
        }));
        let mut ask = |method: &str| {
            script.next(method, "/x/attributes").map_or("-".to_owned(), |trouble| trouble.name())
        };
        let asked = ["GET", "PATCH", "PATCH", "PATCH", "PATCH"].map(&mut ask);
        assert_eq!(asked, ["-", "-", "answer 503", "answer 503", "-"]);
    }

    #[test]
    fn a_request_is_acted_on_unless_the_script_says_otherwise() {
        let acts = |scripted: Scripted| scripted.trouble().act;
        assert!(acts(Scripted { delay_ms: 5, ..Scripted::default() }));
        assert!(acts(Scripted { status: Some(503), act: true, ..Scripted::default() }));
        assert!(!acts(Scripted { status: Some(503), ..Scripted::default() }));
        assert!(!acts(Scripted { reset: true, ..Scripted::default() }));
    }
}
