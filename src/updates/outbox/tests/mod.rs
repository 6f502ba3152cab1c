//! The outbox as scripts and what each step answers.

mod fair;

use expect_test::{Expect, expect};

use super::*;

#[test]
fn keys_of_one_participant_merge_into_one_request() {
    check(
        "offer p a=1 | offer p b=1 | offer p a=2 | after 1 | take",
        expect!["queued | merged | merged | ok | p{a=2 b=1}#1"],
    );
}

#[test]
fn the_merge_window_never_moves() {
    check(
        "offer p a=1 | after 0.5 | offer p a=2 | after 0.4 | take | after 0.1 | take",
        expect!["queued | ok | merged | ok | - | ok | p{a=2}#1"],
    );
}

#[test]
fn a_participant_is_not_out_twice() {
    check(
        "offer p a=1 | after 1 | take | offer p a=2 | after 1 | take | accepted p | take",
        expect!["queued | ok | p{a=1}#1 | queued | ok | - | ok | p{a=2}#1"],
    );
}

#[test]
fn an_answer_settles_what_was_sent_and_nothing_newer() {
    check(
        "offer p a=5 | offer p b=5 | after 1 | take | offer p a=6 | offer p c=6 | accepted p | after 1 | take",
        expect!["queued | merged | ok | p{a=5 b=5}#1 | queued | merged | ok | ok | p{a=6 c=6}#1"],
    );
}

#[test]
fn a_retry_sends_current_values() {
    check(
        "offer p a=1 | offer p b=1 | after 1 | take | offer p b=2 | failed p 5 | take | after 5 | take",
        expect!["queued | merged | ok | p{a=1 b=1}#1 | queued | ok | - | ok | p{a=1 b=2}#2"],
    );
}

#[test]
fn what_came_after_does_not_shorten_the_backoff() {
    check(
        "offer p a=1 | after 1 | take | failed p 5 | offer p b=1 | after 4 | take | after 1 | take",
        expect!["queued | ok | p{a=1}#1 | ok | merged | ok | - | ok | p{a=1 b=1}#2"],
    );
}

#[test]
fn withdrawing_leaves_what_is_under_way() {
    check(
        "offer p a=1 | after 1 | take | withdraw p a | offer p a=2 | withdraw p a | failed p 1 | after 1 | take",
        expect!["queued | ok | p{a=1}#1 | false | queued | true | ok | ok | p{a=1}#2"],
    );
}

#[test]
fn nothing_is_left_of_what_is_withdrawn() {
    check(
        "offer p a=1 | withdraw p a | after 1 | take | len",
        expect!["queued | true | ok | - | 0"],
    );
}

#[test]
fn they_leave_in_the_order_in_which_they_became_ready() {
    check(
        "offer p a=1 | after 1 | take | offer q a=1 | after 1 | offer p a=2 | after 1 | accepted p | take | take",
        expect!["queued | ok | p{a=1}#1 | queued | ok | queued | ok | ok | q{a=1}#1 | p{a=2}#1"],
    );
}

#[test]
fn a_full_outbox_still_merges() {
    check(
        "offer p a=1 | offer q a=1 | offer r a=1 | offer p b=1 | withdraw q a | offer r a=1",
        expect!["queued | queued | full | merged | true | queued"],
    );
}

#[test]
fn a_flow_holds_up_all_but_what_may_go() {
    check(
        "offer p a=1 | offer p b=1 flow | flow on | after 1 | take | accepted p | take | flow off | take",
        expect!["queued | merged | ok | ok | p{b=1}#1 | ok | - | ok | p{a=1}#1"],
    );
}

#[test]
fn a_key_that_rests_does_not_hold_up_the_others() {
    check(
        "offer p a=1 | offer p b=1 | rest p a 60 | after 1 | take | accepted p | take | after 59 | take",
        expect!["queued | merged | ok | ok | p{b=1}#1 | ok | - | ok | p{a=1}#1"],
    );
}

#[test]
fn refused_keys_of_several_rules_go_apart() {
    check(
        "offer p a=1 by r | offer p b=1 by s | offer p c=1 by r | after 1 | take | split p | take | split p | give-up p | take | accepted p | len",
        expect![
            "queued | merged | merged | ok | p{a=1 b=1 c=1}#1 | true | p{a=1 c=1}#1 | false | a c | p{b=1}#1 | ok | 0"
        ],
    );
}

#[test]
fn what_is_superseded_is_not_given_up() {
    check(
        "offer p a=1 | offer p b=1 | after 1 | take | offer p a=2 | give-up p | after 1 | take",
        expect!["queued | merged | ok | p{a=1 b=1}#1 | queued | b | ok | p{a=2}#1"],
    );
}

#[test]
fn what_was_sent_without_an_answer_is_uncertain_until_the_next_yes() {
    check(
        "offer p a=1 | after 1 | take | timeout p 1 | offer p a=2 | uncertain p a | after 1 | take | accepted p | uncertain p a",
        expect![
            "queued | ok | p{a=1}#1 | ok | merged | true | ok | p{a=2}#2 | ok, landing a | false"
        ],
    );
}

#[test]
fn what_is_forbidden_waits_in_its_order() {
    check(
        "offer p a=1 | offer q a=1 | after 1 | take | forbid p | take | forbid q | take | probe | forbid p | probe | accepted q | permit | take",
        expect![
            "queued | queued | ok | p{a=1}#1 | ok | q{a=1}#1 | ok | - | p{a=1}#1 | ok | q{a=1}#1 | ok | ok | p{a=1}#1"
        ],
    );
}

#[test]
fn the_end_cuts_the_window_short() {
    check("offer p a=1 | cut | take", expect!["queued | ok | p{a=1}#1"]);
}

/// Runs a script against an outbox with room for two participants, all of one conversation, and a
/// merge window of a second, and compares what each step answered.
#[track_caller]
fn check(script: &str, expected: Expect) {
    let mut bench = Bench { outbox: Outbox::new(2, Duration::from_secs(1)), now: Instant::now() };
    let answers: Vec<String> = script.split(" | ").map(|step| bench.step(step)).collect();
    expected.assert_eq(&answers.join(" | "));
}

struct Bench {
    outbox: Outbox,
    now: Instant,
}

impl Bench {
    fn step(&mut self, step: &str) -> String {
        let now = self.now;
        let words: Vec<&str> = step.split(' ').collect();
        let target = Target::new("c", words.get(1).unwrap_or(&""));
        let outbox = &mut self.outbox;
        match words[..] {
            ["offer", _, field, ref how @ ..] => {
                let (key, value) = field.split_once('=').unwrap();
                let mut waiting = Waiting::for_tests(value, now);
                waiting.during_flow = how == ["flow"];
                if let ["by", rule] = how {
                    waiting.rule = Arc::from(*rule);
                }
                let offered = outbox.offer(&target, &Arc::from(key), waiting, now);
                return format!("{offered:?}").to_lowercase();
            }
            ["take"] => return show(outbox.take(now)),
            ["probe"] => return show(outbox.take_forbidden(now)),
            ["withdraw", _, key] => return outbox.withdraw(&target, key, now).to_string(),
            ["uncertain", _, key] => return outbox.is_uncertain(&target, key).to_string(),
            ["split", _] => return outbox.split(&target, now).to_string(),
            ["len"] => return outbox.len().to_string(),
            ["give-up", _] => {
                let keys = outbox.give_up(&target, now);
                let keys: Vec<String> = keys.iter().map(|(key, _)| key.to_string()).collect();
                return keys.join(" ");
            }
            ["accepted", _] => {
                let landing = outbox.accepted(&target, now);
                if let Some((key, _)) = landing.first_key_value() {
                    return format!("ok, landing {key}");
                }
            }
            [how @ ("failed" | "timeout"), _, seconds] => {
                let again_at = now + secs(seconds);
                let failure = Failure { again_at, uncertain: how == "timeout", counts: true };
                outbox.failed(&target, failure, now);
            }
            ["rest", _, key, seconds] => outbox.rest(&target, key, now + secs(seconds), now),
            ["forbid", _] => outbox.forbid(&target, now),
            ["permit"] => outbox.permit_all(now),
            ["flow", state] => outbox.set_flow(&"c".into(), state == "on", now),
            ["cut"] => outbox.cut_windows(now),
            ["after", seconds] => {
                self.now += secs(seconds);
                outbox.wake(self.now);
            }
            _ => panic!("unknown step `{step}`"),
        }
        "ok".to_owned()
    }
}

fn secs(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap())
}

fn show(leaving: Option<Leaving>) -> String {
    let Some(Leaving { target, keys, attempt, .. }) = leaving else { return "-".to_owned() };
    let keys: Vec<String> = keys.iter().map(|(key, it)| format!("{key}={}", it.value)).collect();
    format!("{}{{{}}}#{attempt}", target.participant, keys.join(" "))
}
