//! One hour: the world lives, things go wrong, the daemon runs; then all comes to rest, and is
//! judged.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use attributed::app::Ended;
use attributed::machine;
use attributed::signals::Intent;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Limits, RULES, Simulator};
use attributed::status::counts::Counts;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::clients;
use crate::ghosts::Ghosts;
use crate::judgement::{self, GHOSTS};
use crate::lives;
use crate::outcome::{Outcome, Tally};
use crate::scene::{REQUESTS_PER_MINUTE, Scene};
use crate::trace::Trace;
use crate::weather::Weather;

/// What a seed is played for, but where a defect is looked for.
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// New conversations a second: in the mean a few more than an hour must have.
const RATE: f64 = 0.06;
/// When nothing has come in for so long, nothing will: longer than a socket may be silent, a gap
/// takes to be looked into, and a read to confirm.
const QUIET: Duration = Duration::from_secs(240);
/// The longest that it may take to come to rest: the fight guard lets a key rest for ten minutes,
/// and may do so again.
const LONGEST_REST: Duration = Duration::from_secs(3_000);
/// What the calendar says at the beginning: a Monday.
pub(crate) const BEGINS: &str = "2026-03-02T08:00:00Z";

/// What the judges go by.
pub(crate) struct Facts<'a> {
    pub(crate) length: Duration,
    pub(crate) scene: &'a Scene,
    pub(crate) counts: &'a Counts,
    pub(crate) ended: Ended,
    pub(crate) verdict: simulator::oracle::Verdict,
    pub(crate) came_to_rest: bool,
    pub(crate) largest_outbox: u64,
    /// Conversations that the daemon held at the end, and those that live.
    pub(crate) held: u64,
    pub(crate) alive: u64,
}

/// How to play.
#[derive(Clone, Copy)]
pub(crate) struct Play {
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    /// With the simulator's part of the story.
    pub(crate) whole: bool,
    /// With a second client, and now and then one that is refused.
    pub(crate) two_clients: bool,
}

pub(crate) fn play(play: Play) -> Outcome {
    let begun = std::time::SystemTime::now();
    let dir = tempfile::tempdir().unwrap();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let mut outcome = runtime.unwrap().block_on(run(play, dir.path().to_owned()));
    outcome.took = begun.elapsed().unwrap_or_default();
    outcome
}

async fn run(play: Play, dir: std::path::PathBuf) -> Outcome {
    let Play { seed, length, whole, two_clients } = play;
    let base: Timestamp = BEGINS.parse().unwrap();
    let _playing = machine::play(seed, base);
    let trace = Trace::new(dir.to_str().unwrap(), whole);
    let log = tracing_subscriber::registry().with(trace.clone());
    let _logging = tracing::subscriber::set_default(log);
    let simulator = Simulator::new(simulator::Options {
        seed,
        shape: Shape { users: 20, rate: RATE, pace: 4.0, back_to_menu: true, ..Shape::default() },
        limits: Limits {
            requests: u64::from(REQUESTS_PER_MINUTE),
            token_life: Duration::from_secs(1_100),
            channel_life: Duration::from_secs(2_000),
            ..Limits::default()
        },
        base,
        more_clients: two_clients.then(clients::second).into_iter().collect(),
        ..simulator::Options::default()
    });
    simulator.rules(RULES).unwrap();
    let scene = Scene::new(simulator, dir, trace, two_clients);
    let counts = Arc::new(Counts::default());
    let largest_outbox = Cell::new(0);
    let story = async {
        let refusals = async {
            if two_clients {
                clients::refuse_now_and_then(&scene, seed, length).await;
            }
        };
        let weather = async {
            tokio::join!(Weather::new(&scene, seed).blow(length), refusals);
            let ghosts = Ghosts::gather(&scene.simulator).await;
            scene.simulator.stop_world();
            let at_rest = rest(&scene, &counts).await;
            scene.tally.borrow_mut().count(GHOSTS, ghosts.walk(&scene.simulator));
            at_rest && rest(&scene, &counts).await
        };
        let rest = tokio::select! {
            biased;
            rest = weather => rest,
            () = measure_outbox(&counts, &largest_outbox) => unreachable!("it is measured for ever"),
        };
        let verdict = scene.simulator.verdict();
        let held = counts.conversations.get();
        scene.tell(Intent::Stop).await;
        (rest, verdict, held)
    };
    let (ended, (rest, verdict, held)) = tokio::join!(lives::live(&scene, &counts), story);
    scene.daemon_is_gone();
    let alive = scene.simulator.look(|world| {
        world.open_conversations().iter().filter(|open| open.ended.is_none()).count() as u64
    });
    let facts = Facts {
        length,
        scene: &scene,
        counts: &counts,
        ended,
        verdict,
        came_to_rest: rest,
        largest_outbox: largest_outbox.get(),
        held,
        alive,
    };
    outcome(&facts)
}

/// Notes how many participants wait at most.
async fn measure_outbox(counts: &Counts, largest: &Cell<u64>) {
    loop {
        largest.set(largest.get().max(counts.outbox.get()));
        sleep(Duration::from_secs(1)).await;
    }
}

/// Waits until nothing happens any more; false if something always does.
async fn rest(scene: &Scene, counts: &Counts) -> bool {
    let begun = Instant::now();
    let mut quiet_since = (0, begun);
    while quiet_since.1.elapsed() < QUIET {
        if begun.elapsed() > LONGEST_REST {
            return false;
        }
        sleep(Duration::from_secs(1)).await;
        let frames = counts.frames.get();
        if frames != quiet_since.0 || counts.outbox.get() > 0 {
            quiet_since = (frames, Instant::now());
        }
    }
    scene.trace.note("* at rest".to_owned());
    true
}

fn outcome(facts: &Facts<'_>) -> Outcome {
    let scene = facts.scene;
    let requests = scene.simulator.requests();
    let mut tally: Tally = scene.tally.borrow().clone();
    judgement::measure(facts, &requests, &mut tally);
    let wrong = judgement::judge(facts, &requests, &tally);
    let lines = std::mem::take(&mut scene.trace.heard().lines);
    let mut hasher = DefaultHasher::new();
    for entry in &requests {
        let (what, how) = ((&entry.method, &entry.path, &entry.ids), (&entry.status, &entry.keys));
        (what, how, entry.started_us, entry.ended_us).hash(&mut hasher);
    }
    scene.simulator.frames_sent().hash(&mut hasher);
    // Without what is told to people only.
    let is_detail = |text: &str| text.starts_with("DEBUG ") || text.contains(" simulator::");
    for line in lines.iter().filter(|line| !is_detail(&line.text)) {
        line.text.hash(&mut hasher);
    }
    let trace = hasher.finish();
    Outcome { wrong, tally, trace, lines, requests, took: Duration::ZERO }
}
