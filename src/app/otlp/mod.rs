//! Traces of updates, sent to a collector by OTLP over HTTP: one for each update, from the frame that
//! brought the oldest of it to the answer.
//!
//! Where to, and with what, is said by OpenTelemetry's own variables of the environment
//! (`OTEL_EXPORTER_OTLP_ENDPOINT` and others); where none names a collector, nothing is traced. The
//! requests go out as all others do, by the same proxies and authorities. Nothing depends on it: what
//! cannot be sent is lost, and said to be.
//!
//! No attribute's value is in them.

mod spans;
#[cfg(test)]
mod tests;

use std::env;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    SpanExporter, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{error, info, warn};

use self::spans::Spans;
use crate::genesys::outside::Outside;
use crate::machine;
use crate::updates::calendar::Calendar;
use crate::updates::traces::{Step, Traces};

/// So many steps go in one request; each is up to two spans of some hundred bytes.
const BATCH: usize = 512;
/// What comes within so long after the first goes with it.
const PACE: Duration = Duration::from_secs(1);
/// A collector is near; the default of OpenTelemetry's specification.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is left at the end of the process has so long to go.
const AT_THE_END: Duration = Duration::from_secs(2);

/// What sends traces, until the updates have ended.
pub(super) type Collecting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the updates hand over their steps, and what takes them up; nowhere and nothing where the
/// environment names no collector.
pub(super) fn collecting(outside: Arc<dyn Outside>, calendar: Calendar) -> (Traces, Collecting) {
    let names = [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT];
    if names.iter().all(|name| env::var_os(name).is_none_or(|value| value.is_empty())) {
        return (Traces::default(), Box::pin(async {}));
    }
    match Collector::new(outside, calendar) {
        Ok(collector) => {
            info!("traces of updates are sent");
            let (traces, steps) = Traces::collected();
            let work = AssertUnwindSafe(collector.run(steps)).catch_unwind();
            let work = async move {
                if work.await.is_err() {
                    error!(
                        "no more traces are sent: what sends them has failed; restart to begin anew"
                    );
                }
            };
            (traces, Box::pin(work))
        }
        Err(error) => {
            warn!(%error, "no traces are sent: see to the variables OTEL_EXPORTER_OTLP_… of the environment");
            (Traces::default(), Box::pin(async {}))
        }
    }
}

/// Does the updates' work and sends their traces beside it. Who has ended is not held up by a
/// collector that does not answer.
pub(super) async fn beside<T>(collecting: Collecting, updates: impl Future<Output = T>) -> T {
    let mut sent = collecting.fuse();
    let mut updates = std::pin::pin!(updates);
    let ended = tokio::select! {
        biased;
        ended = &mut updates => ended,
        () = &mut sent => return updates.await,
    };
    let _late = timeout(AT_THE_END, sent).await;
    ended
}

struct Collector {
    exporter: SpanExporter,
    /// Why the last request had no answer, which the exporter does not tell.
    unanswered: Arc<Mutex<Option<String>>>,
    spans: Spans,
    /// Steps that were not sent, of which nothing was said yet.
    lost: u64,
    failing: bool,
}

impl Collector {
    fn new(outside: Arc<dyn Outside>, calendar: Calendar) -> Result<Collector, ExporterBuildError> {
        let unanswered = Arc::default();
        let client = Way { outside, unanswered: Arc::clone(&unanswered) };
        let mut exporter = SpanExporter::builder().with_http().with_http_client(client).build()?;
        let service = Resource::builder()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        // The name in the environment counts, where there is one.
        let service = match env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => service,
            None => service.with_service_name(env!("CARGO_PKG_NAME")),
        };
        exporter.set_resource(&service.build());
        let spans = Spans { seed: machine::seed(), calendar };
        Ok(Collector { exporter, unanswered, spans, lost: 0, failing: false })
    }

    async fn run(mut self, mut steps: mpsc::Receiver<Step>) {
        while let Some(first) = steps.recv().await {
            let mut batch = vec![first];
            let full = Instant::now() + PACE;
            while batch.len() < BATCH
                && let Ok(Some(step)) = timeout_at(full, steps.recv()).await
            {
                batch.push(step);
            }
            self.send(&batch).await;
        }
    }

    async fn send(&mut self, steps: &[Step]) {
        self.lost += steps.iter().map(|step| step.dropped).sum::<u64>();
        let spans = steps.iter().flat_map(|step| self.spans.of(step)).collect();
        let Err(error) = self.exporter.export(spans).await else {
            if std::mem::take(&mut self.failing) || self.lost > 0 {
                let lost = std::mem::take(&mut self.lost);
                info!(lost, "traces are sent again");
            }
            return;
        };
        self.lost += u64::try_from(steps.len()).unwrap_or(u64::MAX);
        if !std::mem::replace(&mut self.failing, true) {
            let unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).take();
            let reason = unanswered.unwrap_or_else(|| error.to_string());
            warn!(
                reason,
                "traces cannot be sent and are lost: see to the collector and OTEL_EXPORTER_OTLP_ENDPOINT"
            );
        }
    }
}

/// The same way out as for everything else.
struct Way {
    outside: Arc<dyn Outside>,
    unanswered: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}

impl HttpClient for Way {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let sent = self.outside.send(request, TIMEOUT).await;
            let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
            *unanswered = sent.as_ref().err().map(ToString::to_string);
            drop(unanswered);
            Ok(sent?)
        })
    }
}
