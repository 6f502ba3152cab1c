//! What is enforced, urgent, or of use only at once.

use expect_test::expect;

use super::check;

#[test]
fn what_is_enforced_is_written_over_others_once_a_read_shows_theirs() {
    check(
        "see wish a=1:enforce | after 1 | take | yes p | see a=1 wish a=1:enforce | \
         see a=9 wish a=1:enforce | after 1 | take | asks | see read a=9 wish a=1:enforce | after 1 | \
         take | yes p | see a=1 wish a=1:enforce | after 60 | take | asks",
        expect!["p{a=1}#1 | - | Read(c) | p{a=1}#1 | - | "],
    );
    // By the time of the read it is as it should be.
    check(
        "see wish a=1:enforce | after 1 | take | yes p | see a=1 | see a=9 wish a=1:enforce | asks | \
         see read a=1 wish a=1:enforce | after 60 | take",
        expect!["p{a=1}#1 | Read(c) | -"],
    );
    // A value that was there before any of ours is somebody else's, too; a new one of ours over an
    // older one of ours is no fight.
    check(
        "see a=9 wish a=1:enforce | after 1 | take | asks | see read a=9 wish a=1:enforce | after 1 | \
         take | yes p | see a=1 wish a=2:enforce | after 1 | take",
        expect!["- | Read(c) | p{a=1}#1 | p{a=2}#1"],
    );
}

#[test]
fn who_enforces_against_somebody_who_does_not_give_in_rests() {
    let round = "see read a=9 wish a=1:enforce | after 1 | take | yes p | see a=1 | ";
    check(
        &format!(
            "{} see read a=9 wish a=1:enforce | take | rested | after 530 | take | after 70 | take",
            round.repeat(5)
        ),
        expect![
            "p{a=1}#1 | p{a=1}#1 | p{a=1}#1 | p{a=1}#1 | p{a=1}#1 | - | rested=1 | - | p{a=1}#1"
        ],
    );
}

#[test]
fn what_was_of_use_only_at_once_is_given_up_later() {
    // From when it was first wished, whatever came between, and also where a push of it failed.
    check(
        "see wish a=1:within=30 b=1 | see flow wish a=1:within=30 b=1 | after 29 | dead | after 1 | \
         dead | see wish a=1:within=30 | take",
        expect![" | useless p{a} r - | p{b=1}#1"],
    );
    check(
        "see wish a=1:within=30 | after 1 | take | after 60 | no p 500 | after 1 | dead | take",
        expect!["p{a=1}#1 | useless p{a} r - | -"],
    );
    // Forbidden, it is not kept for when it is permitted again, either.
    check(
        "see wish a=1:within=30 | after 1 | take | after 60 | no p 403 | after 1 | dead | after 61 | take",
        expect!["p{a=1}#1 | useless p{a} r - | -"],
    );
    // Another value is another wish, and so is one that may wait.
    check(
        "see flow wish a=1:within=30 | after 20 | see flow wish a=2:within=30 | after 20 | see wish | take",
        expect!["p{a=2}#1"],
    );
    check(
        "see flow wish a=1:within=30 | see flow wish a=1 | after 60 | see wish | take",
        expect!["p{a=1}#1"],
    );
    check("see over flow wish a=1:within=5 | after 5 | dead", expect!["useless p{a} r -"]);
}

#[test]
fn that_every_write_fails_is_told_until_one_is_accepted() {
    check(
        "see wish a=1 | after 1 | take | no p 503 | after 60 | take | no p lost | failing | after 60 | take | no p 503 | failing | \
         after 60 | take | no p lost | failing | after 60 | take | yes p | failing",
        expect![
            "p{a=1}#1 | p{a=1}#2 | no | p{a=1}#3 | Genesys answers 503 to op | p{a=1}#4 | there is no answer to op | p{a=1}#5 | no"
        ],
    );
}

#[test]
fn what_is_urgent_goes_first_but_not_for_ever() {
    check(
        "see wish a=1 q.a=1 r.a=1:urgent | after 1 | take | take | see wish s.a=1:urgent | after 1 | \
         take | take",
        expect!["r{a=1}#1 | p{a=1}#1 | s{a=1}#1 | q{a=1}#1"],
    );
}
