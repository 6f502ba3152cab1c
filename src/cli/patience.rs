//! The API for one command: what may go well in a moment is tried again, since nobody is there to do
//! so later.
//!
//! Only for commands. The daemon's loops have their own ways to wait.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use tokio::time::sleep;

use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit};

/// Tries of one call: Genesys Cloud's hiccups are over by the third, or are no hiccups.
const TRIES: u32 = 3;
/// Before the second try; doubled for the third.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The window of the account's budget. Longer than it no person waits without being told.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// An API that tries again.
pub(super) struct Patient {
    pub(super) api: Arc<dyn Api>,
}

impl Patient {
    async fn make(&self, permit: Permit, call: Call) -> Result<Answer, CallError> {
        let mut wait = FIRST_WAIT;
        let mut answer = self.api.call_with(permit, call.clone()).await;
        for _ in 1..TRIES {
            match again(&call, answer.as_ref().err()) {
                Again::No => break,
                // The rest is waited for where leave is given.
                Again::AfterRest => {}
                Again::AfterWait => {
                    sleep(wait).await;
                    wait *= 2;
                }
            }
            answer = self.api.call(call.clone()).await;
        }
        answer
    }
}

impl Api for Patient {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        self.api.permit(class)
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(self.make(permit, call))
    }
}

enum Again {
    No,
    AfterRest,
    AfterWait,
}

fn again(call: &Call, error: Option<&CallError>) -> Again {
    let Some(error) = error else { return Again::No };
    match error {
        CallError::Throttled(_, rest) if *rest <= LONGEST_REST => Again::AfterRest,
        // A PUT may change a state; made twice it could be refused for what it did itself.
        CallError::Unavailable(_) | CallError::NoAnswer { .. }
            if call.method == Method::PUT && error.may_have_acted() =>
        {
            Again::No
        }
        CallError::Unavailable(_) | CallError::NoAnswer { .. } => Again::AfterWait,
        CallError::Throttled(..)
        | CallError::Unauthorized(_)
        | CallError::Forbidden(_)
        | CallError::NotFound(_)
        | CallError::Conflict(_)
        | CallError::Refused(_)
        | CallError::Unreadable { .. }
        | CallError::NoToken(_)
        | CallError::Credentials(_) => Again::No,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::genesys::directory::fake::Fake;

    async fn tries(method: Method, statuses: &'static [u16]) -> (u16, usize) {
        let mut left = statuses.iter();
        let api = Arc::new(Fake::new(move |_| (*left.next().unwrap(), json!({}))));
        let patient = Patient { api: Arc::clone(&api) as Arc<dyn Api> };
        let call = Call {
            class: Class::Directory,
            operation: "test",
            method,
            path: "/api/v2/x".to_owned(),
            body: None,
        };
        let status = match patient.call(call).await {
            Ok(answer) => answer.status.as_u16(),
            Err(error) => error.refusal().unwrap().status,
        };
        (status, api.asked().len())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_go_well_is_tried_again() {
        for (method, statuses, expected) in [
            (Method::GET, &[503, 200][..], (200, 2)),
            (Method::GET, &[429, 503, 200], (200, 3)),
            (Method::PATCH, &[503, 503, 503, 200], (503, 3)),
            (Method::PUT, &[503, 200], (503, 1)),
            (Method::PUT, &[429, 200], (200, 2)),
            (Method::GET, &[404, 200], (404, 1)),
            (Method::GET, &[403, 200], (403, 1)),
        ] {
            assert_eq!(tries(method.clone(), statuses).await, expected, "{method} {statuses:?}");
        }
    }
}
