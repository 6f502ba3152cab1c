//! Daemon and simulator in one process, in virtual time: whole days of trouble in seconds, and an
//! order of events that depends on the seed alone.
//!
//! Without `ATTRIBUTED_SEEDS` a handful of seeds is played; with it, those of the range given, such
//! as `1-300`. Every seed that fails is named.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attributed::app::{Ended, Options, Start};
use attributed::config::Config;
use attributed::signals::Intent;
use attributed::simulator::inside::InMemory;
use attributed::simulator::oracle::Verdict;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Faults, Limits, Simulator};
use attributed::status::counts::Counts;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::daemon::restrict;

const RULES: &str = include_str!("../../rules.example.toml");
const REQUESTS_PER_MINUTE: u32 = 1200;
/// How long conversations are begun, in the simulator's time.
const TRAFFIC: Duration = Duration::from_secs(20);
/// When nothing has come in for so long, nothing will: longer than a read takes that confirms.
const QUIET: Duration = Duration::from_secs(45);
/// The longest that a run may take.
const LONGEST: Duration = Duration::from_secs(600);

/// What came of one run.
#[derive(Debug)]
struct Outcome {
    ended: Ended,
    verdict: Verdict,
    overlaps: usize,
    highest: u64,
    hung_up: usize,
    pushed: u64,
}

#[test]
fn every_seed_is_right_on_a_good_day() {
    every_seed(Faults::None, "1-3");
}

#[test]
fn every_seed_is_right_on_a_bad_day() {
    every_seed(Faults::Light, "1-4");
}

fn every_seed(faults: Faults, usual: &str) {
    let range = std::env::var("ATTRIBUTED_SEEDS").unwrap_or_else(|_| usual.to_owned());
    let (first, last) = range.split_once('-').unwrap_or((&range, &range));
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    let mut wrong = Vec::new();
    for seed in first..=last {
        let outcome = play(seed, faults);
        if !outcome.is_right() {
            println!("seed {seed}, faults {faults:?}: {outcome:#?}");
            wrong.push(seed);
        }
    }
    assert!(wrong.is_empty(), "faults {faults:?}: wrong with the seeds {wrong:?}");
}

impl Outcome {
    fn is_right(&self) -> bool {
        matches!(self.ended, Ended::Drained)
            && self.verdict.is_right()
            && self.overlaps == 0
            && self.highest <= u64::from(REQUESTS_PER_MINUTE)
            && self.hung_up == 0
            && self.pushed > 50
    }
}

fn play(seed: u64, faults: Faults) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(run(config, seed, faults))
}

fn config(dir: &Path) -> Config {
    fs::write(dir.join("rules.toml"), RULES).unwrap();
    fs::write(dir.join("client-secret"), "demo\n").unwrap();
    restrict(&dir.join("client-secret"));
    let file = dir.join("attributed.toml");
    let text = format!(
        r#"rules = "rules.toml"
[genesys]
login_url = "http://127.0.0.1:1"
api_url = "http://127.0.0.1:1"
client_id = "demo"
client_secret_file = "client-secret"
[watch]
all_users = true
queues = ["Billing", "Support", "Sales", "Claims"]
[updates]
requests_per_minute = {REQUESTS_PER_MINUTE}
[state]
dir = "state"
[monitoring]
listen = ""
"#
    );
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), &|_| None).unwrap().0
}

async fn run(config: Config, seed: u64, faults: Faults) -> Outcome {
    let simulator = Simulator::new(simulator::Options {
        seed,
        shape: Shape { rate: 3.0, pace: 0.5, ..Shape::default() },
        faults,
        limits: Limits { requests: u64::from(REQUESTS_PER_MINUTE), ..Limits::default() },
        ..simulator::Options::default()
    });
    simulator.rules(RULES).unwrap();
    let counts = Arc::new(Counts::default());
    let (intents, received) = mpsc::channel(4);
    let unchanged = config.clone();
    let start = Start {
        outside: Arc::new(InMemory::start(Arc::clone(&simulator))),
        config,
        options: Options::default(),
        counts: Arc::clone(&counts),
        level: None,
        intents: received,
        reread: Box::new(move || Ok(unchanged.clone())),
    };
    let app = match start.begin().await {
        Ok(app) => app,
        Err(ended) => panic!("seed {seed}: {ended}"),
    };
    let judge = async {
        let begun = Instant::now();
        sleep(TRAFFIC).await;
        simulator.stop_world();
        let mut quiet_since = (0, Instant::now());
        while quiet_since.1.elapsed() < QUIET && begun.elapsed() < LONGEST {
            sleep(Duration::from_millis(100)).await;
            let frames = counts.frames.get();
            if frames != quiet_since.0 || counts.outbox.get() > 0 {
                quiet_since = (frames, Instant::now());
            }
        }
        let verdict = simulator.verdict();
        intents.send(Intent::Stop).await.unwrap();
        verdict
    };
    let (ended, verdict) = tokio::join!(app.run(), judge);
    Outcome {
        ended,
        verdict,
        overlaps: simulator.overlaps().len(),
        highest: simulator.highest(),
        hung_up: simulator.hung_up().len(),
        pushed: counts.pushed.get(),
    }
}
