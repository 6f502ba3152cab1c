//! Values that are made when a rule matches: text with `{{ expression }}` in it.
//!
//! ```text
//! {{ participant.user_name }}
//! {{ customer.attributes["crm.tier"] }}
//! Case {{ customer.attributes.case }} of {{ default(conversation.number, "nobody") }}
//! ```
//!
//! A value of which any part is absent is not made at all. What stands between the braces is an
//! [`expression`](super::expression); texts are written as they are, all else in its JSON form.

use std::fmt;
use std::sync::Arc;

use super::expression::{
    EvaluationError, Expression, Interned, Mistake, Piece, Pieces, Scenery, Wanted,
};
use super::field::Path;

/// A value with at least one `{{ }}` in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(Arc<str>),
    Expression(Expression),
}

/// Characters of a whole value, as of each of its parts.
const MAX_LENGTH: usize = 4_096;

impl Template {
    /// Reads a value; `None` if it is plain text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong between its braces, with its place in the text.
    pub fn parse(text: &str, known: &mut Interned) -> Result<Option<Template>, Vec<Mistake>> {
        let mut parts = Vec::new();
        let mut mistakes = Vec::new();
        let mut rest = 0;
        while let Some(open) = text[rest..].find("{{").map(|at| rest + at) {
            push_text(&mut parts, &text[rest..open]);
            let Some(close) = closing(text, open + 2) else {
                mistakes.push(Mistake {
                    at: open..text.len(),
                    message: "`{{` is never closed".to_owned(),
                    help: "write `}}` after the expression; braces of your own cannot be doubled"
                        .to_owned(),
                });
                return Err(mistakes);
            };
            let inside = &text[open + 2..close];
            let blank = inside.len() - inside.trim_start().len();
            match known.get(inside.trim(), Wanted::Value) {
                Ok(expression) => parts.push(Part::Expression(expression)),
                Err(found) => {
                    let by = open + 2 + blank;
                    mistakes.extend(found.into_iter().map(|mistake| mistake.moved(by)));
                }
            }
            rest = close + 2;
        }
        push_text(&mut parts, &text[rest..]);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let is_template = parts.iter().any(|part| matches!(part, Part::Expression(_)));
        Ok(is_template.then_some(Template { parts }))
    }

    /// The value, or `None` if anything it needs is absent.
    ///
    /// # Errors
    ///
    /// Why a part of it cannot be evaluated, or that it would be longer than 4,096 characters.
    pub fn render(&self, scenery: &dyn Scenery) -> Result<Option<String>, EvaluationError> {
        if let [Part::Expression(expression)] = &self.parts[..] {
            return expression.render(scenery);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression(expression) => match expression.render(scenery)? {
                    Some(part) => text.push_str(&part),
                    None => return Ok(None),
                },
            }
        }
        if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
            let message = format!("a text of more than {MAX_LENGTH} characters would be made");
            return Err(EvaluationError { message, at: 0..0 });
        }
        Ok(Some(text))
    }

    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Text(_) => None,
        })
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.expressions().flat_map(Expression::paths)
    }

    /// How many characters stand in it whatever happens.
    pub fn fixed_length(&self) -> usize {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.chars().count(),
            Part::Expression(_) => 0,
        });
        texts.sum()
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(Arc::from(text)));
    }
}

/// Where the `}}` is that closes what opened before `from`; one in quotes, or one that closes tables
/// of the expression itself, does not.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (piece, at) in Pieces::new(text, from) {
        match (piece, &text[at.clone()]) {
            (Piece::Sign, "{") => depth += 1,
            (Piece::Sign, "}") if depth > 0 => depth -= 1,
            (Piece::Sign, "}") if text[at.end..].starts_with('}') => return Some(at.start),
            (Piece::Quoted { closed: false } | Piece::Comment, _) => break,
            _ => {}
        }
    }
    // A quote, a comment or a brace that never ends must not swallow what closes.
    text[from..].find("}}").map(|at| from + at)
}

/// As [`Template::parse`] reads it.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Expression(expression) => write!(f, "{{{{ {} }}}}", expression.text())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn parse(text: &str) -> Result<Option<Template>, Vec<Mistake>> {
        Template::parse(text, &mut Interned::default())
    }

    #[test]
    fn plain_text_is_no_template() {
        assert_eq!(parse("gold } {").unwrap(), None);
    }

    #[test]
    fn braces_end_where_they_should() {
        for (text, expressions) in [
            ("{{customer.attributes[\"a}}b\"]}}/{{ agent.attributes.x }}", 2),
            ("{{ {\"a\": {\"b\": 1}} }} {{ \"}}\" }}{{ '\\'}}' }}", 3),
            ("{{ {\"a\": 1}.a}}", 1),
        ] {
            let template = parse(text).unwrap().unwrap();
            assert_eq!(template.expressions().count(), expressions, "{text}");
        }
        let template = parse("{{ agent.name }}é{{ agent.name }} ").unwrap().unwrap();
        assert_eq!(template.fixed_length(), 2);
    }

    #[test]
    fn what_is_written_alike_is_compiled_once() {
        let mut known = Interned::default();
        let one = Template::parse("{{ agent.name }}", &mut known).unwrap().unwrap();
        let other = Template::parse("x {{agent.name}}", &mut known).unwrap().unwrap();
        let text = |template: &Template| Arc::as_ptr(template.expressions().next().unwrap().text());
        assert!(std::ptr::addr_eq(text(&one), text(&other)));
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        check(
            "{{ customr.number }} é {{ customer.numbr }} {{ customer }} {{ customer.attributes }}",
            expect![[r#"
                customr: unknown name `customr` (did you mean `customer`?)
                numbr: `customer` has no field `numbr` (did you mean `customer.number`?)
                customer: a field of `customer` is missing here (say which: customer.number, for example)
                customer.attributes: one attribute is needed, not all of them (write which: attributes["name"])
            "#]],
        );
        check(
            "{{ lists.vip.segment }} {{ defualt(customer.name, 'x') }} {{ customer.name + 1 }} {{}}",
            expect![[r#"
                vip: there is no list `vip` (write [lists.vip] with its file into the rules file)
                defualt: unknown function `defualt` (did you mean `default`?)
                customer.name + 1: `+` does not take a text and a whole number (write string(…) to join them as texts, or int(…) to add them)
                : there is nothing here (write a field, customer.number, or a condition: participant.held && has(customer.name))
            "#]],
        );
        check(
            "{{ customer.attributes.crm.tier }} {{ 'x }} {{ // }} {{ x",
            expect![[r#"
            tier: attributes have no parts (names with dots stand in brackets: attributes["crm.tier"])
            'x: this text is never closed (write the same quote at its end)
            /: something is missing after this (write what comes after it, or leave the last sign out)
            {{ x: `{{` is never closed (write `}}` after the expression; braces of your own cannot be doubled)
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
            assert!(!matches!(parse(text), Ok(Some(_))), "{text}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let mut shown = String::new();
        for Mistake { at, message, help } in parse(text).unwrap_err() {
            shown.push_str(&format!("{}: {message} ({help})\n", &text[at]));
        }
        expected.assert_eq(&shown);
    }
}
