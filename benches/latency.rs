//! From an event to its accepted request: the daemon as it is, over real sockets, with the limits
//! lifted and nothing gathered.
//!
//! Events come at a steady rate, each of a conversation that has something new to write. Measured is
//! from before the frame is written to the socket, to when the daemon has the answer that accepts the
//! write. Beside it stands the floor: one bare request by the same HTTP client, to the same server,
//! at the same rate and on a runtime like the daemon's, from before it is sent to its answer. What the
//! floor lacks, and no daemon can do without, is that a frame has to arrive. The two take turns of a
//! second, because machines are shared.
//!
//! Fails if there are more or fewer accepted requests or matches than events, or if the target is
//! missed.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::disallowed_methods, reason = "its threads wait for another process or thread")]

#[path = "daemon/mod.rs"]
mod daemon;
#[path = "other_end/mod.rs"]
mod other_end;

use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use attributed::app::{Ended, Options};
use attributed::config::Network;
use attributed::genesys::http::Internet;
use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::signals::Intent;
use attributed::status::counts::Counts;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use other_end::frames::{CONNECTED, Frames};
use other_end::{Counted, OtherEnd, PATIENCE};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// Events a second, and for how many seconds.
const RATES: [(u64, u64); 3] = [(100, 20), (1_000, 10), (5_000, 10)];
/// Where the target is.
const JUDGED: u64 = 1_000;
/// Times the floor's 99th percentile.
const TARGET: f64 = 3.0;
/// Conversations that live at the same time.
const LIVE: u64 = 10_000;
const USERS: u64 = 50;
/// As many as the configuration allows.
const WORKERS: usize = 256;

fn main() -> ExitCode {
    println!("from an event to its accepted request, ms, and one bare request");
    println!(
        "{:<10} {:>7} {:>7} {:>7}   {:>7} {:>7} {:>7}   {:>6} {:>6} {:>6}",
        "events", "p50", "p99", "p99.9", "floor", "", "", "ratio", "", ""
    );
    let mut bench = Bench::new("0s");
    let mut judged = f64::NAN;
    for (rate, seconds) in RATES {
        let (mut events, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..seconds {
            bare.extend(bench.bare(rate));
            events.extend(bench.events(rate, rate));
        }
        let (events, bare) = (Times::new(events), Times::new(bare));
        let shares = [500, 990, 999];
        let [[p50, p99, p999], [f50, f99, f999]] =
            [&events, &bare].map(|it| shares.map(|share| it.quantile(share)));
        println!(
            "{:<10} {p50:>7.3} {p99:>7.3} {p999:>7.3}   {f50:>7.3} {f99:>7.3} {f999:>7.3}   {:>6.1} {:>6.1} {:>6.1}",
            format!("{rate}/s"),
            p50 / f50,
            p99 / f99,
            p999 / f999,
        );
        if rate == JUDGED {
            judged = p99 / f99;
        }
    }
    bench.end();
    let mut gathered = Bench::new("50ms");
    let times = Times::new(gathered.events(100, 1_000));
    let [p50, p99] = [500, 990].map(|share| times.quantile(share));
    println!("{:<10} {p50:>7.3} {p99:>7.3}   gathered for 50 ms", "100/s");
    gathered.end();
    println!("p99 at {JUDGED}/s is {judged:.1} times the floor's (target below {TARGET})");
    if judged < TARGET { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A daemon and the other end, and a client beside it.
struct Bench {
    other: OtherEnd,
    before: Counted,
    socket: TcpStream,
    frames: Frames,
    inside: Runtime,
    timed: Arc<Timed>,
    counts: Arc<Counts>,
    intents: mpsc::Sender<Intent>,
    daemon: JoinHandle<Ended>,
    /// What it works in.
    _folder: TempDir,
    /// Events so far.
    sent: u64,
    /// Of the floor.
    beside: Runtime,
    bare: Arc<Internet>,
    bare_sent: u64,
}

impl Bench {
    fn new(merge_window: &str) -> Bench {
        let other = OtherEnd::start(USERS);
        let updates = format!("merge_window = \"{merge_window}\"\nworkers = {WORKERS}");
        let folder = daemon::folder(other.address, &updates, "");
        let (intents, told) = mpsc::channel(1);
        let (counts, timed) = (Arc::new(Counts::default()), Arc::new(Timed::new()));
        let outside = Arc::clone(&timed) as Arc<dyn Outside>;
        let start =
            daemon::start(folder.path(), Options::default(), outside, Arc::clone(&counts), told);
        let inside = runtime();
        let daemon = inside.spawn(async move { start.begin().await.unwrap().run().await });
        let socket = other.socket();
        until("it is subscribed", || counts.topics.get() == USERS);
        let (beside, bare) = (runtime(), Arc::new(Internet::new(&Network::default()).unwrap()));
        let frames = Frames::new(CONNECTED, LIVE, USERS);
        let (sent, bare_sent) = (0, 0);
        Bench {
            before: other.tally.now(),
            other,
            socket,
            frames,
            inside,
            timed,
            counts,
            intents,
            daemon,
            _folder: folder,
            sent,
            beside,
            bare,
            bare_sent,
        }
    }

    /// How long each of so many events takes.
    fn events(&mut self, rate: u64, number: u64) -> Vec<Duration> {
        let (first, mut sent) = (self.sent, Vec::new());
        steadily(rate, number, |n| {
            sent.push(Instant::now());
            self.frames.write(first + n..first + n + 1, &mut self.socket).unwrap();
        });
        self.sent += number;
        until("all are accepted", || self.counts.pushed.get() >= self.sent);
        let accepted = std::mem::take(&mut *self.timed.accepted.lock().unwrap());
        assert_eq!(accepted.len() as u64, number, "requests");
        let after = accepted.into_iter().map(|(value, at)| {
            let n = value - self.frames.live - first;
            at - sent[usize::try_from(n).unwrap()]
        });
        after.collect()
    }

    /// How long each of so many bare requests takes, for a second.
    fn bare(&mut self, rate: u64) -> Vec<Duration> {
        let url = format!("http://{}", self.other.address);
        let (due, mut dues) = mpsc::unbounded_channel();
        let bare = Arc::clone(&self.bare);
        let sending = self.beside.spawn(async move {
            let mut under_way = JoinSet::new();
            while let Some(request) = dues.recv().await {
                let bare = Arc::clone(&bare);
                under_way.spawn(async move {
                    let start = Instant::now();
                    let answer = bare.send(request, PATIENCE).await.unwrap();
                    assert_eq!(answer.status(), 202);
                    start.elapsed()
                });
            }
            under_way.join_all().await
        });
        let first = self.bare_sent;
        steadily(rate, rate, |n| {
            due.send(self.frames.request(&url, first + n)).unwrap();
        });
        self.bare_sent += rate;
        drop(due);
        self.beside.block_on(sending).unwrap()
    }

    fn end(self) {
        // What should not come has time to come, too.
        thread::sleep(Duration::from_millis(200));
        self.intents.try_send(Intent::Stop).unwrap();
        let ended = self.inside.block_on(self.daemon).unwrap();
        assert!(matches!(ended, Ended::Drained), "{ended}");
        let counts = &self.counts;
        let written = self.other.tally.now().since(self.before).writes;
        assert_eq!(written, self.sent + self.bare_sent, "requests");
        assert_eq!((counts.frames.get(), counts.matches.get()), (self.sent, self.sent), "matches");
        assert_eq!(counts.pushed.get(), self.sent, "accepted");
    }
}

/// Does something so often, at this rate.
fn steadily(rate: u64, number: u64, mut each: impl FnMut(u64)) {
    let start = Instant::now();
    for n in 0..number {
        let due = start + Duration::from_nanos(n * 1_000_000_000 / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        each(n);
    }
}

/// The internet, with a note of when each value was accepted.
struct Timed {
    internet: Internet,
    accepted: Mutex<Vec<(u64, Instant)>>,
}

impl Timed {
    fn new() -> Timed {
        let internet = Internet::new(&Network::default()).unwrap();
        Timed { internet, accepted: Mutex::default() }
    }
}

impl Outside for Timed {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        let value = number_in(request.body());
        Box::pin(async move {
            let answer = self.internet.send(request, timeout).await?;
            if let (202, Some(value)) = (answer.status().as_u16(), value) {
                self.accepted.lock().unwrap().push((value, Instant::now()));
            }
            Ok(answer)
        })
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        self.internet.connect(uri)
    }
}

/// With which a value ends: `…, 000000000017"}}`.
fn number_in(body: &[u8]) -> Option<u64> {
    let value = body.strip_suffix(b"\"}}")?;
    let digits = std::str::from_utf8(value.last_chunk::<12>()?).ok()?;
    digits.parse().ok()
}

/// In ascending order.
struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Times {
        times.sort();
        Times(times)
    }

    /// Milliseconds that so many in a thousand stayed below.
    fn quantile(&self, per_mille: usize) -> f64 {
        let at = (self.0.len() * per_mille / 1_000).min(self.0.len() - 1);
        self.0[at].as_secs_f64() * 1e3
    }
}

/// As the program's own: everything waits on sockets and timers.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn until(what: &str, it_is: impl Fn() -> bool) {
    let start = Instant::now();
    while !it_is() {
        assert!(start.elapsed() < PATIENCE, "it never came that {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
