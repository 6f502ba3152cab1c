//! 100,000 participants that wait to be written, and nobody gives leave.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use attributed::config::Config;
use attributed::genesys::call::{Answer, Api, Call, CallError, Class, Permit};
use attributed::genesys::{ConversationId, ParticipantId};
use attributed::status::counts::Counts;
use attributed::status::pulse::Pulse;
use attributed::updates::calendar::Calendar;
use attributed::updates::dispatcher::{Dispatcher, Input, Joints};
use attributed::updates::foresight::Outlook;
use attributed::updates::journal::{Journal, Store};
use attributed::updates::push::{Parcel, Push, Pushed};
use attributed::updates::settings::Settings;
use attributed::updates::story::Story;
use attributed::updates::traces::Traces;
use attributed::updates::wish::{Observation, Seen, Wish, Write};
use futures::future::{BoxFuture, pending};
use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use super::resident;

const PARTICIPANTS: u32 = 100_000;

pub(crate) fn measure(target: f64) -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let (before, after) = runtime.block_on(async {
        let directory = folder.path().to_owned();
        let (journal, recovered) =
            Journal::start(Box::new(move || Store::open(&directory))).unwrap();
        let monitor = journal.monitor();
        let (input, inputs) = mpsc::channel(1_024);
        let (asks, _asked) = mpsc::channel(1_024);
        let counts = Arc::new(Counts::default());
        let dispatcher = Dispatcher::new(Joints {
            input: inputs,
            asks,
            api: Arc::new(Nobody),
            push: Arc::new(Nobody),
            settings: settings(),
            orders: watch::channel(Arc::default()).1,
            outlook: watch::channel(Outlook::default()).0,
            journal,
            recovered,
            calendar: Calendar::new(Instant::now(), Timestamp::now()),
            story: Story::default(),
            traces: Traces::default(),
            counts: Arc::clone(&counts),
            beat: Pulse::default().add("updates"),
            seed: 1,
        });
        let mut running = JoinSet::new();
        running.spawn(dispatcher.run());
        let before = resident(Path::new("/proc/self"));
        let (rule, in_force): (Arc<str>, _) = ("segment".into(), Arc::new(BTreeSet::from([1])));
        for n in 0..PARTICIPANTS {
            let observation = observation(n, &rule, &in_force);
            input.send(Input::Observe(observation)).await.unwrap();
        }
        // Each is a row, at least.
        while counts.outbox.get() < PARTICIPANTS.into() || monitor.rows() < PARTICIPANTS.into() {
            sleep(Duration::from_millis(10)).await;
        }
        (before, resident(Path::new("/proc/self")))
    });
    let each = (after - before) / f64::from(PARTICIPANTS) * 1e3;
    println!("{each:>8.2}  for each 1,000 participants pending (the updates alone)");
    let verdict = if after < target { "" } else { "  MISSED" };
    println!("{after:>8.1}  in all with {PARTICIPANTS} pending, target below {target}{verdict}");
    if after < target { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As the daemon has them where its file says nothing.
fn settings() -> Settings {
    let text = "rules = \"rules.toml\"\n[genesys]\nregion = \"mypurecloud.de\"\nclient_id = \"id\"\n\
                client_secret_file = \"secret\"\n[watch]\nall_users = true\n";
    let parsed = Config::parse("attributed.toml".as_ref(), text, &|_| None);
    let (config, ..) = parsed.unwrap();
    // One rule may not take the last seventeenth of the outbox.
    let max_pending = PARTICIPANTS as usize * 17 / 16 + 1;
    Settings { max_pending, ..Settings::new(&config, Arc::new(|_| true)) }
}

/// Of a conversation in which a customer, with four attributes, is to have a fifth.
fn observation(n: u32, rule: &Arc<str>, in_force: &Arc<BTreeSet<u64>>) -> Observation {
    let attributes: BTreeMap<String, String> = [
        ("ivr.Priority", "5"),
        ("ivr.Skills", "bdc2cd3a-4485-5dcc-92ed-18cec587651d"),
        ("account.number", "AC-10042"),
        ("menu.choice", "billing"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let participant = ParticipantId::new(&format!("10000000-0000-4000-8000-{n:012}"));
    let wish = Wish {
        participant: participant.clone(),
        key: "cc.segment".into(),
        value: format!("a value as rules have them, {n}").into(),
        rule: Arc::clone(rule),
        digest: 1,
        write: Write::Follow,
        dry_run: false,
        during_flow: false,
        useless_after: None,
        urgent: false,
    };
    Observation {
        conversation: ConversationId::new(&format!("00000000-0000-4000-8000-{n:012}")),
        at: Instant::now(),
        received_at: Timestamp::now(),
        queue: None,
        participants: vec![Seen { participant, ended: false, attributes: Arc::new(attributes) }],
        wishes: vec![wish],
        over: false,
        in_flow: false,
        from_read: false,
        rules_hash: 1,
        in_force: Arc::clone(in_force),
    }
}

/// Gives no leave, ever.
struct Nobody;

impl Push for Nobody {
    fn push<'a>(
        &'a self,
        _permit: Permit,
        _conversation: &'a ConversationId,
        _participant: &'a ParticipantId,
        _parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        Box::pin(pending())
    }
}

impl Api for Nobody {
    fn permit(&self, _class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(pending())
    }

    fn call_with(&self, _permit: Permit, _call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(pending())
    }
}
