//! Reading `set` and `otherwise`: which attributes, and to what.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader};
use super::rule::Placed;
use crate::config::default::WARN_VALUE_LENGTH;
use crate::rules::file::{Assignment, Setting};
use crate::rules::template::Template;

impl Reader<'_> {
    /// Reads the table `name`, which is `set` or `otherwise`.
    pub(super) fn assignments(&mut self, name: &str, node: &Node<'_>) -> Vec<Placed<Assignment>> {
        let mut assignments = Vec::new();
        let Some(table) = self.table(name, node) else { return assignments };
        if table.is_empty() {
            let help = format!("write {name}.\"key\" = \"value\"");
            self.problems.error(node.span(), format!("`{name}` is empty")).help(help);
        }
        // A table under a header of its own begins with that header's bracket.
        let under_header = self.source.as_bytes().get(node.span().start) == Some(&b'[');
        for (key, node) in table {
            let nested = node.get_ref().is_table();
            if self.is_of_the_rule(key.get_ref()) && (under_header || nested) {
                self.slipped(key, name);
                continue;
            }
            if !nested {
                self.key(key.get_ref(), key.span());
            }
            if let Some(value) = self.value(name, key, node) {
                let name = self.once.text(key.get_ref());
                assignments.push((Assignment { key: name, value }, key.span()));
            }
        }
        assignments
    }

    /// Reads `clear`.
    pub(super) fn clear(&mut self, node: &Node<'_>) -> Vec<Placed<Arc<str>>> {
        let keys = self.words_of("clear", node);
        if keys.is_empty() && node.get_ref().is_array() {
            let help = "write clear = [\"key\"]";
            self.problems.error(node.span(), "`clear` is empty").help(help);
        }
        let mut cleared = Vec::new();
        for (key, place) in keys {
            self.key(key, place.clone());
            cleared.push((self.once.text(key), place));
        }
        cleared
    }

    fn key(&mut self, name: &str, place: Range<usize>) {
        if name.is_empty() {
            let message = "an attribute needs a name";
            self.problems.error(place, message).help("write set.\"cc.segment\" = …, for example");
        } else if name.chars().any(char::is_control) {
            let message = format!("the key {name:?} has a control character");
            let help = "no flow, report or script could ask for it: write its name without";
            self.problems.error(place, message).help(help);
        } else if !self.allowed.allows(name) {
            let fence = self.allowed.globs().join(", ");
            let message = format!("the key `{name}` is outside of what may be written");
            let help = format!(
                "`allowed_keys` of the configuration has: {fence}; choose another key, or ask who runs this"
            );
            self.problems.error(place, message).help(help);
        }
    }

    fn value(&mut self, table: &str, key: &Key<'_>, node: &Node<'_>) -> Option<Setting> {
        let text = match node.get_ref() {
            DeValue::String(text) => return self.text_value(node, text),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => number.to_string(),
                    Err(_) => {
                        self.wrong_type(node, key.get_ref(), "a text, or a number of 64 bits");
                        return None;
                    }
                }
            }
            DeValue::Float(number) => {
                let number = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                let Some(number) = number else {
                    self.wrong_type(node, key.get_ref(), "a text, or a finite number");
                    return None;
                };
                number.to_string()
            }
            DeValue::Datetime(_) => {
                self.wrong_type(node, key.get_ref(), "a text in quotes");
                return None;
            }
            DeValue::Array(_) => {
                self.later(node.span(), "a list as a value", "write it as one text in quotes");
                return None;
            }
            DeValue::Table(parts) => {
                self.dotted(table, key, parts);
                return None;
            }
        };
        Some(Setting::Plain(self.once.text(&text)))
    }

    fn text_value(&mut self, node: &Node<'_>, text: &str) -> Option<Setting> {
        let template = match Template::parse(text, &mut self.expressions) {
            Ok(template) => template,
            Err(mistakes) => {
                self.mistakes(mistakes, node.span(), text);
                return None;
            }
        };
        for expression in template.iter().flat_map(Template::expressions) {
            self.noted(expression, node.span(), text);
        }
        let length = template.as_ref().map_or(text.chars().count(), Template::fixed_length);
        if length > WARN_VALUE_LENGTH {
            let message = format!("this value has at least {length} characters");
            let help = format!("flows may not take more than {WARN_VALUE_LENGTH}");
            self.problems.warning(node.span(), message).help(help);
        }
        let plain = || Setting::Plain(self.once.text(text));
        Some(template.map_or_else(plain, Setting::Template))
    }

    /// The place in the file of a part of a text. With escapes in it, the place of the whole.
    pub(super) fn inside(&self, span: Range<usize>, text: &str, at: Range<usize>) -> Range<usize> {
        let written = self.source.get(span.clone()).unwrap_or_default();
        match written.find(text) {
            Some(start) => span.start + start + at.start..span.start + start + at.end,
            None => span,
        }
    }

    /// Explains a key whose dots stand outside of quotes.
    fn dotted(&mut self, table: &str, key: &Key<'_>, parts: &DeTable<'_>) {
        let mut name = key.get_ref().to_string();
        let mut parts = Some(parts);
        while let Some((part, node)) = parts.and_then(|table| table.iter().next()) {
            name.push('.');
            name.push_str(part.get_ref());
            parts = node.get_ref().as_table();
        }
        let message = format!("the value of `{}` is a table", key.get_ref());
        let help = format!("keys with dots stand in quotes: {table}.{name:?} = …");
        self.problems.error(key.span(), message).help(help);
    }
}
