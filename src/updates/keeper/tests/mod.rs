//! The keeper: observations and answers in, pushes and dead letters out.

mod crowd;
mod doubts;
mod effects;
mod landed;
mod letters;
mod losses;
mod restart;
mod traces;

use std::io::Write;
use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};

use super::bench::Bench;

#[test]
fn only_the_difference_is_pushed_and_its_echo_causes_nothing() {
    check(
        "see a=1 wish a=1 b=2 | after 1 | take | yes p | see a=1 b=2 wish a=1 b=2 | after 1 | take | counts",
        expect![
            "p{b=2}#1 | - | offered=4 merged=0 pushed=1 unchanged=3 confirmed=1 lost=0 failed=0"
        ],
    );
}

#[test]
fn an_echo_before_its_answer_confirms_it_too() {
    check(
        "see wish a=1 | after 1 | take | see a=1 wish a=1 | yes p | after 60 | asks | counts",
        expect![
            "p{a=1}#1 |  | offered=2 merged=0 pushed=1 unchanged=1 confirmed=1 lost=0 failed=0"
        ],
    );
}

#[test]
fn a_stale_snapshot_causes_no_second_write() {
    check(
        "see a=0 wish a=1 | after 1 | take | see a=0 wish a=1 | yes p | see a=0 wish a=1 | after 1 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn there_and_back_again_is_written_three_times_while_snapshots_lag() {
    check(
        "see wish a=A | after 1 | take | see wish a=B | yes p | after 1 | take | see wish a=A | yes p | \
         after 1 | take | yes p | see a=A wish a=A | see a=B wish a=A | see a=A wish a=A | after 1 | take | counts",
        expect![
            "p{a=A}#1 | p{a=B}#1 | p{a=A}#1 | - | offered=6 merged=0 pushed=3 unchanged=3 confirmed=0 lost=0 failed=0"
        ],
    );
}

#[test]
fn there_and_back_again_before_anything_left_is_nothing() {
    check("see a=A wish a=B | see a=A wish a=A | after 1 | take", expect!["-"]);
}

#[test]
fn what_others_wrote_is_theirs_until_the_value_changes() {
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | see a=9 wish a=1 | see a=9 wish a=1 | \
         after 1 | take | see a=9 wish a=2 | after 1 | take | counts",
        expect![
            "p{a=1}#1 | - | p{a=2}#1 | offered=5 merged=0 pushed=1 unchanged=1 confirmed=1 lost=1 failed=0"
        ],
    );
}

#[test]
fn a_value_that_was_met_by_others_is_followed_back_from() {
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | see a=2 wish a=1 | see a=2 wish a=2 | \
         see a=2 wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | see a=2 wish a=2 | see a=3 wish a=2 | after 1 | take",
        expect!["p{a=1}#1 | p{a=1}#1 | -"],
    );
}

#[test]
fn first_is_written_once_and_if_absent_only_where_there_is_nothing() {
    check(
        "see wish a=1:first b=1:if-absent | see b=9 wish a=2:first | after 1 | take | yes p | \
         see a=9 b=9 wish a=2:first b=1:if-absent | after 1 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn a_newer_snapshot_withdraws_what_is_met() {
    check("see a=0 wish a=1 | see a=1 | after 1 | take", expect!["-"]);
}

#[test]
fn other_rules_withdraw_what_they_do_not_wish() {
    check(
        "see wish a=1 b=1 c=1 | see hash=2 wish a=1 | after 1 | take | see hash=2 wish d=1 | \
         see hash=3 | yes p | after 1 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn what_waits_by_a_rule_that_did_not_change_stays() {
    // Its match no longer holds: what was wished stands all the same.
    check("see wish a=1 | see hash=2 keeps | after 1 | take", expect!["p{a=1}#1"]);
    check("see wish a=1 | see | after 1 | take", expect!["p{a=1}#1"]);
}

#[test]
fn a_dry_run_is_said_once_and_changes_nothing() {
    check(
        "see wish a=1:dry | see wish a=1:dry | see wish a=2:dry | after 1 | take | said | see wish a=1 | after 1 | take",
        expect!["- | dry_run=2 | p{a=1}#1"],
    );
}

#[test]
fn while_a_flow_runs_only_what_may_goes() {
    check(
        "see flow wish a=1 b=1:flow | after 1 | take | yes p | after 60 | take | see b=1 wish a=1 | take",
        expect!["p{b=1}#1 | - | p{a=1}#1"],
    );
}

#[test]
fn after_a_timeout_all_keys_go_again_whatever_is_seen_and_a_read_confirms() {
    check(
        "see wish a=1 b=1 | after 1 | take | no p lost | see a=1 b=1 wish a=1 b=2 | after 60 | take | \
         yes p | see a=1 b=2 wish a=1 b=2 | after 30 | asks | see read a=1 b=2 wish a=1 b=2 | after 90 | asks | counts",
        expect![
            "p{a=1 b=1}#1 | p{a=1 b=2}#2 | Read(c) |  | offered=8 merged=3 pushed=2 unchanged=4 confirmed=2 lost=0 failed=0"
        ],
    );
}

#[test]
fn a_connection_that_was_never_made_leaves_no_doubt() {
    check(
        "see wish a=1 | after 1 | take | no p unreachable | see a=1 wish a=1 | after 60 | take",
        expect!["p{a=1}#1 | -"],
    );
}

#[test]
fn what_is_not_confirmed_is_read_and_written_again_three_times() {
    let round = "after 30 | asks | see read wish a=1 | after 1 | take | yes p | ";
    check(
        &format!("see wish a=1 | after 1 | take | yes p | {} dead", round.repeat(4)),
        expect![
            "p{a=1}#1 | Read(c) | p{a=1}#1 | Read(c) | p{a=1}#1 | Read(c) | p{a=1}#1 | Read(c) | - | not-applied p{a} r -"
        ],
    );
}

#[test]
fn what_nothing_tells_of_is_counted_as_unconfirmed_once() {
    let ask = "after 30 | asks | ";
    check(
        &format!(
            "see wish a=1 | after 1 | take | yes p | {} unconfirmed | see over | after 31 | unconfirmed",
            ask.repeat(8)
        ),
        expect![
            "p{a=1}#1 | Read(c) | Read(c) | Read(c) |  |  |  |  |  | unconfirmed=1 | unconfirmed=1"
        ],
    );
    check(
        "see wish a=1 | after 1 | take | yes p | see over | after 31 | unconfirmed",
        expect!["p{a=1}#1 | unconfirmed=1"],
    );
    check(
        "see wish a=1 | after 1 | take | yes p | see a=1 wish a=1 | see over | after 31 | unconfirmed",
        expect!["p{a=1}#1 | unconfirmed=0"],
    );
}

#[test]
fn a_third_value_in_a_read_is_somebody_elses() {
    check(
        "see wish a=1 | after 1 | take | yes p | after 30 | asks | see read a=3 wish a=1 | after 1 | take | counts",
        expect![
            "p{a=1}#1 | Read(c) | - | offered=2 merged=0 pushed=1 unchanged=0 confirmed=0 lost=1 failed=0"
        ],
    );
}

#[test]
fn who_is_over_is_not_read() {
    check(
        "see wish a=1 | after 1 | take | yes p | see over | after 60 | asks",
        expect!["p{a=1}#1 | "],
    );
}

#[test]
fn one_rules_bad_key_does_not_take_the_others_with_it() {
    check(
        "see wish a=secret:by=r b=1:by=s | after 1 | take | no p 400 | take | no p 400 | take | yes p | dead | \
         see b=1 wish a=secret:by=r b=1:by=s | after 1 | take | see b=1 wish a=2:by=r | after 1 | take",
        expect![
            "p{a=secret b=1}#1 | p{a=secret}#1 | p{b=1}#1 | refused p{a} r op answered 400: value … is bad | - | p{a=2}#1"
        ],
    );
}

#[test]
fn what_was_refused_may_be_tried_by_other_rules() {
    check(
        "see wish a=1 | after 1 | take | no p 400 | see wish a=1 | after 1 | take | see hash=2 wish a=1 | after 1 | take",
        expect!["p{a=1}#1 | - | p{a=1}#1"],
    );
}

#[test]
fn a_missing_permission_stops_the_pushes_and_one_is_tried_each_minute() {
    check(
        "see wish a=1 q.a=1 r.a=1 s.a=1 | after 1 | take | no p 403 | take | no q 403 | take | no r 403 | take | \
         after 59 | take | after 1 | take | no p 403 | take | after 60 | take | yes q | take | take | take | dead",
        expect![
            "p{a=1}#1 | q{a=1}#1 | r{a=1}#1 | - | - | p{a=1}#1 | - | q{a=1}#1 | s{a=1}#1 | r{a=1}#1 | p{a=1}#1 | "
        ],
    );
}

#[test]
fn a_conflict_is_read_before_it_is_tried_again_three_times_at_most() {
    let round = "no p 409 | take | asks | see read wish a=1 | take | ";
    check(
        &format!("see wish a=1 | after 1 | take | {} no p 409 | dead", round.repeat(3)),
        expect![
            "p{a=1}#1 | - | Read(c) | p{a=1}#2 | - | Read(c) | p{a=1}#3 | - | Read(c) | p{a=1}#4 | conflict p{a} r op answered 409: value … is bad"
        ],
    );
}

#[test]
fn a_throttled_push_waits_and_is_no_attempt() {
    check(
        "see wish a=1 | after 1 | take | no p 429 | after 29 | take | after 1 | take",
        expect!["p{a=1}#1 | - | p{a=1}#1"],
    );
}

#[test]
fn age_counts_from_the_last_change_and_stands_still_while_nothing_answers() {
    check(
        "age 100 | see wish a=1 | after 90 | see wish a=2 | after 90 | dead | after 20 | dead",
        expect![" | too-old p{a} r -"],
    );
    check(
        "age 100 | see wish a=1 | after 1 | take | no p unreachable | after 500 | dead | take | no p 500 | after 110 | dead",
        expect!["p{a=1}#1 |  | p{a=1}#2 | too-old p{a} r -"],
    );
}

#[test]
fn the_last_wishes_have_their_time_and_then_no_request_is_spent() {
    check(
        "see wish a=1 | see over wish b=1 | after 1 | take | yes p | see over flow wish c=1 | dry on | after 30 | dry off | take | dead | see over wish d=1 | after 1 | take",
        expect!["p{a=1 b=1}#1 | - | conversation-over p{c} r - | -"],
    );
}

#[test]
fn who_fails_after_the_end_is_over() {
    check(
        "see over wish a=1 | after 1 | take | after 30 | no p 500 | dead | see wish a=2 | after 1 | take",
        expect!["p{a=1}#1 | conversation-over p{a} r op answered 500: value … is bad | p{a=2}#1"],
    );
}

#[test]
fn who_is_not_found_is_gone_and_not_wished_again() {
    check(
        "see wish a=1 | after 1 | take | no p 404 | dead | see wish a=1 | after 1 | take",
        expect!["p{a=1}#1 | participant-gone p{a} r op answered 404: value … is bad | -"],
    );
}

#[test]
fn the_fence_and_the_longest_value_hold() {
    check(
        "see wish forbidden=1 a=123456789 | see wish forbidden=1 a=123456789 | after 1 | take | dead",
        expect!["- | not-allowed p{forbidden} r - / too-long p{a} r -"],
    );
}

#[test]
fn other_settings_may_allow_what_was_refused() {
    check(
        "see wish a=1 | after 1 | take | no p 400 | see wish a=1 | age 999 | see wish a=1 | after 1 | take",
        expect!["p{a=1}#1 | p{a=1}#1"],
    );
}

#[test]
fn a_key_that_is_fought_over_rests_and_its_last_wish_is_written_after_the_rest() {
    let write = |n| format!("see wish a={n} | after 1 | take | yes p | ");
    let script: String = (0..5).map(write).collect();
    check(
        &format!(
            "{script} see wish a=6 | see wish a=7 b=1 | after 1 | take | yes p | after 594 | take | after 1 | take | rested"
        ),
        expect![
            "p{a=0}#1 | p{a=1}#1 | p{a=2}#1 | p{a=3}#1 | p{a=4}#1 | p{b=1}#1 | - | p{a=7}#1 | rested=1"
        ],
    );
}

#[test]
fn the_end_ends_the_rests_and_each_key_is_written_once_more() {
    let write = |n| format!("see wish a={n} | after 1 | take | yes p | ");
    let script: String = (0..5).map(write).collect();
    // Also where the last snapshots wish it again, or something else for it.
    check(
        &format!("{script} see wish a=6 | see over | see over | after 1 | take"),
        expect!["p{a=0}#1 | p{a=1}#1 | p{a=2}#1 | p{a=3}#1 | p{a=4}#1 | p{a=6}#1"],
    );
    check(
        &format!(
            "{script} see over wish a=6 | see over wish a=6 | after 1 | take | yes p | see over wish a=7 | after 1 | take"
        ),
        expect!["p{a=0}#1 | p{a=1}#1 | p{a=2}#1 | p{a=3}#1 | p{a=4}#1 | p{a=6}#1 | -"],
    );
}

#[test]
fn what_is_missing_and_finds_no_room_is_written_when_there_is() {
    check(
        "see wish a=1 | after 1 | take | yes p | see wish a=1 q.a=1 r.a=1 s.a=1 t.a=1 | after 30 | asks | \
         see read wish a=1 | after 1 | take | yes q | see wish a=1 | after 1 | take | take | take | take",
        expect!["p{a=1}#1 | Read(c) | q{a=1}#1 | r{a=1}#1 | s{a=1}#1 | t{a=1}#1 | p{a=1}#1"],
    );
}

#[test]
fn what_finds_no_room_is_looked_at_again_when_there_is() {
    check(
        "see wish a=1 q.a=1 r.a=1 s.a=1 t.a=1 | asks | after 1 | take | yes p | asks",
        expect![" | p{a=1}#1 | LookAgain(c)"],
    );
}

#[test]
fn no_value_reaches_the_log() {
    // While there is but one subscriber, tracing asks the thread that comes first to a log line
    // whether it is wanted, and remembers a no of another test's thread.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || Log(Arc::clone(&writer)))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut bench = Bench::new();
        // The server quotes the value `secret` in its 400.
        let script = "see wish a=secret:by=r b=secret:by=s | after 1 | take | no p 500 | after 9 | take | \
             no p 403 | after 60 | take | no p 400 | take | yes p | take | no p 400 | \
             see a=secret2 wish b=secret:by=r c=secret:dry forbidden=secret | see wish b=secret3 | \
             after 1 | take | yes p | after 30 | asks | see read wish b=secret3 | see over | after 60";
        for step in script.split(" | ") {
            bench.step(step.trim());
        }
    });
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("secret"), "{log}");
    for phrase in
        ["pushed", "will retry", "forbidden", "apart", "given up", "dry run", "not applied"]
    {
        assert!(log.contains(phrase), "nothing said `{phrase}`: {log}");
    }
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a script about the participants of one conversation, and compares what the steps answered.
///
/// `see KEY=VALUE… wish KEY=VALUE…` is an observation of `p`; a wish takes `:first`, `:if-absent`,
/// `:flow`, `:dry`, `:by=RULE` and a participant in front. `take` sends, `yes` and `no` answer.
/// `doubt` says that something may be newer, `perhaps` what it wishes, `settle` that nobody will ever know. There is room for four participants.
#[track_caller]
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&answers(script));
}

/// What the steps of a script that say something say.
fn answers(script: &str) -> String {
    let mut bench = Bench::new();
    if script.contains("| put ") {
        bench.writes_whole_maps();
    }
    let answers: Vec<String> =
        script.split(" | ").filter_map(|step| bench.step(step.trim())).collect();
    answers.join(" | ")
}
