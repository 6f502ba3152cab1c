//! `test`, as somebody types it: what it prints, what it leaves, and how it ends.

use std::fs;
use std::path::Path;

use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, attributed, with};

const RULES: &str = r#"
[[rule]]
name = "pop"
match.participant.purpose = "agent"
match.participant.state = "alerting"
match.customer.attributes."crm.tier" = "gold"
set."cc.segment" = "vip"

[[rule]]
name = "on-hold"
match.participant.held = true
set."cc.on_hold" = true
otherwise."cc.on_hold" = false

[[rule]]
name = "never"
match.participant.purpose = "fax"
set."cc.fax" = true
"#;

const PASSES: &str = r#"
[[case]]
name = "gold"
given.customer.attributes."crm.tier" = "gold"
given.agent.state = "alerting"
expect.customer."cc.segment" = "vip"
"#;

const FAILS: &str = r#"
[[case]]
name = "gold <b> & \"quoted\""
given.customer.attributes."crm.tier" = "gold"
given.agent.state = "alerting"
expect.customer."cc.segment" = "gold"
expect.not.rules = "pop"

[[case]]
name = "somebody else has the last word"
given.agent.held = true

[[case.step]]
given.customer.attributes."cc.on_hold" = "perhaps"
expect.customer."cc.on_hold" = "true"

[[case.step]]
after = "1m"
given.agent.held = false
expect.nothing = true
"#;

/// A folder with rules, and this as their test file.
fn folder(tests: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    fs::write(folder.path().join("rules.test.toml"), tests).unwrap();
    folder
}

fn test(tests: &str, arguments: &[&str]) -> Said {
    let folder = folder(tests);
    attributed(folder.path(), &[&["test", "rules.test.toml"][..], arguments].concat())
}

#[test]
fn the_examples_rules_do_as_their_cases_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = attributed(root, &["test", "--coverage=100", "tests/samples/rules.test.toml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.ends_with("Coverage: 44 of 44 rules match\n"), "{}", said.out);
}

#[test]
fn what_passes_is_told_and_what_no_case_covers() {
    let said = test(PASSES, &["--coverage"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect![[r#"
        Testing rules.test.toml (rules.toml)
          passed  gold
          SUCCESS: 1 case
        Coverage: 1 of 3 rules match
          no case makes `never` match
          no case makes `on-hold` match
    "#]]
    .assert_eq(&said.out);
    assert_eq!(test(PASSES, &["--coverage=33"]).code, 0);
    assert_eq!(test(PASSES, &["--coverage=34"]).code, 1);
}

#[test]
fn a_failure_shows_what_was_expected_and_what_came() {
    let said = test(FAILS, &[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    expect![[r#"
        Testing rules.test.toml (rules.toml)
          FAILED  gold <b> & "quoted"
                  rules.test.toml:6: customer cc.segment, 0s after the first event
                  - expected "gold"
                  + got      "vip" by pop
                    rules that matched: pop
                    ✓ pop  holds
                      ✗ customer customer, call connected
                        ✓ customer.attributes."crm.tier"  "gold"      "gold"
                        ✗ participant.purpose             "agent"     "customer"  ← the first that fails
                        ✗ participant.state               "alerting"  "connected"
                      ✓ agent agent, call alerting
                        ✓ customer.attributes."crm.tier"  "gold"      "gold"
                        ✓ participant.purpose             "agent"     "agent"
                        ✓ participant.state               "alerting"  "alerting"
                      sets
                        customer customer  cc.segment = "vip"  written; now absent
                  rules.test.toml:2: rules that write, 0s after the first event
                  - expected not pop
                  + got      pop
                    rules that matched: pop
                    ✓ pop  holds
                      ✗ customer customer, call connected
                        ✓ customer.attributes."crm.tier"  "gold"      "gold"
                        ✗ participant.purpose             "agent"     "customer"  ← the first that fails
                        ✗ participant.state               "alerting"  "connected"
                      ✓ agent agent, call alerting
                        ✓ customer.attributes."crm.tier"  "gold"      "gold"
                        ✓ participant.purpose             "agent"     "agent"
                        ✓ participant.state               "alerting"  "alerting"
                      sets
                        customer customer  cc.segment = "vip"  written; now absent
          FAILED  somebody else has the last word
                  rules.test.toml:15: customer cc.on_hold, 1s after the first event
                  - expected "true"
                  + got      "perhaps"
                    rules that matched: on-hold
                    `cc.on_hold` was not written again by on-hold: somebody else has set it since, or `write = "first"` is done once
                    ✓ on-hold  holds
                      ✗ customer customer, call connected
                        ✗ participant.held  true  "false"  ← the first that fails
                      ✓ agent agent, call connected
                        ✓ participant.held  true  "true"
                      sets
                        customer customer  cc.on_hold = "true"  written; now "perhaps"
                  rules.test.toml:17: writes, 1m1s after the first event
                  - expected nothing is written
                  + got      customer cc.on_hold = "false" by on-hold
                    rules that matched: (none)
                    ✗ on-hold  does not hold
                      ✗ customer customer, call connected
                        ✗ participant.held  true  "false"  ← the first that fails
                      ✗ agent agent, call connected
                        ✗ participant.held  true  "false"  ← the first that fails
                      sets
                        customer customer  cc.on_hold = "false"  otherwise, written; now "perhaps"
          FAILED: 2 of 2 cases
    "#]]
    .assert_eq(&said.out);
}

#[test]
fn programs_read_it_as_json_and_as_junit() {
    let folder = folder(&[PASSES, FAILS].concat());
    let arguments = ["test", "rules.test.toml", "--output", "json", "--junit", "report.xml"];
    let said = attributed(folder.path(), &arguments);
    assert_eq!(said.code, 1);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &2.into()));
    assert_eq!(report["files"][0]["cases"][1]["failures"][0]["got"], "\"vip\" by pop");
    let xml = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="rules.test.toml" tests="3" failures="2" errors="0">
            <testcase classname="rules.test.toml" name="gold" line="2"/>
            <testcase classname="rules.test.toml" name="gold &lt;b&gt; &amp; &quot;quoted&quot;" line="8">
              <failure message="customer cc.segment: expected &quot;gold&quot;, got &quot;vip&quot; by pop">rules.test.toml:12</failure>
              <failure message="rules that write: expected not pop, got pop">rules.test.toml:8</failure>
            </testcase>
            <testcase classname="rules.test.toml" name="somebody else has the last word" line="15">
              <failure message="customer cc.on_hold: expected &quot;true&quot;, got &quot;perhaps&quot;">rules.test.toml:21</failure>
              <failure message="writes: expected nothing is written, got customer cc.on_hold = &quot;false&quot; by on-hold">rules.test.toml:23</failure>
            </testcase>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&xml);
}

#[test]
fn only_the_cases_of_that_name_run() {
    let all = [PASSES, FAILS].concat();
    let said = test(&all, &["--run", "^gold$"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("SUCCESS: 1 case\n"), "{}", said.out);
    assert_eq!(test(&all, &["--run", "^silver$"]).code, 1, "none has run");
    assert_eq!(test(&all, &["--run", "("]).code, 2);
}

#[test]
fn how_it_ends_says_what_to_do() {
    assert_eq!(test("", &[]).code, 1, "there is no case");
    assert_eq!(test("[[case]]\n", &[]).code, 78);
    assert_eq!(test(PASSES, &["--what"]).code, 2);
    assert_eq!(test(&PASSES.replace("expect.", "expect.rules = 'pup'\nexpect."), &[]).code, 78);
    let folder = folder(PASSES);
    let beside = |arguments: &[&str]| attributed(folder.path(), arguments).code;
    assert_eq!(beside(&["test", "nowhere.test.toml"]), 78);
    assert_eq!(beside(&["test"]), 2);
    fs::write(folder.path().join("rules.toml"), "[[rule]]\n").unwrap();
    assert_eq!(beside(&["test", "rules.test.toml"]), 78);
    fs::remove_file(folder.path().join("rules.toml")).unwrap();
    let said = attributed(folder.path(), &["test", "rules.test.toml"]);
    assert_eq!(said.code, 78);
    expect![[r#"
        error: cannot be read: No such file or directory (os error 2)
          --> rules.toml
           = say in the test file which rules it is for: rules = "FILE"

    "#]]
    .assert_eq(&said.err);
}

#[test]
fn it_reads_standard_input() {
    let folder = folder("");
    let tests = ["rules = 'rules.toml'\n", PASSES].concat();
    let said = with(folder.path(), &["test", "-"], &[], &tests);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

#[test]
fn what_was_written_is_there_in_the_next_event_and_the_modes_go_by_it() {
    let folder = folder(
        r#"
[[case]]
name = "four modes"
given.agent.user = "avery@example.com"
given.customer.attributes.x = "A"
expect.customer.follow = "A"
expect.customer.first = "A"
expect.customer.absent = "A"
expect.customer.second = "A"
expect.only = true

[[case.step]]
given.customer.attributes.x = "B"
expect.customer.follow = { value = "B", rule = "follow" }
expect.customer.first = "A"
expect.customer.absent = "A"

[[case.step]]
given.customer.attributes = { follow = "Z", first = "Z", absent = "Z" }
expect.customer.follow = "Z"
expect.customer.first = "Z"
expect.nothing = true

[[case.step]]
given.customer.attributes.x = "A"
expect.customer.follow = "A"
expect.customer.first = "Z"
expect.rules = "follow"

[[case]]
name = "what one rule writes is an event for the next"
given.agent.user = "avery@example.com"
given.customer.attributes.x = "A"
expect.customer.second = { value = "A", rule = "second" }

[[case]]
name = "a running menu holds everything back but what may go"
given.ivr.name = "Main Menu"
given.customer.attributes.x = "A"
given.participant.state = "alerting"
given.ivr.ended = false
at_end.customer.follow = "A"
expect.nothing = true
expect.matches = "follow"

[[case.step]]
after = "20s"
given.ivr.ended = true
expect.rules = ["follow", "first", "absent", "second"]
"#,
    );
    let mode = |name: &str, write: &str| {
        format!(
            "[[rule]]\nname = '{name}'\nwrite = '{write}'\nmatch.participant.purpose = 'agent'\n\
             set.{name} = '{{{{ customer.attributes.x }}}}'\n"
        )
    };
    let rules = [("follow", "follow"), ("first", "first"), ("absent", "if-absent")];
    let rules: Vec<String> = rules.iter().map(|(name, write)| mode(name, write)).collect();
    let second = "[[rule]]\nname = 'second'\nmatch.customer.attributes.first = 'A'\nset.second = \
                  '{{ customer.attributes.first }}'\n";
    fs::write(folder.path().join("rules.toml"), rules.concat() + second).unwrap();
    let said = attributed(folder.path(), &["test", "rules.test.toml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
}
