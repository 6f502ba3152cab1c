//! One WebSocket: texts come out, and it tells when it is lost.
//!
//! Liveness (FACTS 2.2): whatever arrives counts as life; after `ping_after` of silence we ask,
//! after `dead_after` nobody is there. Protocol pings are answered while we read, so a reader that
//! is held up for long is hung up on. No reconnecting here, no meaning of texts, and the address
//! shows in no error.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tracing::debug;

use crate::config;
use crate::events::frame::printable;
use crate::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use crate::machine;
use crate::status::counts::{Counts, Drops};
use crate::status::overview::Loss;

/// The largest text that is taken. A conversation is about 6 KB; a hundred participants are a few
/// hundred. A larger one costs the connection, not the memory.
pub const MAX_TEXT: usize = 16 << 20;
/// Connecting and handshake together, through a proxy and TLS at a slow moment.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a polite goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// Twenty sockets idle most of the time; a conversation fits.
const READ_BUFFER: usize = 16 << 10;
/// FACTS 2.2.
const PING: &str = r#"{"message":"ping"}"#;
/// A close frame holds no more.
const LONGEST_REASON: usize = 123;

/// A text as it came from the socket: shared, not copied.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Utf8Bytes);

impl Text {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(text.into())
    }
}

/// Texts hold what must not be logged.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<Box<dyn ByteStream>>,
    /// What was looked at and is no text: for [`next`](Socket::next) to deal with.
    left: Option<Option<Result<Message, Error>>>,
    ping_after: Duration,
    dead_after: Duration,
    /// When anything arrived last.
    heard: Instant,
    /// When there was nothing last that had arrived and was not read.
    drained: Instant,
    /// When there was nothing to read, as far as that was looked at; it counts once more has come.
    found_empty: Instant,
    ping_at: Instant,
    /// The last segment of the address, which must not be quoted back at us.
    secret: String,
    counts: Arc<Counts>,
}

/// Why there is no socket. To be tried again with backoff, whatever it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Outside(#[from] SendError),
    /// The channel may be gone.
    #[error("the WebSocket handshake was answered with {0}")]
    Refused(u16),
    #[error("the WebSocket handshake failed: {0}")]
    Handshake(&'static str),
    #[error("no WebSocket within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// How a socket ended. It is of no more use, whatever it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("the server closed the connection ({0})")]
    Closed(String),
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    #[error("a frame of {size} bytes came, and {MAX_TEXT} are the limit")]
    Oversized { size: usize },
    #[error("a text came that is not UTF-8")]
    Garbled,
    #[error("the connection broke: {0}")]
    Broken(&'static str),
}

impl Lost {
    pub(crate) fn kind(&self) -> Loss {
        match self {
            Lost::Closed(_) => Loss::Closed,
            Lost::Silent(_) => Loss::Silent,
            Lost::Oversized { .. } | Lost::Garbled => Loss::Garbled,
            Lost::Broken(_) => Loss::Broken,
        }
    }

    pub(crate) fn count(&self, drops: &Drops) {
        match self.kind() {
            Loss::Closed => drops.closed.add(1),
            Loss::Silent => drops.silent.add(1),
            Loss::Garbled => drops.garbled.add(1),
            Loss::Broken => drops.broken.add(1),
            Loss::Evicted => drops.evicted.add(1),
        }
    }
}

impl Socket {
    /// Connects to a channel.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub(crate) async fn connect(
        outside: &dyn Outside,
        uri: &ChannelUri,
        settings: &config::Channels,
        counts: Arc<Counts>,
    ) -> Result<Socket, ConnectError> {
        let handshake = async {
            let stream = outside.connect(uri).await?;
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .max_message_size(Some(MAX_TEXT))
                .max_frame_size(Some(MAX_TEXT));
            let (stream, _) = client_async_with_config(uri.expose(), stream, Some(config))
                .await
                .map_err(|error| {
                    if let Error::Http(answer) = &error {
                        return ConnectError::Refused(answer.status().as_u16());
                    }
                    ConnectError::Handshake(describe(&error))
                })?;
            Ok(stream)
        };
        let stream = timeout(CONNECT_LIMIT, Box::pin(handshake))
            .await
            .unwrap_or(Err(ConnectError::TimedOut(CONNECT_LIMIT)))?;
        let heard = Instant::now();
        Ok(Socket {
            stream,
            left: None,
            ping_after: settings.ping_after,
            dead_after: settings.dead_after,
            heard,
            drained: heard,
            found_empty: heard,
            ping_at: heard + settings.ping_after,
            secret: uri.expose().rsplit('/').next().unwrap_or_default().to_owned(),
            counts,
        })
    }

    /// The next text, if it has come already. Where there is none, [`next`](Socket::next) tells
    /// why, and has to be asked: nobody is woken for what comes after this.
    pub(crate) fn next_come(&mut self) -> Option<Text> {
        if self.left.is_some() {
            return None;
        }
        match self.stream.poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(Message::Text(text)))) => {
                self.heard = Instant::now();
                self.ping_at = self.heard + self.ping_after;
                Some(Text(text))
            }
            Poll::Ready(other) => {
                self.left = Some(other);
                None
            }
            Poll::Pending => None,
        }
    }

    /// The next text. After an error there is none.
    ///
    /// # Cancel safety
    ///
    /// Safe: no text is lost.
    pub(crate) async fn next(&mut self) -> Result<Text, Lost> {
        loop {
            let mut waited = false;
            let message = poll_fn(|context| {
                if let Some(left) = self.left.take() {
                    return Poll::Ready(left);
                }
                let message = self.stream.poll_next_unpin(context);
                if message.is_pending() {
                    (waited, self.found_empty) = (true, Instant::now());
                }
                message
            });
            // What has arrived comes before the verdict that nothing does: the reader may have
            // been held up.
            tokio::select! {
                biased;
                message = message => {
                    self.heard = Instant::now();
                    self.drained = self.drained.max(if waited { self.heard } else { self.found_empty });
                    self.ping_at = self.heard + self.ping_after;
                    if let Some(text) = self.take(message).await? {
                        return Ok(text);
                    }
                }
                () = sleep_until(self.heard + self.dead_after) => {
                    return Err(Lost::Silent(self.dead_after));
                }
                () = sleep_until(self.ping_at) => self.ping().await?,
            }
        }
    }

    /// Up to when all that was sent has come out, as far as can be known: a reader that was held up
    /// reads texts that came long ago, and what would have come behind them may be lost.
    pub(crate) fn heard_all_until(&self) -> Timestamp {
        let now = machine::now();
        now.checked_sub(self.drained.elapsed()).unwrap_or(now)
    }

    /// Whether it has come out with all that was sent until then, and was alive after that.
    pub(crate) fn has_told_all_until(&self, at: Instant) -> bool {
        self.drained >= at
    }

    /// Asks at once whether anybody is there; the answer comes out of [`next`](Socket::next).
    pub(crate) fn ask(&mut self) {
        self.ping_at = Instant::now();
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, Error>>,
    ) -> Result<Option<Text>, Lost> {
        match message {
            Some(Ok(Message::Text(text))) => Ok(Some(Text(text))),
            Some(Ok(Message::Close(frame))) => {
                self.answer_close().await;
                let reason = frame.map_or_else(
                    || "no reason given".to_owned(),
                    |frame| {
                        let code = u16::from(frame.code);
                        let reason = self.quotable(frame.reason.as_str());
                        format!("{code} {reason}").trim_end().to_owned()
                    },
                );
                Err(Lost::Closed(reason))
            }
            Some(Ok(Message::Binary(_))) => {
                self.counts.frames_unreadable.add(1);
                debug!("a binary frame came, ignored");
                Ok(None)
            }
            // Tungstenite answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { size, .. }))) => {
                self.counts.frames_unreadable.add(1);
                Err(Lost::Oversized { size })
            }
            Some(Err(Error::Utf8(_))) => {
                self.counts.frames_unreadable.add(1);
                Err(Lost::Garbled)
            }
            Some(Err(error)) => Err(Lost::Broken(describe(&error))),
            None => Err(Lost::Closed("without a goodbye".to_owned())),
        }
    }

    /// Asks whether anybody is there. A peer that takes nothing in is as dead as a silent one.
    async fn ping(&mut self) -> Result<(), Lost> {
        self.ping_at = Instant::now() + self.ping_after;
        let ping = self.stream.send(Message::text(PING));
        match timeout_at(self.heard + self.dead_after, ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Lost::Broken(describe(&error))),
            Err(_) => Err(Lost::Silent(self.dead_after)),
        }
    }

    async fn answer_close(&mut self) {
        // It is lost either way: the server said so.
        if timeout(CLOSE_LIMIT, self.stream.flush()).await.is_err() {
            debug!("the server did not take our goodbye");
        }
    }

    /// Says that we shall close. What the server sent before it heard of it still comes out of
    /// [`next`](Socket::next), and then [`Lost::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves open whether the server is told.
    pub(crate) async fn finish(&mut self) {
        if !matches!(timeout(CLOSE_LIMIT, self.stream.close(None)).await, Ok(Ok(()))) {
            debug!("the server did not take our goodbye");
        }
    }

    fn quotable(&self, reason: &str) -> String {
        if !self.secret.is_empty() && reason.contains(&self.secret) {
            return "(a reason that names the channel)".to_owned();
        }
        printable(reason, LONGEST_REASON)
    }
}

/// What happened, without what the library quotes.
fn describe(error: &Error) -> &'static str {
    use std::io::ErrorKind;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "it was closed",
        Error::Io(error) if error.kind() == ErrorKind::ConnectionReset => "it was reset",
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "it ended early",
        Error::Io(error) if error.kind() == ErrorKind::BrokenPipe => "the pipe broke",
        Error::Io(error) if error.kind() == ErrorKind::TimedOut => "the network timed out",
        Error::Io(_) => "input or output failed",
        Error::Tls(_) => "TLS failed",
        Error::Capacity(_) => "something was too large",
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "it ended without a goodbye"
        }
        Error::Protocol(_) => "the server does not keep to the WebSocket protocol",
        Error::WriteBufferFull(_) => "the server takes nothing in",
        Error::Utf8(_) => "the server sent what is not UTF-8",
        Error::AttackAttempt => "the server's answer has the form of an attack",
        Error::Url(_) => "the address is not one for a WebSocket",
        Error::Http(_) | Error::HttpFormat(_) => "the server's answer is not one to a WebSocket",
    }
}

#[cfg(test)]
pub(crate) mod played;
#[cfg(test)]
mod tests;
