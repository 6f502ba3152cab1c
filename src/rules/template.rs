//! Values that are made when a rule matches: text with `{{ subject.field }}` in it.
//!
//! ```text
//! {{ participant.user_name }}
//! {{ customer.attributes["crm.tier"] }}
//! Case {{ customer.attributes.case }} of {{ conversation.number }}
//! ```
//!
//! A value of which any part is absent is not made at all. What stands between the braces is a small
//! part of CEL, written so that it stays valid when more of CEL is known.

use std::ops::Range;
use std::sync::Arc;

use super::field::{Kind, Path, Subject, Value};
use super::fields;
use crate::config::problem::did_you_mean;

/// A value with at least one `{{ }}` in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(Arc<str>),
    Path(Path),
}

/// What is wrong in a value, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In bytes of the value.
    pub at: Range<usize>,
    pub message: String,
    pub help: String,
}

/// Subjects of the whole language that are not known yet.
const LATER: [&str; 5] = ["lists", "participants", "raw", "time", "now"];

const FORM: &str = "write {{ subject.field }} or {{ subject.attributes[\"name\"] }}";

impl Template {
    /// Reads a value; `None` if it is plain text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its braces.
    pub fn parse(text: &str) -> Result<Option<Template>, Vec<Mistake>> {
        let mut parts = Vec::new();
        let mut mistakes = Vec::new();
        let mut rest = 0;
        while let Some(open) = text[rest..].find("{{").map(|at| rest + at) {
            push_text(&mut parts, &text[rest..open]);
            let Some(close) = closing(text, open + 2) else {
                mistakes.push(Mistake {
                    at: open..text.len(),
                    message: "`{{` is never closed".to_owned(),
                    help: "write `}}` after the field; braces of your own cannot be doubled"
                        .to_owned(),
                });
                return Err(mistakes);
            };
            match (Inside { text, at: open + 2, end: close }).path() {
                Ok(path) => parts.push(Part::Path(path)),
                Err(mistake) => mistakes.push(mistake),
            }
            rest = close + 2;
        }
        push_text(&mut parts, &text[rest..]);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let is_template = parts.iter().any(|part| matches!(part, Part::Path(_)));
        Ok(is_template.then_some(Template { parts }))
    }

    /// The value, or `None` if anything it needs is absent.
    pub fn render<'a>(&self, mut show: impl FnMut(&Path) -> Option<Value<'a>>) -> Option<String> {
        if let [Part::Path(path)] = &self.parts[..] {
            return show(path).map(Value::into_text);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Path(path) => text.push_str(&show(path)?.into_text()),
            }
        }
        Some(text)
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match part {
            Part::Path(path) => Some(path),
            Part::Text(_) => None,
        })
    }

    /// How many characters stand in it whatever happens.
    pub fn fixed_length(&self) -> usize {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.chars().count(),
            Part::Path(_) => 0,
        });
        texts.sum()
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(Arc::from(text)));
    }
}

/// Where the `}}` is that closes what opened before `from`; one in quotes does not.
fn closing(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    for at in from..bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(bytes[at]),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that never ends must not swallow the braces.
    quote.and_then(|_| text[from..].find("}}").map(|at| from + at))
}

/// Reads what stands between one pair of braces.
struct Inside<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Inside<'a> {
    fn path(mut self) -> Result<Path, Mistake> {
        let subject = self.subject()?;
        if !self.eat(".") {
            let at = self.at;
            return Err(self.mistake(at..self.end, "a field is missing here", FORM));
        }
        let (name, place) = self.word();
        let Some(field) = fields::find(subject.of(), name) else {
            let known = did_you_mean(name, fields::names(subject.of()));
            let help = match known {
                Some(known) => format!("did you mean `{}.{known}`?", subject.name()),
                None => format!("it has: {}", list(fields::names(subject.of()))),
            };
            let message = format!("`{}` has no field `{name}`", subject.name());
            return Err(self.mistake(place, message, help));
        };
        let key = if field.kind == Kind::Attributes { Some(self.key(place)?) } else { None };
        self.space();
        if self.at < self.end {
            let rest = self.at..self.end;
            let message = "not known in this version: expressions";
            return Err(self.mistake(rest, message, format!("{FORM}, and nothing more")));
        }
        Ok(Path { subject, field, key })
    }

    fn subject(&mut self) -> Result<Subject, Mistake> {
        let (name, place) = self.word();
        if let Some(subject) = Subject::from_name(name) {
            return Ok(subject);
        }
        let names = Subject::ALL.map(Subject::name);
        let (message, help) = if LATER.contains(&name) {
            (format!("not known in this version: `{name}` in a value"), FORM.to_owned())
        } else if name.is_empty() || self.text[place.end..self.end].trim_start().starts_with('(') {
            ("not known in this version: expressions".to_owned(), FORM.to_owned())
        } else if let Some(known) = did_you_mean(name, names) {
            (format!("unknown subject `{name}`"), format!("did you mean `{known}`?"))
        } else {
            (format!("unknown subject `{name}`"), format!("write one of: {}", names.join(", ")))
        };
        let place = if place.is_empty() { place.start..self.end } else { place };
        Err(self.mistake(place, message, help))
    }

    /// The name of an attribute: `.name`, `["name"]` or `['name']`.
    fn key(&mut self, field: Range<usize>) -> Result<Arc<str>, Mistake> {
        let start = self.at;
        if self.eat(".") {
            let (name, place) = self.word();
            if self.text[place.end..self.end].starts_with('.') {
                let help = "names with dots stand in brackets: attributes[\"crm.tier\"]";
                return Err(self.mistake(start..self.end, "attributes have no parts", help));
            }
            if !name.is_empty() {
                return Ok(Arc::from(name));
            }
        } else if self.eat("[") {
            self.space();
            let quoted = self.quoted();
            self.space();
            if let (Some(name), true) = (quoted, self.eat("]")) {
                return Ok(Arc::from(name));
            }
        } else {
            let help = "write which: attributes[\"name\"]";
            return Err(self.mistake(field, "one attribute is needed, not all of them", help));
        }
        let help = "write attributes[\"name\"], with quotes and brackets";
        Err(self.mistake(start..self.end, "the attribute's name cannot be read", help))
    }

    fn word(&mut self) -> (&'a str, Range<usize>) {
        self.space();
        let start = self.at;
        let text: &'a str = self.text;
        let inside = &text[start..self.end];
        let length = inside
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(inside.len());
        self.at += length;
        (&text[start..self.at], start..self.at)
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let text: &'a str = self.text;
        let inside = &text[self.at..self.end];
        let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let length = inside[1..].find(quote)?;
        self.at += length + 2;
        (length > 0).then(|| &inside[1..=length])
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.text[self.at..self.end].starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn space(&mut self) {
        let inside = &self.text[self.at..self.end];
        self.at += inside.len() - inside.trim_start().len();
    }

    fn mistake(
        &self,
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Mistake {
        // Trailing blanks are not part of what is wrong.
        let length = self.text[at.clone()].trim_end().len();
        Mistake { at: at.start..at.start + length, message: message.into(), help: help.into() }
    }
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn plain_text_is_no_template() {
        assert_eq!(Template::parse("gold } {").unwrap(), None);
    }

    #[test]
    fn parts_are_joined_and_absence_spoils_all() {
        let template = Template::parse(
            "{{customer.attributes[\"a}}b\"]}}/{{ agent.attributes.x }} {{ acd.priority }}",
        );
        let template = template.unwrap().unwrap();
        let paths: Vec<String> = template.paths().map(ToString::to_string).collect();
        assert_eq!(
            paths,
            ["customer.attributes.\"a}}b\"", "agent.attributes.\"x\"", "acd.priority"]
        );
        let rendered = template.render(|path| {
            let priority = path.subject == Subject::Acd;
            if priority { Some(Value::Number(5)) } else { Value::text(Some("é")) }
        });
        assert_eq!(rendered.as_deref(), Some("é/é 5"));
        assert_eq!(
            template.render(|path| (path.subject != Subject::Acd).then_some(Value::Flag(true))),
            None
        );
        assert_eq!(template.fixed_length(), 2);
    }

    #[test]
    fn a_value_alone_is_written_in_its_json_form() {
        let template = Template::parse("{{ acd.skills }}").unwrap().unwrap();
        let rendered = template.render(|_| Some(Value::Texts(vec!["a", "b\""])));
        assert_eq!(rendered.as_deref(), Some(r#"["a","b\""]"#));
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        check(
            "{{ customr.number }} {{ customer.numbr }} {{ customer }} {{ customer.attributes }}",
            expect![[r#"
                customr: unknown subject `customr` (did you mean `customer`?)
                numbr: `customer` has no field `numbr` (did you mean `customer.number`?)
                : a field is missing here (write {{ subject.field }} or {{ subject.attributes["name"] }})
                attributes: one attribute is needed, not all of them (write which: attributes["name"])
            "#]],
        );
        check(
            "{{ lists.vip.segment }} {{ default(customer.name, 'x') }} {{ customer.name + 'x' }} {{}}",
            expect![[r#"
                lists: not known in this version: `lists` in a value (write {{ subject.field }} or {{ subject.attributes["name"] }})
                default: not known in this version: expressions (write {{ subject.field }} or {{ subject.attributes["name"] }})
                + 'x': not known in this version: expressions (write {{ subject.field }} or {{ subject.attributes["name"] }}, and nothing more)
                : not known in this version: expressions (write {{ subject.field }} or {{ subject.attributes["name"] }})
            "#]],
        );
        check(
            "{{ customer.attributes.crm.tier }} {{ customer.attributes[tier] }} {{ conversation.held }} {{ x",
            expect![[r#"
                .crm.tier: attributes have no parts (names with dots stand in brackets: attributes["crm.tier"])
                [tier]: the attribute's name cannot be read (write attributes["name"], with quotes and brackets)
                held: `conversation` has no field `held` (it has: id, direction, media, number, address, external_tag, recording_state, secure_pause, transfers, agents, queue_wait, waiting, divisions, in_flow, ended)
                {{ x: `{{` is never closed (write `}}` after the field; braces of your own cannot be doubled)
            "#]],
        );
    }

    #[test]
    fn whatever_it_is_given_it_does_not_panic() {
        for text in [
            "{{",
            "{{}}",
            "{{é.é}}",
            "{{ customer.attributes[",
            "{{ '}} \"",
            "{{{{}}}}",
            "{{customer.attributes[\"é]}}",
        ] {
            assert!(!matches!(Template::parse(text), Ok(Some(_))), "{text}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let mut shown = String::new();
        for Mistake { at, message, help } in Template::parse(text).unwrap_err() {
            shown.push_str(&format!("{}: {message} ({help})\n", &text[at]));
        }
        expected.assert_eq(&shown);
    }
}
