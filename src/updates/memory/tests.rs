//! The memory as scripts: what is ours, and what somebody else wrote.

use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::{Expect, expect};

use super::*;
use crate::updates::outbox::Waiting;

#[test]
fn until_it_is_confirmed_the_value_before_is_stale() {
    check("write 0 1 | see 0 | see 1 | see 1", expect!["Stale/1 Confirmed/1 Nothing/1"]);
}

#[test]
fn once_it_is_confirmed_any_other_value_is_foreign_and_counted_once() {
    check(
        "write 0 1 | see 1 | see 0 | see 0 | see 2 | see 1",
        expect!["Confirmed/1 Foreign/0 Nothing/0 Nothing/2 Nothing/1"],
    );
}

#[test]
fn a_third_value_is_foreign_at_once() {
    check("write 0 1 | see 2 | see 1", expect!["Foreign/2 Nothing/1"]);
}

#[test]
fn snapshots_lag_behind_several_writes() {
    check("write 0 1 | write 0 2 | see 0 | see 1 | see 2", expect!["Stale/2 Stale/2 Confirmed/2"]);
}

#[test]
fn back_to_the_first_value_only_a_read_tells() {
    check(
        "write 0 1 | write 0 2 | write 1 1 | see 1 | see 2 | see 1 | confirm | read 1",
        expect!["Nothing/1 Stale/1 Nothing/1 ask Confirmed/1"],
    );
}

#[test]
fn a_read_that_shows_the_value_before_means_write_again() {
    check(
        "write 0 1 | read 0 | confirm | read 0 | see 0 | write 0 1 | see 0 | see 1 | confirm | read 1",
        expect!["Stale/1 ask Missing/0 Stale/0 Stale/1 Confirmed/1 settled Nothing/1"],
    );
}

#[test]
fn what_was_sent_without_an_answer_may_land_late() {
    check(
        "write 0 1 landing 2 | see 1 | see 2 | confirm | read 2",
        expect!["Nothing/1 Stale/1 ask Missing/2"],
    );
}

#[test]
fn reads_without_an_answer_end() {
    check(
        "write 0 1 | confirm | confirm | confirm | confirm | confirm",
        expect!["ask ask ask given-up settled"],
    );
}

#[test]
fn who_is_evicted_is_never_written_again_and_who_is_needed_stays() {
    let mut memory = Memory::new(2);
    for name in ["a", "b", "c"] {
        memory.enter(&ConversationId::new(name));
    }
    let evicted = memory.evict(|id| id.as_str() == "a", Instant::now());
    assert_eq!(evicted, Some(ConversationId::new("b")));
    assert_eq!(memory.gone(&ConversationId::new("b")), Some(Gone::Evicted));
    assert_eq!(memory.evict(|_| false, Instant::now()), None);
    assert!(memory.conversation(&ConversationId::new("a")).is_some());
}

/// Runs a script about one key. `write 0 1` is an accepted 1 where the snapshot showed 0, `see` an
/// event, `read` an answer, `confirm` half a minute later; shown are what it tells and what the
/// key then holds.
#[track_caller]
fn check(script: &str, expected: Expect) {
    let mut now = Instant::now();
    let after = Duration::from_secs(30);
    let mut written: Option<Written> = None;
    let mut answers = Vec::new();
    for step in script.split(" | ") {
        let words: Vec<&str> = step.split(' ').collect();
        match (&words[..], &mut written) {
            (["write", before, value, landing @ ..], written) => {
                let landing: BTreeSet<Arc<str>> =
                    landing.iter().skip(1).map(|value| Arc::from(*value)).collect();
                let sent = Waiting::for_tests(value, now);
                let next = Written::new(sent, written.as_ref(), before, landing, before, now);
                *written = Some(next);
            }
            ([how, seen], Some(written)) => {
                let sight = written.see(seen, *how == "read");
                answers.push(format!("{sight:?}/{}", written.base(seen)));
            }
            (["confirm"], Some(written)) => {
                now += after;
                let answer = match written.confirm(now, after) {
                    Confirming::Settled => "settled",
                    Confirming::Later(_) => "later",
                    Confirming::Ask(_) => "ask",
                    Confirming::GivenUp => "given-up",
                };
                answers.push(answer.to_owned());
            }
            _ => panic!("unknown step `{step}`"),
        }
    }
    expected.assert_eq(&answers.join(" "));
}
