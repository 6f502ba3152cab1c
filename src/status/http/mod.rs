//! The listener of `monitoring.listen`: the status page, health and metrics, to be read and never to
//! be changed.
//!
//! Everything is bounded, for whoever can connect may be anybody: how many connections there are
//! ([`MAX_CONNECTIONS`]), how long each may take, how long and how many its headers are; no body is
//! read, and a connection carries one request. Who may ask is said in [`access`], what is answered
//! in [`routes`]. Nothing here waits for the loops that do the work, nor makes them wait: an answer
//! is made from what they left in a [`Source`]. No secret, attribute value, number, name or subject
//! is in any answer, because none is in a source.
//!
//! The status page is a few files ([`page`]) and a stream of events ([`events`]), the one answer
//! that may take longer than [`ANSWER_WITHIN`].

mod access;
pub mod events;
mod page;
mod routes;

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

pub use self::access::{Access, TokenError};
use super::control::Place;
use super::counts::Counts;
use super::overview::Overview;
use super::pulse::{Beat, IDLE_BEAT, Pulse};
use crate::config::Listen;

/// At a time; further ones are closed at once. Prometheus and a few people need five.
pub const MAX_CONNECTIONS: usize = 64;
/// For the whole head of the request: it is a few hundred bytes.
pub const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// For the request and its answer together: a scrape is some hundred kilobytes.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Of a request's line and headers.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// After a failure to accept, such as too many open files, that would be there again at once.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// What answers are made from.
#[derive(Clone, Debug)]
pub struct Source {
    pub overview: watch::Receiver<Arc<Overview>>,
    pub counts: Arc<Counts>,
    pub pulse: Pulse,
    /// Only its size is told.
    pub journal_file: PathBuf,
}

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    /// The place takes the file away when it is dropped.
    Unix(UnixListener, Place),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    source: Source,
    access: Arc<Access>,
    /// Places of those that stay open.
    streams: Arc<Semaphore>,
    connections: JoinSet<()>,
    beat: Beat,
}

enum Event {
    Connected(io::Result<Box<dyn Connection>>),
    ConnectionEnded,
    Idle,
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Listener {
    /// # Errors
    ///
    /// Why it cannot be had now; it may be later.
    pub async fn bind(listen: &Listen) -> Result<Listener, String> {
        match listen {
            Listen::Tcp(address) => {
                let bound = TcpListener::bind(address).await.map_err(|error| error.to_string())?;
                Ok(Listener::Tcp(bound))
            }
            Listen::Unix(path) => {
                let (listener, place) = Place::make(path).map_err(|error| error.to_string())?;
                let listener = UnixListener::from_std(listener);
                Ok(Listener::Unix(listener.map_err(|error| error.to_string())?, place))
            }
        }
    }

    /// Where it really is: the port where any was asked for.
    pub fn address(&self) -> String {
        match self {
            Listener::Tcp(listener) => {
                listener.local_addr().map_or_else(|error| error.to_string(), |it| it.to_string())
            }
            Listener::Unix(_, place) => format!("unix:{}", place.path().display()),
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Connection>> {
        match self {
            Listener::Tcp(listener) => Ok(Box::new(listener.accept().await?.0)),
            Listener::Unix(listener, _) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl Server {
    pub fn new(listener: Listener, source: Source, access: Arc<Access>, beat: Beat) -> Server {
        let streams = Arc::new(Semaphore::new(events::MAX_STREAMS));
        Server { listener, source, access, streams, connections: JoinSet::new(), beat }
    }

    /// Answers for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes every connection.
    pub async fn run(mut self) -> Infallible {
        loop {
            let event = self.next_event().await;
            self.beat.give();
            self.handle(event).await;
        }
    }

    async fn next_event(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(_ended) = self.connections.join_next() => Event::ConnectionEnded,
            connected = self.listener.accept() => Event::Connected(connected),
            () = sleep(IDLE_BEAT) => Event::Idle,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Connected(Ok(stream)) => {
                if self.connections.len() < MAX_CONNECTIONS {
                    let (source, access) = (self.source.clone(), Arc::clone(&self.access));
                    let streams = Arc::clone(&self.streams);
                    self.connections.spawn(serve(stream, source, access, streams));
                } else {
                    debug!("too many connections to the monitoring listener, one is closed");
                }
            }
            Event::Connected(Err(error)) => {
                warn!(%error, "a connection to the monitoring listener cannot be accepted, will retry");
                sleep(ACCEPT_AGAIN).await;
            }
            Event::ConnectionEnded | Event::Idle => {}
        }
    }
}

/// One request and its answer.
async fn serve(
    stream: Box<dyn Connection>,
    source: Source,
    access: Arc<Access>,
    streams: Arc<Semaphore>,
) {
    let stays_open = AtomicBool::new(false);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        // The body is dropped unread, and with it the connection.
        let (head, _body) = request.into_parts();
        let (source, access, streams, stays_open) = (&source, &access, &streams, &stays_open);
        async move {
            let answer = routes::answer(&head, source, access, streams).await;
            let is_stream = answer.extensions().get::<events::StaysOpen>().is_some();
            stays_open.store(is_stream, Ordering::Relaxed);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .keep_alive(false)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut ended = timeout(ANSWER_WITHIN, connection.as_mut()).await;
    if ended.is_err() && stays_open.load(Ordering::Relaxed) {
        // It ends by itself before, unless nobody reads it.
        ended = timeout(events::LASTS, connection).await;
    }
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection to the monitoring listener ended early"),
        Err(_) => debug!("a connection to the monitoring listener took too long and is closed"),
    }
}
