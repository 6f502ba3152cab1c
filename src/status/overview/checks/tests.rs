//! Which check says what of which trouble.

use std::sync::Arc;

use super::*;
use crate::status::overview::{Channel, Channels, Forbidden, Letters, Rest, Rested, Rule, Topics};

/// Everything is well.
pub(in crate::status::overview) fn well() -> Overview {
    let account = Account { token_expires_at: Some(9_000), allowed: 300, ..Account::default() };
    let topics = Topics { wanted: 3, permitted: 3, ..Topics::default() };
    Overview {
        at: 1_000,
        stage: Stage::Working,
        accounts: vec![account],
        channels: Channels { total: 2, connected: 2, topics, ..Channels::default() },
        ..Overview::default()
    }
}

/// What is not good, as `name state`.
fn bad(change: impl FnOnce(&mut Overview)) -> Vec<String> {
    let mut overview = well();
    change(&mut overview);
    let checks = overview.checks();
    let bad = checks.into_iter().filter(|check| check.state != State::Good);
    bad.map(|check| {
        assert!(!check.reason.is_empty() && !check.help.is_empty(), "{check:?}");
        format!("{} {}", check.name, check.state.word())
    })
    .collect()
}

/// Beside what fails, wherever it keeps everything from being written.
const NOT_WRITTEN: &str = "writing warning";

#[test]
fn all_is_well() {
    assert_eq!(bad(|_| ()), Vec::<String>::new());
    assert!(well().is_ready());
    assert!(well().sentence().starts_with("All is well: 3 of 3 topics"));
}

#[test]
fn what_keeps_the_work_from_being_done_fails() {
    type Change = fn(&mut Overview);
    let cases: [(&[&str], Change); 8] = [
        (&["loops failed", NOT_WRITTEN], |it| it.silent_loops = vec!["pipeline".to_owned()]),
        (&["token failed", NOT_WRITTEN], |it| it.accounts[0].token_expires_at = None),
        (&["token failed", NOT_WRITTEN], |it| it.accounts[0].token_expires_at = Some(1_000)),
        (&["sockets failed", NOT_WRITTEN], |it| it.channels.connected = 0),
        (&["sockets failed"], |it| it.channels.uncovered_since = Some(7)),
        (&["subscriptions failed"], |it| it.channels.topics.permitted = 2),
        (&["subscriptions failed", NOT_WRITTEN], |it| it.channels.topics = Topics::default()),
        (&["journal failed"], |it| it.journal.suspended = Some("disk full".to_owned())),
    ];
    for (expected, change) in cases {
        assert_eq!(bad(change), expected);
    }
    let nothing_permitted = |it: &mut Overview| {
        it.channels.topics = Topics { wanted: 3, rejected: 3, ..Topics::default() };
    };
    assert_eq!(bad(nothing_permitted), ["subscriptions failed", NOT_WRITTEN]);
    let mut broken = well();
    broken.journal.suspended = Some("disk full".to_owned());
    broken.dry_run = true;
    assert!(!broken.is_ready());
    let sentence = broken.sentence();
    assert!(
        sentence.starts_with("suspended, a crash loses what waits: disk full; see"),
        "{sentence}"
    );
}

#[test]
fn a_start_says_whom_it_waits_for_and_nothing_that_is_not_so() {
    let mut overview = Overview { stage: Stage::Asking, ..well() };
    overview.channels = Channels::default();
    overview.directory_problem = Some("the users: list_users answered 500".to_owned());
    let sentence = overview.sentence();
    let asked = "the directory has not said yet whom to watch: the users: list_users answered 500;";
    assert!(sentence.starts_with(asked) && !overview.is_ready(), "{sentence}");
    overview.stage = Stage::Subscribing;
    let sentence = overview.sentence();
    assert!(sentence.starts_with("nothing is watched: the users: list_users answered 500;"));
    overview.stage = Stage::LoggingIn;
    let writing = overview.checks().pop().unwrap();
    assert_eq!((writing.state, &*writing.name), (State::Warning, "writing"));
}

#[test]
fn what_somebody_should_look_at_is_a_warning() {
    type Change = fn(&mut Overview);
    let cases: [(&str, Change); 17] = [
        ("token warning", |it| it.accounts[0].token_problem = Some("503".to_owned())),
        ("sockets warning", |it| it.channels.connected = 1),
        ("subscriptions warning", |it| {
            it.channels.topics.permitted = 2;
            it.channels.topics.rejected = 1;
        }),
        ("subscriptions warning", |it| {
            it.channels.topics.permitted = 2;
            it.channels.topics.without_room = 1;
        }),
        ("gaps warning", |it| it.gaps.open = 1),
        ("gaps warning", |it| it.gaps.not_permitted = true),
        ("rules warning", |it| it.rules.problem = Some("rules.toml:3: no".to_owned())),
        ("rules warning", |it| it.rules.rolled_back = Some("abc".to_owned())),
        ("rules warning", |it| it.rules.unconfirmed_writes = Some(4000)),
        ("lists warning", |it| {
            it.rules.lists_refused = vec![("vip".to_owned(), "it has shrunk".to_owned())];
        }),
        ("configuration warning", |it| it.configuration.problem = Some("no".to_owned())),
        ("budget warning", |it| it.accounts[0].resting_for = Some(17.0)),
        ("budget warning", |it| it.accounts[0].foreign = 150),
        ("outbox warning", |it| it.updates.waiting = 1),
        ("outbox warning", |it| {
            (it.updates.waiting, it.updates.capacity) = (1, 10);
            (it.at, it.updates.oldest_at) = (400_000, Some(1));
            it.accounts[0].token_expires_at = Some(500_000);
        }),
        ("dead-letters warning", |it| it.updates.dead_letters = 2),
        ("writing warning", |it| it.paused = vec!["every rule".to_owned()]),
    ];
    for (expected, change) in cases {
        assert_eq!(bad(change), [expected]);
        let mut overview = well();
        change(&mut overview);
        assert!(overview.is_ready(), "{expected}");
    }
}

#[test]
fn attributes_are_not_written_where_nothing_is_heard() {
    let mut overview = well();
    overview.channels.topics = Topics::default();
    let check = check_of(&overview, "writing");
    assert_eq!(
        (&*check.reason, &*check.help),
        ("nothing new is written: nothing is heard", "see the other checks")
    );
    assert!(overview.sentence().starts_with("nothing is watched;"), "{}", overview.sentence());
    overview.silent_loops = vec!["pipeline".to_owned()];
    let check = check_of(&overview, "writing");
    assert!(check.reason.ends_with("nothing passes a hanging loop"), "{check:?}");
    overview.dry_run = true;
    assert!(check_of(&overview, "writing").reason.starts_with("dry run"));
}

#[test]
fn it_is_not_ready_before_it_has_begun() {
    let none = Overview::default();
    assert!(!none.is_ready());
    let names: Vec<String> = none.checks().into_iter().map(|check| check.name).collect();
    let same: Vec<String> = well().checks().into_iter().map(|check| check.name).collect();
    assert_eq!(names, same, "always the same checks");
}

/// The check of this name.
fn check_of(overview: &Overview, name: &str) -> Check {
    overview.checks().into_iter().find(|check| check.name == name).unwrap()
}

#[test]
fn writes_that_are_forbidden_or_slow_are_named_with_the_permission() {
    let mut overview = well();
    overview.troubles.slow_seconds = Some(7);
    let slow = check_of(&overview, "writing");
    assert!(slow.reason.contains("7 s or longer") && slow.help.contains("workers"), "{slow:?}");
    for (missing, all, parts) in [
        ("a:b:edit", true, ["nothing can be written", "of the OAuth client a:b:edit,"]),
        ("", false, ["some conversations cannot", "of the OAuth client the permission,"]),
    ] {
        let operation = "patch_attributes".to_owned();
        overview.troubles.forbidden =
            Some(Forbidden { operation, missing: missing.to_owned(), all });
        let check = check_of(&overview, "writing");
        assert_eq!(check.state, State::Warning);
        assert!(check.reason.contains(parts[0]) && check.help.contains(parts[1]), "{check:?}");
        assert_eq!(bad(|it| it.troubles = overview.troubles.clone()), ["writing warning"]);
    }
    // Of several warnings, that nothing is written goes first.
    overview.gaps.open = 1;
    overview.troubles.forbidden.as_mut().unwrap().all = true;
    assert!(overview.sentence().starts_with("nothing can be written"), "{}", overview.sentence());
}

#[test]
fn dead_letters_that_are_nobodys_mistake_are_told_of_without_a_warning() {
    let mut overview = well();
    let mut kept = |reason: &str, kept: u64| {
        overview.updates.dead_letters += kept;
        overview.letters.push(Letters { reason: reason.to_owned(), kept, keys: Vec::new() });
        check_of(&overview, "dead-letters")
    };
    for check in [kept("conversation-over", 2), kept("useless", 1)] {
        assert_eq!(check.state, State::Good, "{check:?}");
        assert!(check.reason.contains("kept, of what ended"), "{check:?}");
    }
    let check = kept("refused", 4);
    assert_eq!(check.state, State::Warning);
    assert_eq!(check.reason, "7 dead letters kept, 4 of them to be seen to");
}

#[test]
fn the_rule_that_could_not_be_evaluated_last_is_named_for_a_while() {
    let mut overview = well();
    (overview.at, overview.accounts[0].token_expires_at) = (2_000_000, Some(9_000_000));
    let rule = |name: &str, last_error_at| Rule {
        name: name.to_owned(),
        last_error_at,
        ..Rule::default()
    };
    let recent = Some(2_000_000 - 30_000);
    overview.rules.each = vec![rule("never", None), rule("vip", recent), rule("old", Some(1))];
    let check = check_of(&overview, "rules");
    assert_eq!(check.state, State::Warning);
    assert_eq!(check.reason, "the rule vip could not be evaluated for a conversation, 30 s ago");
    assert!(check.help.contains("attributed explain"), "{check:?}");
    overview.rules.others_last_error_at = Some(2_000_000);
    let check = check_of(&overview, "rules");
    assert!(check.reason.starts_with("a rule that is not counted by itself"), "{check:?}");
    assert!(check.reason.ends_with("0 s ago; nor could 1 more"), "{check:?}");
    overview.at += 15 * 60 * 1000;
    assert_eq!(check_of(&overview, "rules").state, State::Good);

    overview.rules.each[1].last_error_at = Some(overview.at);
    assert!(overview.is_ready() && overview.rules.are_as_in_the_file());
    assert!(overview.verdict().words.ends_with("something needs a look"));
    overview.rules.problem = Some("no".to_owned());
    assert!(check_of(&overview, "rules").reason.contains("is refused"));
}

#[test]
fn a_rest_is_told_of_until_it_is_over() {
    let rest = |of, until| {
        let (rule, key) = (Arc::from("vip"), Arc::from("cc.vip"));
        Some(Rest { of, rule, key, until })
    };
    assert_eq!(bad(|it| it.troubles.rest = rest(Rested::Key, 1_001)), ["outbox warning"]);
    assert_eq!(bad(|it| it.troubles.rest = rest(Rested::Key, 1_000)), Vec::<String>::new());
    let mut overview = well();
    overview.troubles.rest = rest(Rested::Conversation, 31_000);
    let reason = check_of(&overview, "outbox").reason;
    assert!(
        reason.contains("vip") && reason.contains("cc.vip") && reason.contains("30 s"),
        "{reason}"
    );
}

#[test]
fn how_a_socket_was_lost_is_named_and_an_eviction_for_a_while() {
    let lost = |lost, evicted_at| {
        let mut overview = well();
        (overview.at, overview.channels.connected) = (2_000_000, 1);
        overview.accounts[0].token_expires_at = Some(9_000_000);
        overview.channels.each =
            vec![Channel { number: 3, lost, evicted_at, ..Channel::default() }];
        overview
    };
    let silent = check_of(&lost(Some(Loss::Silent), None), "sockets");
    assert!(silent.reason.contains("channel 3: nothing came"), "{silent:?}");
    let evicted = check_of(&lost(Some(Loss::Evicted), Some(2_000_000)), "sockets");
    assert!(evicted.help.contains("client of its own"), "{evicted:?}");
    let mut again = lost(None, Some(2_000_000 - EVICTED_LATELY + 1));
    again.channels.connected = 2;
    let check = check_of(&again, "sockets");
    assert_eq!((check.state, &*check.help), (State::Warning, EVICTED));
    again.at += 1;
    assert_eq!(check_of(&again, "sockets").state, State::Good);
}
