//! `check` and `config show`, as somebody types them: what they print, and how they end.

use std::fs;

use expect_test::{expect, expect_file};
use serde_json::Value;

use crate::command::{Said, attributed, with};
use crate::daemon::Setup;
use crate::world_at::ANSWERED;

/// Twelve rules' worth of trouble.
const MISTAKES: &str = r#"
[[rule]]
name = "unknown-field"
match.participant.purpos = "agent"
set."cc.a" = "x"

[[rule]]
name = "unknown-field"
match.participant.purpose = "agent"
set."cc.b" = "x"

[[rule]]
name = "unknown-subject"
match.particpant.purpose = "agent"
set."cc.c" = "x"

[[rule]]
name = "kind"
match.participant.held = "yes"
set."cc.d" = 2026-01-01

[[rule]]
name = "word"
match.participant.purpose = "agent"
write = "allways"
mode = "dry"
set."cc.e" = "{{ customer.nmae }}"

[[rule]]
match.participant.purpose = "agent"
set."other.key" = "x"

[[rule]]
name = "nothing"
match.participant.purpose = "agent"

[[rule]]
name = "later"
match.participant.number.regex = "^(+49"
sett."cc.f" = "x"
"#;

fn setup(rules: &str) -> Setup {
    Setup::new(
        "http://127.0.0.1:9",
        "all_users = true",
        rules,
        "[updates]\nallowed_keys = [\"cc.*\"]\n",
    )
}

fn check(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), &[&["check"][..], arguments].concat())
}

#[test]
fn every_mistake_of_a_rules_file_is_shown_at_once() {
    let said = check(&setup(MISTAKES), &[]);
    assert_eq!(said.code, 1);
    expect![[r#"
        Checking ./attributed.toml
          SUCCESS: configuration found, room for 19,000 topics
        Checking ./rules.toml
          FAILED: 14 problems
    "#]]
    .assert_eq(&said.out);
    expect_file!["./checks/mistakes.txt"].assert_eq(&said.err);
}

#[test]
fn what_is_wrong_in_a_list_is_said_beside_other_mistakes() {
    let rules = "[lists.vip]\nfile = \"vip.csv\"\nkey = \"phone\"\n\
                 [lists.gone]\nfile = \"gone.txt\"\n\
                 [[rule]]\nname = \"a\"\nmatch.participant.purpos = \"agent\"\nset.\"cc.a\" = \"x\"\n";
    let setup = setup(rules);
    fs::write(setup.path("vip.csv"), "phone,segment\n+4930,gold,x\n").unwrap();
    let said = check(&setup, &["rules.toml"]);
    assert_eq!(said.code, 1);
    for wanted in ["has no field `purpos`", "vip.csv:2:1", "gone.txt"] {
        assert!(said.err.contains(wanted), "{wanted}: {}", said.err);
    }
    // Until the syntax holds it is not known which lists there are.
    setup.write_rules(&rules.replace("\"agent\"", "\"agent"));
    let said = check(&setup, &["rules.toml"]);
    assert!(said.err.contains("does not end") && !said.err.contains("gone"), "{}", said.err);
}

#[test]
fn what_is_right_is_a_success() {
    let setup = setup(ANSWERED);
    let said = check(&setup, &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect![[r#"
        Checking ./attributed.toml
          SUCCESS: configuration found, room for 19,000 topics
        Checking ./rules.toml
          SUCCESS: 1 rule found
            2 conditions
            writes cc.answered
    "#]]
    .assert_eq(&said.out);
    let said = check(&setup, &["rules.toml", "attributed.toml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(said.out.matches("SUCCESS").count(), 2);
}

#[test]
fn warnings_are_failures_where_they_are_denied() {
    let setup = setup("[[rule]]\nname = \"all\"\nset.\"cc.a\" = \"x\"\n");
    let said = check(&setup, &[]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("warning: rule `all` has no match"), "{}", said.err);
    assert!(said.out.contains("SUCCESS: 1 rule found, 1 warning"), "{}", said.out);
    assert_eq!(check(&setup, &["--deny-warnings"]).code, 3);
    // An error is worse.
    setup.write_rules("[[rule]]\nset.\"cc.a\" = \"x\"\n");
    assert_eq!(check(&setup, &["--deny-warnings"]).code, 1);
}

#[test]
fn standard_input_and_files_that_are_not_there() {
    let setup = setup(ANSWERED);
    let folder = setup.dir.path();
    let said = with(folder, &["check", "-"], &[], ANSWERED);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("SUCCESS: 1 rule found"), "{}", said.out);
    let said = with(folder, &["check", "-"], &[], MISTAKES);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--> -:4:") && said.out.contains("Checking -"), "{}", said.err);
    let said = check(&setup, &["nowhere.toml", "rules.toml"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nowhere.toml") && said.err.contains("No such file"), "{}", said.err);
    assert!(said.out.contains("SUCCESS: 1 rule found"), "the other is checked all the same");
    let said = attributed(folder, &["check", "--config", "nowhere.toml"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("check the path after --config"), "{}", said.err);
}

#[test]
fn programs_are_told_in_json() {
    let setup = setup(MISTAKES);
    let said = check(&setup, &["--output", "json"]);
    assert_eq!(said.code, 1);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["files"][1]["ok"], false);
    let problems = told["problems"].as_array().unwrap();
    assert!(problems.len() >= 10, "{problems:#?}");
    for problem in problems {
        assert!(problem["line"].as_u64().unwrap() > 0 && problem["column"].as_u64().unwrap() > 0);
        assert!(problem["file"].as_str().unwrap().ends_with("rules.toml"));
        assert!(matches!(problem["severity"].as_str(), Some("error" | "warning")));
        assert!(!problem["message"].as_str().unwrap().is_empty());
    }
    setup.write_rules(ANSWERED);
    let said = check(&setup, &["--output", "json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, told["problems"].as_array().unwrap().len()), (0, 0));
    let inventory = &told["files"][1]["inventory"];
    assert_eq!((&inventory["rules"], &inventory["enabled"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(inventory["keys"].as_array().unwrap().len(), 1);
    let said = check(&setup, &["--fields", "--output", "json"]);
    let fields: Value = serde_json::from_str(&said.out).unwrap();
    assert!(fields.as_array().unwrap().iter().any(|field| field["path"] == "acd.skills"));
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let setup = setup(ANSWERED);
    for (arguments, hint) in [
        (&["chekc"][..], "'check'"),
        (&["check", "--deny-warning"], "'--deny-warnings'"),
        (&["check", "--output", "xml"], "text, json"),
        (&["run", "--config"], "--config"),
        (&[], "Usage"),
    ] {
        let said = attributed(setup.dir.path(), arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(hint), "{arguments:?}: {}", said.err);
    }
    assert_eq!(attributed(setup.dir.path(), &["--version"]).code, 0);
}

#[test]
fn the_effective_configuration_says_where_each_value_is_from() {
    let setup = setup(ANSWERED);
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(
        &text
            .replace("client_id = \"demo\"\n", "")
            .replace("client_secret_file", "# client_secret_file"),
    );
    let secret = "a-client-secret-that-nobody-prints";
    let variables = [
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "the-client"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", secret),
    ];
    let show = |arguments: &[&str]| with(setup.dir.path(), arguments, &variables, "");
    let said = show(&["config", "show"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    expect_file!["./checks/config-show.txt"].assert_eq(&said.out);
    let json = show(&["config", "show", "--output", "json"]);
    let shown: Value = serde_json::from_str(&json.out).unwrap();
    assert!(json.out.contains("the-client") && json.out.contains("GENESYSCLOUD_OAUTHCLIENT_ID"));
    assert!(shown["values"].as_object().is_some_and(|keys| keys.len() > 20), "{}", json.out);
    assert!(!said.out.contains(secret) && !json.out.contains(secret));
    // What it prints can be read again, and is the same.
    setup.configure(&said.out);
    let again = show(&["config", "show"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let values = |shown: &str| -> Vec<String> {
        let lines = shown.lines().skip(1).map(|line| line.split(" # ").next().unwrap_or(line));
        lines.map(|line| line.trim_end().replace("././", "./")).collect()
    };
    assert_eq!(values(&again.out), values(&said.out));

    setup.configure("[genesys]\nclient_secret = \"a-client-secret-that-nobody-prints\"\n");
    let said = show(&["config", "show"]);
    assert_eq!(said.code, 78);
    assert!(said.err.contains("client_secret") && !said.err.contains(secret), "{}", said.err);
}

#[test]
fn what_costs_at_every_event_is_named() {
    let open = |n: u32| {
        let name =
            format!("[[rule]]\nname = \"open-{n:02}\"\nmatch.participant.held.exists = true\n");
        format!("{name}set.\"cc.k{n}\" = \"x\"\n")
    };
    let raw = "[[rule]]\nname = \"raw\"\nmatch.participant.purpose = \"agent\"\n\
               when = 'raw.extra == \"x\"'\nset.\"cc.raw\" = \"x\"\n";
    let rules: String = (1..=12).map(open).chain([raw.to_owned(), ANSWERED.to_owned()]).collect();
    let setup = setup(&rules);
    let said = check(&setup, &["rules.toml"]);
    expect![[r#"
        Checking rules.toml
          SUCCESS: 14 rules found
            15 conditions
            writes cc.answered, cc.k1, cc.k10, cc.k11, cc.k12, cc.k2, cc.k3, cc.k4, cc.k5, cc.k6, cc.k7, cc.k8, cc.k9, cc.raw
            for raw, parses each event that it asks once more, which takes about as long as reading it: raw
            tested at every event, as no condition names values of a field or how one begins or ends (hundreds of them are felt): open-01, open-02, open-03, open-04, open-05, open-06, open-07, open-08, open-09, open-10 and 2 more
    "#]].assert_eq(&said.out);
    let said = check(&setup, &["rules.toml", "--output", "json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let inventory = &json["files"][0]["inventory"];
    assert_eq!(inventory["unindexed"]["count"], 12, "{inventory}");
    assert_eq!(inventory["unindexed"]["first"].as_array().unwrap().len(), 10, "{inventory}");
    assert_eq!(inventory["raw"], serde_json::json!(["raw"]), "{inventory}");
}

/// Beside the rules, a file that they include.
fn with_included(included: &str) -> Setup {
    let setup = setup(&format!("include = [\"rules.d/*.toml\"]\n{ANSWERED}"));
    fs::create_dir(setup.path("rules.d")).unwrap();
    fs::write(setup.path("rules.d/more.toml"), included).unwrap();
    setup
}

#[test]
fn what_is_included_is_read_by_everything_that_reads_rules() {
    let more = "[[rule]]\nname = \"more\"\nmatch.customer.attributes.\"crm.tier\" = \"gold\"\n\
                target = \"customer\"\nset.\"cc.more\" = \"yes\"\n";
    let setup = with_included(more);
    let event = setup.path("event.json");
    let body = r#"{"id":"c","participants":[{"id":"p","purpose":"customer","attributes":{"crm.tier":"gold"},"calls":[{"id":"l","state":"connected"}]}]}"#;
    fs::write(&event, body).unwrap();
    fs::write(
        setup.path("rules.test.toml"),
        "[[case]]\nname = \"more\"\ngiven.customer.attributes.\"crm.tier\" = \"gold\"\n\
         expect.customer.\"cc.more\" = { value = \"yes\", rule = \"more\" }\n",
    )
    .unwrap();
    let folder = setup.dir.path();
    let commands: [&[&str]; 3] = [
        &["check", "rules.toml"],
        &["explain", "--event", "event.json", "--rule", "more"],
        &["test", "rules.test.toml"],
    ];
    for command in commands {
        let said = attributed(folder, command);
        assert_eq!(said.code, 0, "{command:?}\n{}\n{}", said.out, said.err);
    }
    // Its mistakes are told where they stand.
    fs::write(setup.path("rules.d/more.toml"), more.replace("target", "targt")).unwrap();
    for command in commands {
        let said = attributed(folder, command);
        assert_ne!(said.code, 0, "{command:?}\n{}\n{}", said.out, said.err);
        assert!(said.err.contains("rules.d/more.toml:4:1"), "{command:?}\n{}", said.err);
    }
}
