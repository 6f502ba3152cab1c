//! A rules file as the oracle understands it: a walk over the TOML, nothing else.
//!
//! Only the language of today; whatever else a file says is an error that names it, never
//! silently left out, for the oracle must not judge by half a rule.

use std::collections::BTreeSet;

use toml::{Table, Value as Toml};

use super::pattern::Pattern;
use super::template::Template;

/// The rules file says something that the oracle does not understand: judge by other rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the oracle does not understand {what} in {place}: judge this file by hand, or write it otherwise"
)]
pub struct NotUnderstood {
    pub place: String,
    pub what: String,
}

/// When a value that differs is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Follow,
    First,
    IfAbsent,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) target: String,
    pub(super) conditions: Vec<(Path, Pattern)>,
    pub(super) set: Vec<(String, Template)>,
    pub(super) otherwise: Vec<(String, Template)>,
    /// It does not wait for a flow to end.
    pub(super) during_flow: bool,
}

/// A field of a subject, or one attribute of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) subject: String,
    pub(super) field: String,
    pub(super) attribute: Option<String>,
}

const SUBJECTS: [&str; 6] = ["conversation", "participant", "customer", "agent", "acd", "watched"];
const FIELDS: [&str; 33] = [
    "media",
    "state",
    "direction",
    "number",
    "ani",
    "dnis",
    "address",
    "queue",
    "queue_id",
    "user",
    "user_id",
    "user_name",
    "role",
    "held",
    "ended",
    "wrapup_code",
    "external_contact_id",
    "message_type",
    "subject",
    "flow_id",
    "skills",
    "language",
    "priority",
    "attributes",
    "name",
    "purpose",
    "id",
    "transfers",
    "agents",
    "in_flow",
    "external_tag",
    "recording_state",
    "division_id",
];
const RULE_KEYS: [&str; 10] = [
    "name",
    "description",
    "match",
    "set",
    "otherwise",
    "target",
    "write",
    "mode",
    "enabled",
    "during_flow",
];

impl Path {
    /// `customer.number`, `customer.attributes["crm.tier"]` or `customer.attributes.language`.
    pub(super) fn parse(text: &str) -> Result<Path, String> {
        let (subject, rest) = text.split_once('.').ok_or_else(|| format!("`{text}`"))?;
        let named = rest.strip_prefix("attributes").map(|name| {
            let quoted = name.trim().strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            quoted
                .map_or(name.trim_start_matches('.'), |name| name.trim().trim_matches(['"', '\'']))
        });
        let field = if named.is_some() { "attributes" } else { rest };
        Path::new(subject, field, named.map(str::to_owned))
    }

    fn new(subject: &str, field: &str, attribute: Option<String>) -> Result<Path, String> {
        if !SUBJECTS.contains(&subject) || !FIELDS.contains(&field) {
            return Err(format!("`{subject}.{field}`"));
        }
        Ok(Path { subject: subject.to_owned(), field: field.to_owned(), attribute })
    }
}

impl Rule {
    pub(super) fn mentions(&self, subject: &str) -> bool {
        self.target == subject
            || self.conditions.iter().any(|(path, _)| path.subject == subject)
            || self.set.iter().any(|(_, template)| template.mentions(subject))
    }

    /// A rule looks at live communications only, unless it names `ended`.
    pub(super) fn sees_ended(&self) -> bool {
        self.conditions.iter().any(|(path, _)| path.field == "ended")
    }
}

/// The rules that are in force: enabled and not dry-run, in the order of the file. Beside them all
/// keys that any rule of the file names.
pub(super) fn read(text: &str) -> Result<(Vec<Rule>, BTreeSet<String>), NotUnderstood> {
    let in_file = |what: String| NotUnderstood { place: "the file".to_owned(), what };
    let file: Table =
        text.parse().map_err(|error: toml::de::Error| in_file(error.message().to_owned()))?;
    let empty = Table::new();
    let defaults = file.get("defaults").and_then(Toml::as_table).unwrap_or(&empty);
    if let Some(other) = file.keys().find(|key| !matches!(key.as_str(), "rule" | "defaults")) {
        return Err(in_file(format!("`{other}`")));
    }
    let mut rules = Vec::new();
    let mut keys = BTreeSet::new();
    for (n, table) in file.get("rule").and_then(Toml::as_array).into_iter().flatten().enumerate() {
        let table = table.as_table().ok_or_else(|| in_file(format!("rule {}", n + 1)))?;
        let (rule, live) = rule(table, defaults).map_err(|what| {
            let name = table
                .get("name")
                .and_then(Toml::as_str)
                .map_or_else(|| (n + 1).to_string(), str::to_owned);
            NotUnderstood { place: format!("rule {name}"), what }
        })?;
        keys.extend(rule.set.iter().chain(&rule.otherwise).map(|(key, _)| key.clone()));
        if live {
            rules.push(rule);
        }
    }
    Ok((rules, keys))
}

/// The rule, and whether it is in force: enabled, and not a dry run, which expects nothing.
fn rule(table: &Table, defaults: &Table) -> Result<(Rule, bool), String> {
    if let Some(other) = table.keys().find(|key| !RULE_KEYS.contains(&key.as_str())) {
        return Err(format!("`{other}`"));
    }
    let word = |key: &str, without: &str| {
        let value = table.get(key).or_else(|| defaults.get(key)).and_then(Toml::as_str);
        value.unwrap_or(without).to_owned()
    };
    let mode = match word("write", "follow").as_str() {
        "follow" => Mode::Follow,
        "first" => Mode::First,
        "if-absent" => Mode::IfAbsent,
        other => return Err(format!("write = \"{other}\"")),
    };
    let enabled = table.get("enabled").and_then(Toml::as_bool).unwrap_or(true);
    let rule = Rule {
        name: word("name", ""),
        mode,
        target: word("target", "customer"),
        conditions: conditions(table.get("match"))?,
        set: values(table.get("set"))?,
        otherwise: values(table.get("otherwise"))?,
        during_flow: table.get("during_flow").and_then(Toml::as_bool).unwrap_or(false),
    };
    Ok((rule, enabled && word("mode", "live") == "live"))
}

fn conditions(tree: Option<&Toml>) -> Result<Vec<(Path, Pattern)>, String> {
    let mut conditions = Vec::new();
    for (subject, fields) in tree.and_then(Toml::as_table).into_iter().flatten() {
        let fields = fields.as_table().ok_or_else(|| format!("match.{subject}"))?;
        for (field, pattern) in fields {
            if field == "attributes" {
                for (name, pattern) in pattern.as_table().ok_or("attributes without a name")? {
                    let path = Path::new(subject, field, Some(name.clone()))?;
                    conditions.push((path, Pattern::read(pattern)?));
                }
            } else {
                conditions.push((Path::new(subject, field, None)?, Pattern::read(pattern)?));
            }
        }
    }
    Ok(conditions)
}

fn values(table: Option<&Toml>) -> Result<Vec<(String, Template)>, String> {
    let table = table.and_then(Toml::as_table).into_iter().flatten();
    table.map(|(key, value)| Ok((key.clone(), Template::read(value)?))).collect()
}
