//! What a process that is killed leaves to the next one.

use super::*;

#[test]
fn what_waits_waits_on_until_its_conversation_is_read() {
    check(
        "see a=0 wish a=1 b=2 | restart | asks | after 60 | take | see read a=0 wish a=1 b=2 | take | \
         yes p | counts",
        expect![
            "Read(c) | - | p{a=1 b=2}#1 | offered=4 merged=3 pushed=2 unchanged=0 confirmed=0 lost=0 failed=0"
        ],
    );
    // Nobody reads it.
    check("see wish a=1 | restart | after 121 | take", expect!["p{a=1}#1"]);
    // It is as it should be by now, or by nobody's wish any more.
    check("see wish a=1 | restart | see read a=1 | after 200 | take", expect!["-"]);
    check("see wish a=1 | restart | see read hash=2 | after 200 | take", expect!["-"]);
    check(
        "see wish a=1:if-absent | restart | see read a=9 | after 200 | take | dead",
        expect!["- | "],
    );
}

#[test]
fn what_is_settled_is_not_made_again() {
    check(
        "see wish a=1 b=1 | after 1 | take | see wish a=2 b=1 | yes p | restart | \
         see read b=1 wish a=2 b=1 | after 1 | take",
        expect!["p{a=1 b=1}#1 | p{a=2}#1"],
    );
    check("see wish a=1 | restart | see read a=1 | restart | asks", expect![""]);
}

#[test]
fn what_is_under_way_when_its_conversation_is_closed_is_not_lost() {
    check(
        "see over wish a=1 | after 1 | take | rows | after 31 | restart | after 121 | take",
        expect!["p{a=1}#1 | p:1 | p{a=1}#1"],
    );
    // It has an answer: nothing of it is left.
    check(
        "see over wish a=1 | after 1 | take | after 31 | yes p | restart | after 121 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn what_was_under_way_may_yet_be_applied_and_goes_once_more() {
    check(
        "see wish a=1 | after 1 | take | restart | see read a=1 wish a=1 | take | yes p | \
         see read a=1 wish a=1 | after 1 | take",
        expect!["p{a=1}#1 | p{a=1}#1 | -"],
    );
}

#[test]
fn what_was_seen_to_be_applied_without_an_answer_is_not_made_again() {
    let begin = "see wish a=1 b=1 | after 1 | take | see a=1 wish a=1 b=1 | rows";
    // Others wrote over one key; the other has been applied, too.
    check(
        &format!(
            "{begin} | see a=9 b=1 wish a=1 b=1 | restart | see read a=9 b=1 wish a=1 b=1 | after 1 | take | rows"
        ),
        expect!["p{a=1 b=1}#1 | p:1 p=1 | - | -"],
    );
    // They did while nobody was there.
    check(
        &format!("{begin} | restart | see read a=9 wish a=1 b=1 | after 1 | take"),
        expect!["p{a=1 b=1}#1 | p:1 p=1 | p{b=1}#1"],
    );
    // It was not ours, as the answer says.
    check(
        &format!(
            "{begin} | no p 429 | rows | restart | see read a=1 wish a=1 b=1 | after 60 | take"
        ),
        expect!["p{a=1 b=1}#1 | p:1 p=1 | p:2 p=0 | p{b=1}#1"],
    );
    // What came since waits on.
    check(
        &format!(
            "{begin} | see a=1 wish a=2 b=1 | restart | see read a=1 b=1 wish a=2 b=1 | after 1 | take"
        ),
        expect!["p{a=1 b=1}#1 | p:1 p=1 | p{a=2 b=1}#1"],
    );
}

#[test]
fn what_others_wrote_is_still_theirs() {
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | see a=9 wish a=1 | restart | \
         asks | see read a=9 wish a=1 | after 1 | take | see a=9 wish a=2 | after 1 | take",
        expect!["p{a=1}#1 | Read(c) | - | p{a=2}#1"],
    );
    // They wrote while nobody looked.
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | restart | \
         see read a=9 wish a=1 | after 1 | take | see read a=9 wish a=1:first | after 1 | take",
        expect!["p{a=1}#1 | - | -"],
    );
}

#[test]
fn what_was_accepted_is_confirmed_or_written_again() {
    check(
        "see wish a=1 | after 1 | take | yes p | restart | see wish a=1 | after 60 | asks | \
         see read wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | counts",
        expect![
            "p{a=1}#1 | Read(c) | p{a=1}#1 | offered=4 merged=1 pushed=2 unchanged=2 confirmed=1 lost=0 failed=0"
        ],
    );
}

#[test]
fn who_is_over_leaves_nothing_and_who_waited_too_long_a_dead_letter() {
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 over wish b=1 | restart | see read a=1 over | \
         after 31 | dead | restart | asks",
        expect!["p{a=1}#1 | conversation-over p{b} r - | "],
    );
    check(
        "age 100 | see wish a=1 | after 50 | restart | age 100 | down 60 | after 20 | dead",
        expect!["too-old p{a} r -"],
    );
    check("age 100 | see wish a=1 | after 50 | restart | age 100 | after 40 | dead", expect![""]);
    check("see wish a=1:within=30 | restart | after 31 | dead", expect!["useless p{a} r -"]);
}

#[test]
fn values_are_kept_no_longer_than_they_may_be() {
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | keep 1000 | after 1700 | restart | asks",
        expect!["p{a=1}#1 | "],
    );
    check("see flow wish a=1 | keep 100 | after 111 | dead", expect!["too-old p{a} r -"]);
}

#[test]
fn rows_are_made_once_for_many_changes_and_not_for_looks_that_change_nothing() {
    check(
        "rows | see wish a=1 | see wish a=2 b=1 | rows | see wish a=2 b=1 | rows | see a=2 b=1 | rows",
        expect!["- | p:2 | - | p:0"],
    );
    check(
        "see wish a=1 | after 1 | take | yes p | rows | see wish a=1 | rows | see a=1 wish a=1 | rows | \
         see a=1 wish a=1 | rows | see over | after 31 | rows",
        expect!["p{a=1}#1 | p:0 p=1 | - | p=1 | - | over c p=0"],
    );
}

#[test]
fn all_rows_are_made_anew_some_at_a_time() {
    check(
        "see wish p.a=1 q.a=1 | after 1 | take | yes p | rows | begin-anew | anew 1 | see wish r.a=1 | anew 1 | anew 1",
        expect!["p{a=1}#1 | p:0 q:1 p=1 | p:0 p=1 more | q:1 r:1 q=0 end | - end"],
    );
}

#[test]
fn what_is_found_late_joins_what_came_since() {
    check(
        "see wish a=1 b=1 | blind-restart | see wish b=2 | found | asks | after 1 | take | see read wish b=2 | \
         after 1 | take",
        expect!["Read(c) | - | p{a=1 b=2}#1"],
    );
    // What was written since is newer; what was written before is remembered.
    check(
        "see wish a=1 c=1 | after 1 | take | yes p | see a=1 c=1 wish b=1 a=1 c=1 | blind-restart | \
         see a=1 c=1 wish b=2 | after 1 | take | yes p | found | see read a=1 c=9 b=2 wish c=1 b=2 | after 1 | take | dead",
        expect!["p{a=1 c=1}#1 | p{b=2}#1 | - | "],
    );
    check(
        "see wish a=1 | after 1 | take | no p 400 | blind-restart | see wish b=1 | after 1 | take | no p 400 | found | dead",
        expect![
            "p{a=1}#1 | p{b=1}#1 | refused p{a} r op answered 400: value secret is bad / refused p{b} r op answered 400: value secret is bad"
        ],
    );
}

#[test]
fn what_is_wished_since_is_not_taken_for_what_was_found_late() {
    let wishes = |from: u32, to: u32| {
        (from..to).map(|n| format!("see wish a={n}")).collect::<Vec<_>>().join(" | ")
    };
    for changes in 1..12 {
        let script = format!(
            "{} | blind-restart | see wish b=1 | found | see read wish a=9 | after 1 | take | {} | yes p | after 1 | take",
            wishes(1, 10),
            wishes(10, 10 + changes)
        );
        let last = format!("p{{a=9 b=1}}#1 | p{{a={}}}#1", 9 + changes);
        assert_eq!(answers(&script), last);
    }
}

#[test]
fn the_good_moment_waits_for_what_found_no_room() {
    check(
        "through | rows | see wish p.a=1 q.a=1 r.a=1 s.a=1 | through | rows | see wish t.a=1 | through | rows | \
         asks | after 1 | take | yes p | asks | through | rows | through | rows",
        expect!["good | p:1 q:1 r:1 s:1 good | - |  | p{a=1}#1 | LookAgain(c) | p:0 p=1 | good"],
    );
}
