//! What the client was given of a conversation, and what it can tell by that.

use jiff::Timestamp;
use serde_json::Value;

use super::facts::facts;
use super::fold::{Entry, What};
use super::look::look;
use super::scene::Scene;
use super::{Last, Oracle};

impl Oracle {
    pub(super) fn seen(
        &mut self,
        socket: Option<u64>,
        sequence: u64,
        body: &Value,
        now: Timestamp,
    ) {
        self.heard = self.heard.max(now);
        let Some(id) = body["id"].as_str() else { return };
        let case = self.cases.entry(id.to_owned()).or_default();
        if let Some(socket) = socket {
            let newest = case.newest_on.entry(socket).or_default();
            if sequence <= *newest {
                let told_apart = case.last.as_ref().is_some_and(|last| last.facts != facts(body));
                if case.brought.insert(sequence) {
                    let seen = look(&Scene::new(body, &self.directory, &self.watched), &self.rules);
                    let what = if told_apart { What::Glimpsed(seen) } else { What::Crossed(seen) };
                    case.entries.push(Entry { sequence: case.newest, at: now, what });
                }
                return;
            }
            *newest = sequence;
            case.brought.insert(sequence);
        }
        if sequence == case.newest {
            return;
        }
        let scene = Scene::new(body, &self.directory, &self.watched);
        let seen = look(&scene, &self.rules);
        if sequence < case.newest {
            case.entries.push(Entry { sequence, at: now, what: What::Crossed(seen) });
            return;
        }
        let what = What::Looked(seen);
        case.newest = sequence;
        let (over, in_flow) = (scene.over(), scene.in_flow());
        let (body, facts) = (body.clone(), facts(body));
        case.last = Some(Last { body, over, in_flow, at: now, facts, lost: false });
        case.entries.push(Entry { sequence, at: now, what });
    }
}
