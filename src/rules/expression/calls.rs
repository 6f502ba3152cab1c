//! Evaluating functions and macros.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an operation names the kinds that it takes, and refuses every other"
)]

use regex::RegexBuilder;

use super::evaluate::{Evaluation, Outcome, wants};
use super::functions::Function;
use super::mistake::EvaluationError;
use super::node::{Each, How, Node};
use super::run::{Bounded, MAX_TEXT, TooLong, convert, format, texts};
use super::value::Value;

/// Bytes of a pattern that is compiled while evaluating: enough for what an attribute may hold.
const PATTERN_SIZE: usize = 1 << 16;

/// Steps that compiling a pattern counts for: a few each time, not one for each participant.
const PATTERN_STEPS: usize = 1_000;

pub(super) fn too_long() -> String {
    format!("a text of more than {MAX_TEXT} characters would be made")
}

impl<'a> Evaluation<'a> {
    /// A function of values, of which some may be absent.
    pub(super) fn call(
        &mut self,
        function: Function,
        values: Vec<Value<'a>>,
        node: &Node,
    ) -> Outcome<'a> {
        let absent = values.iter().any(Value::is_null);
        match function {
            Function::StartsWith | Function::EndsWith | Function::Contains | Function::Matches => {
                if absent {
                    return Ok(Value::Flag(false));
                }
                self.asks(function, &values, node).map(Value::Flag)
            }
            Function::Type => Ok(Value::text(values.first().map_or("null_type", Value::kind))),
            Function::Size if absent => Ok(Value::Whole(0)),
            _ if absent => Ok(Value::Null),
            Function::Size => size(&values, node),
            Function::Int
            | Function::Uint
            | Function::Double
            | Function::Bool
            | Function::Text
            | Function::Duration
            | Function::Timestamp => converted(function, values, node),
            Function::Format => self.format(&values, node),
            Function::Join => self.join(&values, node),
            Function::Split => self.split(&values, node),
            _ => self.of_text(function, &values, node),
        }
    }

    /// What asks a question of two texts.
    fn asks(
        &mut self,
        function: Function,
        values: &[Value<'a>],
        node: &Node,
    ) -> Result<bool, EvaluationError> {
        let (text, other) = (text(values, 0, node)?, text(values, 1, node)?);
        self.charge_text(text, &node.at)?;
        Ok(match function {
            Function::StartsWith => text.starts_with(other),
            Function::EndsWith => text.ends_with(other),
            Function::Contains => text.contains(other),
            _ => {
                self.charge(PATTERN_STEPS, &node.at)?;
                let regex = RegexBuilder::new(other).size_limit(PATTERN_SIZE).build();
                let Ok(regex) = regex else {
                    return Err(EvaluationError::new(&node.at, "this is no pattern"));
                };
                regex.is_match(text)
            }
        })
    }

    /// What makes something else of a text.
    fn of_text(&mut self, function: Function, values: &[Value<'a>], node: &Node) -> Outcome<'a> {
        let of = text(values, 0, node)?;
        self.charge_text(of, &node.at)?;
        let made = match function {
            Function::Lower => of.to_lowercase(),
            Function::Upper => of.to_uppercase(),
            Function::Trim => of.trim().to_owned(),
            Function::Reverse => of.chars().rev().collect(),
            Function::Replace => {
                let (old, new) = (text(values, 1, node)?, text(values, 2, node)?);
                let limit = limit(values.get(3), node)?;
                texts::replace(of, old, new, limit).map_err(|TooLong| long(node))?
            }
            Function::IndexOf => {
                return Ok(Value::Whole(texts::character(of, of.find(text(values, 1, node)?))));
            }
            Function::LastIndexOf => {
                return Ok(Value::Whole(texts::character(of, of.rfind(text(values, 1, node)?))));
            }
            _ => return substring(function, values, node),
        };
        bounded(made, node)
    }

    fn split(&mut self, values: &[Value<'a>], node: &Node) -> Outcome<'a> {
        let (of, separator) = (text(values, 0, node)?, text(values, 1, node)?);
        self.charge_text(of, &node.at)?;
        let parts = texts::split(of, separator, limit(values.get(2), node)?);
        self.charge(parts.len(), &node.at)?;
        Ok(Value::list(parts.into_iter().map(|part| Value::owned(part.to_owned())).collect()))
    }

    /// The elements as texts, with the separator between; absent ones are left out.
    fn join(&mut self, values: &[Value<'a>], node: &Node) -> Outcome<'a> {
        let Some(list) = values.first().and_then(Value::elements) else {
            return Err(wants("a list", values.first().unwrap_or(&Value::Null), node));
        };
        let separator = if values.len() > 1 { text(values, 1, node)? } else { "" };
        self.charge(list.len(), &node.at)?;
        let mut made = Bounded::default();
        for (at, element) in list.iter().filter(|one| !one.is_absent()).enumerate() {
            let part = string(element.clone(), node)?;
            if at > 0 {
                made.push(separator).map_err(|TooLong| long(node))?;
            }
            made.push(&part).map_err(|TooLong| long(node))?;
        }
        Ok(Value::owned(made.into_text()))
    }

    fn format(&mut self, values: &[Value<'a>], node: &Node) -> Outcome<'a> {
        let form = text(values, 0, node)?;
        let Some(list) = values.get(1).and_then(Value::elements) else {
            return Err(wants("a list", values.get(1).unwrap_or(&Value::Null), node));
        };
        self.charge(list.len(), &node.at)?;
        let message = match format::format(form, &list) {
            Ok(Some(text)) => return Ok(Value::owned(text)),
            Ok(None) => return Ok(Value::Null),
            Err(format::Why::Unknown) => "what is written after a % is not known".to_owned(),
            Err(format::Why::Count) => "there are more or fewer values than places".to_owned(),
            Err(format::Why::Kind) => "a place does not take such a value".to_owned(),
            Err(format::Why::TooLong) => too_long(),
        };
        Err(EvaluationError::new(&node.at, message))
    }

    /// A macro. A list that is absent has no elements.
    pub(super) fn each(&mut self, each: &'a Each, node: &Node) -> Outcome<'a> {
        let over = self.value(&each.over)?;
        let elements: Vec<Value<'a>> = if let Some(elements) = over.elements() {
            elements.to_vec()
        } else if let Some(entries) = over.entries() {
            entries.keys().map(|key| Value::Text(key.clone())).collect()
        } else if over.is_null() {
            Vec::new()
        } else {
            return Err(wants("a list", &over, &each.over));
        };
        self.charge(elements.len(), &node.at)?;
        let depth = self.locals.len();
        let result = self.each_of(each, elements);
        self.locals.truncate(depth);
        result
    }

    fn each_of(&mut self, each: &'a Each, elements: Vec<Value<'a>>) -> Outcome<'a> {
        let depth = self.locals.len();
        let mut kept = Vec::new();
        let mut found = 0;
        let mut failed = None;
        for element in elements {
            self.locals.truncate(depth);
            self.locals.push(element.clone());
            let holds = match &each.test {
                Some(test) => self.holds(test),
                None => Ok(true),
            };
            match (each.how, holds) {
                (How::Exists, Ok(true)) => return Ok(Value::Flag(true)),
                (How::All, Ok(false)) => return Ok(Value::Flag(false)),
                // One element that cannot be asked does not matter if another decides.
                (How::Exists | How::All, Err(error)) => failed = failed.or(Some(error)),
                (How::ExistsOne | How::Filter | How::Map, Err(error)) => return Err(error),
                (How::Filter, Ok(true)) => kept.push(element),
                (How::Map, Ok(true)) => {
                    if let Some(value) = &each.value {
                        kept.push(self.value(value)?);
                    }
                }
                (How::ExistsOne, Ok(true)) => found += 1,
                (_, Ok(_)) => {}
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(match each.how {
            How::Exists => Value::Flag(false),
            How::All => Value::Flag(true),
            How::ExistsOne => Value::Flag(found == 1),
            How::Filter | How::Map => Value::list(kept),
        })
    }
}

fn text<'v>(values: &'v [Value<'_>], at: usize, node: &Node) -> Result<&'v str, EvaluationError> {
    match values.get(at) {
        Some(Value::Text(text)) => Ok(text),
        other => Err(wants("a text", other.unwrap_or(&Value::Null), node)),
    }
}

fn whole(value: &Value<'_>, node: &Node) -> Result<i64, EvaluationError> {
    match value {
        Value::Whole(number) => Ok(*number),
        other => Err(wants("a whole number", other, node)),
    }
}

/// How often, as CEL has it: a negative number, or none, is always.
fn limit(value: Option<&Value<'_>>, node: &Node) -> Result<usize, EvaluationError> {
    let number = value.map_or(Ok(-1), |value| whole(value, node))?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

fn substring<'a>(function: Function, values: &[Value<'a>], node: &Node) -> Outcome<'a> {
    let (Some(Value::Text(text)), Some(from)) = (values.first(), values.get(1)) else {
        return Err(wants("a text", values.first().unwrap_or(&Value::Null), node));
    };
    let from = whole(from, node)?;
    let to = match values.get(2) {
        Some(to) => Some(whole(to, node)?),
        None if function == Function::CharAt => from.checked_add(1),
        None => None,
    };
    Ok(texts::substring(text, from, to).map_or(Value::Null, Value::Text))
}

fn size<'a>(values: &[Value<'a>], node: &Node) -> Outcome<'a> {
    let of = values.first().unwrap_or(&Value::Null);
    let count = match of {
        Value::Text(text) => Some(text.chars().count()),
        other => {
            let list = other.elements().map(|list| list.len());
            list.or_else(|| other.entries().map(|entries| entries.len()))
        }
    };
    match count.and_then(|count| i64::try_from(count).ok()) {
        Some(count) => Ok(Value::Whole(count)),
        None => Err(wants("a text, a list or a table", of, node)),
    }
}

fn converted<'a>(function: Function, values: Vec<Value<'a>>, node: &Node) -> Outcome<'a> {
    let value = values.into_iter().next().unwrap_or(Value::Null);
    let called = value.called();
    let to = match function {
        Function::Int => "a whole number",
        Function::Uint => "a whole number from 0 on",
        Function::Double => "a number",
        Function::Bool => "true or false",
        Function::Duration => "a duration",
        Function::Timestamp => "a time",
        _ => "a text",
    };
    convert::convert(function, value).map_err(|why| match why {
        convert::Why::Unreadable => {
            EvaluationError::new(&node.at, format!("{called} does not say {to}"))
        }
        convert::Why::Kind => {
            EvaluationError::new(&node.at, format!("{to} cannot be made of {called}"))
        }
        convert::Why::TooLong => long(node),
    })
}

/// A value as it stands in a text.
pub(super) fn string<'a>(
    value: Value<'a>,
    node: &Node,
) -> Result<std::borrow::Cow<'a, str>, EvaluationError> {
    match converted(Function::Text, vec![value], node)? {
        Value::Text(text) => Ok(text),
        other => Err(wants("a text", &other, node)),
    }
}

fn bounded<'a>(text: String, node: &Node) -> Outcome<'a> {
    if text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT {
        return Err(long(node));
    }
    Ok(Value::owned(text))
}

fn long(node: &Node) -> EvaluationError {
    EvaluationError::new(&node.at, too_long())
}
