//! What is known of the budget after what was sent and told.

use super::told::Cause;
use super::*;
use crate::genesys::pacer::phase::{Phase, RateHeaders};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn headers(count: u32, reset: u32) -> RateHeaders {
    RateHeaders { count: Some(count), allowed: None, reset: Some(reset) }
}

/// A request that goes out then.
fn send(window: &mut Window, now: Instant) -> u64 {
    assert_eq!(window.ask(now, Class::Update), Ok(()));
    window.grant(now, Class::Update);
    window.begin(now, Class::Update)
}

#[test]
fn without_a_phase_the_minute_slides() {
    let (mut window, start) = (Window::new(4), Instant::now());
    window.note(start, start, RateHeaders::default());
    // One of the four is kept for tokens and channels.
    for at in [0, 10, 20] {
        let now = start + seconds(at);
        let number = send(&mut window, now);
        window.end(now + seconds(1), number);
    }
    let now = start + seconds(30);
    assert_eq!(window.ask(now, Class::Update), Err(Wait::Until(start + seconds(61))));
    assert_eq!(window.ask(now, Class::Token), Ok(()));
    assert_eq!(window.ask(start + seconds(61), Class::Update), Ok(()));
}

#[test]
fn what_is_under_way_over_a_reset_counts_in_both_windows_until_it_is_told() {
    let (mut window, start) = (Window::new(10), Instant::now());
    let [first, silent, late] = [0; 3].map(|_| send_unasked(&mut window, start));
    window.answered(start, first, headers(1, 30));
    assert_eq!(window.usage(start + seconds(20)).used, 3);
    assert_eq!(window.usage(start + seconds(40)).used, 2);
    window.end(start + seconds(41), silent);
    assert_eq!(window.usage(start + seconds(80)).used, 2);
    // It was counted in the window before.
    window.answered(start + seconds(80), late, headers(3, 1));
    assert_eq!(window.usage(start + seconds(80)).used, 1);
    assert_eq!(window.usage(start + seconds(100)).used, 0);
}

fn send_unasked(window: &mut Window, now: Instant) -> u64 {
    window.grant(now, Class::Update);
    window.begin(now, Class::Update)
}

#[test]
fn the_count_that_was_told_holds_what_ended_before() {
    let (mut window, start) = (Window::new(300), Instant::now());
    let silent = send_unasked(&mut window, start);
    window.end(start + seconds(1), silent);
    let now = start + seconds(1);
    let told = send(&mut window, now);
    assert_eq!(window.usage(now).used, 2);
    window.answered(now, told, headers(8, 40));
    assert_eq!(window.usage(now).used, 8, "six are of others");
    // Of two that are under way neither is in the count of the first.
    let [one, other] = [0; 2].map(|_| send_unasked(&mut window, now));
    window.answered(now + seconds(1), other, headers(10, 39));
    assert_eq!(window.usage(now).used, 11);
    window.answered(now + seconds(1), one, headers(9, 39));
    assert_eq!(window.usage(now).used, 10);
}

/// As a request for a token does, that is sent because of an answer: its own says no count.
#[test]
fn who_ends_in_the_instant_of_an_answer_is_in_its_count_only_if_it_ended_before() {
    let (mut window, now) = (Window::new(300), Instant::now());
    let before = send_unasked(&mut window, now);
    window.end(now, before);
    let told = send_unasked(&mut window, now);
    window.answered(now, told, headers(2, 40));
    assert_eq!(window.usage(now).used, 2);
    let after = send_unasked(&mut window, now);
    window.end(now, after);
    assert_eq!(window.usage(now).used, 3);
}

#[test]
fn an_answer_belongs_to_its_window() {
    let (mut window, start) = (Window::new(300), Instant::now());
    window.note(start, start, headers(100, 30));
    assert_eq!(window.usage(start).used, 100);
    let later = start + seconds(32);
    assert_eq!(window.usage(later).used, 0, "a new window");
    // An answer of the old one, that was long on its way.
    window.note(later, start + seconds(25), headers(120, 4));
    assert_eq!(window.usage(later).used, 0);
    window.note(later, later, headers(7, 58));
    assert_eq!(window.usage(later).used, 7);
    // A phase that cannot be: what is told last is believed.
    window.note(later, later, headers(9, 20));
    assert_eq!(window.window_ends_in(later).unwrap().as_secs(), 21);
    assert_eq!(window.usage(later).used, 9);
    // Another limit's window.
    window.note(later, later, headers(5000, 3600));
    assert_eq!(window.usage(later).used, 9);
}

#[test]
fn the_cause_of_a_429_is_learned() {
    let (mut window, start) = (Window::new(300), Instant::now());
    let note = |window: &mut Window, now, count, allowed| {
        let headers = RateHeaders { count: Some(count), allowed, reset: Some(50) };
        window.note(now, now, headers);
        window.throttled(now)
    };
    assert_eq!(note(&mut window, start, 20, Some(300)), Cause::Elsewhere);
    assert_eq!(note(&mut window, start, 305, Some(300)), Cause::Others);
    // The five that were missing are left unused in the next window, and two in the one after.
    let slack = |window: &mut Window, at| {
        window.advance(start + seconds(at));
        window.slack
    };
    assert_eq!([0, 55, 115, 175, 235].map(|at| slack(&mut window, at)), [5, 5, 2, 1, 0]);
    let later = start + seconds(240);
    let headers = RateHeaders { count: Some(1), allowed: Some(300), reset: Some(50) };
    window.note(later, later, headers);
    assert_eq!(note(&mut window, later, 190, Some(180)), Cause::Lowered);
    assert_eq!(window.usage(later).allowed, 180);
}

#[test]
fn who_took_everything_once_is_not_waited_for_for_ever() {
    let (mut window, start) = (Window::new(300), Instant::now());
    window.note(start, start, headers(6, 40));
    let throttled = start + seconds(1);
    window.note(throttled, throttled, headers(300, 39));
    assert_eq!(window.throttled(throttled), Cause::Others);
    window.rest(throttled, seconds(39));
    let asked: Vec<u64> = (0..90)
        .filter(|at| {
            let now = start + seconds(*at);
            let may = window.ask(now, Class::Update).is_ok();
            if may {
                // The others are gone.
                let number = send(&mut window, now);
                window.answered(now, number, headers(1, 101 - u32::try_from(*at).unwrap()));
            }
            may
        })
        .collect();
    let first = asked.first().copied();
    assert!(first.is_some_and(|at| (42..=60).contains(&at)), "{asked:?}");
    assert!(asked.len() > 4, "after a look or two they are known to be gone: {asked:?}");
}

#[test]
fn an_answer_that_was_overtaken_allows_nothing() {
    let (mut window, start) = (Window::new(300), Instant::now());
    let allowed = |headers: RateHeaders, allowed| RateHeaders { allowed: Some(allowed), ..headers };
    let [older, newer] = [0; 2].map(|_| send_unasked(&mut window, start));
    window.answered(start + seconds(1), newer, allowed(headers(101, 30), 180));
    assert_eq!(window.usage(start + seconds(1)).allowed, 180);
    window.answered(start + seconds(2), older, allowed(headers(100, 30), 300));
    assert_eq!(window.usage(start + seconds(2)).allowed, 180);
    let next = send_unasked(&mut window, start + seconds(2));
    window.answered(start + seconds(3), next, allowed(headers(102, 28), 300));
    assert_eq!(window.usage(start + seconds(3)).allowed, 300);
}

#[test]
fn a_hint_is_believed_only_where_the_first_answer_agrees() {
    let start = Instant::now() + seconds(100);
    let hinted = |headers: RateHeaders| {
        let mut window = Window::new(300);
        let end = Phase::between(start + seconds(19), start + seconds(20));
        window.expect(Cycle::restored(end, seconds(20), seconds(19)));
        assert_eq!(window.usage(start).window_ends_in, None, "it is no more than a hint");
        window.note(start, start, headers);
        window
    };
    assert_eq!(hinted(headers(250, 20)).usage(start).used, 250);
    // The length is known from before.
    let next = start + seconds(21);
    assert!(hinted(headers(250, 20)).usage(next).window_ends_in < Some(seconds(20)));
    // It seems to speak of a window before that of the hint, and holds all the same.
    let mut window = hinted(headers(300, 1));
    assert_eq!(window.usage(start).used, 300);
    assert!(window.ask(start, Class::Update).is_err());
    assert!(window.cycle(start).is_some_and(|cycle| cycle.length() == PERIOD));
    // Nothing is known of an answer that tells nothing.
    assert!(hinted(RateHeaders::default()).cycle(start).is_none());
}

#[test]
fn who_starts_just_before_the_end_of_a_known_window_waits_for_the_next() {
    let start = Instant::now() + seconds(100);
    let known = |window: &mut Window| {
        let end = Phase::between(start + seconds(9), start + seconds(10));
        window.expect(Cycle::restored(end, seconds(15), seconds(14)));
    };
    let mut window = Window::new(300);
    known(&mut window);
    assert_eq!(window.ask(start + seconds(6), Class::Update), Ok(()));
    let near = start + seconds(8);
    assert_eq!(window.ask(near, Class::Update), Err(Wait::Until(start + seconds(10))));
    assert_eq!(window.ask(near, Class::Token), Ok(()), "it is what everything waits for");
    assert_eq!(window.ask(start + seconds(11), Class::Update), Ok(()));
    assert!(window.cycle(start + seconds(11)).is_none(), "nobody has told yet");
    // It waits once, also where each window is near its end for all that is known.
    let mut window = Window::new(300);
    let end = Phase::between(start + seconds(1), start + seconds(4));
    window.expect(Cycle::restored(end, seconds(5), seconds(4)));
    assert_eq!(window.ask(start, Class::Update), Err(Wait::Until(start + seconds(4))));
    assert_eq!(window.ask(start + seconds(4), Class::Update), Ok(()));
    // Who has heard knows better than those before.
    window.note(start + seconds(8), start + seconds(8), headers(1, 50));
    known(&mut window);
    assert_eq!(window.ask(near, Class::Update), Ok(()));
    assert!(window.cycle(start + seconds(8)).is_some());
}
