//! Reads the answer of `GET /api/v2/conversations/{conversationId}`.
//!
//! It has the arrays of the generic topic and spells some words differently (FACTS 2.3), which the
//! reader of that shape takes in its stride. What it does not have at all is filled in from the
//! snapshot that was held, or a read would look to the rules as if those fields had vanished.

use super::generic::read_generic;
use super::unreadable::Unreadable;
use crate::events::conversation::Conversation;

/// Reads the body of a REST answer.
///
/// # Errors
///
/// If the body is not a JSON object in UTF-8 or has no conversation id.
pub fn read_rest(body: &[u8]) -> Result<Conversation, Unreadable> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Unreadable::NotUtf8 { at: error.valid_up_to() })?;
    read_generic(text)
}

impl Conversation {
    /// Fills in what only events tell: the flow of a participant, and whether a wrap-up is expected.
    pub fn fill_in_from(&mut self, held: &Conversation) {
        for participant in &mut self.participants {
            let Some(known) = held.participants.iter().find(|known| known.id == participant.id)
            else {
                continue;
            };
            if participant.flow_id.is_none() {
                participant.flow_id.clone_from(&known.flow_id);
            }
            participant.wrapup_expected = participant.wrapup_expected.or(known.wrapup_expected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples;

    #[test]
    fn a_rest_answer_is_the_snapshot_of_the_same_moment() {
        let event = samples::body("voice-inbound-06-wrapup-complete.json");
        let rest = event
            .replace("\"recordingState\":\"active\"", "\"recordingState\":\"ACTIVE\"")
            .replace("\"wrapupExpected\":true", "\"startTime\":\"2026-11-20T14:00:00Z\"")
            .replace("\"wrapupExpected\":false", "\"queueName\":\"Support\"")
            .replace("\"workflow\"", "\"evaluations\"");
        let held = read_generic(&event).unwrap();
        let mut read = read_rest(rest.as_bytes()).unwrap();
        assert_ne!(read, held);
        read.fill_in_from(&held);
        assert_eq!(read, held);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_place() {
        assert_eq!(read_rest(b"{\"id\":\"\xff\"}"), Err(Unreadable::NotUtf8 { at: 7 }));
        assert_eq!(read_rest(b"<html>"), read_generic("<html>"));
    }
}
