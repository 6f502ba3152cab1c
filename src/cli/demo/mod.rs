//! `attributed demo`: the simulator and the daemon in one process, over real sockets.
//!
//! The daemon is the one of `run`, with a configuration in a folder of its own. The simulator plays
//! an organisation from a seed. With `--for` the traffic stops before the end, what waits is
//! pushed, and the simulator, which has counted and computed for itself, says whether every
//! attribute is as it should be.

mod folder;
mod table;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::folder::Folder;
use super::exit::Exit;
use super::print::{eprint, eprint_problems, print};
use super::{reread, run, runtime};
use crate::app::{Ended, Options, Start};
use crate::config::duration;
use crate::genesys::http::Internet;
use crate::signals::Intent;
use crate::simulator::world::Shape;
use crate::simulator::{self, Faults, Limits, Simulator};
use crate::status::counts::Counts;
use crate::status::logging;

/// What the simulated organisation may send in a minute. Genesys' default is 300; with this, half a
/// minute shows several windows' worth of an ordinary day.
const REQUESTS_PER_MINUTE: u64 = 1200;
/// In a burst as much of that as the default settings let go of the default allowance.
const REQUESTS_PER_SECOND: u64 = REQUESTS_PER_MINUTE / 15;
/// Between two summary lines.
const SUMMARY: Duration = Duration::from_secs(5);
/// Of the time given by `--for`, so much is for traffic; in the rest the lives that have begun go on
/// to their end and what waits is pushed.
const TRAFFIC: f64 = 0.6;
/// When nothing has come in for so long, nothing will.
const QUIET: Duration = Duration::from_secs(3);
/// The longest that the end is waited for, beyond `--for`.
const LAST_WAIT: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub(super) struct DemoArguments {
    /// End by itself after this time, with a table and a verdict [default: run until Ctrl-C]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    length: Option<Duration>,
    /// The same seed makes the same organisation and the same traffic [default: a random one]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What goes wrong by itself
    #[arg(long, value_enum, default_value_t = Faults::None)]
    faults: Faults,
    /// New conversations a second
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    rate: f64,
    /// Users of the organisation, all of them watched
    #[arg(long, value_name = "N", default_value_t = 50)]
    users: usize,
}

pub(super) fn demo(arguments: &DemoArguments) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    match runtime.block_on(play(arguments)) {
        Ok(exit) => exit,
        Err(error) => {
            eprint(&format!("error: the demo cannot be set up: {error}"));
            Exit::Unavailable
        }
    }
}

async fn play(arguments: &DemoArguments) -> io::Result<Exit> {
    let seed = arguments.seed.unwrap_or_else(|| rand::random_range(1..100_000));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let folder = Folder::new(address)?;
    let (config, warnings, _) = match reread(Some(&folder.config())) {
        Ok(loaded) => loaded,
        Err(problems) => {
            eprint_problems(&problems);
            return Ok(Exit::BadConfig);
        }
    };
    eprint_problems(&warnings);
    let level =
        logging::set_up(&config.log, Some(&folder.event_log())).map_err(io::Error::other)?;
    introduce(arguments, seed, address, &folder);

    let simulator = Simulator::new(options(arguments, seed));
    simulator.client_watches_all();
    let stop_simulator = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&simulator).serve(listener, stop_simulator.clone()));

    let intents = match run::intents() {
        Ok(intents) => intents,
        Err(exit) => return Ok(exit),
    };
    let (forward, forwarded) = mpsc::channel(8);
    let counts = Arc::new(Counts::default());
    let config_file = folder.config();
    let start = Start {
        outside: Arc::new(Internet::new(&config.network).map_err(io::Error::other)?),
        config,
        options: Options::default(),
        counts: Arc::clone(&counts),
        level: Some(level),
        intents: forwarded,
        reread: Box::new(move || reread(Some(&config_file)).map(|(config, ..)| config)),
    };
    let app = match start.begin().await {
        Ok(app) => app,
        Err(ended) => {
            eprint(&format!("error: {ended}"));
            return Ok(Exit::from(&ended));
        }
    };
    let mut rules = app.rules_text();
    let clients = app.clients();
    tell_rules(&simulator, &rules.borrow_and_update());
    let oracle = Arc::clone(&simulator);
    tasks.spawn(async move {
        while rules.changed().await.is_ok() {
            tell_rules(&oracle, &rules.borrow_and_update());
        }
    });

    let mut show = Show { length: arguments.length, simulator, counts, clients, intents, forward };
    let begun = Instant::now();
    let (ended, judged) = tokio::join!(app.run(), show.run());
    let exit = show.tell_end(&ended, judged, begun.elapsed());
    stop_simulator.cancel();
    tasks.shutdown().await;
    print(&format!("Rules, configuration and event log are still in {}", folder.path().display()));
    Ok(exit)
}

fn options(arguments: &DemoArguments, seed: u64) -> simulator::Options {
    // Short demos show whole lives all the same.
    let pace = arguments.length.map_or(1.0, |length| (length.as_secs_f64() / 60.0).clamp(0.2, 1.0));
    simulator::Options {
        seed,
        shape: Shape { users: arguments.users, rate: arguments.rate, pace, ..Shape::default() },
        faults: arguments.faults,
        limits: Limits { requests: REQUESTS_PER_MINUTE, ..Limits::default() },
        ..simulator::Options::default()
    }
}

fn introduce(arguments: &DemoArguments, seed: u64, address: std::net::SocketAddr, folder: &Folder) {
    print(&format!(
        "attributed demo, seed {seed}: a simulated Genesys Cloud at http://{address} and the daemon, in one process\n\
         \x20 rules      {}  (edit them, then: kill -HUP {})\n\
         \x20 event log  {}\n\
         \x20 ends       {}\n",
        folder.rules().display(),
        std::process::id(),
        folder.event_log().display(),
        arguments.length.map_or_else(
            || "with Ctrl-C".to_owned(),
            |length| { format!("after {}, with a verdict", duration::show(length)) }
        ),
    ));
}

/// The simulator judges by the rules that are in force.
fn tell_rules(simulator: &Simulator, text: &str) {
    if let Err(reason) = simulator.rules(text) {
        eprint(&format!("the simulator cannot judge by these rules: {reason}"));
    }
}

/// What the person in front of the terminal sees.
struct Show {
    length: Option<Duration>,
    simulator: Arc<Simulator>,
    counts: Arc<Counts>,
    clients: Arc<crate::genesys::clients::Clients>,
    intents: mpsc::Receiver<Intent>,
    forward: mpsc::Sender<Intent>,
}

impl Show {
    /// Sums up every few seconds until the end; then has the simulator judge, and stops the daemon.
    async fn run(&mut self) -> Option<simulator::oracle::Verdict> {
        let begun = Instant::now();
        let traffic_ends = self.length.map(|length| begun + length.mul_f64(TRAFFIC));
        let ends = self.length.map(|length| begun + length);
        let mut traffic = true;
        let mut next_summary = begun + SUMMARY;
        let mut quiet_since = (0, begun);
        loop {
            tokio::select! {
                intent = self.intents.recv() => {
                    let intent = intent.unwrap_or(Intent::Stop);
                    if intent == Intent::Stop {
                        return self.stop().await;
                    }
                    // A full queue holds the same intention already.
                    let _full = self.forward.try_send(intent);
                }
                () = sleep(Duration::from_millis(200)) => {}
            }
            let now = Instant::now();
            if now >= next_summary {
                next_summary = now + SUMMARY;
                print(&table::summary(&self.counts, &self.clients.usage(), begun.elapsed()));
            }
            if traffic && traffic_ends.is_some_and(|at| now >= at) {
                traffic = false;
                self.simulator.stop_world();
            }
            let frames = self.counts.frames.get();
            if frames != quiet_since.0 || self.counts.outbox.get() > 0 {
                quiet_since = (frames, now);
            }
            let quiet = now.saturating_duration_since(quiet_since.1) >= QUIET;
            if ends.is_some_and(|ends| now >= ends && quiet || now >= ends + LAST_WAIT) {
                return self.stop().await;
            }
        }
    }

    async fn stop(&self) -> Option<simulator::oracle::Verdict> {
        self.simulator.stop_world();
        let verdict = self.length.is_some().then(|| self.simulator.verdict());
        // The daemon may have ended by itself.
        let _gone = self.forward.send(Intent::Stop).await;
        verdict
    }

    fn tell_end(
        &self,
        ended: &Ended,
        verdict: Option<simulator::oracle::Verdict>,
        took: Duration,
    ) -> Exit {
        print(&table::table(&self.counts, &self.clients.usage(), took));
        print(&format!("daemon: {ended}"));
        let Some(verdict) = verdict else { return Exit::from(ended) };
        print(&table::verdict(&verdict));
        match ended {
            // Whose flow still runs is left waiting, and that is right.
            Ended::Drained | Ended::CutOff { .. } if verdict.is_right() => Exit::Fine,
            Ended::Drained | Ended::StoppedEarly | Ended::CutOff { .. } => Exit::Failed,
            Ended::CredentialsRefused(_)
            | Ended::WrongOrganization(_)
            | Ended::NothingPermitted { .. }
            | Ended::NoRules(_)
            | Ended::BadConfig(_)
            | Ended::StateInUse(_)
            | Ended::LoopFailed(_) => Exit::from(ended),
        }
    }
}
