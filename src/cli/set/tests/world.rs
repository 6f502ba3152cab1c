//! A small Genesys Cloud: two live conversations of Jane, one of which is waiting for her answer, and
//! one that is over. Both dialects; writes show after so many reads.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::{Value, json};

use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};

pub(super) const JANE: &str = "10000000-0000-0000-0000-000000000001";

type Attributes = BTreeMap<String, Value>;

/// Answers instead of the world, or not.
type Fault = Box<dyn Fn(&Call) -> Option<(u16, Value)> + Send + Sync>;

pub(super) struct World {
    state: Mutex<State>,
    fault: Fault,
}

struct State {
    /// By conversation and participant.
    attributes: BTreeMap<(String, String), Attributes>,
    /// What was accepted and does not show yet.
    accepted: Vec<((String, String), Attributes)>,
    /// Reads until it does.
    lag: usize,
    asked: Vec<String>,
}

impl World {
    pub(super) fn new() -> World {
        let pair = |conversation: &str, participant: &str, attributes: Value| {
            let Value::Object(attributes) = attributes else { panic!() };
            ((conversation.to_owned(), participant.to_owned()), attributes.into_iter().collect())
        };
        let attributes = BTreeMap::from([
            pair("c1", "p1", json!({ "crm.id": "K-1" })),
            pair("c1", "p2", json!({ "cc.segment": "gold", "cc.tier": "1" })),
            pair("c2", "p3", json!({})),
            pair("c3", "p4", json!({})),
        ]);
        let state = State { attributes, accepted: Vec::new(), lag: 0, asked: Vec::new() };
        World { state: Mutex::new(state), fault: Box::new(|_| None) }
    }

    pub(super) fn with_lag(self, lag: usize) -> World {
        self.state.lock().unwrap().lag = lag;
        self
    }

    pub(super) fn with_fault(
        self,
        fault: impl Fn(&Call) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> World {
        World { fault: Box::new(fault), ..self }
    }

    /// Method, path and body of the calls so far, but for those to the directory.
    pub(super) fn asked(&self) -> String {
        self.state.lock().unwrap().asked.join("\n")
    }
}

impl State {
    fn conversation(&mut self, id: &str) -> (u16, Value) {
        self.look();
        let participant = |id: &str, purpose: &str, user: Option<&str>, state: &str| {
            let attributes = self.attributes.iter().find(|((_, one), _)| one == id);
            let over = (state == "disconnected").then_some("2026-11-20T14:09:00Z");
            json!({
                "id": id, "purpose": purpose, "userId": user, "endTime": over,
                "connectedTime": "2026-11-20T14:00:00.123Z",
                "attributes": attributes.map(|(_, attributes)| attributes),
                "calls": [{ "state": state }],
            })
        };
        let participants = match id {
            "c1" => json!([
                participant("p1", "customer", None, "connected"),
                participant("p0", "acd", None, "disconnected"),
                participant("p2", "agent", Some(JANE), "connected"),
            ]),
            "c2" => json!([participant("p3", "agent", Some(JANE), "alerting")]),
            "c3" => json!([participant("p4", "agent", Some(JANE), "disconnected")]),
            _ => return (404, json!({ "code": "not.found" })),
        };
        (200, json!({ "id": id, "participants": participants }))
    }

    /// What was accepted shows once it was looked for often enough.
    fn look(&mut self) {
        if self.accepted.is_empty() {
            return;
        }
        if self.lag > 0 {
            self.lag -= 1;
            return;
        }
        for (whose, attributes) in std::mem::take(&mut self.accepted) {
            self.attributes.entry(whose).or_default().extend(attributes);
        }
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let body: Value =
            call.body.as_ref().map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
        let path = call.path.split('?').next().unwrap().trim_start_matches("/api/v2/");
        let parts: Vec<&str> = path.split('/').collect();
        let attributes = || body["attributes"].as_object().unwrap().clone().into_iter().collect();
        match (call.method.as_str(), &parts[..]) {
            ("POST", ["users", "search"]) => {
                let user = json!({ "id": JANE, "name": "Jane Doe", "email": "jane@example.com" });
                (200, json!({ "results": [user], "pageCount": 1 }))
            }
            ("GET", ["users"]) => (200, json!({ "entities": [{ "id": JANE }], "pageCount": 1 })),
            ("GET", ["routing", ..]) => (200, json!({ "entities": [], "pageCount": 1 })),
            ("POST", ["analytics", ..]) => {
                let found = ["c1", "c2", "c3"].map(|id| json!({ "conversationId": id }));
                (200, json!({ "conversations": found }))
            }
            ("GET", ["conversations", "users", JANE]) => {
                let shown = |id: &str, user: &str, status: &str| json!({ "participantId": id, "userId": user, "status": status });
                let participants = [
                    shown("p1", "", "connected"),
                    shown("p5", JANE, "disconnected"),
                    shown("p2", JANE, "connected"),
                ];
                let one = json!({ "conversationId": "c1", "participants": participants });
                (200, json!({ "conversations": [one] }))
            }
            ("GET", ["conversations", id]) => self.conversation(id),
            ("PATCH", ["conversations", c, "participants", p, "attributes"]) => {
                self.accepted.push((((*c).to_owned(), (*p).to_owned()), attributes()));
                (202, Value::Null)
            }
            (method, ["conversations", c, "participants", p]) => {
                let whose = ((*c).to_owned(), (*p).to_owned());
                let Some(there) = self.attributes.get_mut(&whose) else {
                    return (404, json!({ "code": "not.found" }));
                };
                if method == "PUT" {
                    if body["status"] == "connected" {
                        return (409, json!({ "code": "request.conflict" }));
                    }
                    *there = attributes();
                }
                (200, json!({ "id": p, "attributes": there }))
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Api for World {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(std::future::ready(Permit::of(class)))
    }

    fn call_with(&self, _permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let mut state = self.state.lock().unwrap();
        let (status, body) = (self.fault)(&call).unwrap_or_else(|| state.answer(&call));
        if call.class != Class::Directory {
            let body = call.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
            let line = format!("{} {} {}", call.method, call.path, body.unwrap_or_default());
            state.asked.push(line.trim_end().to_owned());
        }
        Box::pin(std::future::ready(answered(&call, status, &body)))
    }
}

fn answered(call: &Call, status: u16, body: &Value) -> Result<Answer, CallError> {
    let correlation_id = Some("8e2a".to_owned());
    if let Ok(status) = StatusCode::from_u16(status)
        && status.is_success()
    {
        let body = Bytes::from(body.to_string());
        return Ok(Answer { status, correlation_id, date: None, body });
    }
    let missing = body["missing"].as_str().map(str::to_owned);
    let refusal = Refusal {
        operation: call.operation,
        status,
        code: body["code"].as_str().map(str::to_owned),
        message: String::new(),
        correlation_id,
        missing_permissions: missing.into_iter().collect(),
    };
    Err(match status {
        403 => CallError::Forbidden(refusal),
        404 => CallError::NotFound(refusal),
        409 => CallError::Conflict(refusal),
        _ => CallError::Refused(refusal),
    })
}
