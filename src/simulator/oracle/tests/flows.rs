//! Writes while a flow runs, which it would write over at its end.

use super::*;

const PURPOSE: &str = "/participants/1/purpose";

fn rules(during_flow: bool) -> String {
    format!(
        "[[rule]]\nname = \"desk\"\nmatch.conversation.direction = \"inbound\"\nset.\"cc.desk\" = \"front\"\nduring_flow = {during_flow}"
    )
}

#[test]
fn a_write_waits_for_the_flow_that_was_seen_a_while_ago() {
    let flow = format!("{PURPOSE} \"ivr\"\nsee\n");
    let over = format!("{PURPOSE} \"agent\"\nsee\n");
    let write = "client cc.desk=front";
    let early = expect!["1/1; 1 in a flow"];
    check(&rules(false), &format!("{flow}wait 3\n{write}"), early);
    check(&rules(false), &format!("{flow}wait 1\n{write}"), expect!["1/1"]);
    check(&rules(false), &format!("{flow}wait 3\n{over}{write}"), expect!["1/1"]);
    check(&rules(true), &format!("{flow}wait 3\n{write}"), expect!["1/1"]);
}
