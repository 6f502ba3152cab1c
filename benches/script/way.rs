//! The way to the simulator; counts the yeses that arrive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::simulator::Simulator;
use attributed::simulator::inside::InMemory;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use tokio::time::sleep;

use crate::LATENCY;

pub(crate) struct Way {
    simulator: InMemory,
    told: Mutex<u64>,
}

impl Way {
    pub(crate) fn new(simulator: &Arc<Simulator>) -> Arc<Way> {
        let simulator = InMemory::start(Arc::clone(simulator));
        Arc::new(Way { simulator, told: Mutex::default() })
    }

    /// Yeses to writes so far.
    pub(crate) fn told(&self) -> u64 {
        *self.told.lock().unwrap()
    }
}

impl Outside for Way {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            let is_write = [Method::PATCH, Method::PUT].contains(request.method())
                && request.uri().path().contains("/participants/");
            sleep(LATENCY / 2).await;
            let answer = self.simulator.send(request, timeout).await?;
            sleep(LATENCY / 2).await;
            *self.told.lock().unwrap() += u64::from(is_write && answer.status().is_success());
            Ok(answer)
        })
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        self.simulator.connect(uri)
    }
}
