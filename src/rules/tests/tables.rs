//! Lists and schedules in rules, and when time alone changes what rules say.

use std::sync::Arc;

use expect_test::{Expect, expect};

use super::*;
use crate::rules::{Looked, UnknownName};

const VIP: &str = r#"
    [lists.vip]
    file = "vip.csv"
    key = "phone"
    match = "prefix"
    normalize = "phone"

    [lists.partners]
    rows = ["example.com", "Example.ORG"]
    ignore_case = true

    [[rule]]
    name = "vip"
    match.participant.purpose = "customer"
    match.customer.number = { in_list = "vip" }
    set.segment = "gold"

    [[rule]]
    name = "nobody"
    match.participant.purpose = "customer"
    match.customer.number.not.in_list = "vip"
    set.segment = "none"

    [[rule]]
    name = "partner"
    match.customer.attributes.domain = { in_list = ["partners", "vip"] }
    match.participant.purpose = "customer"
    set.partner = "yes"
"#;

fn bound(text: &str, vip: &str) -> (Rules, Vec<UnknownName>, u64) {
    let (file, warnings) = RuleFile::parse(Path::new("r.toml"), text, &AllowedKeys::all()).unwrap();
    assert_eq!(warnings.len(), 0, "{warnings:?}");
    let mut tables = Tables::default();
    for source in &file.lists {
        let (list, _) = source.read(Path::new("vip.csv"), vip.as_bytes()).unwrap();
        tables.put(Arc::clone(&source.name), list);
    }
    let (rules, unknown) = file.bind(Arc::new(names()), &tables);
    (rules, unknown, file.hash())
}

fn look(rules: &Rules, snapshot: &str, now: &str) -> Looked {
    let watched = BTreeSet::new();
    let context = Context { watched: &watched, now: now.parse().unwrap(), raw: None };
    rules.look(&conversation(snapshot), &context, &mut Standing::default())
}

/// What holds, and when to look again.
fn held(rules: &Rules, snapshot: &str, now: &str) -> String {
    let looked = look(rules, snapshot, now);
    let due = looked.due.map_or_else(|| "never".to_owned(), |due| due.to_string());
    format!("[{}] again {due}\n", looked.held.join(" "))
}

#[test]
fn who_is_in_a_list() {
    let (rules, ..) = bound(VIP, "phone;segment\n+49 30;gold\n");
    for (customer, expected) in [
        ("customer c1 | call connected other=+4930123456", "vip"),
        ("customer c1 @domain=EXAMPLE.org | call connected other=+33123456789", "nobody partner"),
        ("customer c1 @domain=+4930123456 | call connected", "nobody partner"),
        ("customer c1 @domain=x | call connected", "nobody"),
    ] {
        let looked = look(&rules, customer, "1970-01-01T00:00:00Z");
        assert_eq!(looked.held.join(" "), expected, "{customer}");
        assert_eq!(looked.due, None);
    }
}

#[test]
fn a_list_that_is_not_there_has_nobody() {
    let (file, _) = RuleFile::parse(Path::new("r.toml"), VIP, &AllowedKeys::all()).unwrap();
    let (rules, _) = file.bind(Arc::new(names()), &Tables::default());
    let looked =
        look(&rules, "customer c1 | call connected other=+4930123456", "1970-01-01T00:00:00Z");
    assert_eq!(looked.held.join(" "), "nobody");
}

#[test]
fn a_changed_list_changes_the_rules_that_ask_it_and_no_others() {
    let (before, _, file) = bound(VIP, "phone\n+4930\n");
    let (same, ..) = bound(VIP, "phone\n0049 30\n");
    let (after, ..) = bound(VIP, "phone\n+4930\n+4940\n");
    assert_eq!((before.hash(), before.in_force()), (same.hash(), same.in_force()));
    assert_ne!(before.hash(), after.hash());
    assert_ne!(before.hash(), file);
    let unrelated = format!(
        "{VIP}\n[[rule]]\nname = \"other\"\nmatch.participant.held = true\nset.y = \"z\"\n"
    );
    let digests = |vip: &str| bound(&unrelated, vip).0.in_force().as_ref().clone();
    let (one, other) = (digests("phone\n+4930\n"), digests("phone\n+4940\n"));
    assert_eq!(one.intersection(&other).count(), 1);
}

#[test]
fn the_row_is_found_by_the_one_field_that_is_asked() {
    let (file, _) = RuleFile::parse(Path::new("r.toml"), VIP, &AllowedKeys::all()).unwrap();
    let shown = |rule: usize, list: &str| {
        let paths = crate::rules::found_by(&file.rules[rule].conditions, list);
        paths.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(0, "vip"), "customer.number");
    assert_eq!(shown(1, "vip"), "");
    assert_eq!(shown(2, "vip"), "customer.attributes.\"domain\"");
}

const OFFICE: &str = r#"
    [lists.holidays]
    file = "holidays.txt"

    [schedules.office]
    zone = "Europe/Berlin"
    open = ["mon-fri 08:00-18:00"]
    closed = { in_list = "holidays" }
"#;

fn play_office(rule: &str, steps: &[(&str, &str)], expected: &Expect) {
    let (rules, ..) = bound(&format!("{OFFICE}\n{rule}"), "24.12.2026\n");
    let shown: String = steps.iter().map(|(now, snapshot)| held(&rules, snapshot, now)).collect();
    expected.assert_eq(&shown);
}

#[test]
fn closed_by_schedule_and_holiday() {
    let waiting = "acd q1 queue=billing | call connected";
    let talking = "agent a1 | call connected";
    play_office(
        "[[rule]]\nname = \"closed\"\nmatch.participant.purpose = \"acd\"\nmatch.time = { not = \"office\" }\nset.x = \"y\"",
        &[
            ("2026-12-23T12:00:00Z", waiting),
            ("2026-12-23T17:00:00Z", waiting),
            ("2026-12-24T12:00:00Z", waiting),
            ("2026-12-25T12:00:00Z", waiting),
            ("2026-12-23T12:00:00Z", talking),
        ],
        &expect![[r#"
            [] again 2026-12-23T17:00:00Z
            [closed] again 2026-12-25T07:00:00Z
            [closed] again 2026-12-25T07:00:00Z
            [] again 2026-12-25T17:00:00Z
            [] again never
        "#]],
    );
}

#[test]
fn alternatives_and_other_participants_with_a_time() {
    let waiting = "acd q1 queue=billing | call connected";
    let talking = "agent a1 | call connected";
    play_office(
        r#"
        [[rule]]
        name = "any"
        match.any = [{ time = "office", participant.purpose = "acd" }, { participant.held = true }]
        set.a = "1"

        [[rule]]
        name = "none"
        match.participant.media = "call"
        match.none = [{ participant.purpose = "acd", time = "office" }]
        set.b = "1"
        "#,
        &[
            ("2026-12-23T12:00:00Z", waiting),
            ("2026-12-23T20:00:00Z", waiting),
            ("2026-12-23T12:00:00Z", talking),
        ],
        &expect![[r#"
            [any] again 2026-12-23T17:00:00Z
            [none] again 2026-12-25T07:00:00Z
            [none] again never
        "#]],
    );
}

#[test]
fn who_has_waited_long_is_looked_at_when_it_is_long() {
    let rule = r#"
        [[rule]]
        name = "long"
        match.acd.waiting = { ge = "90s" }
        match.participant.purpose = "acd"
        set.long = "true"

        [[rule]]
        name = "between"
        match.participant.purpose = "acd"
        match.participant.waiting = { gt = "1m", le = "2m" }
        set.between = "true"
    "#;
    let (rules, ..) = bound(rule, "");
    let waiting = "acd q1 at=0 queue=billing | call connected at=0";
    let mut shown = String::new();
    for second in ["00:00:00", "00:01:00", "00:01:00.001", "00:01:30", "00:02:00", "00:02:00.001"] {
        shown += &held(&rules, waiting, &format!("1970-01-01T{second}Z"));
    }
    shown += &held(
        &rules,
        "acd q1 at=0 ended=5 queue=billing | call disconnected at=0",
        "1970-01-01T00:00:10Z",
    );
    expect![[r#"
        [] again 1970-01-01T00:01:00Z
        [] again 1970-01-01T00:01:00.001Z
        [between] again 1970-01-01T00:01:30Z
        [long between] again 1970-01-01T00:01:30.001Z
        [long between] again 1970-01-01T00:02:00.001Z
        [long] again never
        [] again never
    "#]]
    .assert_eq(&shown);
}
