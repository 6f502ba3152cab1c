//! A week in virtual time: five conversations begin each minute, change after one and end after four.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use attributed::app::{Ended, Options};
use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::machine;
use attributed::signals::Intent;
use attributed::status::counts::Counts;
use bytes::Bytes;
use futures::future::{BoxFuture, ready};
use http::{Method, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::other_end::Service;
use super::other_end::frames::{CONNECTED, Frames, HEADER};
use super::{daemon, other_end, resident};

/// More conversations than are remembered in any way at once, but as over: each number is used
/// again after a day and a half.
const NUMBERS: u64 = 10_800;
const USERS: u64 = 50;
/// Everybody has hung up, and all is done.
const OVER: &str = "voice-inbound-06-wrapup-complete";
const EVERY: Duration = Duration::from_secs(12);
/// In steps of [`EVERY`].
const CHANGE: u64 = 5;
const END: u64 = 20;
const A_DAY: u64 = 24 * 3_600 / EVERY.as_secs();

pub(crate) fn measure(target: f64) -> ExitCode {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let days = runtime.block_on(week());
    let growth = days[6] - days[1];
    let shown: Vec<String> = days.iter().map(|day| format!("{day:.1}")).collect();
    let verdict = if growth < target { "" } else { "  MISSED" };
    println!(
        "{growth:>8.1}  more after a week than after two days, target below {target}{verdict}"
    );
    println!("          day by day: {}", shown.join(", "));
    if growth < target { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The memory after each day.
async fn week() -> Vec<f64> {
    let _playing = machine::play(1, "2026-03-02T08:00:00Z".parse().unwrap());
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let folder = daemon::folder(nowhere, "", "");
    let service = Service { users: USERS, ..Service::default() };
    let world = Arc::new(World { service, ..World::default() });
    let counts = Arc::new(Counts::default());
    let (intents, told) = mpsc::channel(1);
    let options = Options { no_journal: true, ..Options::default() };
    let outside = Arc::clone(&world) as Arc<dyn Outside>;
    let start = daemon::start(folder.path(), options, outside, Arc::clone(&counts), told);
    let running = tokio::spawn(async move { start.begin().await.unwrap().run().await });
    while counts.topics.get() < USERS {
        sleep(Duration::from_millis(100)).await;
    }
    let [connected, over] = [CONNECTED, OVER].map(|name| Frames::new(name, NUMBERS, USERS));
    let (start, mut days) = (Instant::now(), Vec::new());
    let (mut sent, mut wished) = (0, 0);
    for step in 0..7 * A_DAY {
        sleep_until(start + EVERY * u32::try_from(step).unwrap()).await;
        for (frames, after, more) in [(&connected, 0, 0), (&connected, CHANGE, 1), (&over, END, 2)]
        {
            let Some(n) = step.checked_sub(after) else { continue };
            // A later frame has another value.
            let ends = after == END;
            world.send(frames, n + more * NUMBERS, ends).await;
            sent += 1;
            wished += u64::from(!ends);
        }
        if (step + 1) % A_DAY == 0 {
            days.push(resident(Path::new("/proc/self")));
        }
    }
    sleep(Duration::from_secs(600)).await;
    assert_eq!(counts.frames.get(), sent, "frames");
    assert_eq!(counts.pushed.get(), wished, "accepted");
    intents.send(Intent::Stop).await.unwrap();
    let ended = running.await.unwrap();
    assert!(matches!(ended, Ended::Drained), "{ended}");
    days
}

/// Genesys Cloud, in this process and in memory.
#[derive(Default)]
struct World {
    service: Service,
    sockets: Arc<Mutex<Vec<DuplexStream>>>,
    /// What the live conversations are, for who reads one.
    live: Mutex<HashMap<String, Bytes>>,
}

impl World {
    /// Has everybody know of the `n`th frame.
    async fn send(&self, frames: &Frames, n: u64, ends: bool) {
        let mut frame = Vec::new();
        frames.append(n, &mut frame);
        let id = frames.request("", n).uri().path().split('/').nth(4).unwrap().to_owned();
        if ends {
            self.live.lock().unwrap().remove(&id);
        } else {
            self.live.lock().unwrap().insert(id, Bytes::copy_from_slice(&frame));
        }
        // The newest that is open.
        while let Some(mut socket) = self.newest() {
            if socket.write_all(&frame).await.is_ok() {
                self.sockets.lock().unwrap().push(socket);
                return;
            }
        }
        panic!("nobody listens");
    }

    fn newest(&self) -> Option<DuplexStream> {
        self.sockets.lock().unwrap().pop()
    }

    /// A conversation as its last frame told of it.
    fn read(&self, path: &str) -> Option<String> {
        let id = path.strip_prefix("/api/v2/conversations/")?;
        let frame = self.live.lock().unwrap().get(id).cloned()?;
        let mut frame: serde_json::Value = serde_json::from_slice(&frame[HEADER..]).unwrap();
        Some(frame["eventBody"].take().to_string())
    }
}

impl Outside for World {
    fn send(
        &self,
        request: Request<Bytes>,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        let (target, method) = (request.uri().path_and_query().unwrap().as_str(), request.method());
        let (status, body) = if method == Method::PATCH {
            (202, String::new())
        } else if let Some(body) = self.read(target) {
            (200, body)
        } else {
            let host = request.uri().host().unwrap();
            let (status, body) = self.service.answer(method.as_str(), target, host, request.body());
            (status, if body.is_null() { String::new() } else { body.to_string() })
        };
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(async move {
            // It takes a moment.
            sleep(Duration::from_millis(50)).await;
            Ok(answer)
        })
    }

    fn connect<'a>(
        &'a self,
        _uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        let (inside, mut outside) = duplex(1 << 16);
        let sockets = Arc::clone(&self.sockets);
        tokio::spawn(async move {
            let mut head = Vec::new();
            while other_end::request(&head).is_none() {
                assert!(outside.read_buf(&mut head).await.unwrap() > 0);
            }
            let answer = other_end::upgrade(std::str::from_utf8(&head).unwrap()).unwrap();
            outside.write_all(answer.as_bytes()).await.unwrap();
            sockets.lock().unwrap().push(outside);
        });
        Box::pin(ready(Ok(Box::new(inside) as Box<dyn ByteStream>)))
    }
}
