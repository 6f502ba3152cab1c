//! That no rule is left out which could hold, and hardly any is let in that cannot.

use std::path::Path as FilePath;
use std::sync::Arc;

use super::*;
use crate::rules::condition::FieldCondition;
use crate::rules::fields;
use crate::rules::lists::{Keying, List, Tables};
use crate::rules::pattern::{Form, InList, Pattern, Scalar, Words};

fn on(field: &str, pattern: Pattern) -> Condition {
    let path = fields::path(Subject::Participant, field).unwrap();
    Condition::Field(Arc::new(FieldCondition { path, pattern }))
}

fn any_of(words: &[&str]) -> Pattern {
    Pattern::AnyOf(words.iter().map(|word| Scalar::Text(Arc::from(*word))).collect())
}

fn is(field: &str, words: &[&str]) -> Condition {
    on(field, any_of(words))
}

fn words(field: &str, form: Form, text: &str) -> Condition {
    on(field, Pattern::Words(Box::new(Words::new(form, text, false).unwrap())))
}

fn any(alternatives: Vec<Vec<Condition>>) -> Condition {
    Condition::Any(Arc::new(alternatives))
}

fn index(rules: &[Vec<Condition>]) -> Index {
    Index::new(rules.iter().enumerate().map(|(at, rule)| (at, rule.iter().collect())))
}

fn found(index: &Index, values: &[(&str, &'static str)]) -> Vec<usize> {
    let mut found = Found::default();
    index.candidates(&mut found, |path| {
        let value = values.iter().find(|(name, _)| *name == path.field.name);
        Value::text(value.map(|(_, text)| *text))
    });
    found.rules.sort_unstable();
    found.rules
}

#[test]
fn a_rule_is_found_by_what_tells_it_from_others() {
    let rules = [
        vec![is("purpose", &["agent"]), is("queue", &["q1", "q2", "q1"])],
        vec![is("purpose", &["agent"]), is("state", &["alerting", "connected"])],
        vec![on("purpose", Pattern::Not(Box::new(any_of(&["agent"]))))],
        vec![],
        vec![is("queue", &[])],
        vec![any(vec![vec![is("queue", &["q2"])], vec![is("state", &["connected"])]])],
        vec![any(vec![vec![is("queue", &["q2"])], vec![]])],
    ];
    let index = index(&rules);
    assert_eq!(index.open().collect::<Vec<_>>(), [2, 3, 6]);
    for (queue, state, expected) in [
        ("q1", "alerting", &[0, 1, 2, 3, 6][..]),
        ("q2", "connected", &[0, 1, 2, 3, 5, 6]),
        ("q3", "connected", &[1, 2, 3, 5, 6]),
        ("", "", &[2, 3, 6]),
    ] {
        let values = [("queue", queue), ("purpose", "agent"), ("state", state)];
        assert_eq!(found(&index, &values), expected, "{queue} {state}");
    }
}

#[test]
fn parts_of_texts_are_keys() {
    let rules = [
        vec![words("name", Form::Prefix, "Service ")],
        vec![words("name", Form::Suffix, "@example.com")],
        vec![words("name", Form::Glob, "+49*")],
        vec![words("name", Form::Glob, "*-vip")],
        vec![words("name", Form::Glob, "plain")],
        vec![words("name", Form::Prefix, "a name with more than thirty-two letters, in its head")],
    ];
    let index = index(&rules);
    for (name, expected) in [
        ("Service desk", &[0][..]),
        ("casey@example.com", &[1]),
        ("+4930-vip", &[2, 3]),
        ("plain", &[4]),
        ("plainer", &[]),
        ("a name with more than thirty-two letters, but another", &[5]),
        ("S", &[]),
    ] {
        assert_eq!(found(&index, &[("name", name)]), expected, "{name}");
    }
    assert_eq!(index.open().count(), 0);
}

#[test]
fn what_cannot_be_found_by_a_key_is_always_tested() {
    let rules = [
        vec![words("name", Form::Glob, "**/x")],
        vec![words("name", Form::Glob, "*")],
        vec![words("name", Form::Contains, "x")],
        vec![words("name", Form::Prefix, "")],
        vec![on("name", Pattern::Exists(false))],
    ];
    assert_eq!(index(&rules).open().count(), rules.len());
}

#[test]
fn shared_values_are_told_apart_by_combinations() {
    let names: Vec<String> = (0..10).map(|at| format!("v{at}")).collect();
    let lists = |at: usize| {
        let list = |step: usize| [at * step, at * step + 1, at * step + 2].map(|v| &*names[v % 10]);
        vec![is("queue", &list(1)), is("state", &list(3)), is("name", &list(7))]
    };
    let rules: Vec<_> = (0..200).map(lists).collect();
    let index = index(&rules);
    let values = [("queue", "v3"), ("state", "v3"), ("name", "v3")];
    let found = found(&index, &values);
    assert!(found.len() < 60, "{found:?}");
    let all: Vec<usize> = (0..200)
        .filter(|at| {
            [1, 3, 7].iter().all(|step| [0, 1, 2].iter().any(|v| (at * step + v) % 10 == 3))
        })
        .collect();
    assert!(all.iter().all(|rule| found.contains(rule)), "{all:?} {found:?}");
}

#[test]
fn what_is_in_a_list_is_found_by_a_lookup() {
    let list = |key: &str| {
        let read = List::read(FilePath::new("list"), key.as_bytes(), None, Keying::default());
        Arc::new(read.unwrap().0)
    };
    let mut tables = Tables::default();
    tables.put("vip".into(), list("+4930"));
    tables.put("staff".into(), list("+4940"));
    let in_list =
        |name: &str| Pattern::InList(Box::new(InList::new(Arc::from(name)).bound(&tables)));
    let mut rules = vec![
        vec![on("name", in_list("vip"))],
        vec![on("name", Pattern::Either(Box::new([in_list("vip"), in_list("staff")])))],
        vec![on("name", in_list("not-there"))],
        vec![on("name", Pattern::Not(Box::new(in_list("vip"))))],
        vec![is("queue", &["q1"]), on("name", in_list("vip"))],
    ];
    let alone = index(&rules);
    assert_eq!(alone.open().collect::<Vec<_>>(), [3]);
    for (name, expected) in [("+4930", &[0, 1, 3, 4][..]), ("+4940", &[1, 3, 4]), ("x", &[3, 4])] {
        assert_eq!(found(&alone, &[("name", name), ("queue", "q1")]), expected, "{name}");
    }
    assert_eq!(found(&alone, &[("queue", "q2")]), [3]);
    // A value that many rules name does not tell enough by itself.
    rules.extend((0..40).map(|_| vec![is("queue", &["q1"]), on("name", in_list("staff"))]));
    rules.extend((0..60).map(|_| vec![is("queue", &["q2"])]));
    let many = index(&rules);
    assert_eq!(found(&many, &[("name", "+4930"), ("queue", "q1")]), [0, 1, 3, 4]);
}
