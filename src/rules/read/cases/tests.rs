//! What is said of mistakes in a test file, and what is made of one without.

use std::path::Path;

use expect_test::{expect, expect_file};

use crate::config::fence::AllowedKeys;
use crate::rules::RuleFile;
use crate::rules::cases::Suite;

#[test]
fn mistakes_are_told_with_their_places_all_at_once() {
    let shown = problems(include_str!("mistakes.toml"));
    expect_file!["./mistakes.txt"].assert_eq(&shown);
}

#[test]
fn rows_have_all_columns_and_use_them() {
    let shown = problems(
        r#"
[[case]]
name = "rows"
given.customer.number = "<nubmer>"
given.customer.attributes.a = "<a> and <b>, <not a name> < >"
expect.customer."cc.a" = "<a>"
row = [ { number = "+49", a = true, b = 1 }, { number = "+1", a = false } ]
"#,
    );
    expect![[r#"
        error: `<nubmer>` is no column of this case's rows
          --> rules.test.toml:4:25
           |
         4 | given.customer.number = "<nubmer>"
           |                         ^^^^^^^^^^
           = did you mean `number`?
        warning: `<number>` stands nowhere in this case
          --> rules.test.toml:7:7
           |
         7 | row = [ { number = "+49", a = true, b = 1 }, { number = "+1", a = false } ]
           |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = use it, or leave it out
        error: this row has no `b`, as others have
          --> rules.test.toml:7:46
           |
         7 | row = [ { number = "+49", a = true, b = 1 }, { number = "+1", a = false } ]
           |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]]
    .assert_eq(&shown);
}

#[test]
fn what_no_rule_can_fail_is_told() {
    let text = r#"
case = [
    { name = "a", given.media = "call", expect.not.customer = ["cc.a", "cc.x"] },
    { name = "b", given.media = "call", expect.rules = ["pup"] },
]
"#;
    let path = Path::new("rules.test.toml");
    let (suite, _) = Suite::parse(path, text, &nothing).unwrap();
    let rules =
        "rule = [ { name = 'pop', match.participant.purpose = 'agent', set.'cc.a' = '1' } ]";
    let rules = RuleFile::parse(Path::new("rules.toml"), rules, &AllowedKeys::all()).unwrap().0;
    let problems = suite.misfits(path, text, &rules);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expect![[r#"
        warning: no rule writes `cc.x`, so this can never fail
          --> rules.test.toml:3:72
           |
         3 |     { name = "a", given.media = "call", expect.not.customer = ["cc.a", "cc.x"] },
           |                                                                        ^^^^^^
           = did you mean `cc.a`?
        error: there is no rule named `pup`
          --> rules.test.toml:4:57
           |
         4 |     { name = "b", given.media = "call", expect.rules = ["pup"] },
           |                                                         ^^^^^
           = did you mean `pop`?"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn a_case_is_drawn_as_genesys_would_send_it() {
    let text = r#"
[[case]]
name = "drawn"
given.at = "2026-12-24T10:00:00+01:00"
given.customer.number = "+4930123456"
given.acd.queue = "Billing"
given.participant = { user = "avery@example.com", state = "alerting" }
expect.nothing = true

[[case.step]]
after = "10s"
given.participant.state = "connected"
given.participant.held = true
"#;
    let (suite, warnings) = Suite::parse(Path::new("x"), text, &nothing).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let steps = suite.cases[0].steps.iter();
    let bodies: Vec<_> = steps.map(|step| &step.event.as_ref().unwrap().body).collect();
    let agents = bodies.iter().map(|body| format!("{:#}", body["participants"][2]));
    let queue = &bodies[1]["participants"][1]["calls"][0];
    let queue = format!("{} until {}", queue["state"], queue["disconnectedTime"]);
    expect![[r#"
        {
          "attributes": {},
          "calls": [
            {
              "direction": "inbound",
              "held": false,
              "id": "participant-0",
              "other": {
                "addressNormalized": "tel:+4930123456"
              },
              "state": "alerting"
            }
          ],
          "conversationRoutingData": {
            "skills": []
          },
          "id": "participant",
          "name": "avery@example.com",
          "purpose": "agent",
          "userId": "avery@example.com"
        }
        {
          "attributes": {},
          "calls": [
            {
              "connectedTime": "2026-12-24T09:00:10Z",
              "direction": "inbound",
              "held": true,
              "id": "participant-0",
              "other": {
                "addressNormalized": "tel:+4930123456"
              },
              "startHoldTime": "2026-12-24T09:00:10Z",
              "state": "connected"
            }
          ],
          "connectedTime": "2026-12-24T09:00:10Z",
          "conversationRoutingData": {
            "skills": []
          },
          "id": "participant",
          "name": "avery@example.com",
          "purpose": "agent",
          "userId": "avery@example.com"
        }
        "disconnected" until "2026-12-24T09:00:10Z""#]]
    .assert_eq(&agents.chain([queue]).collect::<Vec<_>>().join("\n"));
}

#[test]
fn whatever_it_is_given_it_does_not_panic() {
    let text = include_str!("../../../../tests/samples/rules.test.toml");
    let ends = text.char_indices().map(|(at, _)| at).step_by(41);
    let mut refused = 0;
    for end in ends {
        let rest = text[end..].char_indices().nth(5).map_or("", |(at, _)| &text[end + at..]);
        for text in [&text[..end], &[&text[..end], rest].concat()] {
            refused += usize::from(Suite::parse(Path::new("x"), text, &nothing).is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

fn nothing(_: &Path) -> Result<String, String> {
    Err("there is nothing".to_owned())
}

fn problems(text: &str) -> String {
    let problems = match Suite::parse(Path::new("rules.test.toml"), text, &nothing) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let shown: Vec<String> = problems.iter().map(|problem| format!("{problem}\n")).collect();
    shown.join("")
}
