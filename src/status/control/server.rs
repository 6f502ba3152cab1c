//! The loop that takes connections, and what happens on each.
//!
//! Everything is bounded: how many connections there are at a time, how long a line is, how long
//! anybody may take. Nobody who connects can keep others out for longer than [`READ_WITHIN`] times
//! the places taken, nor make the service wait for them.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::peer::{Peer, may_ask};
use super::{Answer, Asked, MAX_REQUEST, Place, Request};
use crate::status::overview::{Newest, StatusNow};
use crate::status::pulse::{Beat, IDLE_BEAT};

/// At a time; of more, the kernel lets some wait. People and their scripts need one or two.
pub const MAX_CONNECTIONS: usize = 16;
/// For the whole request to come: it is one line, from this machine.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// For the service to answer: a reload looks at every live conversation, and has its own limit below.
const ANSWER_WITHIN: Duration = Duration::from_secs(80);
/// For the answer to be taken.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// After a failure to accept, such as too many open files, that would be there again at once.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    place: Arc<Place>,
    asks: mpsc::Sender<Asked>,
    newest: Newest,
    connections: JoinSet<()>,
    beat: Beat,
}

enum Event {
    Connected(io::Result<UnixStream>),
    ConnectionEnded,
    Idle,
}

/// What a line that was read came to.
enum Line {
    Request(Request),
    /// Nothing was asked: whoever it was wanted to see whether anybody listens.
    Empty,
    Bad {
        message: String,
        help: &'static str,
    },
}

impl Server {
    /// Has to be called inside of a runtime.
    ///
    /// # Errors
    ///
    /// If the listener cannot be registered with the runtime.
    pub fn new(
        (listener, place): (std::os::unix::net::UnixListener, Place),
        asks: mpsc::Sender<Asked>,
        newest: Newest,
        beat: Beat,
    ) -> io::Result<Server> {
        let listener = UnixListener::from_std(listener)?;
        let place = Arc::new(place);
        Ok(Server { listener, place, asks, newest, connections: JoinSet::new(), beat })
    }

    /// Answers for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes every connection and takes the socket away.
    pub async fn run(mut self) -> Infallible {
        loop {
            let event = self.next_event().await;
            self.beat.give();
            self.handle(event).await;
        }
    }

    async fn next_event(&mut self) -> Event {
        let room = self.connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            Some(_ended) = self.connections.join_next() => Event::ConnectionEnded,
            connected = self.listener.accept(), if room => {
                Event::Connected(connected.map(|(stream, _)| stream))
            }
            () = sleep(IDLE_BEAT) => Event::Idle,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Connected(Ok(stream)) => {
                let place = Arc::clone(&self.place);
                let (asks, newest) = (self.asks.clone(), self.newest.clone());
                self.connections.spawn(async move {
                    if let Err(error) = serve(stream, &place, asks, &newest).await {
                        debug!(%error, "a connection to the control socket ended early");
                    }
                });
            }
            Event::Connected(Err(error)) => {
                warn!(%error, "a connection to the control socket cannot be accepted, will retry");
                sleep(ACCEPT_AGAIN).await;
            }
            Event::ConnectionEnded | Event::Idle => {}
        }
    }
}

/// One question and one answer.
async fn serve(
    stream: UnixStream,
    place: &Place,
    asks: mpsc::Sender<Asked>,
    newest: &Newest,
) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let (read, mut write) = stream.into_split();
    let answer = if may_ask(Peer { uid: peer.uid(), gid: peer.gid() }, place.file()?) {
        match timeout(READ_WITHIN, read_request(read)).await {
            Ok(Ok(Line::Request(Request::Status))) => {
                Answer::Status(Box::new(StatusNow::from(newest.now())))
            }
            Ok(Ok(Line::Request(request))) => answer(request, asks).await,
            Ok(Ok(Line::Bad { message, help })) => failed(message, help),
            Ok(Ok(Line::Empty)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => failed("no request came in time", "send one line of JSON at once"),
        }
    } else {
        warn!(
            uid = peer.uid(),
            gid = peer.gid(),
            "somebody who may not was refused at the control socket: see its file mode"
        );
        failed(
            "you may not ask this service",
            "ask as root, as the service's own user, or as a member of the socket's group",
        )
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    match timeout(WRITE_WITHIN, write.write_all(&line)).await {
        Ok(written) => written,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the answer was not taken")),
    }
}

async fn read_request(read: impl tokio::io::AsyncRead + Unpin) -> io::Result<Line> {
    let mut line = Vec::new();
    let limit = MAX_REQUEST as u64;
    BufReader::new(read.take(limit)).read_until(b'\n', &mut line).await?;
    let help = "send one line of JSON, such as {\"request\":\"ping\"}";
    if line.is_empty() {
        return Ok(Line::Empty);
    }
    if line.last() != Some(&b'\n') && line.len() == MAX_REQUEST {
        let message = format!("the request is longer than {MAX_REQUEST} bytes");
        return Ok(Line::Bad { message, help });
    }
    Ok(match serde_json::from_slice(&line) {
        Ok(request) => Line::Request(request),
        Err(error) => Line::Bad { message: format!("not a request: {error}"), help },
    })
}

async fn answer(request: Request, asks: mpsc::Sender<Asked>) -> Answer {
    let (sender, receiver) = oneshot::channel();
    let whole = async {
        asks.send(Asked { request, answer: sender }).await.ok()?;
        receiver.await.ok()
    };
    match timeout(ANSWER_WITHIN, whole).await {
        Ok(Some(answer)) => answer,
        Ok(None) => failed("the service is stopping", "ask again when it has started anew"),
        Err(_) => failed(
            "the service is too busy to answer",
            "see its log; what was asked for may still be done",
        ),
    }
}

fn failed(message: impl Into<String>, help: &str) -> Answer {
    Answer::Failed { message: message.into(), help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> String {
        match read_request(text).await.unwrap() {
            Line::Request(request) => format!("{request:?}"),
            Line::Empty => "empty".to_owned(),
            Line::Bad { message, .. } => message,
        }
    }

    #[tokio::test]
    async fn a_line_is_a_request_or_says_what_is_wrong() {
        let long = [b'['; MAX_REQUEST + 1];
        for (text, expected) in [
            (&b"{\"request\":\"ping\"}\n"[..], "Ping"),
            (b"{\"request\":\"ping\"}", "Ping"),
            (
                b"{\"request\":\"reload\",\"wait\":true}\n",
                "Reload { plan: false, wait: true, confirm: false }",
            ),
            (b"{\"request\":\"rules-rollback\"}\n", "RulesRollback { set: None, confirm: false }"),
            (b"", "empty"),
            (b"\n", "not a request: EOF"),
            (b"\xff\xfe\n", "not a request: expected value"),
            (b"GET / HTTP/1.1\r\n", "not a request: expected value"),
            (b"{\"request\":\"reboot\"}\n", "not a request: unknown variant `reboot`"),
            (b"{\"request\":\"reload\",\"wiat\":true}\n", "not a request: unknown field `wiat`"),
            (&long, "longer than 16384 bytes"),
        ] {
            let got = read(text).await;
            assert!(got.contains(expected), "{:?}: {got}", String::from_utf8_lossy(text));
        }
    }
}
