//! Each of twelve failures is named, with what to do, wherever somebody may look first: the log,
//! `attributed status`, the page (what `/events` tells it), `/readyz`, and an alert that fires on
//! what was scraped from the daemon that has it. Mended, it is named no more.
//!
//! `cargo test --test it twelve -- --nocapture | grep '^|'` prints the table of them.

mod failures;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::command::attributed;
use crate::daemon::{Daemon, Setup, message, wait_within};
use crate::metrics::{alerts, named, promtool};
use crate::monitoring::{ANY, address, ask, listening};
use crate::page::first_event;
use crate::world_at::WorldAt;

/// Probes and retries that go by the minute are waited for, on a machine that is busy.
const MENDING: Duration = Duration::from_secs(180);

/// How a failure is to be named.
struct Named {
    failure: &'static str,
    /// The event of the log, and what the line says beside, in any field.
    log: (&'static str, &'static [&'static str]),
    check: &'static str,
    state: &'static str,
    reason: &'static str,
    help: &'static str,
    alert: &'static str,
}

/// A daemon that was well, and is to have a failure.
struct Scene {
    world: WorldAt,
    setup: Setup,
    daemon: Daemon,
    at: String,
    /// What was scraped, the first before the failure.
    scrapes: Vec<String>,
}

/// Minutes that each scrape is held for, as Prometheus would have found it.
const HELD: usize = 6;

impl Scene {
    fn new(rules: &str, more: &str) -> Scene {
        Scene::of(rules, more, |_| ())
    }

    /// With files beside the rules.
    fn of(rules: &str, more: &str, prepare: impl FnOnce(&Setup)) -> Scene {
        Scene::by(rules, more, prepare, Setup::start)
    }

    fn by(
        rules: &str,
        more: &str,
        prepare: impl FnOnce(&Setup),
        start: impl FnOnce(&Setup) -> Daemon,
    ) -> Scene {
        let world = WorldAt::quiet(4);
        let setup = world.setup(rules, more);
        listening(&setup, ANY);
        prepare(&setup);
        let daemon = start(&setup);
        let at = address(&daemon);
        daemon.wait_ready();
        let mut scene = Scene { world, setup, daemon, at, scrapes: Vec::new() };
        scene.daemon.wait("all to be well", || {
            let checks = scene.told()["checks"].as_array().unwrap().clone();
            checks.iter().all(|check| check["state"] == "good").then_some(())
        });
        scene.scrape();
        scene
    }

    fn restart(&mut self) {
        self.daemon.signal("TERM");
        self.daemon.wait_exit();
        self.daemon = self.setup.start();
        self.at = address(&self.daemon);
        self.daemon.wait_ready();
    }

    /// What the page is told.
    fn told(&self) -> Value {
        let (_, said) = first_event(&self.at, "");
        let (_, data) = said.split_once("data: ").unwrap();
        serde_json::from_str(data.trim()).unwrap()
    }

    fn scrape(&mut self) {
        self.scrapes.push(ask(&self.at, "/metrics", "").body);
    }

    /// Waits until all of them name it, and returns the check as the page has it.
    fn named(&mut self, named: &Named) -> Value {
        let Named { log: (event, parts), check, .. } = named;
        let line = self.daemon.wait_line_from(0, event, |line| {
            message(line).contains(event)
                && parts.iter().all(|part| line.to_string().contains(part))
        });
        assert!(["WARN", "ERROR"].iter().any(|level| line["level"] == *level), "{line}");
        let is = |told: &Value| {
            let found = find(&told["checks"], check);
            let says = |field: &str, part: &str| found[field].as_str().unwrap().contains(part);
            let all = found["state"] == named.state
                && says("reason", named.reason)
                && says("help", named.help);
            all.then_some(found)
        };
        let told = self.daemon.wait(&format!("the page to tell of {}", named.failure), || {
            let told = self.told();
            // It is the first thing that is said, too.
            let first = told["sentence"].as_str().unwrap().contains(named.reason);
            is(&told).filter(|_| first)
        });
        self.daemon.wait(&format!("/readyz to tell of {}", named.failure), || {
            let answer = ask(&self.at, "/readyz", "");
            let readyz: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(answer.status == 200, named.state != "failed", "{readyz}");
            is(&readyz)
        });
        self.daemon.wait(&format!("the status to tell of {}", named.failure), || {
            let said = attributed(self.setup.dir.path(), &["status"]);
            let mark = if named.state == "failed" { '✗' } else { '!' };
            let mut lines = said.out.lines();
            // Behind whether attributes are being written.
            let first = lines.by_ref().take(2).any(|line| line.contains(named.reason));
            let part = lines.find(|line| line.starts_with(&format!("{mark} {check} ")));
            let part = part.filter(|it| it.contains(named.reason) && it.contains(named.help));
            part.filter(|_| first && said.code == 1).map(|_| ())
        });
        self.scrape();
        let alert = named.alert;
        println!(
            "| {} | `{}` {} | `{check}` {}: {} | {} | `{alert}` |",
            named.failure,
            line["level"].as_str().unwrap(),
            message(&line),
            named.state,
            told["reason"].as_str().unwrap(),
            told["help"].as_str().unwrap(),
        );
        told
    }

    /// Waits until nothing tells of it any more.
    fn mended(&self, check: &str) {
        wait_within(MENDING, &format!("{check} to be good again\n{}", self.told()), || {
            let told = find(&self.told()["checks"], check);
            (told["state"] == "good").then_some(())
        });
        let said = attributed(self.setup.dir.path(), &["status"]);
        assert!(said.out.contains(&format!("✓ {check} ")), "{}", said.out);
    }

    /// Holds what was scraped to the alert: it is silent before the failure, and fires in that
    /// minute.
    fn fires(&self, alert: &str, minute: usize) {
        let series = self.series(alert);
        assert!(!series.is_empty(), "{alert}: nothing of it was scraped");
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring/alerts.yaml");
        let count =
            format!("count(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}) > bool 0");
        let text = format!(
            "rule_files: ['{}']\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    \
             input_series:\n{}    promql_expr_test:\n      \
             - {{ expr: '{count}', eval_time: {}m, exp_samples: [] }}\n      \
             - {{ expr: '{count}', eval_time: {minute}m, exp_samples: [{{ labels: '{{}}', value: 1 }}] }}\n",
            rules.display(),
            series.concat(),
            HELD - 1,
        );
        let path = self.setup.path("scraped.test.yaml");
        fs::write(&path, &text).unwrap();
        let path = path.display().to_string();
        let Some(promtool) = promtool(&["test", "rules", &path]) else { return };
        let said = promtool.wait_with_output().unwrap();
        let told = [said.stdout, said.stderr].concat();
        assert!(said.status.success(), "{}\n{text}", String::from_utf8_lossy(&told));
    }

    /// Every series that the alert looks at, each as it was scraped: in time and one after another.
    fn series(&self, alert: &str) -> Vec<String> {
        let alerts = alerts();
        let looked_at = named(&alerts[alert].expr);
        let value = |scrape: &str, series: &str| {
            let mut lines = scrape.lines();
            let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{series} is not always there")).parse::<f64>().unwrap()
        };
        let lines = self.scrapes[0].lines().filter(|line| !line.starts_with('#'));
        let all = lines.map(|line| line.rsplit_once(' ').unwrap().0);
        let all = all.filter(|series| looked_at.contains(series.split('{').next().unwrap()));
        let each = all.map(|series| {
            let held = self.scrapes.iter().map(|scrape| value(scrape, series));
            let held: Vec<String> = held.map(|value| format!("{value}x{}", HELD - 1)).collect();
            let last = value(self.scrapes.last().unwrap(), series);
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let comma = if labels == "}" { "" } else { "," };
            let series = format!("{name}{{job=\"attributed\",instance=\"one\"{comma}{labels}");
            format!(
                "      - {{ series: '{}', values: '{} {last}x60' }}\n",
                series.replace('\'', "''"),
                held.join(" ")
            )
        });
        each.collect()
    }
}

fn find(checks: &Value, name: &str) -> Value {
    let mut checks = checks.as_array().unwrap().iter();
    checks.find(|check| check["name"] == name).unwrap().clone()
}

/// Started so that a file that may not grow is an error, and not the end.
fn start_with_limits(setup: &Setup) -> Daemon {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_attributed")]);
    Daemon::start_by(command, setup, &[])
}

/// How long the daemon's files may be from now on.
fn limit_files(daemon: &Daemon, most: &str) {
    let (id, limit) = (daemon.id().to_string(), format!("--fsize={most}:unlimited"));
    let status = Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap();
    assert!(status.success(), "prlimit {limit}");
}
