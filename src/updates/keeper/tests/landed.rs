//! Writes that are seen to be applied before their answer is given up.

use expect_test::expect;

use super::check;

#[test]
fn what_is_seen_to_be_applied_needs_no_answer_and_what_others_make_of_it_is_theirs() {
    check(
        "see wish a=1 b=1 | after 1 | take | see a=1 wish a=1 b=1 | see a=9 wish a=1 b=1 | no p lost | after 60 | take | yes p | \
         see a=9 b=1 wish a=1 b=1 | after 60 | take | counts",
        expect![
            "p{a=1 b=1}#1 | p{b=1}#2 | - | offered=8 merged=1 pushed=2 unchanged=5 confirmed=1 lost=1 failed=0"
        ],
    );
    check(
        "see wish a=1 | after 1 | take | see a=1 wish a=1 | no p lost | after 60 | take | counts",
        expect![
            "p{a=1}#1 | - | offered=2 merged=0 pushed=1 unchanged=1 confirmed=1 lost=0 failed=0"
        ],
    );
}

#[test]
fn what_may_have_been_seen_from_before_goes_again_without_an_answer() {
    check(
        "see a=1 wish a=2 | after 1 | take | yes p | see a=1 wish a=1 | after 1 | take | see a=1 b=1 wish a=1 | \
         see a=9 wish a=1 | no p lost | after 60 | take",
        expect!["p{a=2}#1 | p{a=1}#1 | p{a=1}#2"],
    );
    check(
        "see wish a=1 | after 1 | take | no p lost | after 60 | take | see a=1 wish a=1 | see a=9 wish a=1 | no p lost | \
         after 60 | take",
        expect!["p{a=1}#1 | p{a=1}#2 | p{a=1}#3"],
    );
}

#[test]
fn what_is_sent_again_after_a_newer_wish_was_taken_back_is_a_push_of_which_nothing_was_seen() {
    check(
        "see wish a=1 | after 1 | take | see a=1 wish a=1 | see a=1 wish a=2 | see a=1 wish a=1 | no p 429 | after 60 | \
         take | no p lost | after 60 | take",
        expect!["p{a=1}#1 | p{a=1}#1 | p{a=1}#2"],
    );
}

#[test]
fn a_key_that_others_gave_a_value_while_a_push_failed_has_come_to_exist() {
    for failure in ["lost", "503"] {
        let script = "see wish a=1:if-absent b=1 | after 1 | take | see a=9 wish a=1:if-absent b=1 | no p FAILURE | after 60 | take";
        check(&script.replace("FAILURE", failure), expect!["p{a=1 b=1}#1 | p{b=1}#2"]);
    }
    check(
        "see wish a=1:if-absent | after 1 | take | no p lost | see a=9 wish a=1:if-absent | after 60 | take",
        expect!["p{a=1}#1 | -"],
    );
    // Refused with another rule's key, and forbidden.
    check(
        "see wish a=1:if-absent b=1:by=s | after 1 | take | see a=9 wish a=1:if-absent b=1:by=s | no p 400 | after 60 | \
         take",
        expect!["p{a=1 b=1}#1 | p{b=1}#1"],
    );
    check(
        "see wish a=1:if-absent | after 1 | take | see a=9 wish a=1:if-absent | no p 403 | after 61 | take",
        expect!["p{a=1}#1 | -"],
    );
    // This may be our own, and then another request has to come after it.
    check(
        "see wish a=1:if-absent | after 1 | take | no p lost | see a=1 wish a=1:if-absent | after 60 | take",
        expect!["p{a=1}#1 | p{a=1}#2"],
    );
}
