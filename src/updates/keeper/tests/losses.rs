//! What writes of the whole map undo of others', and how it is put back.

use expect_test::expect;

use super::check;

#[test]
fn what_a_write_of_the_whole_map_undid_is_put_back() {
    // Seen before the answer, after it, and after the echo.
    let expected = || expect!["p{a=1}#1 | p{}#1 x:0>9 | -"];
    check(
        "see x=0 wish a=1 | after 1 | take | see x=9 wish a=1 | put p x=0 | after 1 | take | \
         put p x=0 a=1 +x | see x=0 a=1 | see x=9 a=1 | after 60 | take",
        expected(),
    );
    check(
        "see x=0 wish a=1 | after 1 | take | put p x=0 | see x=9 wish a=1 | see x=0 a=1 wish a=1 | \
         after 1 | take | put p x=0 a=1 +x | after 60 | take",
        expected(),
    );
    // The echo of the write that undid it, late, is nobody's word.
    check(
        "see x=0 wish a=1 | after 1 | take | put p x=0 | see x=9 wish a=2 | after 1 | take | \
         see x=0 a=1 wish a=2 | put p x=0 a=1 +x | see x=9 a=2 wish a=2 | after 60 | take",
        expect!["p{a=1}#1 | p{a=2}#1 x:0>9 | -"],
    );
    // With the next value, and by a second push where the first was not answered.
    check(
        "see x=0 wish a=1 | after 1 | take | put p x=0 | see x=9 wish a=2 | after 1 | take | \
         no p lost | after 60 | take | put p x=9 a=2 | see x=9 a=2 wish a=2 | after 60 | take",
        expect!["p{a=1}#1 | p{a=2}#1 x:0>9 | p{a=2}#2 x:0>9 | -"],
    );
    check(
        "see x=0 wish a=1 | after 1 | take | no p lost | see x=9 wish a=1 | after 60 | take | \
         put p x=0 a=1 | after 1 | take",
        expect!["p{a=1}#1 | p{a=1}#2 | p{}#1 x:0>9"],
    );
}

#[test]
fn what_others_wrote_before_or_after_a_write_of_the_whole_map_is_as_it_should_be() {
    check(
        "see x=0 wish a=1 | after 1 | take | put p x=9 | see x=9 wish a=1 | see x=9 a=1 | \
         see x=8 a=1 | after 60 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn what_cannot_be_put_back_is_let_go() {
    let undone = "see x=0 wish a=1 | after 1 | take | put p x=0 | see x=9 wish a=1 | after 1";
    check(
        &format!("{undone} | take | no p 404 | after 60 | take"),
        expect!["p{a=1}#1 | p{}#1 x:0>9 | -"],
    );
    check(&format!("{undone} | see x=0 a=1 over | after 60 | take"), expect!["p{a=1}#1 | -"]);
    check(
        &format!("{undone} | see flow x=0 a=1 | take | see x=0 a=1 | take"),
        expect!["p{a=1}#1 | - | p{}#1 x:0>9"],
    );
}
