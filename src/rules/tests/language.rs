//! What conditions beyond one field mean: alternatives, some and none, the raw event, time that runs.

use expect_test::{Expect, expect};

use super::*;

#[test]
fn alternatives_are_of_the_same_element() {
    check(
        r#"
            [[rule]]
            name = "either"
            match.participant.purpose = "agent"
            match.any = [
                { participant.media = "message", participant.held = true },
                { participant.state = "alerting" },
            ]
            set.k = "{{ participant.id }}"
        "#,
        "
            customer c1 at=0 | message connected held
            agent a1 at=1 | call connected held | message connected
            ---
            customer c1 at=0
            agent a1 at=1 | call connected | message connected held
            ---
            customer c1 at=0
            agent a1 | call alerting
        ",
        expect![[r#"
            0:
            1:
              c1 k = a1 (either)
            2:
              c1 k = a1 (either)
        "#]],
    );
}

#[test]
fn there_is_one_and_there_is_none() {
    check(
        r#"
            [[rule]]
            name = "nobody-yet"
            match.participant.purpose = "customer"
            match.none = [{ participant.purpose = "agent" }]
            set.nobody = "true"
            [[rule]]
            name = "conference"
            match.participant.purpose = "customer"
            match.some = [
                { participant.purpose = "agent", participant.user = "avery@example.com" },
                { participant.purpose = "agent", participant.user = "blake@example.com" },
            ]
            set.both = "true"
            [[rule]]
            name = "was-here"
            match.participant.purpose = "customer"
            match.some = [{ participant.purpose = "agent", participant.ended = true }]
            set.was = "true"
        "#,
        "
            customer c1 at=0 | call connected
            ---
            customer c1 at=0 | call connected
            agent a1 at=1 user=avery | call connected
            agent a2 at=2 user=blake | call connected
            ---
            customer c1 at=0 | call connected
            agent a1 at=1 ended=9 user=avery | call disconnected
        ",
        expect![[r#"
            0:
              c1 nobody = true (nobody-yet)
            1:
              c1 both = true (conference)
            2:
              c1 nobody = true (nobody-yet)
              c1 was = true (was-here)
        "#]],
    );
}

#[test]
fn operators_on_fields_of_every_type() {
    check(
        r#"
            [[rule]]
            name = "mail"
            match.customer.address = { suffix = "@PARTNER.example", ignore_case = true }
            set.mail = "true"
            [[rule]]
            name = "glob"
            match.customer.address.glob = "{orders,service}@*"
            set.glob = "true"
            [[rule]]
            name = "regex"
            match.customer.address.regex = '^\w+@'
            set.regex = "true"
            [[rule]]
            name = "one-of"
            match.customer.address.prefix = ["a", "o"]
            set.prefix = "true"
            [[rule]]
            name = "any-case"
            match.customer.attributes.tier = { ignore_case = ["Gold", "Silver"] }
            set.tier = "true"
            [[rule]]
            name = "not-gold"
            match.customer.attributes.tier.not = { is = "gold", ignore_case = true }
            set.not = "true"
            [[rule]]
            name = "skilled"
            match.acd.skill_ids = { has_any = ["german", "french"], not = { has_all = ["german", "vip"] } }
            set.skill = "true"
            [[rule]]
            name = "urgent"
            match.acd.priority = { ge = 5, lt = 10 }
            match.customer.connected_time.gt = 1970-01-01T00:01:00Z
            set.priority = "true"
            [[rule]]
            name = "waited"
            match.conversation.queue_wait.gt = "3s"
            set.waited = "{{ conversation.queue_wait }}"
        "#,
        "
            customer c1 at=0 address=Orders@partner.example @tier=GOLD
            ---
            customer c1 at=90 address=orders@Partner.Example
            acd q1 at=5 ended=9 skill=german priority=5
            ---
            customer c1 at=90
            acd q1 at=5 skill=german skill=vip priority=10
        ",
        expect![[r#"
            0:
              c1 mail = true (mail)
              c1 regex = true (regex)
              c1 tier = true (any-case)
            1:
              c1 glob = true (glob)
              c1 mail = true (mail)
              c1 not = true (not-gold)
              c1 prefix = true (one-of)
              c1 priority = true (urgent)
              c1 regex = true (regex)
              c1 skill = true (skilled)
              c1 waited = 4s (waited)
            2:
              c1 not = true (not-gold)
        "#]],
    );
}

#[test]
fn what_is_cleared_wins_over_what_was_set_before_it() {
    check(
        r#"
            [[rule]]
            name = "set"
            match.participant.purpose = "customer"
            set.a = "1"
            set.b = "1"
            [[rule]]
            name = "clear"
            match.participant.purpose = "agent"
            clear = ["a"]
        "#,
        "
            customer c1 at=0
            agent a1 at=1
        ",
        expect![[r#"
            0:
              c1 a =  (clear)
              c1 b = 1 (set)
        "#]],
    );
}

#[test]
fn the_raw_event_is_asked_by_segments() {
    let body = r#"{"participants":[{"calls":[{"recording":false},{"recording":true,"n":4}]},{"calls":[]}],
        "divisions":[{"id":"d1"}],"tags":["a","b"],"ratio":0.5,"none":null}"#;
    for (asked, expected) in [
        (r#"path = ["participants", "*", "calls", "*", "recording"], is = true"#, true),
        (r#"path = ["participants", 0, "calls", 0, "recording"], is = true"#, false),
        (r#"path = ["participants", "*", "calls", "*", "recording"], not = true"#, false),
        (r#"path = ["participants", "*", "calls", "*", "n"], ge = 4, lt = 9"#, true),
        (r#"path = ["participants", "*", "calls", "*", "n"], ge = 4, not = { lt = 9 }"#, false),
        (r#"path = ["participants", 1, "calls", "*", "n"], exists = false"#, true),
        (r#"path = ["none"], exists = true"#, false),
        (r#"path = ["nowhere"], not = "x""#, true),
        (r#"path = ["tags"], has_all = ["a", "b"]"#, true),
        (r#"path = ["tags", "*"], is = ["b", "c"]"#, true),
        (r#"path = ["ratio"], is = "0.5""#, true),
        (r#"path = ["divisions", "*", "*"], prefix = "d""#, true),
    ] {
        let text = format!(
            "[[rule]]\nname = 'raw'\nmatch.conversation.ended.exists = true\n\
             match.raw = [{{ {asked} }}]\nset.k = 'v'\n"
        );
        let (rules, watched) = (rules(&text), BTreeSet::new());
        let holds = |raw| {
            let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw };
            let conversation = conversation("customer c1 at=0");
            rules.look(&conversation, &context, &mut Standing::default()).matches == 1
        };
        assert_eq!(holds(Some(body)), expected, "{asked}");
        assert!(!holds(None), "{asked}, without the event");
        assert!(!holds(Some("{")), "{asked}, of what cannot be read");
    }
}

#[test]
fn a_rule_says_nothing_of_an_event_that_it_cannot_see_as_it_was_sent() {
    for asked in [
        "match.raw = [{ path = ['tier'], is = 'gold' }]",
        "match.none = [{ raw = [{ path = ['tier'], is = 'silver' }] }]",
        "when = 'raw.tier == \"gold\"'",
        "when = '!has(raw.tier) || raw.tier == \"gold\"'",
    ] {
        let rules = rules(&format!(
            "[[rule]]\nname = 'raw'\nmatch.customer.purpose = 'customer'\n{asked}\n\
             target = 'customer'\nset.k = 'yes'\notherwise.k = 'no'\n"
        ));
        let (watched, mut standing) = (BTreeSet::new(), Standing::default());
        let seen = conversation("customer c1 at=0");
        let mut wished = |raw| {
            let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw };
            let explained = rules.explain(&seen, &context, &standing);
            let looked = rules.look(&seen, &context, &mut standing);
            assert_eq!(explained.rules[0].holds(), looked.matches == 1, "{asked}, explained");
            looked.wishes.first().map(|wish| wish.value.to_string())
        };
        assert_eq!(wished(Some(r#"{"tier":"gold"}"#)).as_deref(), Some("yes"), "{asked}");
        assert_eq!(wished(None), None, "{asked}, without the event");
        assert_eq!(wished(Some(r#"{"tier":"silver"}"#)).as_deref(), Some("no"), "{asked}");
    }
}

#[test]
fn durations_run_with_the_clock_that_is_given() {
    let rules = rules(
        "[[rule]]\nname = 'long'\nmatch.acd.waiting = { gt = '2m' }\nset.long = 'true'\n\
         [[rule]]\nname = 'held'\nmatch.participant.held_for = { ge = '1m' }\nset.held = 'true'\n",
    );
    let mut waits =
        conversation("customer c1 at=0 | call connected\nacd q1 at=10 | call connected held");
    waits.participants[1].communications[0].start_hold_time = time("60");
    let watched = BTreeSet::new();
    for (now, expected) in
        [(0, &[][..]), (119, &[]), (120, &["held"]), (130, &["held"]), (131, &["long", "held"])]
    {
        let now = Timestamp::from_second(now).unwrap();
        let context = Context { watched: &watched, now, raw: None };
        let looked = rules.look(&waits, &context, &mut Standing::default());
        let held: Vec<&str> = looked.held.iter().map(|rule| &**rule).collect();
        assert_eq!(held, expected, "{now}");
    }
}

#[track_caller]
fn check(text: &str, snapshots: &str, expected: Expect) {
    expected.assert_eq(&play(&rules(text), snapshots));
}
