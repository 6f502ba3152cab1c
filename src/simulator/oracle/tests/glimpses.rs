//! Snapshots that come so late that they change nothing, and still tell what once was.

use super::*;

#[test]
fn a_rule_that_held_in_a_late_snapshot_has_held() {
    let mut script = Script::new(HOLD);
    script.play("see\n/participants/1/calls/0/held true\nquiet");
    let held = script.last.clone();
    // Something that stays tells the newer one from it.
    script.play(
        "/participants/1/calls/0/held false\n/participants/0/endTime \"2026-11-20T14:02:00Z\"",
    );
    script.play("see");
    script.last = held;
    script.play("late\nsee");
    expect!["1/1"].assert_eq(&script.verdict());
    script.play("client cc.hold=false");
    expect!["1/1"].assert_eq(&script.verdict());
}
