//! A directory that follows a script, for tests.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::Value;

use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};

type Script = Box<dyn FnMut(&Call) -> (u16, Value) + Send>;

/// Answers each call as the script says: a status and a body.
pub(crate) struct Fake {
    script: Mutex<Script>,
    /// Method, path and body of each call.
    asked: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn new(script: impl FnMut(&Call) -> (u16, Value) + Send + 'static) -> Fake {
        Fake { script: Mutex::new(Box::new(script)), asked: Mutex::default() }
    }

    /// The calls since the last time somebody looked.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Api for Fake {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(async move { Permit::of(class) })
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        assert_eq!(permit.class, Class::Directory);
        let body = call.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
        let line = format!("{} {} {}", call.method, call.path, body.unwrap_or_default());
        self.asked.lock().unwrap().push(line.trim_end().to_owned());
        let (status, body) = (self.script.lock().unwrap())(&call);
        let refusal = Refusal { operation: call.operation, status, ..Refusal::default() };
        Box::pin(async move {
            Err(match status {
                200 => {
                    return Ok(Answer {
                        status: StatusCode::OK,
                        correlation_id: None,
                        date: None,
                        body: Bytes::from(body.to_string()),
                    });
                }
                403 => CallError::Forbidden(refusal),
                404 => CallError::NotFound(refusal),
                429 => CallError::Throttled(refusal, Duration::from_secs(1)),
                500.. => CallError::Unavailable(refusal),
                _ => CallError::Refused(refusal),
            })
        })
    }
}
