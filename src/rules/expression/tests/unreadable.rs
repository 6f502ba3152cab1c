//! What cannot even be parsed, in the terms of those who wrote it.

use expect_test::expect;

use super::mistakes::check;
use super::vocabulary;
use crate::rules::expression::{Expression, Wanted};

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
        expect![[r#"
            customer.name = "x"
                          ^ `=` does not compare
                = write ==
            customer.name === "x"
                          ^^^ `===` is not known here
                = write ==
            customer.name == "x
                             ^^ this text is never closed
                = write the same quote at its end
            customer.name == “x”
                             ^ `“` is no quote here
                = write straight quotes: "…" or '…'
                               ^ `”` is no quote here
                = write straight quotes: "…" or '…'
            customer.name == "x" and participant.held
                                 ^^^ `and` is not a word here
                = write &&
            not participant.held
            ^^^ `not` is not a word here
                = write !
            customer.name == "x" & participant.held
                                 ^ `&` alone is not known here
                = write &&
            (customer.name == "x"
            ^ `(` is never closed
                = write `)` where it ends
            customer.name == "x")
                                ^ `)` closes nothing
                = leave it out, or write `(`
            participants.exists(p, p.held]
                                         ^ `]` closes nothing: `(` is open
                = close the `(` first
            customer.name ==
                           ^ something is missing after this
                = write what comes after it, or leave the last sign out
            && customer.name == "x"
            ^ `&` is not expected here
                = is an operator, a comma or a quote missing before it?
            customer.name == "x" "y"
                                 ^^^ `"y"` is not expected here
                = is an operator, a comma or a quote missing before it?
            customer.name == "x" participant.held
                                 ^^^^^^^^^^^ `participant` is not expected here
                = is an operator, a comma or a quote missing before it?
            customer..name == "x"
                     ^ `.` is not expected here
                = is an operator, a comma or a quote missing before it?
            if (participant.held) "x"
            ^^ `if` is a word that the language keeps for itself
                = use another name
            customer.name == "\q"
                             ^^^^ an escape in this text is not known
                = write \\ for a backslash, or r"…" for a text without escapes
            99999999999999999999 == 1
            ^^^^^^^^^^^^^^^^^^^^ this number is too large
                = whole numbers have 64 bits
            participants.exists(p, )
                                   ^ `)` is not expected here
                = is an operator, a comma or a quote missing before it?
            customer.attributes. == "x"
                                 ^ `=` is not expected here
                = is an operator, a comma or a quote missing before it?
            a.b{c: 1} == 2
               ^ there are no types to make values of
                = write fields, texts, numbers, lists, operators and functions
            customer?.name == "x"
                    ^^ `?.` is not known here
                = write . alone: what is missing is absent, and never an error
            customer.name == 'é' é
                                 ^ `é` is not expected here
                = is an operator, a comma or a quote missing before it?
        "#]],
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
