//! The cases of SEMANTICS 3 and 5, as scripts: what was delivered, who wrote what, who is right.

mod deaths;
mod flows;
mod glimpses;

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::simulator::world::Shape;

struct Script {
    world: World,
    oracle: Oracle,
    now: Timestamp,
    last: Option<Changed>,
    body: Value,
}

const TIER: &str = r#"
[[rule]]
name = "tier"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.tier" = "{{ customer.attributes[\"crm.tier\"] }}"
"#;

const HOLD: &str = r#"
[[rule]]
name = "hold"
match.participant.purpose = "agent"
match.participant.held = true
set."cc.hold" = "true"
otherwise."cc.hold" = "false"
"#;

fn conversation() -> Value {
    let call = |state: &str| {
        json!([{ "id": "l", "state": state, "held": false, "direction": "inbound",
        "other": { "addressNormalized": "tel:+4930123" }, "connectedTime": "2026-11-20T14:00:00Z" }])
    };
    json!({ "id": "c", "participants": [
        { "id": "p", "purpose": "customer", "connectedTime": "2026-11-20T14:00:00Z", "endTime": null, "calls": call("connected") },
        { "id": "a", "purpose": "agent", "userId": "u1", "name": "Avery",
          "connectedTime": "2026-11-20T14:00:10Z", "endTime": null, "calls": call("connected") },
    ] })
}

impl Script {
    fn new(rules: &str) -> Script {
        let now = "2026-11-20T14:01:00Z".parse().unwrap();
        let world = World::new(1, &Shape { generate: false, ..Shape::default() }, now);
        let mut oracle = Oracle::new(&world, BTreeSet::from(["u1".to_owned()]));
        oracle.rules(rules, now).unwrap();
        let mut script = Script { world, oracle, now, last: None, body: conversation() };
        script.change();
        script
    }

    fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "see" => self.see(),
                "quiet" => self.change(),
                "late" => self.deliver(),
                "wait" => self.now += SignedDuration::from_secs(rest.parse().unwrap()),
                "client" => self.write(rest, Writer::Client),
                "other" => self.write(rest, Writer::Other),
                "lost" => {
                    self.write(rest, Writer::Client);
                    self.oracle.unanswered("c", self.last.as_ref().unwrap().sequence);
                }
                "rules" => self.oracle.rules(rest, self.now).unwrap(),
                // A pointer into the body and a JSON value.
                pointer => *self.body.pointer_mut(pointer).unwrap() = rest.parse().unwrap(),
            }
            self.now += SignedDuration::from_millis(100);
        }
    }

    fn change(&mut self) {
        let changed = self.world.inject(self.body.clone(), self.now);
        self.oracle.changed(&changed, self.now);
        self.last = Some(changed);
    }

    fn deliver(&mut self) {
        let changed = self.last.as_ref().unwrap();
        self.oracle.delivered(1, changed.sequence, changed.generic(), self.now);
    }

    fn see(&mut self) {
        self.change();
        self.deliver();
    }

    fn write(&mut self, what: &str, who: Writer) {
        let (key, value) = what.split_once('=').unwrap();
        let (participant, key) = key.split_once(' ').unwrap_or(("p", key));
        let asked = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let changed = self.world.patch_attributes("c", participant, &asked, who, self.now).unwrap();
        self.oracle.changed(&changed, self.now);
        self.last = Some(changed);
    }

    fn verdict(&self) -> String {
        let verdict = self.oracle.verdict(&self.world);
        let mut text = format!("{}/{}", verdict.right, verdict.concerned);
        for wrong in &verdict.wrong {
            let Wrong { participant, key, expected, found, rule, .. } = wrong;
            text += &format!("; {participant} {key}: {expected:?}, not {found:?} ({rule})");
        }
        for (count, what) in [
            (verdict.excused, "excused"),
            (verdict.untouched_violations, "strange"),
            (verdict.lost_by_client.len(), "lost"),
            (verdict.redundant_writes, "redundant"),
            (verdict.older_writes, "older"),
            (verdict.flow_writes, "in a flow"),
        ] {
            if count > 0 {
                text += &format!("; {count} {what}");
            }
        }
        text
    }
}

fn check(rules: &str, script: &str, expected: Expect) {
    let mut played = Script::new(rules);
    played.play(script);
    expected.assert_eq(&played.verdict());
}

const GOLD: &str = "other crm.tier=gold\nsee\n";
const SILVER: &str = "other crm.tier=silver\nsee\n";

#[test]
fn what_was_wished_must_be_there() {
    check(TIER, &format!("{GOLD}client cc.tier=gold"), expect!["1/1"]);
    check(TIER, GOLD, expect![[r#"0/1; p cc.tier: Some("gold"), not None (tier)"#]]);
    check(TIER, "see", expect!["0/0"]);
    check(TIER, "other crm.tier=gold\nquiet", expect!["0/0"]);
    check(
        TIER,
        &format!("{GOLD}client cc.tier=gold\nclient cc.tier=gold"),
        expect!["1/1; 1 redundant"],
    );
    check(
        TIER,
        &format!("{GOLD}client cc.tier=gold\nclient own=1"),
        expect![[r#"1/1; p own: None, not Some("1") (); 1 strange; 1 lost"#]],
    );
    let elsewhere = format!("{GOLD}client cc.tier=gold\nclient a cc.tier=gold");
    check(TIER, &elsewhere, expect![[r#"1/1; a cc.tier: None, not Some("gold") ()"#]]);
}

#[test]
fn a_b_a_is_written_three_times() {
    let ab = format!("{GOLD}client cc.tier=gold\n{SILVER}client cc.tier=silver\n");
    check(TIER, &format!("{ab}{GOLD}client cc.tier=gold"), expect!["1/1"]);
    check(
        TIER,
        &format!("{ab}{GOLD}"),
        expect![[r#"0/1; p cc.tier: Some("gold"), not Some("silver") (tier)"#]],
    );
    // Merged before anything was written.
    check(TIER, &format!("{GOLD}{SILVER}{GOLD}client cc.tier=gold"), expect!["1/1"]);
}

#[test]
fn an_older_value_is_told_from_one_that_was_on_its_way() {
    let both = format!("{GOLD}{SILVER}");
    check(TIER, &format!("{both}client cc.tier=gold\nclient cc.tier=silver"), expect!["1/1"]);
    let late = format!("{both}wait 3\nclient cc.tier=gold\nclient cc.tier=silver");
    check(TIER, &late, expect!["1/1; 1 older"]);
}

#[test]
fn what_others_write_after_us_is_theirs_until_the_rule_says_something_new() {
    let theirs = format!("{GOLD}client cc.tier=gold\nother cc.tier=X\nsee\n");
    check(TIER, &theirs, expect!["1/1"]);
    let fought = format!("{theirs}wait 3\nclient cc.tier=gold");
    check(TIER, &fought, expect![[r#"0/1; p cc.tier: Some("X"), not Some("gold") (tier)"#]]);
    check(
        TIER,
        &format!("{theirs}{SILVER}"),
        expect![[r#"0/1; p cc.tier: Some("silver"), not Some("X") (tier)"#]],
    );
    check(TIER, &format!("{theirs}{SILVER}client cc.tier=silver"), expect!["1/1"]);
    // Before our write was accepted, the wish stands and goes over theirs.
    check(TIER, &format!("{GOLD}other cc.tier=X\nclient cc.tier=gold"), expect!["1/1"]);
    check(
        TIER,
        &format!("{GOLD}other cc.tier=X"),
        expect![[r#"0/1; p cc.tier: Some("gold"), not Some("X") (tier)"#]],
    );
    // Back to what was accepted, while theirs is there and nothing was written between: both.
    check(TIER, &format!("{theirs}{SILVER}{GOLD}"), expect!["1/1"]);
    check(TIER, &format!("{theirs}{SILVER}{GOLD}client cc.tier=gold"), expect!["1/1"]);
}

#[test]
fn a_lost_answer_may_be_repeated() {
    let lost = format!("{GOLD}lost cc.tier=gold\n");
    check(TIER, &format!("{lost}client cc.tier=gold"), expect!["1/1"]);
    check(TIER, &format!("{lost}other cc.tier=X\nsee\n"), expect!["1/1"]);
    check(
        TIER,
        &format!("{lost}other cc.tier=X\nsee\nwait 5\nclient cc.tier=gold"),
        expect!["1/1"],
    );
}

#[test]
fn first_is_once_and_if_absent_only_where_nothing_is() {
    let first = format!("{TIER}write = \"first\"");
    check(&first, &format!("{GOLD}client cc.tier=gold\n{SILVER}"), expect!["1/1"]);
    let twice = format!("{GOLD}client cc.tier=gold\n{SILVER}client cc.tier=silver");
    check(&first, &twice, expect![[r#"0/1; p cc.tier: Some("gold"), not Some("silver") (tier)"#]]);
    check(&first, &format!("{GOLD}client cc.tier=gold\nother cc.tier=X\n{SILVER}"), expect!["1/1"]);
    check(&first, GOLD, expect![[r#"0/1; p cc.tier: Some("gold"), not None (tier)"#]]);

    let absent = format!("{TIER}write = \"if-absent\"");
    check(&absent, &format!("other cc.tier=X\n{GOLD}{SILVER}"), expect!["1/1"]);
    check(&absent, &format!("{GOLD}client cc.tier=gold\n{SILVER}"), expect!["1/1"]);
    check(&absent, GOLD, expect![[r#"0/1; p cc.tier: Some("gold"), not None (tier)"#]]);
    let over_theirs = format!("other cc.tier=X\n{GOLD}wait 3\nclient cc.tier=gold");
    check(
        &absent,
        &over_theirs,
        expect![[r#"0/1; p cc.tier: Some("X"), not Some("gold") (tier)"#]],
    );
    // Somebody came between: whoever was last.
    check(&absent, &format!("{GOLD}other cc.tier=X"), expect!["1/1"]);
}

const HELD: &str = "/participants/1/calls/0/held true\nsee\n";
const UNHELD: &str = "/participants/1/calls/0/held false\nsee\n";

#[test]
fn otherwise_comes_after_a_match_that_held() {
    check(HOLD, UNHELD, expect!["0/0"]);
    let again = format!("{HELD}client cc.hold=true\n{UNHELD}");
    check(HOLD, &again, expect![[r#"0/1; p cc.hold: Some("false"), not Some("true") (hold)"#]]);
    check(HOLD, &format!("{again}client cc.hold=false\n{HELD}client cc.hold=true"), expect!["1/1"]);
    // The leg that was held is gone: it does not hold any more either.
    let gone = format!("{HELD}/participants/1/endTime \"2026-11-20T14:02:00Z\"\nsee");
    check(HOLD, &gone, expect![[r#"0/1; p cc.hold: Some("false"), not None (hold)"#]]);
}

#[test]
fn a_late_snapshot_changes_nothing_and_neither_does_the_same_one_again() {
    let mut script = Script::new(TIER);
    script.play(GOLD);
    let held_back = script.last.clone().unwrap();
    script.play(&format!("{SILVER}client cc.tier=silver\nlate\nlate"));
    script.oracle.delivered(1, held_back.sequence, held_back.generic(), script.now);
    expect!["1/1"].assert_eq(&script.verdict());
    let rest = script.world.rest_body("c").unwrap();
    script.oracle.read(script.world.sequence(), &rest, script.now);
    expect!["1/1"].assert_eq(&script.verdict());
}

/// An agent answers a callback, calls, and hangs the call up again; the last is in a frame that is
/// still on its way when a read shows what came after it. The program may have had either first.
#[test]
fn a_frame_that_a_read_has_crossed_may_count_or_not() {
    let crossed = |then: &str| {
        let mut script = Script::new(TIER);
        script.play(&format!("{SILVER}client cc.tier=silver\n{GOLD}client cc.tier=gold\nwait 3"));
        script.play("other crm.tier=silver\nquiet");
        let on_its_way = script.last.clone().unwrap();
        script.play("/participants/1/calls/0/state \"disconnected\"\nquiet");
        let rest = script.world.rest_body("c").unwrap();
        script.oracle.read(script.world.sequence(), &rest, script.now);
        script.oracle.delivered(1, on_its_way.sequence, on_its_way.generic(), script.now);
        script.play(&format!("wait 3\n{then}"));
        script.verdict()
    };
    expect!["1/1"].assert_eq(&crossed(""));
    expect!["1/1"].assert_eq(&crossed("client cc.tier=silver"));
    expect![[r#"0/1; p cc.tier: Some("gold"), not Some("bronze") (tier)"#]]
        .assert_eq(&crossed("client cc.tier=bronze"));
    // What comes after it for sure counts alone.
    let again = "/participants/1/calls/0/state \"connected\"\n";
    expect!["1/1"].assert_eq(&crossed(&format!("{again}{GOLD}")));
    expect![[r#"0/1; p cc.tier: Some("gold"), not Some("silver") (tier)"#]]
        .assert_eq(&crossed(&format!("client cc.tier=silver\n{again}{GOLD}")));
}

#[test]
fn what_held_in_a_frame_that_was_crossed_may_be_followed_by_otherwise() {
    let mut script = Script::new(HOLD);
    script.play("/participants/1/calls/0/held true\nquiet");
    let held = script.last.clone().unwrap();
    script.play("/participants/1/calls/0/held false\nquiet");
    let unheld = script.last.clone().unwrap();
    script.oracle.delivered(2, unheld.sequence, unheld.generic(), script.now);
    script.oracle.delivered(1, held.sequence, held.generic(), script.now);
    script.play("see");
    expect!["1/1"].assert_eq(&script.verdict());
    script.play("client cc.hold=false");
    expect!["1/1"].assert_eq(&script.verdict());
    script.play("client cc.hold=maybe");
    expect![[r#"0/1; p cc.hold: Some("false"), not Some("maybe") ()"#]]
        .assert_eq(&script.verdict());
}

#[test]
fn of_two_agents_the_one_connected_last_and_not_ended_counts() {
    let rules = r#"
        [[rule]]
        name = "who"
        match.participant.purpose = "agent"
        match.participant.state = ["alerting", "connected"]
        set."cc.agent" = "{{ participant.user_name }}"
        [[rule]]
        name = "last in the file"
        match.agent.user_name = "Blake"
        set."cc.agent" = "{{ agent.user_name }}!"
    "#;
    let mut script = Script::new(rules);
    let mut second = script.body["participants"][1].clone();
    second["id"] = json!("b");
    second["userId"] = json!("u2");
    second["name"] = json!("Blake");
    second["calls"][0]["state"] = json!("alerting");
    second["calls"][0]["connectedTime"] = Value::Null;
    second["connectedTime"] = Value::Null;
    script.body["participants"].as_array_mut().unwrap().push(second);
    script.play("see");
    expect![[r#"0/1; p cc.agent: Some("Blake"), not None (who)"#]].assert_eq(&script.verdict());
    script.play("/participants/2/connectedTime \"2026-11-20T14:00:40Z\"\nsee");
    expect![[r#"0/1; p cc.agent: Some("Blake!"), not None (last in the file)"#]]
        .assert_eq(&script.verdict());
    script.play("/participants/2/endTime \"2026-11-20T14:00:50Z\"");
    assert!(script.body["participants"][2]["endTime"].is_string());
    script.play("see");
    expect![[r#"0/1; p cc.agent: Some("Avery"), not None (who)"#]].assert_eq(&script.verdict());
}

#[test]
fn other_rules_look_again_and_withdraw_what_waits() {
    let other = r#"rules rule = [{ name = "new", set = { "cc.new" = 1 }, match = { agent = { user = "u1" } } }]"#;
    check(TIER, &format!("{GOLD}{other}\nclient cc.new=1"), expect!["1/1"]);
    check(
        TIER,
        &format!("{GOLD}{other}"),
        expect![[r#"0/1; p cc.new: Some("1"), not None (new)"#]],
    );
    check(TIER, &format!("{GOLD}client cc.tier=gold\n{other}\nclient cc.new=1"), expect!["1/1"]);
}

#[test]
fn dry_runs_and_what_is_switched_off_expect_nothing() {
    for line in ["mode = \"dry-run\"", "enabled = false"] {
        check(&format!("{TIER}{line}"), GOLD, expect!["0/0"]);
    }
    check(&format!("defaults.mode = \"dry-run\"\n{TIER}"), GOLD, expect!["0/0"]);
}

#[test]
fn what_came_only_after_the_end_is_excused_what_came_before_is_not() {
    let ends = r#"
        /participants/0/endTime "2026-11-20T14:01:01Z"
        /participants/1/endTime "2026-11-20T14:01:01Z"
    "#;
    let rules = r#"
        [[rule]]
        name = "over"
        match.conversation.ended = true
        set."cc.over" = "yes"
    "#;
    let over = |then: &str| {
        let mut script = Script::new(rules);
        script.play(&format!("{ends}{then}"));
        script.verdict()
    };
    expect![[r#"0/1; p cc.over: Some("yes"), not None (over)"#]].assert_eq(&over("see"));
    expect!["1/1"].assert_eq(&over("see\nwait 20\nclient cc.over=yes"));
    expect!["1/1; 1 excused"].assert_eq(&over("quiet\nwait 40\nlate"));
}

#[test]
fn fields_of_the_language_are_found_in_both_shapes() {
    let fields = r#"
        number = "+4930123"
        ended = false
        held = { not = true }
        queue = { exists = false }
        direction = ["outbound", "inbound"]
        ani = { prefix = "+49" }
        role = "agent"
        media = { not = ["email", "message"] }
    "#;
    let conditions: Vec<String> = fields
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("match.participant.{}", line.trim()))
        .collect();
    for condition in &conditions {
        let rules = format!(
            "[[rule]]\nname = \"one\"\ntarget = \"watched\"\nmatch.participant.role = {{ exists = true }}\n{}\nset.\"cc.x\" = true",
            condition.replace("role = \"agent\"", "purpose = \"agent\"")
        );
        let mut script = Script::new(&rules);
        script.play("quiet");
        let rest = script.world.rest_body("c").unwrap();
        script.oracle.read(script.world.sequence(), &rest, script.now);
        assert_eq!(script.verdict(), r#"0/1; a cc.x: Some("true"), not None (one)"#, "{condition}");
    }
}

#[test]
fn what_is_not_understood_is_said() {
    let unknown = |text: &str| ruleset::read(text).map(|_| ()).unwrap_err().to_string();
    let place = "[[rule]]\nname = \"r\"\n";
    for (text, expected) in [
        ("when = \"true\"", "`when`"),
        ("match.time = { not = \"office\" }", "`time.not`"),
        ("match.participant.number = { in_list = \"vip\" }", "operator `in_list`"),
        ("write = \"enforce\"", "write = \"enforce\""),
        ("set.x = \"{{ raw.x }}\"", "`raw.x`"),
    ] {
        let error = unknown(&format!("{place}{text}"));
        assert!(error.contains(expected) && error.contains("rule r"), "{error}");
    }
    assert!(unknown("[lists.vip]").contains("`lists`"));
}
