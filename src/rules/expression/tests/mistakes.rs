//! What an administrator sees who has made a mistake: the place, what is wrong, what to do.

use expect_test::{Expect, expect};

use super::vocabulary;
use crate::rules::expression::{Expression, Wanted};

/// Each line is a condition with mistakes.
#[track_caller]
fn check(table: &str, expected: Expect) {
    let mut shown = String::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        shown.push_str(&format!("{line}\n"));
        let found = match Expression::parse(line, Wanted::Condition, &vocabulary()) {
            Ok(expression) => expression.doubts().to_vec(),
            Err(mistakes) => mistakes,
        };
        for mistake in found {
            let before = line[..mistake.at.start].chars().count();
            let carets = "^".repeat(line[mistake.at].chars().count().max(1));
            let (message, help) = (mistake.message, mistake.help);
            shown.push_str(&format!("{}{carets} {message}\n    = {help}\n", " ".repeat(before)));
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn names() {
    check(
        r#"
        customr.number == "x"
        customer.numbr == "x"
        customer.conversation == "x"
        conversation.held
        held && state == "connected"
        customer && true
        has(customer.attributes)
        customer.attributes.crm.tier == "gold"
        customer.attributes[tier] == "gold"
        customer.attributes.case-id == "gold"
        customer.number == gold
        time == "office"
        now() > timestamp("2026-01-01T00:00:00Z")
        lists.vp.segment == "gold"
        lists.vip.segmnt == "gold"
        lists.vip == "gold"
        lookup("vip").segment == "gold"
        lookup(customer.name, "x").segment == "gold"
        lookup("vip", 3).segment == "gold"
        participants.exists(p, p.stat == "x")
        participants.exists(customer, true)
        participants.name == "x"
        participants[0] == "x"
        participant.purpose == "agnet" || participant.state in ["connectd"]
        "#,
        expect![[r#""#]],
    );
}

#[test]
fn kinds() {
    check(
        r#"
        customer.attributes.count > 3
        conversation.transfers > "3"
        participant.held == "true"
        participant.skills == "german"
        participant.skills in ["german"]
        customer.number in "+49"
        customer.number in []
        customer.name == ""
        customer.name
        conversation.transfers
        !customer.name
        customer.name && participant.held
        conversation.transfers ? true : false
        customer.name + 3 == "x"
        customer.name - 1 == 0
        conversation.transfers + "x" == "x"
        now > "2026-01-01"
        now - now > 30
        participant.skills.contains("german")
        customer.name.exists(c, c == "x")
        customer.name[0] == "K"
        -customer.name == "x"
        {1: 2}["a"] == 2
        [1, 2]["a"] == 2
        3u == 3
        b"x" == "x"
        "#,
        expect![[r#""#]],
    );
}

#[test]
fn functions() {
    check(
        r#"
        len(customer.name) > 3
        customer.name.startWith("K")
        frobnicate(customer.name)
        customer.name.replace("a") == "x"
        has() || has(1, 2)
        customer.name.upper(1) == "X"
        upper(3) == "X"
        exists(participants, true)
        participants.exists(p.name, true)
        participants.exists(p, p.name)
        customer.number.matches("[0-9")
        customer.number.matches("a{1000}{1000}")
        duration("5 minutes") < duration("5m")
        timestamp("tomorrow") < now
        now.getHours("Berlin") > 8
        now.getHours(customer.name) > 8
        "%y".format([1]) == "x"
        "%s %s".format([1]) == "x"
        default(customer.name) == "x"
        "#,
        expect![[r#""#]],
    );
}

#[test]
fn syntax() {
    check(
        r#"
        customer.name = "x"
        customer.name === "x"
        customer.name == "x
        customer.name == “x”
        customer.name == "x" and participant.held
        not participant.held
        customer.name == "x" & participant.held
        (customer.name == "x"
        customer.name == "x")
        participants.exists(p, p.held]
        customer.name ==
        && customer.name == "x"
        customer.name == "x" "y"
        customer.name == "x" participant.held
        customer..name == "x"
        if (participant.held) "x"
        customer.name == "\q"
        99999999999999999999 == 1
        participants.exists(p, )
        customer.attributes. == "x"
        a.b{c: 1} == 2
        customer?.name == "x"
        customer.name == 'é' é
        "#,
        expect![[r#""#]],
    );
    assert_eq!(Expression::parse(" ", Wanted::Value, &vocabulary()).unwrap_err().len(), 1);
    let several = "customer.nam == 'x' && participant.hold && frob(now)";
    let mistakes = Expression::parse(several, Wanted::Condition, &vocabulary()).unwrap_err();
    assert_eq!(mistakes.len(), 3);
}

#[test]
fn a_participant_is_no_value() {
    let mistakes = Expression::parse("participants[0]", Wanted::Value, &vocabulary()).unwrap_err();
    assert!(mistakes[0].message.contains("cannot be written"));
}
