//! What the daemon makes of frames on one core: the whole of it, from a socket on loopback to accepted
//! requests, with the limits lifted.
//!
//! Every frame tells of something new and costs one request, and the same bytes stand beside it: the
//! WebSocket library only reading the same frames, and the HTTP client, ours with its settings, only
//! sending the same requests. Each runs by itself on a runtime of one thread, and its rate is by the
//! processor time of that thread, so that neither the other end nor other work on the machine counts.
//! The other end, the same for all, has threads of its own. So has the journal, which is on in one of
//! three variants of the daemon: its thread is told of beside it, and the rate by the clock, too. In
//! another the daemon is looked at every other second: its metrics are scraped, its page is open, and its
//! log is at INFO, with a line for each request, on standard error. What it takes more than in the
//! seconds between is what that costs: two runs differ by more.
//!
//! What a daemon could reach at most is told, too: one that did nothing but read its socket, read the
//! JSON as ours does, and send.
//!
//! Fails if there are more or fewer accepted requests, matches or rows than there should be, if floor
//! and daemon have not sent the same bytes, or if a target is missed.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::disallowed_methods, reason = "its threads wait for another process or thread")]

#[path = "daemon/mod.rs"]
mod daemon;
#[path = "pipeline/floors.rs"]
mod floors;
#[path = "other_end/mod.rs"]
mod other_end;
#[path = "spent/mod.rs"]
mod spent;
#[path = "pipeline/watchers.rs"]
mod watchers;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use attributed::app::{Ended, Options};
use attributed::config::{Log, LogFormat, LogLevel, Network};
use attributed::genesys::http::Internet;
use attributed::signals::Intent;
use attributed::status::counts::Counts;
use attributed::status::logging::{self, Level, Verbosity};
use attributed::updates::journal::Monitor;
use floors::{DAEMON, Floors, frames, on_one_thread, rate};
use other_end::frames::Frames;
use other_end::{Counted, OtherEnd, PATIENCE, Tally};
use spent::spent;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;
use watchers::Watchers;

/// Conversations that live at the same time.
const LIVE: u64 = 4_096;
/// Frames of which a rate is made, after one round in which everything is set up.
const FRAMES: u64 = 10 * LIVE;
/// Frames that are under way at most, fewer than conversations: no two of one can become one request.
const AHEAD: u64 = 1_024;
const USERS: u64 = 50;
/// Of the daemon that is looked at: a second's, about.
const SLICE: u64 = 4 * LIVE;
/// Half of them are looked at.
const SLICES: u64 = 16;
/// Each of the four, in turns.
const ROUNDS: usize = 5;
/// Requests at the same time.
const WORKERS: usize = 64;

/// Of the lower floor.
const RATE: f64 = 0.6;
/// What of the rate has to be left with the journal.
const WITH_JOURNAL: f64 = 0.8;
/// Likewise where it is looked at.
const LOOKED_AT: f64 = 0.95;

/// What a daemon has beside what all have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Journal,
    Watchers,
}

fn main() -> ExitCode {
    let log = Log { format: LogFormat::Json, level: LogLevel::Error };
    let level = logging::set_up(&log, None).unwrap();
    println!("{FRAMES} frames, each with its request; a second of one core");
    println!(
        "{:<6} {:>9} {:>9} {:>9} {:>7} {:>9} {:>6} {:>9} {:>6} {:>8} {:>8} {:>9} {:>6}",
        "",
        "reading",
        "parsing",
        "sending",
        "at most",
        "daemon",
        "ratio",
        "journal",
        "ratio",
        "rows",
        "commits",
        "looked at",
        "ratio"
    );
    let mut bounds = Vec::new();
    let mut ratios: [Vec<f64>; 2] = Default::default();
    let mut slices: [Vec<Duration>; 2] = Default::default();
    let mut clocks: [Vec<f64>; 2] = Default::default();
    for round in 0..ROUNDS {
        // One for all: its address is part of every request.
        let other = OtherEnd::start(USERS);
        let floors = Floors::measure(&other);
        let without = Daemon::start(&other, With::Nothing).run();
        let with = Daemon::start(&other, With::Journal).run();
        let looks = Daemon::start(&other, With::Watchers).look(&level);
        let [alone, looked_at] = [&looks[0], &looks[1]].map(|of| rate(SLICE, median(of)));
        slices.iter_mut().zip(looks).for_each(|(all, these)| all.extend(these));
        for sent in [without.sent, with.sent] {
            assert_eq!(floors.sent, sent, "floor and daemon have not sent the same bytes");
        }
        assert_eq!(without.rows, 0);
        let ratio = without.rate / floors.lower();
        let left = with.rate / without.rate;
        let seen = looked_at / alone;
        println!(
            "{round:<6} {floors} {:>9.0} {ratio:>6.2} {:>9.0} {left:>6.2} {:>8} {:>8} {looked_at:>9.0} {seen:>6.2}",
            without.rate, with.rate, with.rows, with.commits
        );
        println!(
            "       by the clock {:.0}, with the journal {:.0}, whose thread took {:.0} % of a core",
            without.by_the_clock,
            with.by_the_clock,
            with.journal * 1e2
        );
        bounds.push(floors.at_most());
        ratios[0].push(ratio);
        ratios[1].push(left);
        clocks[0].push(without.by_the_clock);
        clocks[1].push(with.by_the_clock);
    }
    let [ratio, left] = ratios.map(|of| median(&of));
    let [without, with] = clocks.map(|of| median(&of));
    let [alone, looked_at] = slices.map(|of| median(&of));
    let seen = alone.as_secs_f64() / looked_at.as_secs_f64();
    let at_most = median(&bounds);
    println!("{ratio:.2} of the lower floor (target {RATE}, at most {at_most:.2})");
    println!(
        "{left:.2} of that with the journal (target {WITH_JOURNAL}); by the clock {:.2}",
        with / without
    );
    println!("{seen:.2} of that looked at (target {LOOKED_AT})");
    if ratio < RATE || left < WITH_JOURNAL || seen < LOOKED_AT {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn median<T: Copy + PartialOrd>(of: &[T]) -> T {
    let mut of = of.to_vec();
    of.sort_by(|one, other| one.partial_cmp(other).unwrap());
    of[of.len() / 2]
}

/// The daemon, from its configuration on.
struct Daemon<'o> {
    other: &'o OtherEnd,
    counts: Arc<Counts>,
    intents: mpsc::Sender<Intent>,
    monitor: Monitor,
    thread: JoinHandle<Ended>,
    /// What it works in.
    _folder: TempDir,
    with: With,
    listens: Option<SocketAddr>,
    source: Source,
    nothing_yet: Counted,
}

struct Measured {
    rate: f64,
    by_the_clock: f64,
    /// The share of a core that the journal's thread took.
    journal: f64,
    rows: u64,
    commits: u64,
    sent: Counted,
}

/// What some frames took: the daemon's thread, the journal's, and the time.
struct Took {
    daemon: Duration,
    journal: Duration,
    time: Duration,
}

impl<'o> Daemon<'o> {
    fn start(other: &'o OtherEnd, with: With) -> Daemon<'o> {
        let updates = format!("merge_window = \"0s\"\nworkers = {WORKERS}");
        let listens = (with == With::Watchers).then(watchers::free);
        let listen = listens.map(|address| address.to_string()).unwrap_or_default();
        let folder = daemon::folder(other.address, &updates, &listen);
        let (intents, told) = mpsc::channel(1);
        let counts = Arc::new(Counts::default());
        let options = Options { no_journal: with != With::Journal, ..Options::default() };
        let outside = Arc::new(Internet::new(&Network::default()).unwrap());
        let start = daemon::start(folder.path(), options, outside, Arc::clone(&counts), told);
        let (begun, monitor) = std::sync::mpsc::channel();
        let thread = on_one_thread(move |runtime| {
            runtime.block_on(async move {
                let app = start.begin().await.unwrap();
                begun.send(app.journal()).unwrap();
                app.run().await
            })
        });
        let monitor = monitor.recv().unwrap();
        until("it is subscribed", || counts.topics.get() == USERS);
        let (source, nothing_yet) = (Source::new(other), other.tally.now());
        let mut daemon = Daemon {
            other,
            counts,
            intents,
            monitor,
            thread,
            _folder: folder,
            with,
            listens,
            source,
            nothing_yet,
        };
        daemon.take(LIVE);
        daemon
    }

    /// So many frames more, until all are accepted.
    fn take(&mut self, frames: u64) -> Took {
        let (start, before) =
            (Instant::now(), [DAEMON, "journal"].map(|name| spent("self", Some(name))));
        self.source.send(frames);
        until("all are accepted", || self.counts.pushed.get() == self.source.sent);
        let (time, after) =
            (start.elapsed(), [DAEMON, "journal"].map(|name| spent("self", Some(name))));
        Took { daemon: after[0] - before[0], journal: after[1] - before[1], time }
    }

    /// What each slice took while nobody looked at it, and while somebody did.
    fn look(mut self, level: &Level) -> [Vec<Duration>; 2] {
        let mut spent: [Vec<Duration>; 2] = Default::default();
        for slice in 0..SLICES {
            if slice % 2 == 0 {
                spent[0].push(self.take(SLICE).daemon);
                continue;
            }
            level.set(Verbosity::from(LogLevel::Info));
            let watchers = Watchers::of(self.listens.unwrap());
            spent[1].push(self.take(SLICE).daemon);
            assert!(watchers.scrapes.load(Ordering::Relaxed) > 0, "nobody looked");
            watchers.go();
            level.set(Verbosity::from(LogLevel::Error));
        }
        let _sent = self.end(LIVE + SLICES * SLICE);
        spent
    }

    fn run(mut self) -> Measured {
        let took = self.take(FRAMES);
        let monitor = self.monitor.clone();
        let sent = self.end(LIVE + FRAMES);
        Measured {
            rate: rate(FRAMES, took.daemon),
            by_the_clock: rate(FRAMES, took.time),
            journal: took.journal.as_secs_f64() / took.time.as_secs_f64(),
            rows: monitor.rows(),
            commits: monitor.commits(),
            sent,
        }
    }

    /// Stops it, and looks whether all went as it should. Returns what was sent.
    fn end(self, all: u64) -> Counted {
        // What should not come has time to come, too.
        thread::sleep(Duration::from_millis(200));
        self.intents.try_send(Intent::Stop).unwrap();
        let ended = self.thread.join().unwrap();
        assert!(matches!(ended, Ended::Drained), "{ended}");

        let counts = &self.counts;
        let sent = self.other.tally.now().since(self.nothing_yet);
        let wrote = BTreeMap::from([(("patch_attributes", 202), all)]);
        let mut requests = counts.requests();
        requests.retain(|(operation, _), _| *operation == "patch_attributes");
        assert_eq!((requests, sent.writes), (wrote, all), "requests");
        assert_eq!((counts.frames.get(), counts.snapshots.get()), (all, all), "frames");
        assert_eq!(counts.matches.get(), all, "matches");
        // All but the last of each conversation were seen to be there.
        assert_eq!(counts.confirmed.get(), all - LIVE, "confirmed");
        let rows = self.monitor.rows();
        // Of each participant at least what waits or what was written, and no more than both, there
        // and gone, for each frame.
        let expected = if self.with == With::Journal { LIVE..=5 * all } else { 0..=0 };
        assert!(expected.contains(&rows), "{rows} rows, not {expected:?}");
        sent
    }
}

/// Writes frames to the daemon's socket, no more than a few ahead of what was accepted.
struct Source {
    frames: Frames,
    socket: TcpStream,
    tally: Arc<Tally>,
    /// Writes of others before.
    before: u64,
    sent: u64,
}

impl Source {
    fn new(other: &OtherEnd) -> Source {
        let (socket, tally) = (other.socket(), Arc::clone(&other.tally));
        let before = tally.now().writes;
        Source { frames: frames(), socket, tally, before, sent: 0 }
    }

    fn send(&mut self, frames: u64) {
        let end = self.sent + frames;
        while self.sent < end {
            let may = (self.tally.now().writes - self.before + AHEAD).min(end);
            if may == self.sent {
                thread::sleep(Duration::from_micros(100));
                continue;
            }
            self.frames.write(self.sent..may, &mut self.socket).unwrap();
            self.sent = may;
        }
    }
}

fn until(what: &str, it_is: impl Fn() -> bool) {
    let start = Instant::now();
    while !it_is() {
        assert!(start.elapsed() < PATIENCE, "it never came that {what}");
        thread::sleep(Duration::from_micros(500));
    }
}
