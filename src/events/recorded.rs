//! Conversations as people have them in files: a frame, the body of an event, an answer of the API,
//! or a line of a recording.
//!
//! A line of a recording is a frame as it was received, with two more names in it: `received_at`,
//! and `channel` (see [`Received::channel`](super::channels::Received)); a frame without them is
//! read all the same. Pure; no error holds anything of what was read.

use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conversation::{Conversation, Media};
use super::frame::Frame;
use super::shapes::Unreadable;
use super::topic::Topic;
use super::{read_generic, read_media};

/// A conversation, and what is known of how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub conversation: Conversation,
    pub shape: Shape,
    /// `None` for a body without its frame.
    pub topic: Option<Topic>,
    pub received_at: Option<Timestamp>,
    /// 0 where it is not said.
    pub channel: u32,
    /// Where the body stands in the text, in bytes.
    pub body: Range<usize>,
}

/// The first line of a recording: `{"recording": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Heading {
    pub recording: About,
}

/// What holds for the whole recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct About {
    pub version: u32,
    pub started_at: Option<String>,
    /// Values are keyed pseudonyms.
    pub redacted: bool,
    /// The ids of the users who were watched.
    pub watched: Vec<String>,
}

impl Heading {
    /// Reads a line, if it is a heading.
    pub fn read(line: &str) -> Option<Heading> {
        let is = line.trim_start().starts_with(r#"{"recording""#);
        is.then(|| serde_json::from_str(line).ok()).flatten()
    }
}

/// In which of its forms a conversation was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A frame of a topic.
    Frame,
    /// A body that holds communications in arrays: that of a generic topic, or the API's answer.
    Generic,
    /// A body of a media topic. Such a body does not name its medium; this is what it was taken for.
    Media(Media),
}

/// Why there is no conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConversation {
    /// It is a frame, and none that is about a conversation: a heartbeat, say. Nothing is wrong.
    #[error("it is a frame that tells of no conversation")]
    OtherFrame,
    #[error("it is not valid JSON: {0}")]
    NotJson(String),
    #[error("it is no event: {0}")]
    NoEvent(String),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// What tells the shapes apart.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Signs {
    #[serde(rename = "topicName")]
    topic_name: Option<serde_json::Value>,
    #[serde(deserialize_with = "lenient")]
    received_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    channel: Option<u32>,
    #[serde(deserialize_with = "lenient")]
    participants: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
}

impl Signs {
    fn received_at(&self) -> Option<Timestamp> {
        self.received_at.as_ref()?.parse().ok()
    }
}

/// What makes no sense is not there.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Arrays that only participants of the generic shape have. `messages` is in both.
const ARRAYS: [&str; 9] = [
    "calls",
    "callbacks",
    "chats",
    "emails",
    "videos",
    "cobrowsesessions",
    "screenshares",
    "internalMessages",
    "socialExpressions",
];

/// Names that participants of one medium have, in its flattened form, and others do not.
const TELLING: [(&str, Media); 6] = [
    ("messages", Media::Message),
    ("subject", Media::Email),
    ("messagesSent", Media::Email),
    ("callbackNumbers", Media::Callback),
    ("cobrowseSessionId", Media::Cobrowse),
    ("roomId", Media::Chat),
];

impl Recorded {
    /// Reads a text in whichever form it is.
    ///
    /// # Errors
    ///
    /// If there is no conversation in it.
    pub fn read(text: &str) -> Result<Recorded, NoConversation> {
        // Serde would also take an array for a structure.
        if !text.trim_start().starts_with('{') {
            return Err(NoConversation::NoEvent("it is no JSON object".to_owned()));
        }
        let signs: Signs = serde_json::from_str(text).map_err(|error| {
            // The error's own text can quote values.
            let place = format!("line {} column {}", error.line(), error.column());
            NoConversation::NotJson(place)
        })?;
        if signs.topic_name.is_some() { of_frame(text, &signs) } else { of_body(text, &signs) }
    }
}

fn of_frame(text: &str, signs: &Signs) -> Result<Recorded, NoConversation> {
    let (topic, body) = match Frame::read(text) {
        Frame::Conversation { topic, body, .. } => (topic, body),
        Frame::Unreadable { reason, .. } => return Err(NoConversation::NoEvent(reason.to_owned())),
        Frame::Heartbeat
        | Frame::Pong
        | Frame::SocketClosing
        | Frame::NoLongerSubscribed { .. }
        | Frame::TokenRevoked
        | Frame::OtherTopic { .. } => return Err(NoConversation::OtherFrame),
    };
    let conversation = match topic.media() {
        Some(media) => read_media(media, &text[body.clone()])?,
        None => read_generic(&text[body.clone()])?,
    };
    Ok(Recorded {
        conversation,
        shape: Shape::Frame,
        topic: Some(topic),
        received_at: signs.received_at(),
        channel: signs.channel.unwrap_or_default(),
        body,
    })
}

fn of_body(text: &str, signs: &Signs) -> Result<Recorded, NoConversation> {
    let Some(participants) = &signs.participants else {
        let missing = "it has neither topicName nor participants".to_owned();
        return Err(NoConversation::NoEvent(missing));
    };
    let flat = |one: &serde_json::Map<String, serde_json::Value>| {
        one.contains_key("state") && !ARRAYS.iter().any(|array| one.contains_key(*array))
    };
    let (shape, conversation) = if participants.iter().any(flat) {
        let has = |name: &str| participants.iter().any(|one| one.contains_key(name));
        let telling = TELLING.iter().find(|(name, _)| has(name));
        let media = telling.map_or(Media::Call, |(_, media)| *media);
        (Shape::Media(media), read_media(media, text)?)
    } else {
        (Shape::Generic, read_generic(text)?)
    };
    Ok(Recorded {
        conversation,
        shape,
        topic: None,
        received_at: signs.received_at(),
        channel: 0,
        body: 0..text.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples;

    #[test]
    fn every_form_is_known() {
        let generic = samples::body("voice-inbound-02-connected.json");
        let media = samples::body("voice-inbound-03-held.calls.json");
        let thread = samples::body("message-web-03-new-messages.messages.json");
        for (text, shape) in [
            (&generic, Shape::Generic),
            (&media, Shape::Media(Media::Call)),
            (&thread, Shape::Media(Media::Message)),
        ] {
            let read = Recorded::read(text).unwrap();
            assert_eq!((read.shape, read.topic, read.received_at), (shape, None, None));
            assert!(!read.conversation.participants.is_empty());
        }
        let frame = format!(
            r#"{{"received_at":"2026-11-20T14:00:00Z","channel":3,"topicName":"v2.users.u.conversations","eventBody":{generic}}}"#
        );
        let read = Recorded::read(&frame).unwrap();
        assert_eq!(read.conversation, read_generic(&generic).unwrap());
        assert_eq!((read.shape, read.channel), (Shape::Frame, 3));
        assert_eq!(read.received_at, "2026-11-20T14:00:00Z".parse().ok());
        assert_eq!(frame[read.body], generic);
        let of_medium = format!(
            r#"{{"topicName":"v2.users.u.conversations.calls","eventBody":{media},"received_at":7}}"#
        );
        let read = Recorded::read(&of_medium).unwrap();
        assert!(read.conversation.partial && read.received_at.is_none());
    }

    #[test]
    fn a_heading_is_told_from_an_event() {
        let about = About { version: 1, watched: vec!["u".to_owned()], ..About::default() };
        let line = serde_json::to_string(&Heading { recording: about.clone() }).unwrap();
        assert_eq!(Heading::read(&line).unwrap().recording, about);
        assert_eq!(Heading::read(r#"{"topicName":"channel.metadata"}"#), None);
        assert_eq!(Heading::read(r#"{"recording":7}"#), None);
    }

    #[test]
    fn what_is_no_conversation_is_told_without_its_values() {
        for (text, said) in [
            (r#"{"topicName":"channel.metadata"}"#, "it is a frame that tells of no conversation"),
            ("Jane", "it is no event: it is no JSON object"),
            ("[\"Jane\"]", "it is no event: it is no JSON object"),
            ("{\"a\":\n\"Jane\"", "it is not valid JSON: line 2 column 6"),
            (
                r#"{"topicName":"v2.users.u.conversations","eventBody":"Jane"}"#,
                "it is no event: eventBody is no object",
            ),
            (r#"{"participants":[]}"#, "the body has no conversation id"),
            (r#"{"id":"c"}"#, "it is no event: it has neither topicName nor participants"),
        ] {
            assert_eq!(Recorded::read(text).unwrap_err().to_string(), said, "{text}");
        }
    }
}
