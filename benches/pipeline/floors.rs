//! What no daemon can do without: each by itself, on a thread of its own, by the processor time of it.

use std::fmt;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use attributed::config::Network;
use attributed::events::frame::Frame;
use attributed::genesys::http::Internet;
use attributed::genesys::outside::{ChannelUri, Outside};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::other_end::frames::{CONNECTED, Frames, HEADER};
use super::other_end::{Counted, OtherEnd, PATIENCE};
use super::spent::spent;
use super::{FRAMES, LIVE, USERS, WORKERS};

/// As the daemon has it.
const READ_BUFFER: usize = 16 << 10;
/// What the thread that is measured is called.
pub(crate) const DAEMON: &str = "measured";

/// By the second of a core.
pub(crate) struct Floors {
    reading: f64,
    parsing: f64,
    sending: f64,
    pub(crate) sent: Counted,
}

impl Floors {
    pub(crate) fn measure(other: &OtherEnd) -> Floors {
        let (sending, sent) = send(other);
        Floors { reading: read(other), parsing: parse(), sending, sent }
    }

    pub(crate) fn lower(&self) -> f64 {
        self.reading.min(self.sending)
    }

    /// What share of the lower floor all of them together would leave.
    pub(crate) fn at_most(&self) -> f64 {
        1.0 / (1.0 / self.reading + 1.0 / self.parsing + 1.0 / self.sending) / self.lower()
    }
}

impl fmt::Display for Floors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Floors { reading, parsing, sending, .. } = self;
        write!(f, "{reading:>9.0} {parsing:>9.0} {sending:>9.0} {:>7.2}", self.at_most())
    }
}

pub(crate) fn frames() -> Frames {
    Frames::new(CONNECTED, LIVE, USERS)
}

/// The first floor: frames for each second of a core, read and dropped.
fn read(other: &OtherEnd) -> f64 {
    let uri = ChannelUri::new(format!("ws://{}/channels/bare", other.address));
    let reader = on_one_thread(move |runtime| {
        runtime.block_on(async move {
            let outside = Internet::new(&Network::default()).unwrap();
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
            let stream = outside.connect(&uri).await.unwrap();
            let connected = client_async_with_config(uri.expose(), stream, Some(config)).await;
            let (mut socket, _) = connected.unwrap();
            let mut bytes = 0;
            for _ in 0..LIVE {
                bytes += socket.next().await.unwrap().unwrap().len();
            }
            let before = spent("self", Some(DAEMON));
            for _ in 0..FRAMES {
                bytes += socket.next().await.unwrap().unwrap().len();
            }
            (spent("self", Some(DAEMON)) - before, bytes)
        })
    });
    frames().write(0..LIVE + FRAMES, &mut other.socket()).unwrap();
    let (spent, bytes) = reader.join().unwrap();
    let mut one = Vec::new();
    frames().append(0, &mut one);
    assert_eq!(bytes as u64, (LIVE + FRAMES) * (one.len() as u64 - 4));
    rate(FRAMES, spent)
}

/// What reading the JSON takes: frames for each second of a core, as the daemon reads them.
fn parse() -> f64 {
    let parser = on_one_thread(|_| {
        let (frames, mut spent_on_it) = (frames(), Duration::ZERO);
        for batch in 0..FRAMES / LIVE {
            let texts: Vec<Vec<u8>> = (batch * LIVE..(batch + 1) * LIVE)
                .map(|n| {
                    let mut text = Vec::new();
                    frames.append(n, &mut text);
                    text
                })
                .collect();
            let before = spent("self", Some(DAEMON));
            for text in &texts {
                let text = std::str::from_utf8(&text[HEADER..]).unwrap();
                assert!(matches!(
                    Frame::read(text),
                    Frame::Conversation { conversation: Ok(_), .. }
                ));
            }
            spent_on_it += spent("self", Some(DAEMON)) - before;
        }
        spent_on_it
    });
    rate(FRAMES, parser.join().unwrap())
}

/// The second floor: requests for each second of a core, and what came of them.
fn send(other: &OtherEnd) -> (f64, Counted) {
    let before = other.tally.now();
    let url = format!("http://{}", other.address);
    let sender = on_one_thread(move |runtime| {
        let frames = frames();
        let requests: Vec<Request<Bytes>> =
            (0..LIVE + FRAMES).map(|n| frames.request(&url, n)).collect();
        runtime.block_on(async move {
            let outside = Internet::new(&Network::default()).unwrap();
            let send = |requests: Vec<Request<Bytes>>| {
                let sent = requests.into_iter().map(|it| outside.send(it, PATIENCE));
                let answers = stream::iter(sent).buffer_unordered(WORKERS);
                answers.for_each(async |answer| assert_eq!(answer.unwrap().status(), 202))
            };
            let mut first = requests;
            let rest = first.split_off(usize::try_from(LIVE).unwrap());
            send(first).await;
            let before = spent("self", Some(DAEMON));
            send(rest).await;
            spent("self", Some(DAEMON)) - before
        })
    });
    let spent = sender.join().unwrap();
    (rate(FRAMES, spent), other.tally.now().since(before))
}

/// On a thread of its own, whose processor time is measured.
pub(crate) fn on_one_thread<T: Send + 'static>(
    work: impl FnOnce(Runtime) -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = thread::Builder::new().name(DAEMON.to_owned());
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    thread.spawn(move || work(runtime())).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn rate(frames: u64, spent: Duration) -> f64 {
    frames as f64 / spent.as_secs_f64()
}
