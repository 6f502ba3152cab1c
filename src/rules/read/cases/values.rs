//! Reading single values of a test file.

use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use toml::de::DeValue;

use super::super::reader::Node;
use super::Cases;
use crate::config::duration;

impl Cases<'_> {
    pub(super) fn pause(&mut self, node: &Node<'_>) -> Option<SignedDuration> {
        let text = self.reader.text("after", node)?;
        let pause: Result<Duration, _> = duration::parse(text);
        match pause.map(SignedDuration::try_from) {
            Ok(Ok(pause)) => Some(pause),
            Ok(Err(_)) => {
                self.reader.problems.error(node.span(), format!("`{text}` is too long"));
                None
            }
            Err(error) => {
                self.reader.problems.error(node.span(), error.to_string());
                None
            }
        }
    }

    /// A time with its offset from UTC, whether in quotes or not.
    pub(super) fn time(&mut self, name: &str, node: &Node<'_>) -> Option<Timestamp> {
        let written = match node.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.reader.wrong_type(node, name, "a time");
                return None;
            }
        };
        let time = written.parse::<Timestamp>();
        let zoned = || written.parse::<jiff::Zoned>().map(|zoned| zoned.timestamp());
        match time.or_else(|_| zoned()) {
            Ok(time) => Some(time),
            Err(_) => {
                let message = format!("`{written}` is no moment");
                let help = "write date, time and offset: \"2026-12-24T10:00:00+01:00\"";
                self.reader.problems.error(node.span(), message).help(help);
                None
            }
        }
    }

    /// Names of rules, or keys.
    pub(super) fn texts(&mut self, name: &str, node: &Node<'_>) -> Vec<(String, Range<usize>)> {
        match node.get_ref() {
            DeValue::String(text) => vec![(text.to_string(), node.span())],
            DeValue::Array(items) => {
                let mut texts = Vec::new();
                for item in items.iter() {
                    if let Some(text) = self.reader.text(name, item) {
                        texts.push((text.to_owned(), item.span()));
                    }
                }
                texts
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => {
                self.reader.wrong_type(node, name, "a text, or a list of texts");
                Vec::new()
            }
        }
    }

    /// A value as it stands in an attribute.
    pub(super) fn plain(&mut self, name: &str, node: &Node<'_>) -> Option<String> {
        match node.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Table(parts) => {
                let part = parts.keys().next().map(|key| key.get_ref().to_string());
                let whole = format!("{name}.{}", part.unwrap_or_default());
                let message = format!("the value of `{name}` is a table");
                let help = format!("keys with dots stand in quotes: {whole:?}");
                self.reader.problems.error(node.span(), message).help(help);
                None
            }
            DeValue::Datetime(_) | DeValue::Array(_) => {
                self.reader.wrong_type(node, name, "a text, a number, or true or false");
                None
            }
        }
    }
}
