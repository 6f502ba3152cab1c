//! The sample frames in `tests/samples/events`, for the tests of this folder.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::conversation::Conversation;
use super::read_generic;

/// One inbound call, from the queue to the wrap-up. The first is a queue topic's.
pub(super) const CALL: [&str; 7] = [
    "voice-inbound-00-waiting.queue.json",
    "voice-inbound-01-alerting.json",
    "voice-inbound-02-connected.json",
    "voice-inbound-03-held.json",
    "voice-inbound-04-attributes-updated.json",
    "voice-inbound-05-disconnected-acw.json",
    "voice-inbound-06-wrapup-complete.json",
];

/// One web message thread.
pub(super) const THREAD: [&str; 5] = [
    "message-web-01-alerting.json",
    "message-web-02-connected.json",
    "message-web-03-new-messages.json",
    "message-web-04-disconnected-acw.json",
    "message-web-05-wrapup-complete.json",
];

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "eventBody")]
    body: &'a RawValue,
}

/// The body of a sample frame, compact, as it comes over the wire.
pub(super) fn body(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/events");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let envelope: Envelope<'_> = serde_json::from_str(&text).unwrap();
    let body: serde_json::Value = serde_json::from_str(envelope.body.get()).unwrap();
    body.to_string()
}

pub(super) fn sequence(names: &[&str]) -> Vec<Conversation> {
    names.iter().map(|name| read_generic(&body(name)).unwrap()).collect()
}
