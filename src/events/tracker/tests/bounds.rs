//! What is remembered is bounded, and what is quiet is looked up.

use super::*;

#[test]
fn live_conversations_are_bounded_the_longest_without_news_first_out() {
    let mut tracker = Tracker::new(Limits { live: 2, ..Limits::default() });
    let now = Instant::now();
    for id in ["c1", "c2", "c1", "c3"] {
        let _news = tracker.take(A, conversation(id, "1x"), now);
    }
    let live: Vec<&str> = tracker.live().map(ConversationId::as_str).collect();
    assert_eq!((live, tracker.evicted()), (vec!["c1", "c3"], 1));
}

#[test]
fn what_was_silent_for_a_day_is_listed_once() {
    let mut tracker = Tracker::new(Limits::default());
    let start = Instant::now();
    let hours = |hours| start + Duration::from_hours(hours);
    for (id, at) in [("c1", 0), ("c2", 1), ("c1", 2)] {
        let _news = tracker.take(A, conversation(id, "1x"), hours(at));
    }
    let mut due = |at| tracker.due(hours(at)).iter().map(|id| id.to_string()).collect::<Vec<_>>();
    assert!(due(24).is_empty());
    assert_eq!(due(25), ["c2"]);
    assert_eq!(due(26), ["c1"]);
    assert!(due(27).is_empty());
    assert_eq!(due(49), ["c2"]);
}

#[test]
fn tombstones_are_bounded() {
    let mut tracker = Tracker::new(Limits { tombstones: 3, ..Limits::default() });
    let now = Instant::now();
    for id in ["c1", "c2", "c3", "c4"] {
        let _news = tracker.take(A, conversation(id, "1!x"), now);
    }
    assert_eq!(tracker.tombstones(), 3);
    assert_eq!(tracker.take(A, conversation("c2", "1x"), now), News::Older);
    assert!(matches!(tracker.take(A, conversation("c1", "1x"), now), News::Newer(_)));
}
