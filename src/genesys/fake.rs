//! For tests: an API and an outside that answer by a script, and remember what they were asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use tracing_subscriber::fmt::MakeWriter;

use super::call::{Answer, Api, Call, CallError, Class, Permit};
use super::error::read_answer;
use super::outside::{ByteStream, ChannelUri, Outside, SendError};

/// Answers each call by the next of its script.
pub(super) struct FakeApi {
    script: Mutex<VecDeque<Response<Bytes>>>,
    seen: Mutex<String>,
}

impl FakeApi {
    pub(super) fn new<'a>(script: impl IntoIterator<Item = (u16, &'a str)>) -> FakeApi {
        let script = script.into_iter().map(|(status, body)| response(status, body)).collect();
        FakeApi { script: Mutex::new(script), seen: Mutex::default() }
    }

    /// Method, path and body of each call, a line for each.
    pub(super) fn seen(&self) -> String {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Api for FakeApi {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(std::future::ready(Permit::of(class)))
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        assert_eq!(permit.class, call.class);
        let body = call.body.map_or_else(String::new, |body| {
            format!(" {}", String::from_utf8(body.to_vec()).unwrap())
        });
        *self.seen.lock().unwrap() += &format!("{} {}{body}\n", call.method, call.path);
        let response = self.script.lock().unwrap().pop_front().unwrap();
        Box::pin(std::future::ready(read_answer(call.operation, response, |after, _| {
            after.unwrap_or_default()
        })))
    }
}

/// Answers each request by a function of it, after its time.
pub(super) struct FakeOutside<F> {
    pub(super) answer: F,
    pub(super) latency: Duration,
}

impl<F> Outside for FakeOutside<F>
where
    F: Fn(&Request<Bytes>) -> Result<Response<Bytes>, SendError> + Send + Sync + 'static,
{
    fn send(
        &self,
        request: Request<Bytes>,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            (self.answer)(&request)
        })
    }

    fn connect<'a>(
        &'a self,
        _uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        let reason = "there are no channels here".to_owned();
        Box::pin(std::future::ready(Err(SendError::Unreachable { reason })))
    }
}

pub(super) fn response(status: u16, body: &str) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Response::builder().status(status).body(body).unwrap()
}

/// What was logged on this thread, at every level, while the guard lives.
pub(super) fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}
