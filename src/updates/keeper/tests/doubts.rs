//! What is done while nobody knows which of two snapshots is the newer one.

use expect_test::expect;

use super::check;

#[test]
fn what_may_have_been_overtaken_waits_for_the_next_snapshot_and_not_for_ever() {
    check(
        "see wish a=1 | doubt | after 1 | take | see wish a=2 | after 1 | take",
        expect!["- | p{a=2}#1"],
    );
    // Longer than any answer may take, even twice.
    check("see wish a=1 | doubt | after 299 | take | after 2 | take", expect!["- | p{a=1}#1"]);
    check("see wish a=1 | doubt | after 290 | doubt | after 11 | take", expect!["p{a=1}#1"]);
    check("see wish a=1 | doubt | after 99 | take | settle | take", expect!["- | p{a=1}#1"]);
    // A retry, too.
    check(
        "see wish a=1 | after 1 | take | doubt | no p lost | after 5 | take | see a=1 wish a=0 | take",
        expect!["p{a=1}#1 | - | p{a=0}#2"],
    );
}

#[test]
fn the_first_wish_for_a_key_counts_whether_its_snapshot_is_late_or_not() {
    // `a` waits, `c` was written and is gone, and `d` is new.
    let known = "see b=1 wish c=1 | after 1 | take | yes p | see b=1 c=1 | see b=1 wish a=1 | ";
    let perhaps = "perhaps wish a=2 c=2 d=2 | doubt | after 99 | take | ";
    check(
        &format!("{known} {perhaps} see b=1 | after 1 | take"),
        expect!["p{c=1}#1 | - | p{a=1 d=2}#1"],
    );
    check(
        "see wish a=1 | after 1 | take | perhaps wish a=2 d=2 | doubt | yes p | settle | after 1 | take",
        expect!["p{a=1}#1 | p{d=2}#1"],
    );
    check("see over | after 40 | perhaps wish a=1 | after 1 | take", expect!["-"]);
}

#[test]
fn it_is_the_first_also_where_a_rule_that_is_gone_has_written_before() {
    let written = "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1";
    let (gone, perhaps) = ("see a=1 hash=2", "perhaps a=1 hash=2 wish a=2 | after 1 | take");
    check(&format!("{written} | {gone} | {perhaps}"), expect!["p{a=1}#1 | p{a=2}#1"]);
    // The new rules wished what the old ones wrote, or others have written since.
    check(&format!("{written} | {gone} wish a=1 | {perhaps}"), expect!["p{a=1}#1 | -"]);
    let perhaps = perhaps.replace("a=1", "a=9");
    check(&format!("{written} | see a=9 hash=2 | {perhaps}"), expect!["p{a=1}#1 | -"]);
    // The rule is there still.
    check(
        &format!("{written} | see a=1 | perhaps a=1 wish a=2 | after 1 | take"),
        expect!["p{a=1}#1 | -"],
    );
}
