//! The server's end of a WebSocket, as a test plays it.

use std::future::pending;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const HEARTBEAT: &str =
    r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#;
const PONG: &str = r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#;

/// What the server is told to do.
#[derive(Debug)]
pub(crate) enum Do {
    Say(String),
    SayBinary(Vec<u8>),
    Ping,
    /// A close frame with this reason.
    Close(String),
    /// Neither reads nor writes any more, and does not hang up.
    FallSilent,
    /// Beats no more, and answers no ping.
    Ignore,
}

/// Plays a channel's socket until the commands' sender is gone.
pub(crate) async fn serve(stream: DuplexStream, mut commands: mpsc::Receiver<Do>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let mut ignores = false;
    let mut beat_at = Instant::now() + Duration::from_secs(30);
    loop {
        let say = tokio::select! {
            command = commands.recv() => match command {
                None => return,
                Some(Do::Say(text)) => Message::text(text),
                Some(Do::SayBinary(bytes)) => Message::binary(bytes),
                Some(Do::Ping) => Message::Ping(Vec::new().into()),
                Some(Do::Close(reason)) => {
                    let frame = CloseFrame { code: CloseCode::Away, reason: reason.into() };
                    Message::Close(Some(frame))
                }
                Some(Do::FallSilent) => pending().await,
                Some(Do::Ignore) => {
                    ignores = true;
                    continue;
                }
            },
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) if text.as_str().contains("ping") && !ignores => {
                    Message::text(PONG)
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            () = sleep_until(beat_at), if !ignores => {
                beat_at = Instant::now() + Duration::from_secs(30);
                Message::text(HEARTBEAT)
            }
        };
        if socket.send(say).await.is_err() {
            return;
        }
    }
}

/// Answers the handshake of a channel that is not there.
pub(crate) async fn refuse(mut stream: DuplexStream) {
    let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    if stream.write_all(answer).await.is_ok() {
        pending::<()>().await;
    }
}
