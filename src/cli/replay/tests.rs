//! Small recordings, and what is said of them.

use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::expect;

use super::*;
use crate::cli::paint::Paint;
use crate::config::fence::AllowedKeys;
use crate::genesys::names::Names;
use crate::rules::RuleFile;
use crate::rules::lists::Tables;

const RULES: &str = r#"
[[rule]]
name = "answered"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.answered" = true

[[rule]]
name = "after"
match.customer.attributes."cc.answered" = "true"
set."cc.after" = "{{ watched.id }}"

[[rule]]
name = "trial"
match.participant.purpose = "agent"
mode = "dry-run"
set."cc.trial" = "x"
"#;

fn session(rules: &str, compared: bool) -> Session {
    let (file, _) = RuleFile::parse(Path::new("r"), rules, &AllowedKeys::all()).unwrap();
    Session::new(file.bind(Arc::new(Names::default()), &Tables::default()).0, compared)
}

fn event(second: u32, channel: u32, state: &str, held: bool) -> String {
    format!(
        r#"{{"received_at":"2026-11-20T14:00:{second:02}Z","channel":{channel},"topicName":"v2.users.u.conversations","eventBody":{{"id":"c","participants":[{{"id":"p1","purpose":"customer","calls":[{{"id":"1","state":"connected"}}]}},{{"id":"p2","purpose":"agent","userId":"u","calls":[{{"id":"2","state":"{state}","held":{held}}}]}}]}}}}"#
    )
}

fn play(player: &mut Player, lines: &[String]) -> String {
    let mut shown = String::new();
    for (number, line) in lines.iter().enumerate() {
        let mut tell = |Written { session, at, entry, .. }: &Written| {
            let wish = &entry.wish;
            let text = format!("{session} {at} {} {} = {}", wish.rule, wish.key, wish.value);
            writeln!(shown, "{text}, was {:?}", entry.before).unwrap();
        };
        if let Err(bad) = player.take(line, &mut tell) {
            writeln!(shown, "line {number}: {bad}").unwrap();
        }
    }
    shown
}

#[test]
fn a_recording_is_played_as_the_daemon_would_take_it() {
    let start = Timestamp::UNIX_EPOCH;
    let mut player = Player::new(vec![session(RULES, false)], None, start);
    let lines = [
        r#"{"recording":{"version":1,"watched":["u"]}}"#.to_owned(),
        event(1, 1, "alerting", false),
        event(2, 1, "connected", false),
        event(2, 2, "connected", false),
        "+4930123456 is no JSON".to_owned(),
        r#"{"topicName":"channel.metadata"}"#.to_owned(),
        event(3, 1, "connected", true),
        event(4, 1, "connected", false),
        String::new(),
    ];
    let shown = play(&mut player, &lines);
    expect![[r#"
        0 2026-11-20T14:00:01Z trial cc.trial = x, was ""
        0 2026-11-20T14:00:02Z answered cc.answered = true, was ""
        0 2026-11-20T14:00:02Z after cc.after = p2, was ""
        line 4: it is no event: it is no JSON object
    "#]]
    .assert_eq(&shown);
    let session = player.sessions.remove(0);
    let rules: Vec<_> =
        session.rule_names().map(|name| (&**name, &session.tallies()[name])).collect();
    let report =
        Report { counts: player.counts, took: std::time::Duration::from_secs(2), paced: false };
    let shown = [shown::table(&rules, Paint::default()), shown::summary(&report)].join("\n");
    expect![[r#"
        rule      matches  writes  conversations  keys
        answered        2       1              1  cc.answered
        after           1       1              1  cc.after
        trial           3       1              1  cc.trial (dry run)

        5 events in 9 lines, 3 snapshots looked at in 2.00 s, 2 events/s
          1 seen already
          1 in doubt: taken in the order of arrival, where the daemon would ask the API
          1 frames about no conversation
          1 bad lines"#]]
    .assert_eq(&shown);
}

#[test]
fn two_sets_of_rules_are_compared() {
    let old = RULES.replace("= true", "= \"yes\"");
    let new = format!(
        "{RULES}\n[[rule]]\nname = \"held\"\nmatch.participant.held = true\nset.\"cc.held\" = true\n"
    );
    let sessions = vec![session(&new, true), session(&old, true)];
    let mut player = Player::new(sessions, None, Timestamp::UNIX_EPOCH);
    let lines = [event(1, 1, "connected", false), event(2, 1, "connected", true)];
    play(&mut player, &lines);
    let old = player.sessions.pop().unwrap().into_history();
    let new = player.sessions.pop().unwrap().into_history();
    let shown = shown::differences(&compare(old, new), Paint::default());
    expect![[r#"

        2 × appears (by rule: after 1, held 1)
          c p1 cc.after: nothing → "p2"
          c p1 cc.held: nothing → "true"
        1 × changes (by rule: answered 1)
          c p1 cc.answered: "yes" → "true""#]]
    .assert_eq(&shown);
    assert!(shown::differences(&[], Paint::default()).contains("the same"));
}

#[test]
fn a_speed_is_a_factor() {
    assert_eq!(speed("10x"), Ok(10.0));
    assert_eq!(speed("0.5"), Ok(0.5));
    for wrong in ["", "x", "0", "-1x", "fast", "inf", "NaN", "1e-9", "1e9"] {
        assert!(speed(wrong).is_err(), "{wrong}");
    }
}
