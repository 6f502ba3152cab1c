//! Reading `event`: what Genesys sent, from a file or written out.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::super::reader::Node;
use super::{Cases, Draft};
use crate::events::topic::Topic;
use crate::events::{read_generic, read_media};
use crate::rules::cases::Event;

impl Cases<'_> {
    /// An event: the name of a file with JSON, or a table in its place.
    pub(super) fn event(&mut self, node: &Node<'_>, draft: &mut Draft) -> Option<Event> {
        let value = match node.get_ref() {
            DeValue::String(file) => {
                let path = self.path.parent().unwrap_or(Path::new("")).join(&**file);
                let text = match (self.load)(&path) {
                    Ok(text) => text,
                    Err(why) => {
                        let message = format!("{} cannot be read: {why}", path.display());
                        let help = "the path is relative to this file";
                        self.reader.problems.error(node.span(), message).help(help);
                        return None;
                    }
                };
                match serde_json::from_str(&text) {
                    Ok(value) => value,
                    Err(error) => {
                        let message = format!("{} is not JSON: {error}", path.display());
                        self.reader.problems.error(node.span(), message);
                        return None;
                    }
                }
            }
            DeValue::Table(_) => as_json(node.get_ref()),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                self.reader.wrong_type(node, "event", "the name of a JSON file, or a table");
                return None;
            }
        };
        let (event, received_at) = self.unwrapped(node, value)?;
        if draft.steps.is_empty() {
            draft.at = draft.at.or(received_at).or_else(|| newest_time(&event.body));
        }
        Some(event)
    }

    /// Takes a frame out of its envelope; anything else is a body, of an event or an API answer.
    fn unwrapped(
        &mut self,
        node: &Node<'_>,
        mut value: Value,
    ) -> Option<(Event, Option<Timestamp>)> {
        let received_at = value.get("received_at").and_then(Value::as_str);
        let received_at = received_at.and_then(|time| time.parse().ok());
        // A recorded line may hold the frame beside the time.
        if let Some(frame) = value.get_mut("frame") {
            value = frame.take();
        }
        let topic = value.get("topicName").and_then(Value::as_str).map(str::to_owned);
        let topic = match topic {
            None => None,
            Some(name) => match Topic::parse(&name) {
                Some(topic) => {
                    value = value.get_mut("eventBody").map(Value::take).unwrap_or_default();
                    Some(topic)
                }
                None => {
                    let message = format!("{name:?} is no topic of conversations");
                    let help = "use an event of v2.users.….conversations";
                    self.reader.problems.error(node.span(), message).help(help);
                    return None;
                }
            },
        };
        let text = value.to_string();
        let read = match topic.as_ref().and_then(Topic::media) {
            Some(media) => read_media(media, &text),
            None => read_generic(&text),
        };
        if let Err(error) = read {
            self.reader.problems.error(node.span(), format!("this is no event: {error}"));
            return None;
        }
        Some((Event { topic, body: value, ..Event::default() }, received_at))
    }
}

/// The latest time in an event: it came right after that.
fn newest_time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Array(items) => items.iter().filter_map(newest_time).max(),
        Value::Object(fields) => fields.values().filter_map(newest_time).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn as_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Array(items) => items.iter().map(|item| as_json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table
                .iter()
                .map(|(key, node)| (key.get_ref().to_string(), as_json(node.get_ref())));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}
