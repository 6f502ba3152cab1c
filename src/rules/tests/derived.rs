//! What rules derive of a conversation is what is observed of it elsewhere: one meaning for both.

use super::{conversation, play, rules};

/// Each field of the conversation as a rule shows it.
const SHOW: &str = "
    [[rule]]
    name = 'show'
    target = 'all'
    match.participant.purpose = 'agent'
    match.participant.ended.exists = true
    set.number = '{{ conversation.number }}'
    set.direction = '{{ conversation.direction }}'
    set.in_flow = '{{ conversation.in_flow }}'
    set.ended = '{{ conversation.ended }}'
    set.role = '{{ participant.role }}'
";

#[test]
fn fields_say_what_is_observed() {
    let rules = rules(SHOW);
    for (snapshot, ended, in_flow, number) in [
        // A running voice or bot flow holds attributes; a workflow does not (FACTS 3.3).
        (
            "customer c1 at=0\nagent a1 at=1 | call connected\nivr i1 | call connected",
            false,
            true,
            "",
        ),
        (
            "customer c1 at=0\nagent a1 at=1 | call connected\nworkflow w1 | call connected",
            false,
            false,
            "",
        ),
        // The customer's own address comes before what a communication says.
        (
            "customer c1 at=0 address=+493012345678 | call connected other=+493099999999\nagent a1 at=1",
            false,
            false,
            "+493012345678",
        ),
        ("customer c1 at=0 address=+112 | call connected\nagent a1 at=1", false, false, ""),
    ] {
        let shown = play(&rules, snapshot);
        assert!(shown.contains(&format!("ended = {ended} ")), "{snapshot}\n{shown}");
        assert!(shown.contains(&format!("in_flow = {in_flow} ")), "{snapshot}\n{shown}");
        assert_eq!(shown.contains(" number = "), !number.is_empty(), "{snapshot}\n{shown}");
        assert!(shown.contains(number), "{snapshot}\n{shown}");
        let seen = conversation(snapshot);
        assert_eq!(
            (seen.is_over(), seen.in_flow(), seen.customer_number().as_deref().unwrap_or("")),
            (ended, in_flow, number)
        );
    }
}

#[test]
fn direction_and_role_are_words() {
    let rules = rules(SHOW);
    let shown = play(
        &rules,
        "customer c1 at=0 | callback connected out\nagent a1 at=1 consults=c1 | call connected",
    );
    assert!(shown.contains("direction = outbound "), "{shown}");
    assert!(shown.contains("role = consult "), "{shown}");
}
