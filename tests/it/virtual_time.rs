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
use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::machine;
use attributed::signals::Intent;
use attributed::simulator::inside::InMemory;
use attributed::simulator::oracle::Verdict;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Faults, Limits, RULES, Simulator};
use attributed::status::counts::Counts;
use attributed::updates::journal::Store;
use bytes::Bytes;
use futures::future::{BoxFuture, pending};
use http::{Request, Response};
use redb::backends::InMemoryBackend;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::daemon::{PATIENCE, restrict};

const REQUESTS_PER_MINUTE: u32 = 1200;
/// How long conversations are begun, in the simulator's time.
const TRAFFIC: Duration = Duration::from_secs(20);
/// When nothing has come in for so long, nothing will: longer than a read takes that confirms.
const QUIET: Duration = Duration::from_secs(45);
/// The longest that a run may take. The fight guard lets a key rest for ten minutes, and one that is
/// held often in a life of seconds comes to that.
const LONGEST: Duration = Duration::from_secs(1_500);

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
    every_seed(Faults::None, "1-2");
}

#[test]
fn every_seed_is_right_on_a_bad_day() {
    every_seed(Faults::Light, "1-3");
}

/// An outside that takes everything and answers nothing.
struct Silence;

impl Outside for Silence {
    fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(pending())
    }

    fn connect<'a>(
        &'a self,
        _: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        Box::pin(pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_while_nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (intents, received) = mpsc::channel(4);
    let config = config(dir.path());
    let start = start(config.clone(), config, Arc::new(Silence), Arc::default(), received);
    intents.send(Intent::Reload).await.unwrap();
    let told = async {
        sleep(Duration::from_secs(1)).await;
        intents.send(Intent::Stop).await.unwrap();
    };
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(start.begin(), told);
    assert!(matches!(ended, Err(Ended::StoppedEarly)) && begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn whom_to_watch_changes_although_the_rules_are_bad() {
    let dir = tempfile::tempdir().unwrap();
    let (intents, received) = mpsc::channel(4);
    let simulator = Simulator::new(simulator::Options::default());
    let config = config(dir.path());
    let mut changed = config.clone();
    changed.watch.queues.clear();
    let outside = Arc::new(InMemory::start(Arc::clone(&simulator)));
    let start = start(config, changed, outside, Arc::default(), received);
    let app = start.begin().await.map_err(|ended| ended.to_string()).unwrap();
    let subscriptions = || {
        let requests = simulator.requests();
        requests.iter().filter(|entry| entry.path.ends_with("/subscriptions")).count()
    };
    let act = async {
        let until = |more_than: usize| async move {
            while subscriptions() <= more_than {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, until(0)).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        let before = subscriptions();
        fs::write(dir.path().join("rules.toml"), "these are no rules").unwrap();
        intents.send(Intent::Reload).await.unwrap();
        let heard = timeout(PATIENCE, until(before)).await;
        intents.send(Intent::Stop).await.unwrap();
        heard
    };
    let (_ended, heard) = tokio::join!(app.run(), act);
    assert!(heard.is_ok(), "the queues are still subscribed to");
}

/// How many requests are refused to a process that is started just before the end of a window that was
/// used up after the process before it was killed.
async fn refused_at_the_edge(forgets: bool) -> u64 {
    let base = "2026-03-02T08:00:00Z".parse().unwrap();
    let _playing = machine::play(1, base);
    let (begun, window) = (Instant::now(), Duration::from_secs(60));
    let simulator = Simulator::new(simulator::Options {
        shape: Shape { generate: false, other_writer: false, ..Shape::default() },
        limits: Limits { window, phase: Some(window), ..Limits::default() },
        base,
        ..simulator::Options::default()
    });
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let works = async |until: Duration| {
        let (_intents, received) = mpsc::channel(4);
        let outside = Arc::new(InMemory::start(Arc::clone(&simulator)));
        let start = start(config.clone(), config.clone(), outside, Arc::default(), received);
        let work =
            async { start.begin().await.map_err(|ended| ended.to_string()).unwrap().run().await };
        assert!(timeout_at(begun + until, work).await.is_err(), "it was killed");
    };
    works(Duration::from_secs(30)).await;
    if forgets {
        fs::remove_file(dir.path().join("state/windows.json")).unwrap();
    }
    sleep_until(begun + Duration::from_millis(59_500)).await;
    simulator.spend(simulator.limits().requests);
    works(Duration::from_secs(90)).await;
    simulator.windows().iter().map(|window| window.refused).sum()
}

#[tokio::test(start_paused = true)]
async fn a_process_knows_from_the_one_before_when_the_window_ends() {
    assert_eq!(refused_at_the_edge(false).await, 0);
    assert!(refused_at_the_edge(true).await > 0, "this finds nothing");
}

pub(crate) fn start(
    config: Config,
    reread: Config,
    outside: Arc<dyn Outside>,
    counts: Arc<Counts>,
    intents: mpsc::Receiver<Intent>,
) -> Start {
    // In memory, and written within the updates' turn: no thread of its own decides the order.
    let journal = Box::new(|| Store::on(InMemoryBackend::new()));
    let options = Options { journal: Some(journal), ..Options::default() };
    let reread = Box::new(move || Ok(reread.clone()));
    Start { config, options, outside, counts, level: None, intents, reread }
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
control = "control.sock"
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
    let outside = Arc::new(InMemory::start(Arc::clone(&simulator)));
    let start = start(config.clone(), config, outside, Arc::clone(&counts), received);
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
