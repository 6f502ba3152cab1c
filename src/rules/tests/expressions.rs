//! Expressions in rules: what `when` holds back, what values are made, what an error touches.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect;
use jiff::Timestamp;

use super::{conversation, play, rules};
use crate::config::fence::AllowedKeys;
use crate::rules::{Context, RuleFile, Standing};

#[test]
fn a_rule_holds_where_its_expression_does() {
    let rules = rules(
        r#"
        [[rule]]
        name = "held-gold"
        match.participant.purpose = "agent"
        when = 'customer.attributes["crm.tier"] in ["gold", "platinum"] && participant.held'
        set."a" = "{{ participant.queue }} / {{ customer.attributes['crm.tier'].upper() }}"
        otherwise."a" = "no"

        [[rule]]
        name = "nobody-else"
        when = 'participant.purpose == "agent" && participants.filter(p, p.purpose == "agent").size() == 1'
        set."b" = "{{ participants.map(p, p.purpose) }}"

        [[rule]]
        name = "absent"
        match.participant.purpose = "agent"
        set."c" = "{{ agent.name }}"
        set."d" = "{{ default(agent.attributes.x, conversation.transfers + 1) }}"
        "#,
    );
    let played = play(
        &rules,
        "
        customer c1 at=0 @crm.tier=gold | call connected other=+4930123456
        agent a1 at=5 user=avery queue=billing | call connected held
        ---
        customer c1 at=0 @crm.tier=gold | call connected other=+4930123456
        agent a1 at=5 user=avery queue=billing | call connected
        agent a2 user=blake queue=billing | call alerting
        ---
        customer c1 at=0 @crm.tier=tin | call connected
        agent a1 at=5 | call disconnected over=7
        ",
    );
    expect![[r#"
        0:
          c1 a = Billing / GOLD (held-gold)
          c1 b = ["customer","agent"] (nobody-else)
          c1 d = 1 (absent)
        1:
          c1 a = no (held-gold)
          c1 d = 1 (absent)
        2:
          c1 a = no (held-gold)
    "#]]
    .assert_eq(&played);
}

#[test]
fn what_is_asked_of_all_participants_is_not_asked_of_the_tested_one() {
    let allowed = AllowedKeys::new(&["*".to_owned()]).unwrap();
    let text = "[[rule]]\nname = \"a\"\nmatch.participant.media = \"call\"\n\
                when = 'participants.all(p, p.ended || has(p.subject))'\n\
                set.\"k\" = \"x\"\notherwise.\"k\" = \"{{ participants.map(p, p.purpose) }}\"\n";
    let (file, warnings) = RuleFile::parse(Path::new("rules.toml"), text, &allowed).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(!file.rules[0].looks_at_ended());
}

#[test]
fn queues_and_users_are_called_by_their_names() {
    let rules = rules(
        r#"
        [[rule]]
        name = "billing"
        when = 'participant.queue in ["billing", "Nowhere"] && participant.user != "blake@example.com"'
        target = "participant"
        set."q" = "{{ participant.user == 'avery@example.com' }} {{ participants.exists(p, p.queue == 'Support') }}"
        "#,
    );
    let played = play(
        &rules,
        "
        acd q1 at=1 queue=support | call connected
        agent a1 at=5 user=avery queue=billing | call connected
        agent a2 at=6 user=blake queue=billing | call connected
        agent a3 at=7 user=casey queue=sales | call connected
        ",
    );
    expect![[r#"
        0:
          a1 q = true true (billing)
    "#]]
    .assert_eq(&played);
}

#[test]
fn rows_of_lists_are_found() {
    let rules = rules(
        r#"
        [lists.vip]
        key = "phone"
        rows = [
            { phone = "+4930123456", segment = "gold", manager = "Kim" },
            { phone = "+4930999", segment = "silver" },
        ]

        [[rule]]
        name = "vip"
        match.participant.purpose = "customer"
        match.customer.number = { in_list = "vip" }
        set."segment" = "{{ lists.vip.segment }}"
        set."manager" = "{{ lists.vip.manager }}"

        [[rule]]
        name = "other"
        match.participant.purpose = "customer"
        when = 'has(lookup("vip", customer.number))'
        set."other" = "{{ lookup('vip', '+4930999').segment }}, {{ lookup('vip', customer.number) }}"
        "#,
    );
    let played = play(
        &rules,
        "
        customer c1 at=0 | call connected other=+4930123456
        ---
        customer c1 at=0 | call connected other=+4930999
        ---
        customer c1 at=0 | call connected other=+1
        ",
    );
    expect![[r#"
        0:
          c1 manager = Kim (vip)
          c1 other = silver, +4930123456 (other)
          c1 segment = gold (vip)
        1:
          c1 other = silver, +4930999 (other)
          c1 segment = silver (vip)
        2:
    "#]]
    .assert_eq(&played);
}

#[test]
fn what_cannot_be_evaluated_stops_no_other_rule() {
    let rules = rules(
        r#"
        [[rule]]
        name = "broken"
        match.participant.purpose = "customer"
        when = 'int(customer.attributes.count) > 3'
        set."a" = "a"

        [[rule]]
        name = "broken-value"
        match.participant.purpose = "customer"
        set."b" = "b"
        set."c" = "{{ 1 / (size(customer.attributes.count) - 3) }}"

        [[rule]]
        name = "raw"
        match.participant.purpose = "customer"
        when = 'raw.extra.exists(x, x > 1)'
        set."d" = "{{ raw.extra }} {{ now }}"
        write = "first"
        "#,
    );
    let conversation = conversation("customer c1 at=0 @count=two | call connected");
    let watched = BTreeSet::new();
    let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    let context = Context { watched: &watched, now, raw: Some(r#"{"extra": [1, 2]}"#) };
    let looked = rules.look(&conversation, &context, &mut Standing::default());
    let errors: Vec<_> = looked.errors.iter().map(|one| (&*one.rule, &*one.message)).collect();
    assert_eq!(
        errors,
        [("broken", "a text does not say a whole number"), ("broken-value", "division by zero")]
    );
    let wishes: Vec<_> = looked.wishes.iter().map(|one| (&*one.key, &*one.value)).collect();
    assert_eq!(wishes, [("b", "b"), ("d", "[1,2] 2026-11-20T14:00:00Z")]);
}

#[test]
fn a_changed_expression_is_a_changed_rule() {
    let text = |when: &str, tier: &str| {
        format!(
            "[lists.vip]\nkey = \"k\"\nrows = [{{ k = \"x\", tier = \"{tier}\" }}]\n\n[[rule]]\n\
             name = \"a\"\nwhen = '{when}'\nset.\"k\" = \"{{{{ lookup('vip', 'x').tier }}}}\"\n"
        )
    };
    let digest = |when, tier| rules(&text(when, tier)).in_force().first().copied();
    let one = digest("participant.held", "gold");
    assert_eq!(one, digest("participant.held", "gold"));
    assert_ne!(one, digest("participant.muted", "gold"));
    assert_ne!(one, digest("participant.held", "silver"));
}

#[test]
fn names_in_expressions_are_resolved() {
    let allowed = AllowedKeys::new(&["*".to_owned()]).unwrap();
    let text = "[[rule]]\nname = \"a\"\nwhen = 'participant.queue == \"Biling\"'\n\
                set.\"k\" = \"{{ agent.user == 'kim@example.com' }}\"\n";
    let (file, _) = RuleFile::parse(Path::new("rules.toml"), text, &allowed).unwrap();
    let wanted = file.names_wanted();
    assert!(wanted.queues.contains("Biling") && wanted.users.contains("kim@example.com"));
    let (_, unknown) = file.bind(std::sync::Arc::default(), &super::Tables::default());
    let unknown: Vec<_> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(unknown, ["queue \"Biling\" of rule a", "user \"k…@example.com\" of rule a"]);
}

fn at(millisecond: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millisecond).ok()
}

#[test]
fn a_when_that_compares_a_duration_is_looked_at_when_it_is_reached() {
    let mut seen = conversation("customer c1 at=0 | call connected held");
    seen.participants[0].communications[0].start_hold_time = at(60_000);
    let watched = BTreeSet::new();
    for (when, dues) in [
        (r#"participant.held_for > duration("2m")"#, [180_000, 180_001, 0]),
        (
            r#"participant.media == "call" && duration("120s") <= customer.held_for"#,
            [180_000, 180_001, 0],
        ),
        (
            r#"participant.held_for in [duration("2m"), duration("5m")]"#,
            [180_000, 180_001, 360_000],
        ),
        ("has(participant.held_for)", [0, 0, 0]),
    ] {
        let rules = rules(&format!(
            "[[rule]]\nname = 'long'\nmatch.participant.held = true\nwhen = '{when}'\nset.k = 'v'\n"
        ));
        for (now, due) in [100_000, 180_000, 181_000].into_iter().zip(dues) {
            let now = at(now).unwrap();
            let context = Context { watched: &watched, now, raw: None };
            let looked = rules.look(&seen, &context, &mut Standing::default());
            let expected = at(due).filter(|due| *due > Timestamp::UNIX_EPOCH);
            assert_eq!(looked.due, expected, "{when} at {now}");
        }
    }
}

#[test]
fn a_when_that_time_changes_at_no_moment_that_is_known_is_warned_of() {
    for (when, warned) in [
        ("now > participant.connected_time", true),
        (r#"participants.exists(p, p.held_for > duration("2m"))"#, true),
        (r#"participant.held_for > participant.connected_for"#, true),
        (r#"participant.held_for > duration("2m") || customer.held"#, false),
        ("has(participant.held_for)", false),
    ] {
        let text = format!(
            "[[rule]]\nname = 'r'\nmatch.participant.held = true\nwhen = '{when}'\nset.k = 'v'\n"
        );
        let parsed = RuleFile::parse(Path::new("rules.toml"), &text, &AllowedKeys::all());
        let warnings = parsed.unwrap().1;
        let told = warnings.iter().any(|one| one.message.contains("time alone"));
        assert_eq!(told, warned, "{when}: {warnings:?}");
    }
}
