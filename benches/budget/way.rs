//! The way to the simulator and back: it takes its time, and knows what goes over it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::simulator::inside::InMemory;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use super::conditions::Conditions;

const RESET: &str = "inin-ratelimit-reset";

pub(crate) struct Way {
    simulator: InMemory,
    conditions: Conditions,
    start: Instant,
    passed: Mutex<Passed>,
}

/// What has gone over it.
struct Passed {
    random: StdRng,
    /// When the first answer came that was given after the allowance had changed.
    told: Option<Instant>,
    /// Refused requests that were sent when nothing new was to be told any more.
    careless: u64,
}

impl Way {
    /// Must be made when the simulator is.
    pub(crate) fn new(simulator: InMemory, conditions: Conditions) -> Arc<Way> {
        let random = StdRng::seed_from_u64(conditions.seed ^ 0x7761_7973);
        let passed = Mutex::new(Passed { random, told: None, careless: 0 });
        Arc::new(Way { simulator, conditions, start: Instant::now(), passed })
    }

    /// Refused requests that could have been known to be too many.
    pub(crate) fn careless(&self) -> u64 {
        self.passed.lock().unwrap().careless
    }

    /// There and back.
    fn latency(&self) -> (Duration, Duration) {
        let (least, most) = self.conditions.latency;
        let random = &mut self.passed.lock().unwrap().random;
        let both = random.random_range(least * 1_000..=most * 1_000);
        let there = random.random_range(0..=both);
        (Duration::from_micros(there), Duration::from_micros(both - there))
    }

    fn note(&self, sent: Instant, answered: Duration, status: u16) {
        let changes = self.conditions.change.map(|(at, _)| at);
        let mut passed = self.passed.lock().unwrap();
        if status == 429 && (changes.is_none() || passed.told.is_some_and(|told| sent > told)) {
            passed.careless += 1;
        }
        if passed.told.is_none() && changes.is_some_and(|at| answered > at) {
            passed.told = Some(Instant::now());
        }
    }
}

impl Outside for Way {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            let (sent, (there, back)) = (Instant::now(), self.latency());
            sleep(there).await;
            let answered = self.start.elapsed();
            let mut answer = self.simulator.send(request, timeout).await?;
            if answer.headers().contains_key(RESET) {
                let reset = HeaderValue::from(self.conditions.reset(answered));
                answer.headers_mut().insert(RESET, reset);
            }
            sleep(back).await;
            self.note(sent, answered, answer.status().as_u16());
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
