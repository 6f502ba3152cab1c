//! When a communication, a participant and a conversation have ended, and when a flow still runs.
//!
//! Times are believed over states: a communication can still be `connected` although it has a
//! disconnect time (FACTS 2.5.5).

use super::conversation::{Communication, Conversation, Participant};

/// Purposes of flows that hold attributes in memory and write them back when they end, over what
/// was written meanwhile (FACTS 3.3). Not `workflow`: flows of messages and e-mails read and write
/// directly.
const FLOW_PURPOSES: [&str; 3] = ["ivr", "botflow", "voicesurveyflow"];

impl Communication {
    /// Returns true if and only if it has a disconnect time, or its state says that it has ended.
    pub fn ended(&self) -> bool {
        self.disconnected_time.is_some()
            || matches!(self.state.as_deref(), Some("disconnected" | "terminated"))
    }

    fn in_after_call_work(&self) -> bool {
        self.after_call_work.as_deref() == Some("pending") && self.after_call_work_ended.is_none()
    }
}

impl Participant {
    /// Returns true if and only if it has an end time. An agent in after-call work has none yet.
    pub fn ended(&self) -> bool {
        self.end_time.is_some()
    }

    /// Returns true if and only if somebody still has to finish after-call work.
    pub fn in_after_call_work(&self) -> bool {
        if self.end_acw_time.is_some() {
            return false;
        }
        let begun = self.start_acw_time.is_some() && !self.ended();
        begun || self.communications.iter().any(Communication::in_after_call_work)
    }

    /// Returns true if and only if the participant is no longer connected by any medium, whether or
    /// not it has after-call work. One that never had a communication has left when it has ended.
    pub fn has_left(&self) -> bool {
        let hung_up =
            !self.communications.is_empty() && self.communications.iter().all(Communication::ended);
        self.ended() || hung_up
    }
}

impl Conversation {
    /// Returns true if and only if nobody is connected and no after-call work is pending (DESIGN 3).
    /// A snapshot that shows nobody at all tells nothing, so it is not over.
    pub fn is_over(&self) -> bool {
        !self.participants.is_empty()
            && self.participants.iter().all(|one| one.has_left() && !one.in_after_call_work())
    }

    /// Returns true if and only if a flow runs that may overwrite at its end what is written now.
    pub fn in_flow(&self) -> bool {
        self.participants.iter().any(|participant| {
            let purpose = participant.purpose.as_deref().unwrap_or_default();
            FLOW_PURPOSES.contains(&purpose)
                && !participant.ended()
                && participant.communications.iter().any(|leg| !leg.ended())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::read_generic;
    use crate::events::samples::{self, CALL, THREAD};

    fn participant(json: &str) -> Participant {
        let body = format!(r#"{{"id":"c","participants":[{{"id":"p",{json}}}]}}"#);
        read_generic(&body).unwrap().participants.remove(0)
    }

    #[test]
    fn the_samples_are_over_with_the_last() {
        for names in [&CALL[..], &THREAD] {
            let over: Vec<bool> =
                samples::sequence(names).iter().map(Conversation::is_over).collect();
            let (last, before) = over.split_last().unwrap();
            assert!(*last && !before.contains(&true), "{over:?}");
        }
    }

    #[test]
    fn times_are_believed_over_states() {
        const TIME: &str = "\"2026-11-20T14:00:00Z\"";
        for (leg, expected) in [
            (r#""state":"connected""#.to_owned(), false),
            (r#""state":"disconnected""#.to_owned(), true),
            (r#""state":"terminated""#.to_owned(), true),
            (format!(r#""state":"connected","disconnectedTime":{TIME}"#), true),
            (String::new(), false),
        ] {
            let json = format!(r#""callbacks":[{{{leg}}}]"#);
            assert_eq!(participant(&json).communications[0].ended(), expected, "{leg}");
            assert_eq!(participant(&json).has_left(), expected, "{leg}");
        }
    }

    #[test]
    fn after_call_work_ends_with_any_of_its_signs() {
        const T: &str = "\"2026-11-20T14:00:00Z\"";
        for (json, expected) in [
            (format!(r#""startAcwTime":{T}"#), true),
            (format!(r#""startAcwTime":{T},"endAcwTime":{T}"#), false),
            (format!(r#""startAcwTime":{T},"endTime":{T}"#), false),
            (r#""calls":[{"afterCallWork":{"state":"pending"}}]"#.to_owned(), true),
            (format!(r#""endTime":{T},"calls":[{{"afterCallWork":{{"state":"pending"}}}}]"#), true),
            (
                format!(r#""calls":[{{"afterCallWork":{{"state":"pending","endTime":{T}}}}}]"#),
                false,
            ),
            (r#""calls":[{"afterCallWork":{"state":"notApplicable"}}]"#.to_owned(), false),
        ] {
            assert_eq!(participant(&json).in_after_call_work(), expected, "{json}");
        }
    }

    #[test]
    fn only_a_running_voice_or_bot_flow_holds_attributes() {
        for (json, expected) in [
            (r#""purpose":"ivr","calls":[{"state":"connected"}]"#, true),
            (r#""purpose":"botflow","messages":[{"state":"connected"}]"#, true),
            (r#""purpose":"ivr","calls":[{"state":"disconnected"}]"#, false),
            (
                r#""purpose":"ivr","endTime":"2026-11-20T14:00:00Z","calls":[{"state":"connected"}]"#,
                false,
            ),
            (r#""purpose":"ivr""#, false),
            (r#""purpose":"workflow","messages":[{"state":"connected"}]"#, false),
            (r#""purpose":"agent","calls":[{"state":"connected"}]"#, false),
        ] {
            let body = format!(r#"{{"id":"c","participants":[{{"id":"p",{json}}}]}}"#);
            assert_eq!(read_generic(&body).unwrap().in_flow(), expected, "{json}");
        }
    }

    #[test]
    fn an_empty_conversation_is_not_over() {
        assert!(!read_generic(r#"{"id":"c","participants":null}"#).unwrap().is_over());
    }
}
