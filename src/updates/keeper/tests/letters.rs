//! Dead letters: wished anew, forgotten, too old.

use expect_test::expect;

use super::check;

/// Two keys that are refused.
const REFUSED: &str = "see wish a=1 b=2 | after 1 | take | no p 400";

#[test]
fn a_retry_wishes_anew_what_nothing_newer_has_come_for() {
    check(
        &format!(
            "{REFUSED} | see wish a=1 b=2 | after 1 | take | retry | dead | after 1 | take | yes p | see a=1 b=2 | retry"
        ),
        expect!["p{a=1 b=2}#1 | - | 2 anew |  | p{a=1 b=2}#1 | 0 anew"],
    );
    // The attribute is there by now, or another value waits.
    check(
        &format!("{REFUSED} | see a=1 wish a=1 b=3 | retry | dead | after 1 | take"),
        expect![
            "p{a=1 b=2}#1 | 0 anew, a: the attribute has this value already, b: a newer value waits to be written | refused p{a b} r op answered 400: value secret is bad | p{b=3}#1"
        ],
    );
    // Another value was written since.
    check(
        &format!("{REFUSED} | see wish b=3 | after 1 | take | yes p | retry | dead"),
        expect![
            "p{a=1 b=2}#1 | p{b=3}#1 | 1 anew, b: a newer value was written since | refused p{b} r op answered 400: value secret is bad"
        ],
    );
    // It is refused again: another letter.
    check(
        &format!("{REFUSED} | retry | after 1 | take | no p 400 | dead"),
        expect![
            "p{a=1 b=2}#1 | 2 anew | p{a=1 b=2}#1 | refused p{a b} r op answered 400: value secret is bad"
        ],
    );
}

#[test]
fn a_retry_says_why_it_leaves_what_cannot_be_written() {
    check(
        &format!("{REFUSED} | see over | retry | after 60 | retry | dead"),
        expect![
            "p{a=1 b=2}#1 | 0 anew, a: the conversation is over, b: the conversation is over | 0 anew, a: the conversation is over, b: the conversation is over | refused p{a b} r op answered 400: value secret is bad"
        ],
    );
    check(
        "see hash=7 wish a=1 | after 1 | take | no p 400 | retry",
        expect!["p{a=1}#1 | 0 anew, a: its rule is not in force any more, or was changed"],
    );
    check(
        "see wish forbidden=1 a=123456789 | retry",
        expect![
            "0 anew, forbidden: updates.allowed_keys forbids it still, a: it is too long still"
        ],
    );
    check(
        &format!("{REFUSED} | dry on | retry"),
        expect![
            "p{a=1 b=2}#1 | 0 anew, a: nothing is written in a dry run, b: nothing is written in a dry run"
        ],
    );
    // The outbox is full.
    check(
        &format!("{REFUSED} | see wish q.a=1 r.a=1 s.a=1 t.a=1 | retry | dead"),
        expect![
            "p{a=1 b=2}#1 | 0 anew, a: the outbox is full: ask again later, b: the outbox is full: ask again later | refused p{a b} r op answered 400: value secret is bad"
        ],
    );
}

#[test]
fn a_conversation_that_is_erased_leaves_no_value_and_is_left_alone() {
    check(
        &format!(
            "{REFUSED} | see wish c=3 d=4 | erase | dead | after 1 | take | see wish c=3 | after 1 | take"
        ),
        expect!["p{a=1 b=2}#1 | 1 letters, 2 waiting, true |  | - | -"],
    );
    // What is under way fails, and is not kept.
    check(
        "see wish a=1 | after 1 | take | see wish a=1 b=2 | erase | no p 400 | dead",
        expect!["p{a=1}#1 | 0 letters, 1 waiting, true | "],
    );
    check(
        "see wish a=1 | after 1 | take | erase | no p 503 | after 60 | take | dead",
        expect!["p{a=1}#1 | 0 letters, 0 waiting, true | - | "],
    );
    check(
        "see wish a=1 | after 1 | take | erase | yes p | dead | retry",
        expect!["p{a=1}#1 | 0 letters, 0 waiting, true |  | 0 anew"],
    );
    check("erase", expect!["0 letters, 0 waiting, false"]);
}

#[test]
fn a_letter_is_kept_for_as_long_as_values_may_be() {
    check(
        &format!("keep 30 | {REFUSED} | after 29 | dead | after 12 | dead"),
        expect!["p{a=1 b=2}#1 | refused p{a b} r op answered 400: value secret is bad | "],
    );
}
