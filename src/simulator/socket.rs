//! The WebSocket of one channel.
//!
//! Upgrades, hands over what its [`Wire`](super::channels::Wire) brings, beats every so often, and
//! answers `{"message":"ping"}` and subscriptions over the socket. It decides nothing: how it ends is
//! told from outside. A frame counts as delivered once it is written.

use std::hash::Hash as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::channels::{Attached, End, Frame};
use super::{Simulator, notifications, system};

/// A client that takes nothing for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a dropped connection is still read from, so that closing it does not destroy what the
/// client has not read yet.
const LINGER: Duration = Duration::from_secs(1);

/// How the next socket is received, where it is not as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// Accepts and hangs up.
    HangUp,
    /// Accepts and says nothing, ever.
    HalfOpen,
    /// 503 instead of a handshake.
    Refuse,
}

struct Socket {
    simulator: Arc<Simulator>,
    channel: String,
    stream: WebSocketStream<TokioIo<Upgraded>>,
    attached: Attached,
    beat: Interval,
}

enum Event {
    End(End),
    Send(Frame),
    Heard(Option<Result<Message, Error>>),
    Beat,
    Stop,
}

/// GET `/channels/{channelId}`.
pub(super) async fn upgrade(
    State(simulator): State<Arc<Simulator>>,
    Path(channel): Path<String>,
    mut request: Request,
) -> Response {
    let Some(accept) = accept_key(request.headers()) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    // Joined before the handshake is answered: who has the answer hears everything from then on.
    let (door, attached) = {
        let mut state = simulator.state();
        if state.channels.get(&channel).is_none() {
            return StatusCode::NOT_FOUND.into_response();
        }
        let door = state.doors.pop_front();
        if door == Some(Door::Refuse) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let Some(attached) = state.channels.attach(&channel) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        (door, attached)
    };
    simulator.wake();
    let upgrade = hyper::upgrade::on(&mut request);
    let shared = Arc::clone(&simulator);
    simulator.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => receive(shared, channel, attached, door, TokioIo::new(upgraded)).await,
            Err(error) => {
                tracing::debug!(channel, %error, "upgrade failed");
                shared.state().channels.detach(&channel, attached.number);
            }
        }
    });
    let headers = [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, accept.as_str()),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

fn accept_key(headers: &HeaderMap) -> Option<String> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    Some(derive_accept_key(headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes()))
}

async fn receive(
    simulator: Arc<Simulator>,
    channel: String,
    attached: Attached,
    door: Option<Door>,
    io: TokioIo<Upgraded>,
) {
    if door == Some(Door::HangUp) {
        simulator.state().channels.detach(&channel, attached.number);
        return;
    }
    if door == Some(Door::HalfOpen)
        && let Some(channel) = simulator.state().channels.get(&channel)
    {
        channel.silence();
    }
    let stream = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    let every = simulator.state().limits.heartbeat.max(Duration::from_millis(1));
    let mut beat = interval_at(Instant::now() + every, every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Socket { simulator, channel, stream, attached, beat }.run().await;
}

impl Socket {
    async fn run(mut self) {
        let end = self.talk().await;
        let (id, number) = (self.channel.clone(), self.attached.number);
        let simulator = Arc::clone(&self.simulator);
        match end {
            Some(End::Closed) => self.close().await,
            Some(End::Dropped) => self.drop_silently().await,
            Some(End::Silenced) => self.play_dead().await,
            None => {}
        }
        simulator.state().channels.detach(&id, number);
    }

    /// Goes on until it is told how to end, or `None` when the other side has ended.
    async fn talk(&mut self) -> Option<End> {
        loop {
            match self.next_event().await {
                Event::End(end) => return Some(end),
                Event::Stop => return Some(End::Closed),
                Event::Send(frame) => self.hand_over(frame).await.ok()?,
                Event::Beat => self.write(system::heartbeat().into()).await.ok()?,
                Event::Heard(Some(Ok(heard))) => self.answer(heard).await.ok()?,
                Event::Heard(Some(Err(_)) | None) => return None,
            }
        }
    }

    /// Waits for the next thing to happen; every branch is cancel safe.
    async fn next_event(&mut self) -> Event {
        let stop = self.simulator.stopped();
        tokio::select! {
            biased;
            () = stop => Event::Stop,
            end = self.attached.end.recv() => Event::End(end.unwrap_or(End::Dropped)),
            Some(frame) = self.attached.queue.recv() => Event::Send(frame),
            heard = self.stream.next() => Event::Heard(heard),
            _ = self.beat.tick() => Event::Beat,
        }
    }

    async fn hand_over(&mut self, frame: Frame) -> Result<(), Error> {
        self.write(frame.text).await?;
        if let Some(snapshot) = frame.snapshot {
            let mut state = self.simulator.state();
            let now = state.world_now();
            tracing::debug!(
                conversation_id = snapshot.body["id"].as_str(),
                sequence = snapshot.sequence,
                socket = self.attached.number,
                "delivered"
            );
            let number = self.attached.number;
            if state.truth.delivered(number, snapshot.sequence, &snapshot.body, now) {
                state.faults.note("frame out of order");
            }
        }
        Ok(())
    }

    async fn write(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        {
            let mut state = self.simulator.state();
            state.frames_sent += 1;
            self.attached.number.hash(&mut state.frames_digest);
            text.as_str().hash(&mut state.frames_digest);
        }
        match timeout(PATIENCE, self.stream.send(Message::Text(text))).await {
            Ok(result) => result,
            Err(_) => Err(Error::ConnectionClosed),
        }
    }

    async fn answer(&mut self, heard: Message) -> Result<(), Error> {
        match heard {
            Message::Text(text) => match self.reply(&text) {
                Some(reply) => self.write(reply.into()).await,
                None => Ok(()),
            },
            Message::Close(_) => Err(Error::ConnectionClosed),
            // Tungstenite answers pings by itself.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn reply(&self, text: &str) -> Option<String> {
        let heard: Value = serde_json::from_str(text).ok()?;
        match heard["message"].as_str()? {
            "ping" => Some(system::pong()),
            "subscribe" => {
                let topics: Option<Vec<String>> = heard["topics"].as_array().map(|topics| {
                    topics.iter().filter_map(|topic| Some(topic.as_str()?.to_owned())).collect()
                });
                let result = notifications::subscribe_over_socket(
                    &self.simulator,
                    &self.channel,
                    topics.unwrap_or_default(),
                );
                let (result, status) =
                    if result { ("200", "subscribed") } else { ("400", "failure") };
                Some(json!({ "result": result, "status": status }).to_string())
            }
            _ => None,
        }
    }

    /// Hands over what waits, then says goodbye.
    async fn close(mut self) {
        while let Ok(frame) = self.attached.queue.try_recv() {
            if self.hand_over(frame).await.is_err() {
                return;
            }
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let goodbye = async {
            self.stream.close(Some(frame)).await?;
            while let Some(heard) = self.stream.next().await {
                heard?;
            }
            Ok::<(), Error>(())
        };
        if timeout(LINGER, goodbye).await.is_err() {
            tracing::debug!(channel = self.channel, "client did not answer the goodbye");
        }
    }

    async fn drop_silently(mut self) {
        let raw = self.stream.get_mut();
        let linger = async {
            raw.shutdown().await?;
            let mut discarded = [0; 1_024];
            while raw.read(&mut discarded).await? > 0 {}
            Ok::<(), std::io::Error>(())
        };
        if timeout(LINGER, linger).await.is_err() {
            tracing::debug!(channel = self.channel, "client did not notice the drop at once");
        }
    }

    /// Reads what comes and says nothing, until the client leaves or another end is ordered.
    async fn play_dead(mut self) {
        let mut discarded = [0; 1_024];
        loop {
            let stop = self.simulator.stopped();
            tokio::select! {
                biased;
                () = stop => return,
                end = self.attached.end.recv() => match end {
                    Some(End::Silenced) => {}
                    Some(End::Closed | End::Dropped) | None => return,
                },
                Some(lost) = self.attached.queue.recv() => {
                    if lost.snapshot.is_some() {
                        self.simulator.state().faults.note("frame lost");
                    }
                }
                read = self.stream.get_mut().read(&mut discarded) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                },
            }
        }
    }
}
