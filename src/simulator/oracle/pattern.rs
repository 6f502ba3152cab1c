//! What a condition asks of a value: equal, any of, not, exists, prefix. Naive on purpose.

use serde_json::Value as Json;
use toml::Value as Toml;

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Equal to one of these.
    AnyOf(Vec<Toml>),
    /// Every operator of a table holds.
    Every(Vec<Operator>),
}

#[derive(Clone, Debug)]
pub(super) enum Operator {
    Not(Pattern),
    Exists(bool),
    Prefix(Vec<String>),
}

impl Pattern {
    /// `Err` names what is not known here.
    pub(super) fn read(value: &Toml) -> Result<Pattern, String> {
        match value {
            Toml::Array(values) => Ok(Pattern::AnyOf(values.clone())),
            Toml::Table(table) => table
                .iter()
                .map(|(name, value)| operator(name, value))
                .collect::<Result<_, _>>()
                .map(Pattern::Every),
            Toml::String(_)
            | Toml::Integer(_)
            | Toml::Float(_)
            | Toml::Boolean(_)
            | Toml::Datetime(_) => Ok(Pattern::AnyOf(vec![value.clone()])),
        }
    }

    /// `found` are the ways to say the value (a queue has a name and an id); none when absent.
    pub(super) fn holds(&self, found: &[Json]) -> bool {
        match self {
            Pattern::AnyOf(wanted) => {
                wanted.iter().any(|wanted| found.iter().any(|found| equal(wanted, found)))
            }
            Pattern::Every(operators) => operators.iter().all(|operator| match operator {
                Operator::Not(pattern) => !pattern.holds(found),
                Operator::Exists(wanted) => found.is_empty() != *wanted,
                Operator::Prefix(wanted) => found
                    .iter()
                    .filter_map(Json::as_str)
                    .any(|found| wanted.iter().any(|wanted| found.starts_with(wanted.as_str()))),
            }),
        }
    }
}

fn operator(name: &str, value: &Toml) -> Result<Operator, String> {
    let texts = |value: &Toml| match value {
        Toml::String(text) => Some(vec![text.clone()]),
        Toml::Array(values) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        Toml::Integer(_)
        | Toml::Float(_)
        | Toml::Boolean(_)
        | Toml::Datetime(_)
        | Toml::Table(_) => None,
    };
    match (name, value.as_bool(), texts(value)) {
        ("not", ..) => Pattern::read(value).map(Operator::Not),
        ("exists", Some(wanted), _) => Ok(Operator::Exists(wanted)),
        ("prefix", _, Some(wanted)) => Ok(Operator::Prefix(wanted)),
        _ => Err(format!("operator `{name}`")),
    }
}

fn equal(wanted: &Toml, found: &Json) -> bool {
    match wanted {
        Toml::String(text) => found.as_str() == Some(text),
        Toml::Boolean(wanted) => found.as_bool() == Some(*wanted),
        Toml::Integer(wanted) => found.as_i64() == Some(*wanted),
        Toml::Float(wanted) => found.as_f64() == Some(*wanted),
        Toml::Datetime(_) | Toml::Array(_) | Toml::Table(_) => false,
    }
}
