//! The metrics are there from the start, and all that speaks of them speaks of what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use attributed::simulator::Treatment;
use attributed::updates::dead_letters::Reason;
use regex::Regex;
use serde_json::Value;

use crate::monitoring::{ANY, address, ask, listening};
use crate::tidy::daemons_code;
use crate::world_at::{ANSWERED, WorldAt};

const PROMTOOL: &str = "promtool";

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Each series with its labels, without values.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

/// The names of metrics in a text.
pub(crate) fn named(text: &str) -> BTreeSet<&str> {
    let name = Regex::new(r"\b(?:attributed|process)_[a-z0-9_]+\b").unwrap();
    name.find_iter(text).map(|found| found.as_str()).collect()
}

#[test]
fn every_series_is_there_from_the_start_and_counts() {
    let world = WorldAt::quiet(3);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    let at = address(&daemon);
    daemon.wait_ready();
    // The audit reads it anyway once a minute, so nothing is compared that comes with time alone.
    let before = ask(&at, "/metrics", "").body;
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    world.simulator.treat(Treatment::Drop, None);
    daemon.wait_log("connected again");
    let accepted = "attributed_updates_total{outcome=\"accepted\",reason=\"\"}";
    let after = daemon.wait("what happened to be counted", || {
        let text = ask(&at, "/metrics", "").body;
        let reconnected = value(&text, "attributed_channel_connects_total{reason=\"reconnect\"}");
        let kept = value(&text, "attributed_journal_commit_seconds_count");
        let ready = value(&text, "attributed_ready");
        let counted = [value(&text, accepted), reconnected, kept, ready];
        let gap = value(&text, "attributed_gap_seconds_total");
        (gap > 0.0 && counted.iter().all(|count| *count >= 1.0)).then_some(text)
    });
    let new: Vec<String> = series(&after).difference(&series(&before)).cloned().collect();
    assert_eq!(new, Vec::<String>::new(), "these were not there from the start");
    assert_eq!(value(&before, accepted), 0.0);
    let rule = "{rule=\"answered\"}";
    assert_eq!(value(&before, &format!("attributed_rule_matches_total{rule}")), 0.0);
    assert!(value(&after, &format!("attributed_rule_matches_total{rule}")) >= 1.0);
    assert_eq!(value(&after, &format!("attributed_rule_written_keys_total{rule}")), 1.0);
    for counted in [
        "attributed_frames_total{kind=\"conversation\"}",
        "attributed_snapshots_total{outcome=\"evaluated\"}",
        "attributed_event_to_accepted_seconds_count",
        "attributed_requests_total{operation=\"patch_attributes\",code=\"202\"}",
        "attributed_request_duration_seconds_count{operation=\"patch_attributes\"}",
        "attributed_channel_last_frame_timestamp_seconds{channel=\"0\"}",
        "attributed_channel_expiry_timestamp_seconds{channel=\"0\"}",
        "attributed_token_expiry_timestamp_seconds{client=\"main\"}",
        "attributed_topics{state=\"permitted\"}",
        "attributed_gap_seconds_total",
        "attributed_journal_commit_seconds_count",
        "attributed_journal_size_bytes",
        "process_resident_memory_bytes",
    ] {
        assert!(value(&after, counted) > 0.0, "{counted} is 0 in\n{after}");
    }
    let drops = ["closed", "broken"]
        .map(|how| value(&after, &format!("attributed_channel_drops_total{{reason=\"{how}\"}}")));
    assert!(drops.iter().sum::<f64>() >= 1.0, "{after}");
    let ids = ["c1", world.user(0).id.as_str()];
    assert!(ids.iter().all(|id| !after.contains(&format!("\"{id}"))), "{after}");
}

/// The ways in which the source names an operation. One that is named in another way has to be added
/// here: once it is declared, it is found nowhere.
const NAMED: [&str; 5] = [
    r#"(?i:\boperation)(?:: &str)?(?::| =) "([a-z_]+)""#,
    r#"\blet \(operation, [a-z]+\) = \("([a-z_]+)""#,
    r#"\b(?:call|members)\("([a-z_]+)""#,
    r#"\("([a-z_]+)", "/api/v2/"#,
    r#"\bget\([a-z.]+, "([a-z_]+)""#,
];

#[test]
fn every_operation_of_the_source_has_its_series_from_the_start() {
    let named = NAMED.map(|pattern| Regex::new(pattern).unwrap());
    // A field of a log line is called so too.
    let logs = Regex::new(r#"(?:debug|info|warn|error)!\(\s*operation = "[a-z]+""#).unwrap();
    let mut operations = BTreeSet::new();
    let code = daemons_code();
    // Commands have no metrics.
    for (_, text) in code.iter().filter(|(path, _)| !path.starts_with("src/cli")) {
        let text = logs.replace_all(text, "");
        for pattern in &named {
            operations.extend(pattern.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    let declared = file("src/status/metrics/account.rs");
    let (_, list) = declared.split_once("const OPERATIONS: ").unwrap();
    let (_, list) = list.split_once("= [").unwrap();
    let list = list.split("];").next().unwrap();
    let declared: BTreeSet<String> =
        list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(operations, declared, "the source's operations, and those that are declared");
}

#[test]
fn what_documents_alerts_and_dashboard_name_is_there() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    daemon.wait_ready();
    let text = ask(&address(&daemon), "/metrics", "").body;
    let open = ask(&address(&daemon), "/metrics", "Accept: application/openmetrics-text\r\n");
    assert!(open.head.contains("application/openmetrics-text; version=1.0.0"), "{}", open.head);
    assert!(open.body.ends_with("# EOF\n"));
    let series = series(&text);
    let mut there: BTreeSet<&str> =
        series.iter().map(|one| one.split('{').next().unwrap()).collect();
    // A histogram is spoken of by the name that its series begin with.
    there.extend(there.clone().iter().filter_map(|name| name.strip_suffix("_bucket")));
    for name in [
        "README.md",
        "monitoring/alerts.yaml",
        "monitoring/alerts.test.yaml",
        "monitoring/dashboard.json",
    ] {
        let text = file(name);
        let named = named(&text);
        assert!(!named.is_empty(), "{name}");
        let missing: Vec<&&str> = named.iter().filter(|name| !there.contains(**name)).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "{name} names what a scrape does not have");
    }
    let Some(mut promtool) = promtool(&["check", "metrics"]) else { return };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && complaints.is_empty(), "{complaints}");
}

/// `None` if it is not on this machine, which is said, and is a failure where it has to be.
pub(crate) fn promtool(arguments: &[&str]) -> Option<std::process::Child> {
    let mut command = Command::new(PROMTOOL);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            let required = std::env::var_os("ATTRIBUTED_PROMTOOL_REQUIRED").is_some();
            assert!(!required, "{PROMTOOL} is required and cannot be run: {error}");
            println!("skipped: {PROMTOOL} is not on this machine");
            None
        }
    }
}

/// One alert, as its file has it.
#[derive(Debug, Default)]
pub(crate) struct Alert {
    pub(crate) expr: String,
    text: String,
}

/// By name. The file is written in one way, so that its lines can be read one by one.
pub(crate) fn alerts() -> BTreeMap<String, Alert> {
    let text = file("monitoring/alerts.yaml");
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    let (mut name, mut in_expr) = (String::new(), false);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(new) = line.strip_prefix("- alert: ") {
            name = new.to_owned();
        }
        let Some(alert) = (!name.is_empty()).then(|| alerts.entry(name.clone()).or_default())
        else {
            continue;
        };
        alert.text.extend([line, "\n"]);
        let begins = line.strip_prefix("expr: ");
        in_expr = begins.is_some() || (in_expr && !line.contains(": ") && !line.is_empty());
        if in_expr {
            alert.expr.extend([begins.unwrap_or(line).trim_start_matches(">-"), " "]);
        }
    }
    assert!(alerts.len() > 10, "{alerts:?}");
    alerts
}

#[test]
fn each_alert_has_a_severity_a_summary_and_a_section_in_the_runbook() {
    let readme = file("README.md");
    let sections: Vec<(&str, &str)> =
        readme.split("\n#### ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let alerts = alerts();
    for (name, alert) in &alerts {
        let severe = ["severity: critical", "severity: warning"];
        assert!(severe.iter().any(|word| alert.text.contains(word)), "{name}");
        assert!(alert.text.contains("summary: \""), "{name}");
        let anchor = format!("runbook: \"README.md#{}\"", name.to_lowercase());
        assert!(alert.text.contains(&anchor), "{name}: {anchor}");
        let section = sections.iter().find(|(title, _)| title == name);
        let text = section.unwrap_or_else(|| panic!("no runbook section for {name}")).1;
        assert!(text.trim().len() > 80, "{name}: what to do?");
    }
    for (title, _) in sections.iter().filter(|(title, _)| title.starts_with("Attributed")) {
        assert!(alerts.contains_key(*title), "no alert is called {title}");
    }
}

#[test]
fn what_is_nobodys_mistake_alerts_nobody() {
    let reasons = Reason::ALL.into_iter().filter(|reason| reason.is_nobodys_mistake());
    let left_out = reasons.map(Reason::as_str).collect::<Vec<_>>().join("|");
    let alerts = alerts();
    for name in ["AttributedDeadLetters", "AttributedFailureRatio"] {
        let expr = &alerts[name].expr;
        let counted = expr.matches("attributed_updates_total{").count();
        let without = expr.matches(&format!("reason!~\"{left_out}\"}}")).count();
        assert!(counted > 0 && counted == without, "{name}: {expr}");
    }
}

#[test]
fn the_dashboard_draws_what_each_alert_compares_with_its_threshold() {
    let dashboard: Value = serde_json::from_str(&file("monitoring/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    for (name, alert) in alerts() {
        let panel = panels.iter().find(|panel| panel["title"] == name.as_str());
        let panel = panel.unwrap_or_else(|| panic!("no panel is called {name}"));
        let drawn = panel["targets"][0]["expr"].as_str().unwrap();
        let expr = alert.expr.split_whitespace().collect::<Vec<_>>().join(" ");
        let rest = expr.strip_prefix(drawn).unwrap_or_else(|| panic!("{name}: {expr}\n{drawn}"));
        let mut words = rest.split_whitespace();
        assert!(matches!(words.next(), Some(">" | "<")), "{name}: {rest}");
        let threshold: f64 = words.next().unwrap().parse().unwrap();
        let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
        assert!(steps.iter().any(|step| step["value"].as_f64() == Some(threshold)), "{name}");
    }
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
}

#[test]
fn the_alerts_fire_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring");
    let cases = file("monitoring/alerts.test.yaml");
    for name in alerts().keys() {
        for word in ["fires", "does not fire"] {
            assert!(cases.contains(&format!("\"{name} {word}: ")), "no case: {name} {word}");
        }
    }
    let path = |name: &str| folder.join(name).display().to_string();
    let (alerts, cases) = (path("alerts.yaml"), path("alerts.test.yaml"));
    for arguments in [["check", "rules", alerts.as_str()], ["test", "rules", cases.as_str()]] {
        let Some(promtool) = promtool(&arguments) else { return };
        let said = promtool.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success(), "{text}\n{}", String::from_utf8_lossy(&said.stderr));
    }
}
