//! The other end of the sockets, as cheap as can be: it asks nothing of what comes, and counts.
//!
//! A thread of its own serves HTTP/1.1 over loopback: a login, a directory of as many users as
//! wanted, channels, and every write of attributes is accepted. A WebSocket's handshake is answered,
//! and the socket handed to whoever writes [frames](frames::Frames) to it.

pub(crate) mod frames;

use std::hash::{DefaultHasher, Hasher};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Nothing that is waited for takes so long, also on a machine that is shared by many.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// What is accepted is accepted with these bytes.
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\n\
    inin-correlation-id: 7a3b1c52-6f0e-4b1d-9a57-2f6d3c1e8b90\r\ncontent-length: 0\r\n\r\n";

/// See the [module](self). It serves until the process ends.
pub(crate) struct OtherEnd {
    pub(crate) address: SocketAddr,
    pub(crate) tally: Arc<Tally>,
    sockets: mpsc::Receiver<TcpStream>,
}

/// The writes of attributes that were accepted.
#[derive(Default)]
pub(crate) struct Tally {
    writes: AtomicU64,
    bytes: AtomicU64,
    /// The sum of a hash of each, so that their order does not count.
    digest: AtomicU64,
    topics: AtomicU64,
}

/// What a [`Tally`] had counted at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) writes: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: u64,
    /// Topics that were subscribed to.
    pub(crate) topics: u64,
}

impl OtherEnd {
    pub(crate) fn start(users: u64) -> OtherEnd {
        let (told, address) = mpsc::channel();
        let (handed, sockets) = mpsc::channel();
        let tally = Arc::new(Tally::default());
        let service = Service { users, channels: Arc::default(), tally: Arc::clone(&tally) };
        let serve = async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                connections.spawn(service.clone().serve(stream, handed.clone()));
                while connections.try_join_next().is_some() {}
            }
        };
        thread::Builder::new()
            .name("other end".to_owned())
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
                runtime.unwrap().block_on(serve)
            })
            .unwrap();
        OtherEnd { address: address.recv().unwrap(), tally, sockets }
    }

    /// The next WebSocket that somebody opens.
    pub(crate) fn socket(&self) -> TcpStream {
        self.sockets.recv_timeout(PATIENCE).expect("nobody connects")
    }
}

impl Tally {
    pub(crate) fn now(&self) -> Counted {
        let [writes, bytes, digest, topics] =
            [&self.writes, &self.bytes, &self.digest, &self.topics]
                .map(|it| it.load(Ordering::Acquire));
        Counted { writes, bytes, digest, topics }
    }

    fn note(&self, request: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(request);
        self.digest.fetch_add(hasher.finish(), Ordering::Release);
        self.bytes.fetch_add(request.len() as u64, Ordering::Release);
        self.writes.fetch_add(1, Ordering::Release);
    }
}

impl Counted {
    /// What has come since.
    pub(crate) fn since(self, before: Counted) -> Counted {
        Counted {
            writes: self.writes - before.writes,
            bytes: self.bytes - before.bytes,
            digest: self.digest.wrapping_sub(before.digest),
            topics: self.topics - before.topics,
        }
    }
}

/// What is answered to whom.
#[derive(Clone, Default)]
pub(crate) struct Service {
    pub(crate) users: u64,
    pub(crate) channels: Arc<AtomicU64>,
    pub(crate) tally: Arc<Tally>,
}

impl Service {
    /// One connection, until its client has had enough of it.
    async fn serve(self, mut stream: tokio::net::TcpStream, handed: mpsc::Sender<TcpStream>) {
        let (mut input, mut output) = (Vec::with_capacity(16 << 10), Vec::new());
        loop {
            let mut at = 0;
            while let Some((head, end)) = request(&input[at..]) {
                let whole = &input[at..at + end];
                at += end;
                if whole.starts_with(b"PATCH ") {
                    self.tally.note(whole);
                    output.extend_from_slice(ACCEPTED);
                    continue;
                }
                let head = std::str::from_utf8(&whole[..head]).unwrap();
                if let Some(answer) = upgrade(head) {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    let stream = stream.into_std().unwrap();
                    stream.set_nonblocking(false).unwrap();
                    // The benchmark may be over.
                    drop(handed.send(stream));
                    return;
                }
                let body = &whole[head.len()..];
                let mut line = head.split(' ');
                let (method, target) = (line.next().unwrap(), line.next().unwrap());
                let host = header(head, "host").unwrap();
                let (status, body) = self.answer(method, target, host, body);
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
                output.extend_from_slice(answer.as_bytes());
            }
            input.drain(..at);
            if stream.write_all(&output).await.is_err() {
                return;
            }
            output.clear();
            if !matches!(stream.read_buf(&mut input).await, Ok(1..)) {
                return;
            }
        }
    }

    /// What the daemon asks for before there is anything to write.
    pub(crate) fn answer(
        &self,
        method: &str,
        target: &str,
        host: &str,
        body: &[u8],
    ) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match (method, path.trim_start_matches("/api/v2")) {
            (_, "/oauth/token") => (200, json!({ "access_token": "t", "expires_in": 86_400 })),
            ("GET", "/users") => (200, self.users(query)),
            ("POST", "/notifications/channels") => {
                let id = format!("streaming-{}", self.channels.fetch_add(1, Ordering::Relaxed));
                (200, json!({ "id": id, "connectUri": format!("ws://{host}/channels/{id}") }))
            }
            ("PUT", _) => {
                let topics: Vec<Value> = serde_json::from_slice(body).unwrap();
                self.tally.topics.fetch_add(topics.len() as u64, Ordering::Release);
                (200, json!({ "entities": topics }))
            }
            ("POST", "/analytics/conversations/details/query") => {
                (200, json!({ "conversations": [] }))
            }
            ("GET", "/routing/queues/divisionviews/all" | "/notifications/channels") => {
                (200, json!({ "entities": [], "pageSize": 100 }))
            }
            ("DELETE" | "HEAD", _) => (204, Value::Null),
            _ => (404, json!({ "status": 404, "code": "not.found", "message": "nothing here" })),
        }
    }

    fn users(&self, query: &str) -> Value {
        let number = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(name, _)| *name == key).unwrap().1.parse::<u64>().unwrap()
        };
        let (size, page) = (number("pageSize"), number("pageNumber"));
        let ids = ((page - 1) * size..page * size).take_while(|n| *n < self.users);
        let entities: Vec<Value> =
            ids.map(|n| json!({ "id": frames::user(n), "name": format!("User {n}") })).collect();
        json!({ "entities": entities, "pageCount": self.users.div_ceil(size) })
    }
}

/// The answer to the handshake of a WebSocket, if it is one.
pub(crate) fn upgrade(head: &str) -> Option<String> {
    let accept = derive_accept_key(header(head, "sec-websocket-key")?.as_bytes());
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
         connection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    ))
}

/// The length of the first request's head, and of all of it; `None` unless it has come whole.
pub(crate) fn request(input: &[u8]) -> Option<(usize, usize)> {
    let head = input.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&input[..head]).unwrap();
    let body = header(text, "content-length").map_or(0, |length| length.parse().unwrap());
    (input.len() >= head + body).then_some((head, head + body))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
