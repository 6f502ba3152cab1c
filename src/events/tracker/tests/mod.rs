//! Frames in the order in which they come, as scripts.

mod bounds;
mod orders;

use expect_test::{Expect, expect};

use super::*;
use crate::events::samples::{self, CALL, THREAD};
use crate::events::{read_generic, read_media};

const A: StreamId = StreamId { channel: 1, topic: 1 };
const B: StreamId = StreamId { channel: 2, topic: 1 };

#[test]
fn progress_decides() {
    check("a:1x a:12x a:1x b:1x b:12x", expect!["newer newer older older duplicate"]);
    check("a:12x b:123y a:12x", expect!["newer newer older"]);
}

#[test]
fn late_frames_of_four_kinds_change_nothing() {
    // Older facts.
    check("a:1x a:12x a:1x", expect!["newer newer older"]);
    // Attributes only, late on the same topic: nobody can tell by the frame, so a read does.
    check(
        "a:1x a:1y a:1x read answer:1y a:1y 30s a:1z",
        expect!["newer newer doubtful read duplicate duplicate ok newer"],
    );
    // Hold and unhold: likewise, and here the return is real.
    check(
        "a:1u a:1h a:1u read answer:1u 30s a:1i a:1u read answer:1u",
        expect!["newer newer doubtful read newer ok newer doubtful read newer"],
    );
    // The same on another topic: that one is only catching up.
    check("a:1x a:1y a:1z b:1x b:1y b:1z", expect!["newer newer newer older older duplicate"]);
}

#[test]
fn arrival_decides_within_one_stream_only() {
    check("a:1x a:1y a:1z", expect!["newer newer newer"]);
    check("a:1x b:1y", expect!["newer doubtful"]);
    check("a:1x a:1y b:1x b:1z", expect!["newer newer older doubtful"]);
    check("a:1x b:1x b:1y a:1z", expect!["newer duplicate newer doubtful"]);
    check("a:12x b:13x", expect!["newer doubtful"]);
    check("a:12x a:13x", expect!["newer newer"]);
}

#[test]
fn a_stream_that_is_ahead_leads() {
    check(
        "a:1x b:1x b:1y a:1y b:1z b:1w a:1z a:1w a:1v",
        expect!["newer duplicate newer duplicate newer newer older duplicate newer"],
    );
}

#[test]
fn copies_that_interleave_are_no_returns() {
    // Two copies of one topic, of which now one and now the other is ahead.
    check(
        "a:1x b:1x a:1y a:1z b:1y b:1z b:1w b:1v a:1w a:1v",
        expect!["newer duplicate newer newer older duplicate newer newer older duplicate"],
    );
    // One was down for a while: what it missed is no return, and what it is first with is read.
    check(
        "a:1x b:1x a:1y a:1z b:1z b:1w a:1w a:1v",
        expect!["newer duplicate newer newer duplicate newer duplicate newer"],
    );
    check(
        "a:1x b:1x a:1y a:1z b:1w read answer:1w a:1w 30s a:1v",
        expect!["newer duplicate newer newer doubtful read newer duplicate ok newer"],
    );
}

#[test]
fn a_doubt_that_makes_no_difference_costs_no_read() {
    check(
        "a:1x b:1y same b:1y b:1z a:1z a:1y",
        expect!["newer doubtful settled duplicate doubtful doubtful duplicate"],
    );
    check("a:1x b:1y same a:12x a:12z", expect!["newer doubtful settled newer newer"]);
    // Settled too late: something newer came in between.
    check("a:1x b:1y a:12x same b:12z", expect!["newer doubtful newer settled doubtful"]);
}

#[test]
fn a_read_that_was_overtaken_is_discarded() {
    check("a:1x read a:1y answer:1x a:1x", expect!["newer read newer overtaken doubtful"]);
    check("read a:1x answer:1y", expect!["read newer overtaken"]);
    // Late, or as it is again: nobody can tell.
    check(
        "a:1x read a:1x answer:1y read answer:1y",
        expect!["newer read duplicate overtaken,again read newer"],
    );
    check("a:1x read a:1x answer:12y", expect!["newer read duplicate newer"]);
    // What was on its way when the answer was given is behind it.
    check("a:1x read answer:1x a:1y a:1x", expect!["newer read duplicate doubtful duplicate"]);
}

#[test]
fn a_doubt_that_comes_during_a_read_is_read_again() {
    check(
        "a:1x b:1y read b:1z read answer:1y read answer:1z b:1w 30s b:1v",
        expect!["newer doubtful read doubtful busy overtaken,again read newer doubtful ok newer"],
    );
    // The same change on another topic is settled by the read under way.
    check(
        "a:1x b:1y read c:1y read answer:1y 30s c:1z",
        expect!["newer doubtful read doubtful busy newer ok newer"],
    );
    check("a:1x b:1y read fail read", expect!["newer doubtful read failed read"]);
}

#[test]
fn a_doubt_that_comes_during_a_read_needs_nobody_to_ask_again() {
    // The answer is older than what came meanwhile, and would have been taken for the newest.
    check(
        "a:1x b:1y read b:1z answer:1y read answer:1z",
        expect!["newer doubtful read doubtful overtaken,again read newer"],
    );
    check("a:1x read b:1y answer:1x", expect!["newer read doubtful overtaken,again"]);
}

#[test]
fn a_doubt_that_is_taken_back_during_a_read_is_not_brought_in_by_it() {
    // Held and off again, and the answer was given in between.
    check(
        "a:1u read answer:1u a:1h read a:1u answer:1h read answer:1u",
        expect!["newer read duplicate doubtful read duplicate overtaken,again read duplicate"],
    );
    // The same on the next socket, of which nothing is known.
    check(
        "a:1u read answer:1u a:1h b:1h a:1u read c:1u answer:1h read answer:1u",
        expect![
            "newer read duplicate doubtful doubtful duplicate read duplicate overtaken,again read duplicate"
        ],
    );
    check(
        "a:1u read answer:1u a:1h read a:1u answer:1u",
        expect!["newer read duplicate doubtful read duplicate duplicate"],
    );
}

#[test]
fn who_was_heard_of_during_a_read_is_not_gone() {
    check("a:1x read a:12x gone a:12y", expect!["newer read newer overtaken newer"]);
    check("a:1x read b:1y gone a:1z", expect!["newer read doubtful overtaken newer"]);
}

#[test]
fn a_read_never_undoes_progress() {
    check("a:12x read answer:1y", expect!["newer read older"]);
    check("a:1x read answer:12y a:12y a:123z", expect!["newer read newer duplicate newer"]);
    check("read answer:1x a:1x 30s a:1y", expect!["read newer duplicate ok newer"]);
}

#[test]
fn what_is_over_stays_over() {
    check("a:12x a:12!x a:12x a:1x b:12!y b:12!x", expect!["newer newer older older older older"]);
    check("a:12!x a:12!3x b:12!x b:12!3y", expect!["newer newer older doubtful"]);
    // A read says what is, also of what is over.
    check("a:12!x read answer:12!y read answer:12x", expect!["newer read newer read older"]);
    check("a:12x read gone a:12y a:123y", expect!["newer read gone older newer"]);
    check("a:12!x 7h a:12x", expect!["newer ok newer"]);
}

#[test]
fn hold_and_unhold_twice_ends_as_it_is() {
    check(
        "a:1u b:1u a:1h a:1u read b:1h answer:1u b:1u a:1h read answer:1h b:1h a:1u read answer:1u b:1u a:12u",
        expect![
            "newer duplicate newer doubtful read duplicate newer duplicate doubtful read newer duplicate doubtful read newer duplicate newer"
        ],
    );
}

/// Snapshots `x`, sent with the given rest of their text, which nothing is read of.
fn sent(rest: &str) -> Conversation {
    let text = format!(
        r#"{{"id":"c","participants":[{{"id":"p","purpose":"customer","calls":[{{"id":"l","state":"connected"}}]}}]{rest}}}"#
    );
    read_generic(&text).unwrap()
}

#[test]
fn what_only_the_event_as_sent_tells_is_seen_where_rules_ask_for_it() {
    let b = StreamId { channel: 2, topic: 1 };
    let (one, other) = (r#","x":1,"y":2"#, r#","x":3"#);
    let mut now = Instant::now();
    let mut tracker = Tracker::new(Limits::default());
    let mut shown = Vec::new();
    for (by_text, stream, rest) in [
        (false, A, one),
        (false, A, other),
        // From now on: what is held is looked at as it was sent, once.
        (true, A, other),
        (true, A, other),
        (true, A, one),
        // Another stream is behind, and then catches up. The order of keys does not count.
        (true, b, other),
        (true, b, r#", "y": 2, "x": 1"#),
        (true, b, other),
        (false, A, one),
    ] {
        tracker.tell_apart(by_text);
        shown.push(show(&tracker.take(stream, sent(rest), now)));
    }
    expect!["newer duplicate newer duplicate newer older duplicate doubtful duplicate"]
        .assert_eq(&shown.join(" "));
    // A read has another shape: it differs from no event in that, and the next is looked at.
    tracker.tell_apart(true);
    let ticket = tracker.begin_read(&ConversationId::new("c")).unwrap();
    assert_eq!(show(&tracker.take_read(ticket, sent(r#","z":1"#), now)), "duplicate");
    now += Duration::from_secs(60);
    assert_eq!(show(&tracker.take(A, sent(one), now)), "duplicate");
    assert_eq!(show(&tracker.take(A, sent(r#","x":4"#), now)), "newer");
}

#[test]
fn the_samples_in_order_and_backwards() {
    for names in [&CALL[..], &THREAD] {
        let steps = samples::sequence(names);
        let mut tracker = Tracker::new(Limits::default());
        for step in &steps {
            let news = tracker.take(A, step.clone(), Instant::now());
            assert_eq!(news, News::Newer(Arc::new(step.clone())));
        }
        assert_eq!((tracker.len(), tracker.tombstones()), (0, 1));
        let mut tracker = Tracker::new(Limits::default());
        let news = steps.iter().rev().map(|step| tracker.take(A, step.clone(), Instant::now()));
        let newer = |news: &News| matches!(news, News::Newer(_));
        assert_eq!(news.filter(newer).count(), 1);
        assert!(tracker.is_empty());
    }
}

#[test]
fn a_media_snapshot_replaces_nothing() {
    let body = samples::body("voice-inbound-03-held.calls.json");
    let partial = read_media(crate::events::conversation::Media::Call, &body).unwrap();
    let mut tracker = Tracker::new(Limits::default());
    assert_eq!(tracker.take(A, partial, Instant::now()), News::Partial);
    assert!(tracker.is_empty());
}

#[test]
fn snapshots_are_bounded_those_longest_without_news_first_out() {
    let now = Instant::now();
    let mut one = Tracker::new(Limits::default());
    let _newer = one.take(A, conversation("c1", "1x"), now);
    let room = 2 * one.live.bytes();
    let mut tracker = Tracker::new(Limits { snapshots: room, ..Limits::default() });
    let mut shown = Vec::new();
    for (id, body) in [("c1", "1x"), ("c2", "1x"), ("c1", "1x"), ("c3", "1x"), ("c2", "1x")] {
        let news = show(&tracker.take(A, conversation(id, body), now));
        let kept = tracker.snapshots().map(|one| one.id.to_string()).collect::<Vec<_>>().join(" ");
        shown.push(format!("{news}: {kept}"));
    }
    let expected =
        ["newer: c1", "newer: c1 c2", "duplicate: c2 c1", "newer: c1 c3", "duplicate: c3 c2"];
    assert_eq!(shown, expected);
    assert_eq!((tracker.len(), tracker.live.bytes()), (3, room));
    for id in ["c1", "c2", "c3"] {
        let _over = tracker.take(A, conversation(id, "1!x"), now);
    }
    assert_eq!((tracker.len(), tracker.live.bytes()), (0, 0));
}

#[test]
fn what_is_left_of_a_snapshot_tells_what_it_told() {
    let body = samples::body("voice-inbound-02-connected.json");
    let untold = body.replace("\"workflow\"", "\"other\"");
    let untold = untold.replace("\"wrapupExpected\"", "\"another\"");
    let told = read_generic(&body).unwrap();
    assert_ne!(read_generic(&untold).unwrap(), told);
    let now = Instant::now();
    let [mut kept, mut left] = [Limits::default().snapshots, 0].map(|snapshots| {
        let mut tracker = Tracker::new(Limits { snapshots, ..Limits::default() });
        assert!(matches!(tracker.take(A, told.clone(), now), News::Newer(_)));
        tracker
    });
    assert!(kept.current(&told.id).is_some() && left.current(&told.id).is_none());
    assert_eq!(left.gist(&told.id), Some(Gist::of(&told)));
    assert_eq!(kept.gist(&told.id), left.gist(&told.id));

    let user = told.participants.iter().find_map(|one| one.user_id.clone()).unwrap();
    for (user, expected) in [(user, 1), ("nobody".into(), 0)] {
        let topics = BTreeSet::from([Topic::User(user)]);
        for tracker in [&kept, &left] {
            assert_eq!(tracker.told_by(&topics).len(), expected);
        }
    }
    // What a read does not tell is made good from either.
    for tracker in [&mut kept, &mut left] {
        let ticket = tracker.begin_read(&told.id).unwrap();
        let news = tracker.take_read(ticket, read_generic(&untold).unwrap(), now);
        assert_eq!(news, News::Confirmed(Arc::new(told.clone())));
    }
}

#[test]
fn what_was_over_for_long_may_have_come_back() {
    let (mut tracker, start) = (Tracker::new(Limits::default()), Instant::now());
    let id = ConversationId::from("c");
    assert!(!tracker.knows_since(&id, start));
    let _newer = tracker.take(A, conversation("c", "1x"), start);
    assert!(tracker.knows_since(&id, start));
    assert!(!tracker.knows_since(&id, start + Duration::from_secs(1)));
    let ticket = tracker.begin_read(&id).unwrap();
    assert!(tracker.take_gone(ticket, start));
    assert!(tracker.knows_since(&id, start + INDEX_LAG));
    assert!(!tracker.knows_since(&id, start + INDEX_LAG * 2));
}

#[test]
fn an_answer_about_another_conversation_is_no_news() {
    let mut tracker = Tracker::new(Limits::default());
    let ticket = tracker.begin_read(&ConversationId::new("c1")).unwrap();
    let news = tracker.take_read(ticket, conversation("c2", "1x"), Instant::now());
    assert_eq!((news, tracker.len()), (News::Older, 0));
}

#[test]
fn what_came_before_a_read_was_sent_has_not_overtaken_it() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    for (second, expected) in [(3, "newer"), (6, "overtaken")] {
        let mut tracker = Tracker::new(Limits::default());
        assert_eq!(show(&tracker.take(A, conversation("c", "1x"), start)), "newer");
        let mut ticket = tracker.begin_read(&"c".into()).unwrap();
        // It waits for the budget, and progress comes; then a doubt, which the answer settles.
        assert_eq!(show(&tracker.take(A, conversation("c", "12x"), at(2))), "newer");
        assert_eq!(show(&tracker.take(B, conversation("c", "12y"), at(second))), "doubtful");
        ticket.sent_at(at(5));
        let news = tracker.take_read(ticket, conversation("c", "12y"), at(7));
        assert!(show(&news).starts_with(expected), "{news:?}");
        assert_eq!(tracker.is_in_doubt(&"c".into()), expected == "overtaken");
    }
}

/// Plays a script against one conversation, and compares what each step answered. `a:12x` is stream
/// `a` with a snapshot of participants 1 and 2 and the value x; those before a `!` have ended.
///
/// Whether snapshots are kept makes no difference.
#[track_caller]
fn check(script: &str, expected: Expect) {
    let limits = Limits::default();
    let answers = play(script, limits);
    assert_eq!(play(script, Limits { snapshots: 0, ..limits }), answers, "without snapshots");
    expected.assert_eq(&answers);
}

fn play(script: &str, limits: Limits) -> String {
    let mut tracker = Tracker::new(limits);
    let mut now = Instant::now();
    let id = ConversationId::new("c");
    let (mut ticket, mut doubt) = (None, None);
    let mut answers = Vec::new();
    for step in script.split(' ') {
        let answer = match step.split_once(':') {
            Some(("answer", body)) => {
                let ticket = ticket.take().unwrap();
                show(&tracker.take_read(ticket, conversation("c", body), now))
            }
            Some((name, body)) => {
                let stream = StreamId { channel: u32::from(name.as_bytes()[0]), topic: 1 };
                let news = tracker.take(stream, conversation("c", body), now);
                if let News::Doubtful { candidate, .. } = &news {
                    doubt = Some((Arc::clone(candidate), stream));
                }
                show(&news)
            }
            None if step == "same" => {
                let (candidate, stream) = doubt.take().unwrap();
                tracker.settle_same(&candidate, stream, now);
                "settled"
            }
            None if step == "read" => match tracker.begin_read(&id) {
                Some(leave) => {
                    ticket = Some(leave);
                    "read"
                }
                None => "busy",
            },
            None if step == "fail" => {
                assert!(!tracker.give_up_read(ticket.take().unwrap()));
                "failed"
            }
            None if step == "gone" => {
                let ticket = ticket.take().unwrap();
                if tracker.take_gone(ticket, now) { "gone" } else { "overtaken" }
            }
            None => {
                let (count, unit) = step.split_at(step.len() - 1);
                let seconds = if unit == "h" { 3_600 } else { 1 };
                now += Duration::from_secs(seconds * count.parse::<u64>().unwrap());
                "ok"
            }
        };
        answers.push(answer);
    }
    answers.join(" ")
}

fn conversation(id: &str, body: &str) -> Conversation {
    let (participants, value) = body.split_at(body.len() - 1);
    let (ended, live) = participants.split_once('!').unwrap_or(("", participants));
    let end = r#","endTime":"2026-11-20T14:00:00Z""#;
    let all = ended.chars().map(|one| (one, end)).chain(live.chars().map(|one| (one, "")));
    let participants: Vec<String> = all
        .map(|(one, end)| format!(r#"{{"id":"{one}","attributes":{{"value":"{value}"}}{end}}}"#))
        .collect();
    let text = format!(r#"{{"id":"{id}","participants":[{}]}}"#, participants.join(","));
    read_generic(&text).unwrap()
}

fn show(news: &News) -> &'static str {
    match news {
        News::Newer(_) => "newer",
        News::Duplicate | News::Confirmed(_) => "duplicate",
        News::Older => "older",
        News::Partial => "partial",
        News::Doubtful { .. } => "doubtful",
        News::Overtaken { read_again: false } => "overtaken",
        News::Overtaken { read_again: true } => "overtaken,again",
    }
}
