//! What is told of rules at small conversations.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use jiff::Timestamp;

use super::*;
use crate::genesys::UserId;
use crate::rules::tests::{conversation, rules};

#[track_caller]
fn check_all(text: &str, snapshot: &str, expected: Expect) {
    let rules = rules(text);
    let watched = BTreeSet::from([UserId::new("u-avery"), UserId::new("u-blake")]);
    let mut standing = Standing::default();
    let mut shown = String::new();
    for snapshot in snapshot.split("---") {
        let snapshot = conversation(snapshot);
        let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
        let explanation = rules.explain(&snapshot, &context, &standing);
        let looked = rules.look(&snapshot, &context, &mut standing);
        agree(&explanation, &looked);
        explanation.rules.iter().for_each(|rule| show(rule, &mut shown));
    }
    expected.assert_eq(&shown);
}

/// What was explained is what was looked at.
#[track_caller]
fn agree(explanation: &Explanation, looked: &Looked) {
    let held = explanation.rules.iter().filter(|rule| rule.holds());
    let held: Vec<_> = held.map(|rule| Arc::clone(&rule.rule.name)).collect();
    assert_eq!(held, looked.held);
}

fn show(explained: &Explained, shown: &mut String) {
    let verdict = if explained.holds() { "holds" } else { "does not hold" };
    writeln!(shown, "{} {verdict}", explained.rule.name).unwrap();
    for test in &explained.tests {
        let leg = test.participant.communication.as_ref().map_or("-", |leg| leg.media.word());
        let watched = test.watched.as_ref().map(|who| format!(" watched {}", who.id));
        let passed_over = if test.passed_over { " passed over" } else { "" };
        let (id, watched) = (&test.participant.id, watched.unwrap_or_default());
        writeln!(shown, "  {id} {leg}{watched}{passed_over}").unwrap();
        test.conditions.iter().for_each(|condition| show_condition(condition, 4, shown));
    }
    for Effect { target, key, value, now, otherwise, fate } in &explained.effects {
        let target = target.as_ref().map_or("nobody", |who| who.id.as_str());
        let value = value.as_deref().unwrap_or("(none)");
        let now = now.as_deref().unwrap_or("(absent)");
        let otherwise = if *otherwise { " otherwise" } else { "" };
        writeln!(shown, "  {target} {key} = {value}, now {now}:{otherwise} {fate:?}").unwrap();
    }
}

fn show_condition(condition: &Checked, indent: usize, shown: &mut String) {
    let Checked { subject, wanted, found, holds, note, parts } = condition;
    let mark = if *holds { '+' } else { '-' };
    let found = found.as_deref().unwrap_or("(absent)");
    let note = note.map(|note| format!(" [{note}]")).unwrap_or_default();
    writeln!(shown, "{:indent$}{mark} {subject} {wanted}: {found}{note}", "").unwrap();
    for part in parts {
        writeln!(shown, "{:indent$}  |", "").unwrap();
        part.iter().for_each(|condition| show_condition(condition, indent + 4, shown));
    }
}

const CALL: &str = "
    customer c1 at=0 @crm.tier=silver | call connected other=+4930123456
    acd      q1 at=5 ended=9 queue=billing | call disconnected
    agent    a1 at=9 user=avery queue=billing | call connected
";

#[test]
fn each_condition_is_shown_with_what_was_found() {
    check_all(
        r#"
        [[rule]]
        name = "vip"
        match.participant.purpose = "agent"
        match.participant.state = ["alerting", "connected"]
        match.participant.queue = ["Billing", "Nowhere"]
        match.customer.number = { prefix = "+43" }
        match.customer.attributes."crm.tier".not = "gold"
        set."cc.a" = "x"

        [[rule]]
        name = "unknown"
        match.acd.queue = "Nowhere"
        set."cc.b" = "x"
        "#,
        CALL,
        expect![[r#"
            vip does not hold
              c1 call
                + customer.attributes."crm.tier" not "gold": silver
                - customer.number prefix "+43": +4930123456
                - participant.purpose "agent": customer
                - participant.queue any of "Billing", "Nowhere": (absent)
                + participant.state any of "alerting", "connected": connected
              q1 call passed over
                + customer.attributes."crm.tier" not "gold": silver
                - customer.number prefix "+43": +4930123456
                - participant.purpose "agent": acd
                + participant.queue any of "Billing", "Nowhere": Billing (q-billing)
                - participant.state any of "alerting", "connected": disconnected
              a1 call
                + customer.attributes."crm.tier" not "gold": silver
                - customer.number prefix "+43": +4930123456
                + participant.purpose "agent": agent
                + participant.queue any of "Billing", "Nowhere": Billing (q-billing)
                + participant.state any of "alerting", "connected": connected
            unknown does not hold
              c1 call
                - acd.queue "Nowhere": Billing (q-billing) [the directory does not know this name, so it equals nothing]
              q1 call passed over
                - acd.queue "Nowhere": Billing (q-billing) [the directory does not know this name, so it equals nothing]
              a1 call
                - acd.queue "Nowhere": Billing (q-billing) [the directory does not know this name, so it equals nothing]
        "#]],
    );
}

/// Rules that all hold, each of which comes to another end.
const FATES: &str = r#"
[[rule]]
name = "met"
match.participant.purpose = "agent"
set."crm.tier" = "silver"

[[rule]]
name = "lost"
match.participant.purpose = "agent"
set."cc.a" = "early"

[[rule]]
name = "written"
match.participant.purpose = "agent"
set."cc.a" = "late"
set."cc.absent" = "{{ customer.attributes.language }}-{{ participant.user_name }}"

[[rule]]
name = "exists"
match.participant.purpose = "agent"
write = "if-absent"
set."crm.tier" = "gold"

[[rule]]
name = "trial"
match.participant.purpose = "agent"
mode = "dry-run"
set."cc.trial" = "x"
set."cc.a" = "trial"

"#;

#[test]
fn every_fate_has_its_reason() {
    check_all(
        FATES,
        CALL,
        expect![[r#"
            met holds
              c1 call
                - participant.purpose "agent": customer
              q1 call passed over
                - participant.purpose "agent": acd
              a1 call
                + participant.purpose "agent": agent
              c1 crm.tier = silver, now silver: Lost { to: "exists" }
            lost holds
              c1 call
                - participant.purpose "agent": customer
              q1 call passed over
                - participant.purpose "agent": acd
              a1 call
                + participant.purpose "agent": agent
              c1 cc.a = early, now (absent): Lost { to: "written" }
            written holds
              c1 call
                - participant.purpose "agent": customer
              q1 call passed over
                - participant.purpose "agent": acd
              a1 call
                + participant.purpose "agent": agent
              c1 cc.a = late, now (absent): Written
              c1 cc.absent = (none), now (absent): Abstained { absent: ["customer.attributes.\"language\""] }
            exists holds
              c1 call
                - participant.purpose "agent": customer
              q1 call passed over
                - participant.purpose "agent": acd
              a1 call
                + participant.purpose "agent": agent
              c1 crm.tier = gold, now silver: Exists
            trial holds
              c1 call
                - participant.purpose "agent": customer
              q1 call passed over
                - participant.purpose "agent": acd
              a1 call
                + participant.purpose "agent": agent
              c1 cc.a = trial, now (absent): Lost { to: "written" }
              c1 cc.trial = x, now (absent): DryRun
        "#]],
    );
}

#[test]
fn the_newest_has_the_say_and_nobody_has_none() {
    check_all(
        r#"
        [[rule]]
        name = "nobody"
        match.participant.purpose = "customer"
        target = "supervisor"
        set."cc.n" = "x"

        [[rule]]
        name = "all"
        match.participant.media = "call"
        set."cc.who" = "{{ participant.purpose }}"
        "#,
        CALL,
        expect![[r#"
            nobody holds
              c1 call
                + participant.purpose "customer": customer
              q1 call passed over
                - participant.purpose "customer": acd
              a1 call
                - participant.purpose "customer": agent
              nobody cc.n = x, now (absent): NoTarget
            all holds
              c1 call
                + participant.media "call": call
              q1 call passed over
                + participant.media "call": call
              a1 call
                + participant.media "call": call
              c1 cc.who = customer, now (absent): Older
              c1 cc.who = agent, now (absent): Written
        "#]],
    );
}

#[test]
fn otherwise_is_told_when_a_match_has_ended() {
    check_all(
        r#"
        [[rule]]
        name = "hold"
        match.participant.purpose = "agent"
        match.participant.held = true
        set."cc.hold" = true
        otherwise."cc.hold" = false

        [[rule]]
        name = "watched"
        match.watched.state = "connected"
        match.participant.purpose = "customer"
        target = "watched"
        set."cc.w" = "x"
        "#,
        "
        customer c1 at=0 | call connected
        agent    a1 at=9 user=avery | call connected held
        ---
        customer c1 at=0 @cc.hold=true | call connected
        agent    a1 at=9 user=avery | call connected
        ",
        expect![[r#"
            hold holds
              c1 call
                - participant.held true: false
                - participant.purpose "agent": customer
              a1 call
                + participant.held true: true
                + participant.purpose "agent": agent
              c1 cc.hold = true, now (absent): Written
            watched holds
              c1 call watched a1
                + participant.purpose "customer": customer
                + watched.state "connected": connected
              a1 call watched a1
                - participant.purpose "customer": agent
                + watched.state "connected": connected
              a1 cc.w = x, now (absent): Written
            hold does not hold
              c1 call
                - participant.held true: false
                - participant.purpose "agent": customer
              a1 call
                - participant.held true: false
                + participant.purpose "agent": agent
              c1 cc.hold = false, now true: otherwise Written
            watched holds
              c1 call watched a1
                + participant.purpose "customer": customer
                + watched.state "connected": connected
              a1 call watched a1
                - participant.purpose "customer": agent
                + watched.state "connected": connected
              a1 cc.w = x, now (absent): Written
        "#]],
    );
}

#[test]
fn while_a_flow_runs_writes_wait() {
    check_all(
        r#"
        [[rule]]
        name = "waits"
        match.conversation.in_flow = true
        set."cc.a" = "x"

        [[rule]]
        name = "does-not-wait"
        match.conversation.in_flow = true
        during_flow = true
        set."cc.b" = "x"
        "#,
        "
        customer c1 at=0 | call connected
        ivr      i1 at=0 | call connected
        ",
        expect![[r#"
            waits holds
              c1 call
                + conversation.in_flow true: true
              i1 call
                + conversation.in_flow true: true
              c1 cc.a = x, now (absent): AfterFlow
            does-not-wait holds
              c1 call
                + conversation.in_flow true: true
              i1 call
                + conversation.in_flow true: true
              c1 cc.b = x, now (absent): Written
        "#]],
    );
}

#[test]
fn conditions_made_of_others_are_shown_in_their_parts() {
    check_all(
        r#"
        [[rule]]
        name = "composed"
        match.any = [{ participant.purpose = "acd" }, { participant.state = "connected" }]
        match.some = [{ participant.purpose = "agent", participant.held = true }]
        match.none = [{ participant.purpose = "customer" }]
        match.raw = [{ path = ["participants", "*", "id"], is = "c1" }]
        set."cc.a" = "x"
        "#,
        "
        customer c1 at=0 | call connected
        agent    a1 at=9 | call connected
        ",
        expect![[r#"
            composed does not hold
              c1 call
                + any one of 2 alternatives: alternative 2
                  |
                    - participant.purpose "acd": customer
                  |
                    + participant.state "connected": connected
                - none no participant such that: customer c1, call connected
                  |
                    + participant.purpose "customer": customer
                - raw participants * id "c1": (absent) [the event is not known as it was sent]
                - some a participant such that: (absent)
                  |
                    - participant.held true: false
                    + participant.purpose "agent": agent
              a1 call
                + any one of 2 alternatives: alternative 2
                  |
                    - participant.purpose "acd": agent
                  |
                    + participant.state "connected": connected
                - none no participant such that: customer c1, call connected
                  |
                    + participant.purpose "customer": customer
                - raw participants * id "c1": (absent) [the event is not known as it was sent]
                - some a participant such that: (absent)
                  |
                    - participant.held true: false
                    + participant.purpose "agent": agent
        "#]],
    );
}

#[test]
fn operators_are_shown_in_their_words() {
    check_all(
        r#"
        [[rule]]
        name = "operators"
        match.participant.purpose.not = ["acd", "ivr"]
        match.participant.state = { prefix = "con", suffix = "ed" }
        match.customer.number = { glob = "+49*", exists = true }
        match.customer.attributes."crm.tier" = { is = "SILVER", ignore_case = true }
        match.conversation.transfers.lt = 3
        match.acd.skills.not.has_any = ["german", "english"]
        set."cc.a" = "x"
        clear = ["crm.tier", "cc.absent"]
        "#,
        CALL,
        expect![[r#"
            operators holds
              c1 call
                + acd.skills not has_any "german", "english": (absent)
                + conversation.transfers lt 3: 0
                + customer.attributes."crm.tier" is "SILVER", whatever the case: silver
                + customer.number exists and glob "+49*": +4930123456
                + participant.purpose not any of "acd", "ivr": customer
                + participant.state prefix "con" and suffix "ed": connected
              q1 call passed over
                + acd.skills not has_any "german", "english": (absent)
                + conversation.transfers lt 3: 0
                + customer.attributes."crm.tier" is "SILVER", whatever the case: silver
                + customer.number exists and glob "+49*": +4930123456
                - participant.purpose not any of "acd", "ivr": acd
                - participant.state prefix "con" and suffix "ed": disconnected
              a1 call
                + acd.skills not has_any "german", "english": (absent)
                + conversation.transfers lt 3: 0
                + customer.attributes."crm.tier" is "SILVER", whatever the case: silver
                + customer.number exists and glob "+49*": +4930123456
                + participant.purpose not any of "acd", "ivr": agent
                + participant.state prefix "con" and suffix "ed": connected
              c1 cc.a = x, now (absent): Written
              c1 crm.tier = , now silver: Written
              c1 cc.absent = , now (absent): Met
        "#]],
    );
}
