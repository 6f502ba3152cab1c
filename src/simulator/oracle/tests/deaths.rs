//! What a client whose process ended can be held to.

use super::*;

#[test]
fn new_rules_reach_what_a_client_knew_before_it_died_at_its_next_snapshot() {
    let rules = "[[rule]]\nname = \"desk\"\nmatch.participant.purpose = \"agent\"\nset.\"cc.desk\" = \"front\"";
    let missing = r#"0/1; p cc.desk: Some("front"), not None (desk)"#;
    for (dies, before_the_next) in [(false, missing), (true, "1/1")] {
        let mut script = Script::new("");
        script.play("see\nwait 5");
        if dies {
            script.oracle.client_died(script.now - SignedDuration::from_secs(2));
        }
        script.oracle.rules(rules, script.now).unwrap();
        assert_eq!(script.verdict(), before_the_next);
        script.play("see");
        assert_eq!(script.verdict(), missing);
    }
}

#[test]
fn new_rules_withdraw_what_waited_although_the_client_died_with_what_it_knew() {
    let desk = |value: &str| {
        format!(
            "[[rule]]\nname = \"desk\"\nmatch.participant.held = false\nset.\"cc.desk\" = \"{value}\""
        )
    };
    let mut script = Script::new(&desk("front"));
    script.play("see\nwait 5");
    assert_eq!(script.verdict(), r#"0/1; p cc.desk: Some("front"), not None (desk)"#);
    // The client has the newest for a moment only, and dies.
    script.play("see");
    script.oracle.client_died(script.now - SignedDuration::from_secs(2));
    script.oracle.rules(&desk("service"), script.now).unwrap();
    assert_eq!(script.verdict(), "1/1");
}
