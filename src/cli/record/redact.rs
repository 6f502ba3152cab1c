//! Makes a frame unrecognisable: what is known to be harmless stays, everything else is a
//! pseudonym.
//!
//! By allow-list, so that what Genesys adds tomorrow is hidden. Ids, enumerations and times stay,
//! and only if they look like such; also flags, and the names of attributes (not those that hold a
//! number or an address). Below `attributes` every value is hidden. Pure.

use serde_json::{Map, Number, Value};

use super::pseudonym::Pseudonyms;

/// Names of words that Genesys chooses from a list (FACTS 2.3).
const WORDS: [&str; 31] = [
    "acdOutcome",
    "adhocState",
    "agentExperienceState",
    "customerExperienceState",
    "direction",
    "disconnectType",
    "errorType",
    "exitReason",
    "flowType",
    "idType",
    "initialState",
    "mediaType",
    "messageStatus",
    "messageType",
    "monitoringType",
    "provider",
    "purpose",
    "recipientType",
    "recordingState",
    "screenRecordingState",
    "sessionIdType",
    "snippetState",
    "sourceType",
    "state",
    "status",
    "subType",
    "transferType",
    "type",
    "uploadStatus",
    "usedRouting",
    "wrapupPrompt",
];

/// Names of ids that do not end with `Id` or `Ids`.
const IDS: [&str; 5] = ["id", "code", "peer", "topicName", "version"];

/// Names that end with `Id` and can hold what people are called or how they are reached.
const NO_IDS: [&str; 4] = ["callerId", "socialMediaId", "contactId", "entityId"];

/// Names of numbers that say nothing of anybody.
const NUMBERS: [&str; 16] = [
    "alertingTimeoutMs",
    "alertingTimeoutSeconds",
    "autoAnswerAlertToneSeconds",
    "channel",
    "code",
    "durationMs",
    "durationSeconds",
    "heldDurationMs",
    "manualAnswerAlertToneSeconds",
    "maxParticipants",
    "messageSegmentCount",
    "messagesSent",
    "peerCount",
    "priority",
    "timeoutSeconds",
    "wrapupTimeoutMs",
];

/// Longer words are no enumeration.
const LONGEST_WORD: usize = 40;
/// Ids are UUIDs, mostly; topics are ids with a few words.
const LONGEST_ID: usize = 200;
/// So many digits in a row may be somebody's number.
const TELLING_DIGITS: usize = 6;

/// What becomes of an object's values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// Known names decide.
    Known,
    /// Attributes: names and values are the customers' own.
    Free,
}

/// Hides all of a frame that is not known to be harmless.
pub(super) fn redact(frame: &mut Map<String, Value>, pseudonyms: &Pseudonyms) {
    object(frame, Zone::Known, pseudonyms);
}

fn object(object: &mut Map<String, Value>, zone: Zone, pseudonyms: &Pseudonyms) {
    for (name, mut value) in std::mem::take(object) {
        let inner = if name == "attributes" { Zone::Free } else { zone };
        hide(&mut value, &name, inner, pseudonyms);
        let name = if is_name(&name) { name } else { pseudonyms.of(&name) };
        object.insert(name, value);
    }
}

fn hide(value: &mut Value, name: &str, zone: Zone, pseudonyms: &Pseudonyms) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            if zone == Zone::Free || !NUMBERS.contains(&name) {
                let hidden = number.as_i64().map(|number| pseudonyms.of_integer(number));
                *number = hidden.map_or_else(|| Number::from(0), Number::from);
            }
        }
        Value::String(text) => {
            if zone == Zone::Free || !is_harmless(name, text) {
                *text = pseudonyms.of(text);
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| hide(value, name, zone, pseudonyms));
        }
        Value::Object(inner) => object(inner, zone, pseudonyms),
    }
}

fn is_harmless(name: &str, text: &str) -> bool {
    let named_id = IDS.contains(&name) || name.ends_with("Id") || name.ends_with("Ids");
    text.parse::<jiff::Timestamp>().is_ok()
        || (named_id && !NO_IDS.contains(&name) && is_id(text))
        || (WORDS.contains(&name) && is_word(text))
}

fn is_id(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    // A word without any digit may be a name, unless it is a part of the protocol.
    let telling = text.chars().any(|c| c.is_ascii_digit()) || text.starts_with("v2.");
    let only_digits = text.chars().all(|c| c.is_ascii_digit()) && text.len() >= TELLING_DIGITS;
    text.len() <= LONGEST_ID && text.chars().all(part) && telling && !only_digits
}

fn is_word(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    text.len() <= LONGEST_WORD && begins && text.chars().all(part) && !has_telling_digits(text)
}

/// The name of a property or attribute; who uses numbers or addresses as names shows them else.
fn is_name(text: &str) -> bool {
    !text.contains('@') && !has_telling_digits(text)
}

fn has_telling_digits(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.map(str::len).max().unwrap_or_default() >= TELLING_DIGITS
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use serde_json::json;

    use super::*;
    use crate::events::recorded::Recorded;

    fn sample(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/events/");
        std::fs::read_to_string(format!("{folder}{name}")).unwrap()
    }

    fn redacted(text: &str) -> String {
        let mut frame = serde_json::from_str(text).unwrap();
        redact(&mut frame, &Pseudonyms::with_key(b"a key"));
        serde_json::to_string_pretty(&frame).unwrap()
    }

    #[test]
    fn a_sample_shows_nothing_of_anybody() {
        let text = redacted(&sample("voice-inbound-06-wrapup-complete.json"));
        for value in ["Casey", "13175550142", "gold", "casey@", "Explained", "AC-10042", "billing"]
        {
            assert!(!text.contains(value), "{value}");
        }
        expect_file!["./redacted.json"].assert_eq(&text);
    }

    #[test]
    fn what_remains_is_the_same_conversation() {
        for name in ["voice-inbound-03-held.json", "message-web-04-disconnected-acw.json"] {
            let before = Recorded::read(&sample(name)).unwrap().conversation;
            let after = Recorded::read(&redacted(&sample(name))).unwrap().conversation;
            assert_eq!((after.id.clone(), after.is_over()), (before.id.clone(), before.is_over()));
            for (one, other) in before.participants.iter().zip(&after.participants) {
                assert_eq!((&one.id, &one.purpose), (&other.id, &other.purpose));
                assert_eq!((&one.user_id, &one.queue_id), (&other.user_id, &other.queue_id));
                assert_eq!(one.connected_time, other.connected_time);
                assert_eq!(one.attributes.len(), other.attributes.len());
                for (leg, redacted) in one.communications.iter().zip(&other.communications) {
                    assert_eq!((&leg.media, &leg.state), (&redacted.media, &redacted.state));
                    assert_eq!((&leg.id, leg.held), (&redacted.id, redacted.held));
                    assert_eq!(leg.message_ids, redacted.message_ids);
                }
            }
            let digits = |of: &crate::events::conversation::Conversation| {
                of.customer_number().map(|number| number.chars().take(5).collect::<String>())
            };
            assert_eq!(digits(&before), digits(&after));
        }
    }

    #[test]
    fn what_only_pretends_to_be_harmless_is_hidden() {
        let text = redacted(
            &json!({
                "id": "Casey", "userId": "+4930123456", "queueId": "4930123456", "peerId": "a b",
                "callerId": "casey1", "purpose": "+4930123456", "state": "call 4930123456",
                "priority": "4930123456", "score": 4_930_123_456_i64, "new": "Casey", "ratio": 0.5,
                "attributes": { "4930123456": "agent", "when": "2026-11-20T14:00:00Z", "n": 4711,
                    "deep": { "state": "connected" } },
                "data": { "casey@example.com": true },
            })
            .to_string(),
        );
        for value in
            ["Casey", "4930123456", "a b", "casey", "agent", "2026", "connected", "4711", "0.5"]
        {
            assert!(!text.contains(value), "{value} is in {text}");
        }
    }
}
