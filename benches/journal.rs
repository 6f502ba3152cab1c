//! What it costs that nothing is lost: the updates with their journal in a directory, as the daemon
//! runs them, and without one.
//!
//! First as fast as they go, side by side in turns: a wish for each of many conversations, its push
//! (accepted at once), and the snapshot that confirms it. The journal may cost a fifth of the rate.
//! Then at a thousand updates a second: the processor time of the journal's thread, and that of the
//! updates with and without one. The thread may take a twentieth of one processor.
//!
//! Machines are shared, so a target that is missed is reported; missed by more than a factor of two,
//! it fails.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

#[path = "spent/mod.rs"]
mod spent;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use attributed::config::Config;
use attributed::genesys::call::{Answer, Api, Call, CallError, Class, Permit};
use attributed::genesys::{ConversationId, ParticipantId};
use attributed::status::pulse::Pulse;
use attributed::updates::calendar::Calendar;
use attributed::updates::dispatcher::{Dispatcher, Ended, Input, Joints};
use attributed::updates::foresight::Outlook;
use attributed::updates::journal::{Journal, Recovered, Store};
use attributed::updates::push::{Parcel, Push, Pushed};
use attributed::updates::settings::Settings;
use attributed::updates::story::Story;
use attributed::updates::traces::Traces;
use attributed::updates::wish::{Observation, Seen, Wish, Write};
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use spent::spent;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval};

/// Of one run at full speed.
const UPDATES: usize = 100_000;
/// Conversations that live at the same time; their updates come in turns.
const LIVE: usize = 5_000;
/// Runs of each kind.
const RUNS: usize = 5;
/// Of the paced part.
const PER_SECOND: u32 = 1_000;
const SECONDS: u32 = 10;
/// As many as the daemon lets wait between its pipeline and its updates.
const WAITING: usize = 1_024;

/// What of the rate has to be left.
const RATE: f64 = 0.8;
/// What of a processor the thread may take.
const SHARE: f64 = 0.05;

fn main() -> ExitCode {
    let rate = full_speed();
    let share = paced();
    println!("rate with the journal {rate:.2} of that without (target {RATE})");
    println!("journal's thread {:.1} % of a processor (target {:.0} %)", share * 1e2, SHARE * 1e2);
    if rate < RATE / 2.0 || share > SHARE * 2.0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Returns the median of what is left of the rate, run by run.
fn full_speed() -> f64 {
    println!("{:<10} {:>10} {:>10} {:>8} {:>8}", "updates/s", "without", "with", "commits", "rows");
    let mut left: Vec<f64> = Vec::new();
    for run in 0..RUNS {
        let (without, ..) = Bench::new(false).rate();
        let (with, commits, rows) = Bench::new(true).rate();
        println!("{run:<10} {without:>10.0} {with:>10.0} {commits:>8} {rows:>8}");
        left.push(with / without);
    }
    left.sort_by(f64::total_cmp);
    left[RUNS / 2]
}

/// Returns the share of a processor that the thread takes.
fn paced() -> f64 {
    println!("at {PER_SECOND} updates a second for {SECONDS} s, ms of processor time a second");
    println!("{:<10} {:>10} {:>10} {:>8} {:>8}", "", "updates", "journal", "commits", "rows");
    let mut share = 0.0;
    for kept in [false, true] {
        let (spent, commits, rows) = Bench::new(kept).paced();
        let name = if kept { "with" } else { "without" };
        let [updates, journal] = spent.map(|it| it.as_secs_f64() * 1e3 / f64::from(SECONDS));
        println!("{name:<10} {updates:>10.1} {journal:>10.1} {commits:>8} {rows:>8}");
        share = journal / 1e3;
    }
    share
}

/// The updates, on a runtime of one thread, which is this one.
struct Bench {
    runtime: Runtime,
    folder: TempDir,
    kept: bool,
}

impl Bench {
    fn new(kept: bool) -> Bench {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Bench { runtime, folder: tempfile::tempdir().unwrap(), kept }
    }

    /// Updates for each second, commits and rows.
    fn rate(self) -> (f64, u64, u64) {
        let (seconds, monitor) = self.runtime.block_on(async {
            let (journal, recovered) = self.journal();
            let monitor = journal.monitor();
            let (input, dispatcher) = dispatcher(journal, recovered);
            let feed = async {
                for n in 0..UPDATES {
                    for confirms in [false, true] {
                        let observation = Input::Observe(observation(n, confirms));
                        input.send(observation).await.unwrap();
                    }
                    input.send(Input::Through(Instant::now())).await.unwrap();
                }
                drop(input);
            };
            let start = Instant::now();
            let (ended, ()) = tokio::join!(dispatcher.run(), feed);
            assert_eq!(ended, Ended::Drained);
            (start.elapsed().as_secs_f64(), monitor)
        });
        (UPDATES as f64 / seconds, monitor.commits(), monitor.rows())
    }

    /// Processor time of the updates and of the journal's thread, commits and rows.
    fn paced(self) -> ([Duration; 2], u64, u64) {
        let this = fs::read_to_string("/proc/thread-self/comm").unwrap();
        self.runtime.block_on(async {
            let (journal, recovered) = self.journal();
            let monitor = journal.monitor();
            let (input, dispatcher) = dispatcher(journal, recovered);
            let before = [this.trim(), "journal"].map(|name| spent("self", Some(name)));
            let feed = async {
                let mut ticks = interval(Duration::from_millis(10));
                for tick in 0..SECONDS * 100 {
                    ticks.tick().await;
                    for n in 0..PER_SECOND / 100 {
                        let n = (tick * PER_SECOND / 100 + n) as usize;
                        for confirms in [false, true] {
                            let observation = Input::Observe(observation(n, confirms));
                            input.send(observation).await.unwrap();
                        }
                    }
                    input.send(Input::Through(Instant::now())).await.unwrap();
                }
                let after = [this.trim(), "journal"].map(|name| spent("self", Some(name)));
                drop(input);
                let spent = [after[0] - before[0], after[1] - before[1]];
                (spent, monitor.commits(), monitor.rows())
            };
            let (ended, measured) = tokio::join!(dispatcher.run(), feed);
            assert_eq!(ended, Ended::Drained);
            measured
        })
    }

    fn journal(&self) -> (Journal, Recovered) {
        let directory = self.folder.path().to_owned();
        if self.kept {
            Journal::start(Box::new(move || Store::open(&directory))).unwrap()
        } else {
            (Journal::off(), Recovered::default())
        }
    }
}

fn dispatcher(journal: Journal, recovered: Recovered) -> (mpsc::Sender<Input>, Dispatcher) {
    let (input, inputs) = mpsc::channel(WAITING);
    let (asks, _) = mpsc::channel(WAITING);
    let dispatcher = Dispatcher::new(Joints {
        input: inputs,
        asks,
        api: Arc::new(Willing),
        push: Arc::new(Willing),
        settings: settings(),
        orders: watch::channel(Arc::default()).1,
        outlook: watch::channel(Outlook::default()).0,
        journal,
        recovered,
        calendar: Calendar::new(Instant::now(), Timestamp::now()),
        story: Story::default(),
        traces: Traces::default(),
        counts: Arc::default(),
        beat: Pulse::default().add("updates"),
        seed: 1,
    });
    (input, dispatcher)
}

/// As the daemon has them where its file says nothing, without the guard over conversations that
/// are written all the time.
fn settings() -> Settings {
    let text = "rules = \"rules.toml\"\n[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"id\"\n\
                client_secret_file = \"secret\"\n[watch]\nall_users = true\n";
    let parsed = Config::parse("attributed.toml".as_ref(), text, &|_| None);
    let (config, ..) = parsed.unwrap();
    Settings {
        fight_key_writes: 0,
        fight_conversation_writes: 0,
        ..Settings::new(&config, Arc::new(|_| true))
    }
}

/// The `n`th value is wished for a conversation; or it is there.
fn observation(n: usize, confirms: bool) -> Observation {
    let (value, before) = (value(n), n.checked_sub(LIVE).map(value));
    let there = if confirms { Some(value.clone()) } else { before };
    let attributes: BTreeMap<String, String> = [
        ("cc.segment".to_owned(), there.unwrap_or_default()),
        ("crm.number".to_owned(), "0815".to_owned()),
    ]
    .into();
    let participant = ParticipantId::new(&format!("10000000-0000-4000-8000-{:012}", n % LIVE));
    let wish = Wish {
        participant: participant.clone(),
        key: "cc.segment".into(),
        value: value.into(),
        rule: "segment".into(),
        digest: 1,
        write: Write::Follow,
        dry_run: false,
        during_flow: false,
        useless_after: None,
        urgent: false,
    };
    Observation {
        conversation: ConversationId::new(&format!("00000000-0000-4000-8000-{:012}", n % LIVE)),
        at: Instant::now(),
        received_at: Timestamp::now(),
        participants: vec![Seen { participant, ended: false, attributes: Arc::new(attributes) }],
        wishes: vec![wish],
        over: false,
        queue: None,
        in_flow: false,
        from_read: false,
        rules_hash: 1,
        in_force: Arc::new(BTreeSet::from([1])),
    }
}

fn value(n: usize) -> String {
    format!("a value as rules have them, {n}")
}

/// Gives leave at once, and accepts everything.
struct Willing;

impl Push for Willing {
    fn push<'a>(
        &'a self,
        _permit: Permit,
        _conversation: &'a ConversationId,
        _participant: &'a ParticipantId,
        _parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        Box::pin(ready(Ok(Pushed {
            status: 202,
            correlation_id: None,
            before: None,
            restored: Vec::new(),
        })))
    }
}

impl Api for Willing {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(ready(Permit::of(class)))
    }

    fn call_with(&self, _permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let reason = "nobody answers".to_owned();
        Box::pin(ready(Err(CallError::Unreadable { operation: call.operation, reason })))
    }
}
