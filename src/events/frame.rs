//! One text from the socket, as far as its envelope tells (FACTS 2.1, 2.2).
//!
//! Pure, and it never fails: whatever is not understood is a [`Frame`] too. A conversation is read on
//! the way, so that a text is gone through once, and by whoever reads the socket, of which there are
//! many. Nothing that a frame holds in its values gets out of here but topic names and a reason word;
//! an excerpt tells structure.

use std::ops::Range;

use serde::Deserialize;

use super::conversation::Conversation;
use super::shapes::keys::known;
use super::shapes::lexer::{Broken, Lexer, Read};
use super::shapes::{Next, Unreadable, next_generic, next_media};
use super::topic::Topic;
use crate::genesys::ConversationId;

/// What a text from the socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Heartbeat,
    /// The answer to our ping.
    Pong,
    /// A planned close, about a minute ahead.
    SocketClosing,
    /// The channel carries our topics no more; mostly it was evicted by a 21st channel.
    NoLongerSubscribed {
        /// Genesys' word, such as `another_channel_subscribed`.
        reason: String,
    },
    TokenRevoked,
    Conversation {
        topic: Topic,
        /// Where `eventBody` stands in the text, in bytes.
        body: Range<usize>,
        conversation: Result<Box<Conversation>, Unread>,
    },
    /// Well formed, and nothing that we asked for.
    OtherTopic {
        /// Printable and bounded.
        topic: String,
    },
    Unreadable {
        /// Printable and bounded, as far as there is one.
        topic: Option<String>,
        reason: &'static str,
        /// Structure only: length, place of the error, names of known keys.
        excerpt: String,
    },
}

/// Why the conversation in a frame was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The body is, byte for byte, one of this conversation that was read before.
    #[error("the body was read before")]
    Repeat(ConversationId),
    /// It is nobody's, without an id.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Topic ids are shorter than 200 characters (FACTS 1.5).
const LONGEST_TOPIC: usize = 200;
/// Reasons are words like `user_tokens_revoked`.
const LONGEST_REASON: usize = 60;
/// What control topics begin with.
const SYSTEM: &str = "v2.system.";
/// The only keys that an excerpt names: any other might be data.
const KNOWN_KEYS: [&str; 8] = [
    "topicName",
    "version",
    "eventBody",
    "metadata",
    "result",
    "status",
    "message",
    "correlationId",
];

known! { Member { TopicName = "topicName", EventBody = "eventBody", } }

/// What a frame is wrapped in.
#[derive(Default)]
struct Envelope {
    name: Option<String>,
    topic: Option<Topic>,
    body: Option<Range<usize>>,
    /// What the body is; if its topic was not known when it came, what it is for a generic one.
    next: Option<Next>,
    /// The body is one of this conversation that came before.
    repeats: Option<ConversationId>,
}

/// What the bodies of control frames tell; any of it can be missing.
#[derive(Default, Deserialize)]
struct Control {
    message: Option<String>,
    reason: Option<String>,
}

impl Frame {
    pub fn read(text: &str) -> Frame {
        Frame::read_new(text, |_| None)
    }

    /// Reads a text, except for a body that `seen` knows. It is given what begins with the body, and
    /// returns that body's length and conversation.
    pub fn read_new(text: &str, seen: impl Fn(&str) -> Option<(usize, ConversationId)>) -> Frame {
        if !text.trim_start().starts_with('{') {
            return unreadable(None, "not a JSON object", text);
        }
        let Ok(envelope) = Envelope::read(text, &seen) else {
            return unreadable(None, "not valid JSON", text);
        };
        let Envelope { name: Some(name), topic, body, next, repeats } = envelope else {
            return unreadable(None, "no topicName", text);
        };
        let Some(topic) = topic else {
            return control(&name, body.map(|place| &text[place]))
                .unwrap_or_else(|| Frame::OtherTopic { topic: printable(&name, LONGEST_TOPIC) });
        };
        let Some(body) = body else {
            return unreadable(Some(&name), "no eventBody", text);
        };
        if let Some(id) = repeats {
            return Frame::Conversation { topic, body, conversation: Err(Unread::Repeat(id)) };
        }
        let next = next.map_or_else(|| next_of(&topic, &mut Lexer::new(&text[body.clone()])), Ok);
        match next {
            Ok(Next::Conversation(read)) => {
                Frame::Conversation { topic, body, conversation: Ok(read) }
            }
            Ok(Next::NoId) => {
                let conversation = Err(Unreadable::NoId.into());
                Frame::Conversation { topic, body, conversation }
            }
            Ok(Next::NotAnObject) => unreadable(Some(&name), "eventBody is no object", text),
            Err(Broken) => unreadable(Some(&name), "not valid JSON", text),
        }
    }
}

impl Envelope {
    fn read(text: &str, seen: &impl Fn(&str) -> Option<(usize, ConversationId)>) -> Read<Envelope> {
        let (mut lexer, mut envelope) = (Lexer::new(text), Envelope::default());
        lexer.object(|lexer, member| envelope.take(lexer, member, seen))?;
        lexer.end()?;
        Ok(envelope)
    }

    fn take(
        &mut self,
        lexer: &mut Lexer<'_>,
        member: Member,
        seen: &impl Fn(&str) -> Option<(usize, ConversationId)>,
    ) -> Read<()> {
        match member {
            Member::TopicName => {
                self.name = lexer.text()?.map(|name| name.text().into_owned());
                self.topic = self.name.as_deref().and_then(Topic::parse);
                if self.topic.as_ref().is_some_and(|topic| topic.media().is_some()) {
                    self.next = None;
                }
            }
            Member::EventBody => {
                let is_null = lexer.peek()? == b'n';
                let start = lexer.at();
                let is_generic = self.topic.as_ref().is_some_and(|topic| topic.media().is_none());
                let repeat = is_generic.then(|| seen(lexer.rest())).flatten();
                self.next = match (&self.topic, &self.name) {
                    _ if repeat.is_some() => None,
                    (Some(topic), _) => Some(next_of(topic, lexer)?),
                    // Most likely the topic that will follow is one of those we subscribe to.
                    (None, None) => lexer.attempt(next_generic)?,
                    (None, Some(_)) => lexer.skip_value().map(|()| None)?,
                };
                if let Some((length, id)) = repeat {
                    lexer.step_over(length);
                    self.repeats = Some(id);
                }
                self.body = (!is_null).then(|| start..lexer.at());
            }
        }
        Ok(())
    }
}

fn next_of(topic: &Topic, lexer: &mut Lexer<'_>) -> Read<Next> {
    match topic.media() {
        Some(media) => next_media(media, lexer),
        None => next_generic(lexer),
    }
}

fn control(name: &str, body: Option<&str>) -> Option<Frame> {
    let name = name.to_ascii_lowercase();
    let control = || {
        let body = body.and_then(|raw| serde_json::from_str::<Control>(raw).ok());
        body.unwrap_or_default()
    };
    if name == "channel.metadata" {
        let pong = control().message.is_some_and(|word| word.eq_ignore_ascii_case("pong"));
        return Some(if pong { Frame::Pong } else { Frame::Heartbeat });
    }
    let system = name.strip_prefix(SYSTEM)?;
    match system.split('.').next()? {
        "socket_closing" => Some(Frame::SocketClosing),
        "token_revoked" => Some(Frame::TokenRevoked),
        "no_longer_subscribed" => {
            let reason = control().reason.unwrap_or_else(|| "none-given".to_owned());
            Some(Frame::NoLongerSubscribed { reason: printable(&reason, LONGEST_REASON) })
        }
        // What follows can be the channel's id, and who knows that knows its address.
        _ => Some(Frame::OtherTopic { topic: SYSTEM.to_owned() }),
    }
}

fn unreadable(topic: Option<&str>, reason: &'static str, text: &str) -> Frame {
    let topic = topic.map(|name| printable(name, LONGEST_TOPIC));
    Frame::Unreadable { topic, reason, excerpt: excerpt(text) }
}

/// The text's structure, free of its values.
fn excerpt(text: &str) -> String {
    let length = text.len();
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(fields)) => {
            let known: Vec<&str> =
                KNOWN_KEYS.into_iter().filter(|key| fields.contains_key(*key)).collect();
            let others = fields.len() - known.len();
            format!("{length} bytes, an object with [{}] and {others} others", known.join(", "))
        }
        Ok(serde_json::Value::Array(items)) => {
            format!("{length} bytes, an array of {}", items.len())
        }
        Ok(serde_json::Value::String(_)) => format!("{length} bytes, a string"),
        Ok(serde_json::Value::Number(_)) => format!("{length} bytes, a number"),
        Ok(serde_json::Value::Bool(_) | serde_json::Value::Null) => {
            format!("{length} bytes, a bare word")
        }
        // The error's own text can quote values.
        Err(error) => {
            format!("{length} bytes, broken at line {} column {}", error.line(), error.column())
        }
    }
}

/// Text from outside, made fit for a log line.
pub(crate) fn printable(text: &str, longest: usize) -> String {
    let fit = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(longest).map(fit).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::events::{read_generic, samples};
    use crate::genesys::UserId;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&format!("{:?}", Frame::read(text)));
    }

    #[test]
    fn control_frames_are_told_apart() {
        check(
            r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#,
            expect!["Heartbeat"],
        );
        check(
            r#"{"topicName":"Channel.Metadata","eventBody":{"message":"pong"}}"#,
            expect!["Pong"],
        );
        check(r#"{"topicName":"channel.metadata"}"#, expect!["Heartbeat"]);
        check(
            r#"{"topicName":"v2.system.socket_closing","eventBody":"any text"}"#,
            expect!["SocketClosing"],
        );
        check(r#"{"topicName":"v2.system.token_revoked.streaming-4-58"}"#, expect!["TokenRevoked"]);
        check(
            r#"{"topicName":"v2.system.no_longer_subscribed.streaming-4","eventBody":{"reason":"another_channel_subscribed","data":{}}}"#,
            expect![[r#"NoLongerSubscribed { reason: "another_channel_subscribed" }"#]],
        );
        check(
            r#"{"topicName":"v2.system.no_longer_subscribed.x"}"#,
            expect![[r#"NoLongerSubscribed { reason: "none-given" }"#]],
        );
    }

    #[test]
    fn a_conversation_is_read_wherever_its_topic_stands() {
        let after = r#" {"x":{"eventBody":1},"topicName":"v2.users.A.conversations", "eventBody" : {"id":"ü{"} ,"new":1}"#;
        let before = r#"{"eventBody":{"id":"ü{"},"topicName":"v2.users.A.conversations"}"#;
        for text in [after, before] {
            read_whole(text);
        }
    }

    #[test]
    fn what_comes_before_its_topic_is_read_again_as_that_tells() {
        let body = |name: &str| samples::body(&format!("voice-inbound-03-held{name}.json"));
        for (topic, body) in [
            ("v2.users.a.conversations", body("")),
            ("v2.users.a.conversations.calls", body(".calls")),
        ] {
            let before = format!(r#"{{"eventBody":{body},"topicName":"{topic}"}}"#);
            let after = format!(r#"{{"topicName":"{topic}","eventBody":{body}}}"#);
            let [before, after] = [&before, &after].map(|text| {
                let Frame::Conversation { conversation, .. } = Frame::read(text) else {
                    panic!("no conversation in {text}")
                };
                conversation.unwrap()
            });
            assert_eq!(before, after, "{topic}");
            assert_eq!(before.partial, topic.ends_with("calls"));
        }
    }

    #[test]
    fn what_cannot_be_read_as_a_conversation_may_be_something_else() {
        let twice = r#"{"id":"a","id":"b"}"#;
        let text = |topic: &str| format!(r#"{{"eventBody":{twice},"topicName":"{topic}"}}"#);
        check(
            &text("v2.users.a.presence"),
            expect![[r#"OtherTopic { topic: "v2.users.a.presence" }"#]],
        );
        check(
            &text("v2.users.a.conversations"),
            expect![[
                r#"Unreadable { topic: Some("v2.users.a.conversations"), reason: "not valid JSON", excerpt: "72 bytes, an object with [topicName, eventBody] and 0 others" }"#
            ]],
        );
        check(
            r#"{"eventBody":{"message":"pong"},"topicName":"channel.metadata"}"#,
            expect!["Pong"],
        );
    }

    fn read_whole(text: &str) {
        let Frame::Conversation { topic, body, conversation } = Frame::read(text) else {
            panic!("{text}")
        };
        assert_eq!(topic, Topic::User(UserId::new("a")));
        assert_eq!(&text[body.clone()], r#"{"id":"ü{"}"#);
        assert_eq!(conversation.map(|read| *read), read_generic(&text[body]).map_err(Unread::from));
    }

    #[test]
    fn garbage_is_described_without_its_values() {
        check(
            "+4930123456 is no JSON",
            expect![[
                r#"Unreadable { topic: None, reason: "not a JSON object", excerpt: "22 bytes, broken at line 1 column 1" }"#
            ]],
        );
        check(
            r#"{"topicName":"v2.users.a.conversations","eventBody":{"name":"Jane""#,
            expect![[
                r#"Unreadable { topic: None, reason: "not valid JSON", excerpt: "66 bytes, broken at line 1 column 66" }"#
            ]],
        );
        check(
            r#"{"topicName":7,"Jane Doe":1,"result":"200"}"#,
            expect![[
                r#"Unreadable { topic: None, reason: "no topicName", excerpt: "43 bytes, an object with [topicName, result] and 1 others" }"#
            ]],
        );
        check(
            r#"{"topicName":"v2.users.a.conversations","eventBody":"Jane"}"#,
            expect![[
                r#"Unreadable { topic: Some("v2.users.a.conversations"), reason: "eventBody is no object", excerpt: "59 bytes, an object with [topicName, eventBody] and 0 others" }"#
            ]],
        );
        check(
            r#"["v2.users.a.conversations",{}]"#,
            expect![[
                r#"Unreadable { topic: None, reason: "not a JSON object", excerpt: "31 bytes, an array of 2" }"#
            ]],
        );
        check(
            "{\"topicName\":\"v2.users.a\\n.presence\"}",
            expect![[r#"OtherTopic { topic: "v2.users.a?.presence" }"#]],
        );
    }

    #[test]
    fn an_unknown_system_topic_does_not_give_the_channel_away() {
        check(
            r#"{"topicName":"v2.system.streaming-4-58.streaming-4-58"}"#,
            expect![[r#"OtherTopic { topic: "v2.system." }"#]],
        );
    }

    #[test]
    fn every_prefix_of_a_frame_is_read_without_a_panic() {
        let text =
            r#"{"topicName":"v2.users.a.conversations","eventBody":{"id":"é"},"version":"2"}"#;
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let frame = Frame::read(&text[..end]);
            assert_eq!(matches!(frame, Frame::Conversation { .. }), end == text.len());
        }
    }
}
