//! What is said of mistakes in a test file, and what is made of one without.

use std::path::Path;

use expect_test::{Expect, expect};

use crate::config::fence::AllowedKeys;
use crate::rules::RuleFile;
use crate::rules::cases::Suite;

#[test]
fn mistakes_are_told_with_their_places_all_at_once() {
    check(
        r#"
rule = "rules.toml"

[[case]]
name = "misspelt"
given.custmer.number = "+4930123456"
given.participant.stat = "connected"
given.agent.media = "phone"
given.acd.number = "+4930123456"
given.at = "noon"
expect.agnet."cc.a" = "x"

[[case]]
given.customer.attributes.crm.tier = "gold"
expect.customer.cc.a = "x"

[[case]]
name = "nothing is expected"
given.media = "call"

[[case]]
name = "nothing happens"
expect.nothing = true

[[case]]
name = "steps"
given.media = "call"
step = [ { after = "30", given = { participant = { held = "yes" } } }, { event = "x.json" } ]
expect = { nothing = true, rules = "r", only = false }
"#,
        expect![[r#"
            error: unknown key `rule` in a test file
              --> rules.test.toml:2:1
               |
             2 | rule = "rules.toml"
               | ^^^^
               = did you mean `rules`?
            error: nobody knows what `custmer` is
              --> rules.test.toml:6:7
               |
             6 | given.custmer.number = "+4930123456"
               |       ^^^^^^^
               = did you mean `customer`?
            error: unknown key `stat` in a participant
              --> rules.test.toml:7:19
               |
             7 | given.participant.stat = "connected"
               |                   ^^^^
               = did you mean `state`?
            error: `media` cannot be "phone"
              --> rules.test.toml:8:21
               |
             8 | given.agent.media = "phone"
               |                     ^^^^^^^
               = write one of: call, callback, chat, cobrowse, email, internalmessage, message, screenmonitoring, screenshare, socialexpression, video
            error: `number` is the customer's, whoever looks at it
              --> rules.test.toml:9:11
               |
             9 | given.acd.number = "+4930123456"
               |           ^^^^^^
               = write given.customer.number; our own side is given.dnis
            error: `noon` is no moment
              --> rules.test.toml:10:12
               |
            10 | given.at = "noon"
               |            ^^^^^^
               = write date, time and offset: "2026-12-24T10:00:00+01:00"
            error: nobody in this case is called `agnet`
              --> rules.test.toml:11:8
               |
            11 | expect.agnet."cc.a" = "x"
               |        ^^^^^
               = did you mean `agent`?
            error: this case has no name
              --> rules.test.toml:13:1
               |
            13 | [[case]]
               | ^^^^^^^^
               = write name = "…": what has to be so
            error: the value of `crm` is a table
              --> rules.test.toml:14:27
               |
            14 | given.customer.attributes.crm.tier = "gold"
               |                           ^^^
               = keys with dots stand in quotes: "crm.tier"
            error: the value of `cc` is a table
              --> rules.test.toml:15:17
               |
            15 | expect.customer.cc.a = "x"
               |                 ^^
               = keys with dots stand in quotes: "cc.a"
            error: this case expects nothing, so it can never fail
              --> rules.test.toml:17:1
               |
            17 | [[case]]
               | ^^^^^^^^
               = write expect.customer."key" = "value", or expect.nothing = true if nothing is to be written
            error: nothing happens in this case
              --> rules.test.toml:21:1
               |
            21 | [[case]]
               | ^^^^^^^^
               = give it a conversation, given.media = "call", or event = "FILE"
            error: `30` has no unit: write for example `30s` (ms, s, m, h and d are known)
              --> rules.test.toml:28:20
               |
            28 | step = [ { after = "30", given = { participant = { held = "yes" } } }, { event = "x.json" } ]
               |                    ^^^^
            error: `held` has to be true or false, without quotes; this is a text
              --> rules.test.toml:28:59
               |
            28 | step = [ { after = "30", given = { participant = { held = "yes" } } }, { event = "x.json" } ]
               |                                                           ^^^^^
            error: an event of a file and a conversation in words do not go together
              --> rules.test.toml:28:82
               |
            28 | step = [ { after = "30", given = { participant = { held = "yes" } } }, { event = "x.json" } ]
               |                                                                                  ^^^^^^^^
               = give the case either `event` or `given`
            error: `nothing` is written, and something is: one of them cannot be
              --> rules.test.toml:29:10
               |
            29 | expect = { nothing = true, rules = "r", only = false }
               |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            error: `only = false` says nothing
              --> rules.test.toml:29:48
               |
            29 | expect = { nothing = true, rules = "r", only = false }
               |                                                ^^^^^
               = leave it out"#]],
    );
}

#[test]
fn rows_have_all_columns_and_use_them() {
    check(
        r#"
[[case]]
name = "rows"
given.customer.number = "<nubmer>"
given.customer.attributes.a = "<a> and <b>, <not a name> < >"
expect.customer."cc.a" = "<a>"
row = [ { number = "+49", a = true, b = 1 }, { number = "+1", a = false } ]
"#,
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
               |                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
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

#[track_caller]
fn check(text: &str, expected: Expect) {
    let problems = match Suite::parse(Path::new("rules.test.toml"), text, &nothing) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expected.assert_eq(&shown.join("\n"));
}
