//! What is handed over of each update.

use expect_test::expect;

use super::check;

#[test]
fn an_update_is_traced_from_its_first_frame_to_its_answer() {
    check(
        "see wish a=1 | after 2 | see wish a=1 b=1:by=s | take | after 1 | yes p | traced | traced",
        expect!["p{a=1 b=1}#1 | 0-3 p{a b} by r s: sent at 2 #1 Some(202) true | "],
    );
}

#[test]
fn each_attempt_is_traced_and_so_is_what_becomes_of_the_update() {
    check(
        "see wish a=1 | after 1 | take | after 1 | no p 503 | after 60 | take | after 1 | no p 400 | traced",
        expect![
            "p{a=1}#1 | p{a=1}#2 | 0-2 p{a} by r: sent at 1 #1 Some(503) false, 0-63 p{a} by r: sent at 62 #2 Some(400) false, 0-63 p{a} by r: refused"
        ],
    );
    check(
        "see wish a=1 | after 1 | take | see a=1 wish a=1 | after 1 | no p lost | traced",
        expect!["p{a=1}#1 | 0-2 p{a} by r: sent at 1 #1 None false, 0-2 p{a} by r: seen"],
    );
}

#[test]
fn what_waited_too_long_is_traced_although_it_was_never_sent() {
    check("age 100 | see flow wish a=1 | after 120 | traced", expect!["0-100 p{a} by r: too-old"]);
}
