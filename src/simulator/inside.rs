//! The simulator in the same process: the daemon's way out without any network.
//!
//! Requests are function calls, WebSockets run over memory. Nothing looks at a real clock, so with
//! Tokio's time paused a day passes in seconds.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use tokio::io::duplex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Simulator;
use super::server::{answer, router};
use crate::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};

/// Bytes that may be on their way in a connection in memory: about what a socket's buffers hold.
const BUFFER: usize = 256 * 1024;

/// The largest answer that is passed on.
const LARGEST: usize = 32 * 1024 * 1024;

/// Where the simulator is, when it is nowhere.
const HOST: &str = "localhost";

/// The simulator as somebody's whole outside world. It plays for as long as this lives.
pub struct InMemory {
    simulator: Arc<Simulator>,
    router: Router,
    _driver: JoinSet<()>,
}

impl InMemory {
    /// Starts to play. Must be called within a Tokio runtime.
    pub fn start(simulator: Arc<Simulator>) -> InMemory {
        let router = router(&simulator);
        let mut driver = JoinSet::new();
        let driven = Arc::clone(&simulator);
        driver.spawn(async move {
            let stop: CancellationToken = driven.stop.clone();
            driven.drive(&stop).await;
        });
        InMemory { simulator, router, _driver: driver }
    }

    /// The simulator behind it.
    pub fn simulator(&self) -> &Arc<Simulator> {
        &self.simulator
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        self.simulator.stop.cancel();
    }
}

impl Outside for InMemory {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            let mut request = request.map(Body::from);
            let host = request.uri().authority().map_or(HOST, |authority| authority.as_str());
            let host = HeaderValue::from_str(host)
                .map_err(|error| SendError::Unreachable { reason: error.to_string() })?;
            request.headers_mut().entry(header::HOST).or_insert(host);
            let answered =
                tokio::time::timeout(timeout, answer(self.router.clone(), request)).await;
            let response = answered
                .map_err(|_| SendError::TimedOut { limit: timeout })?
                .map_err(|error| SendError::Broken { reason: error.to_string() })?;
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, LARGEST)
                .await
                .map_err(|_| SendError::TooLarge { limit: LARGEST })?;
            Ok(Response::from_parts(parts, body))
        })
    }

    fn connect<'a>(
        &'a self,
        _uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        Box::pin(async move {
            let (ours, theirs) = duplex(BUFFER);
            self.simulator.connection(ours, None, self.router.clone());
            let stream: Box<dyn ByteStream> = Box::new(theirs);
            Ok(stream)
        })
    }
}
