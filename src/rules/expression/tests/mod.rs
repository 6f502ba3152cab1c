//! Expressions played against a small world, as tables: what is written, and what it gives.

#![expect(clippy::too_many_lines, reason = "tables are as long as what they show")]
#![expect(clippy::wildcard_enum_match_arm, reason = "most values are shown alike")]

mod absence;
mod functions;
mod limits;
mod mistakes;
mod properties;
mod unreadable;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::Expect;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::evaluate::Evaluation;
use super::{Expression, Scenery, Vocabulary, Wanted, calls};
use crate::genesys::names::Listed;
use crate::rules::field::{Field, Named, Path, Value};

/// What the tests' conversation has, by path as it is written.
struct World {
    fields: BTreeMap<&'static str, Value<'static>>,
    participants: Vec<BTreeMap<&'static str, Value<'static>>>,
    raw: serde_json::Value,
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(Cow::Borrowed(text))
}

fn world() -> World {
    let fields = [
        ("conversation.media", text("call")),
        ("conversation.transfers", Value::Number(2)),
        ("conversation.ended", Value::Flag(false)),
        ("participant.id", text("p1")),
        ("participant.purpose", text("agent")),
        ("participant.state", text("connected")),
        ("participant.held", Value::Flag(true)),
        ("participant.queue", text("q-billing")),
        ("participant.priority", Value::Number(5)),
        ("participant.skills", Value::Texts(vec!["german", "billing"])),
        ("participant.user_name", text("Avery Agent")),
        ("customer.id", text("c1")),
        ("customer.number", text("+4930123456")),
        ("customer.name", text("Käthe Kunde")),
        ("customer.attributes.\"tier\"", text("gold")),
        ("customer.attributes.\"crm.tier\"", text("platinum")),
        ("customer.attributes.\"count\"", text("7")),
        ("customer.attributes.\"words\"", text("seven")),
        ("customer.attributes.\"blank\"", text("   ")),
    ];
    let participants = vec![
        BTreeMap::from([
            ("purpose", text("customer")),
            ("name", text("Käthe Kunde")),
            ("attributes.tier", text("gold")),
        ]),
        BTreeMap::from([
            ("purpose", text("agent")),
            ("name", text("Avery Agent")),
            ("held", Value::Flag(true)),
            ("queue", text("q-billing")),
        ]),
        BTreeMap::from([("purpose", text("agent")), ("held", Value::Flag(false))]),
    ];
    let raw = json!({
        "id": "c1", "count": 3, "big": 1e300, "yes": true, "nothing": null, "empty": [],
        "participants": [{"calls": [{"state": "connected", "recording": true}]}, {"calls": []}],
    });
    World { fields: BTreeMap::from(fields), participants, raw }
}

impl Scenery for World {
    fn read(&self, path: &Path) -> Option<Value<'_>> {
        self.fields.get(&*path.to_string()).cloned()
    }

    fn show(&self, path: &Path) -> Option<Value<'_>> {
        named(path.field, self.read(path))
    }

    fn participants(&self) -> usize {
        self.participants.len()
    }

    fn read_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>> {
        let name = match key {
            Some(key) => format!("attributes.{key}"),
            None => field.name.to_owned(),
        };
        self.participants[participant].get(&*name).cloned()
    }

    fn show_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>> {
        named(field, self.read_of(participant, field, key))
    }

    fn is_called(&self, what: Named, id: &str, name: &str) -> bool {
        match what {
            Named::Queue => id == format!("q-{}", name.to_lowercase()),
            Named::Listed(Listed::Skill) => id == name.to_lowercase(),
            _ => false,
        }
    }

    fn now(&self) -> Timestamp {
        "2026-11-20T23:30:15.250Z".parse().unwrap()
    }

    fn raw(&self) -> Option<&serde_json::Value> {
        Some(&self.raw)
    }

    fn lookup(&self, list: &str, key: &str, column: Option<&str>) -> Option<Cow<'_, str>> {
        let found = list == "vip" && key.starts_with("+49");
        found.then(|| Cow::Owned(format!("{} of {key}", column.unwrap_or("key"))))
    }

    fn row(&self, list: &str, column: &str) -> Option<Cow<'_, str>> {
        (list == "vip" && column == "segment").then_some(Cow::Borrowed("gold"))
    }
}

fn named<'a>(field: &Field, value: Option<Value<'a>>) -> Option<Value<'a>> {
    if field.kind.named() == Some(Named::Queue) { value.map(|_| text("Billing")) } else { value }
}

fn vocabulary() -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    let columns = ["segment", "manager"].map(Arc::from).to_vec();
    vocabulary.add_list(Arc::from("vip"), Some(columns));
    vocabulary.add_list(Arc::from("holidays"), None);
    vocabulary
}

fn parsed(text: &str) -> Expression {
    match Expression::parse(text, Wanted::Value, &vocabulary()) {
        Ok(expression) => expression,
        Err(mistakes) => panic!("{text}: {mistakes:?}"),
    }
}

/// What it gives, with its kind: texts in quotes.
fn shown(text: &str) -> String {
    let (expression, world) = (parsed(text), world());
    let node = &expression.compiled.node;
    let value = match Evaluation::new(&world).value(node) {
        Ok(value) => value,
        Err(error) => return format!("error at `{}`: {error}", &text[error.at.clone()]),
    };
    match value {
        super::value::Value::Null => "null".to_owned(),
        super::value::Value::Text(text) => format!("{text:?}"),
        value => {
            calls::string(value, node).map_or_else(|e| e.to_string(), |text| text.into_owned())
        }
    }
}

/// Each line of `table` is an expression; it is shown with what it gives.
#[track_caller]
fn check(table: &str, expected: Expect) {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: String = lines.map(|line| format!("{line} → {}\n", shown(line))).collect();
    expected.assert_eq(&lines);
}

#[test]
fn what_is_read_is_known() {
    let text = "participant.held && 'gold' == customer.attributes.tier && participant.queue in ['Billing', 'Sales'] \
        && conversation.media in ['call', 'email'] && participant.priority == 5 && (agent.state == 'x' || now > timestamp('2026-01-01T00:00:00Z')) \
        && participants.exists(p, p.muted) && has(lists.vip.segment) && has(lookup('holidays', 'x'))";
    let expression = Expression::parse(text, Wanted::Condition, &vocabulary()).unwrap();
    let paths: Vec<String> = expression.paths().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "participant.held",
            "customer.attributes.\"tier\"",
            "participant.queue",
            "conversation.media",
            "participant.priority",
            "agent.state",
            "participant.muted"
        ]
    );
    let conjuncts: Vec<String> =
        expression.conjuncts().iter().map(|(path, of)| format!("{path} {of:?}")).collect();
    assert_eq!(
        conjuncts,
        [
            "participant.held [Flag(true)]",
            "customer.attributes.\"tier\" [Text(\"gold\")]",
            "conversation.media [Text(\"call\"), Text(\"email\")]",
            "participant.priority [Number(5)]"
        ]
    );
    assert!(expression.uses_now() && expression.uses_participants() && !expression.uses_raw());
    assert_eq!(expression.lists().map(|list| &**list).collect::<Vec<_>>(), ["vip", "holidays"]);
    let rows: Vec<_> = expression.rows().map(|(list, at)| (&**list, &text[at])).collect();
    assert_eq!(rows, [("vip", "lists.vip.segment")]);
    let names: Vec<_> = expression.names().collect();
    let names: Vec<_> = names.into_iter().map(|(kind, name)| (kind, &**name)).collect();
    assert_eq!(names, [(Named::Queue, "Billing"), (Named::Queue, "Sales")]);
    assert!(expression.doubts()[0].message.contains("`agent.state` is not known to be \"x\""));
}

#[test]
fn durations_of_fields_are_durations() {
    let mut world = world();
    let wait = Value::Duration(SignedDuration::from_secs(90));
    world.fields.insert("conversation.media", wait);
    let expression = parsed("conversation.media");
    assert_eq!(expression.render(&world).unwrap().as_deref(), Some("90s"));
}
