//! One call to the API, its answer, and what may be done about a failure.
//!
//! These are the words between those who want something of Genesys Cloud and the one [`Api`] that
//! knows token, budget and connection. Nothing here waits by itself.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, StatusCode};
use jiff::Timestamp;

use super::outside::SendError;

/// What a call is for, in the order in which the budget serves (SEMANTICS 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Token,
    Channel,
    Update,
    Recovery,
    Directory,
}

/// Leave to make one request, already counted against the budget.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    pub class: Class,
    /// Whose budget it is from: the client's place in the configuration.
    pub client: usize,
}

impl Permit {
    /// Leave of the one client that there is, or of the first.
    pub fn of(class: Class) -> Permit {
        Permit { class, client: 0 }
    }
}

/// One call, before the token is added.
#[derive(Clone, Debug)]
pub struct Call {
    pub class: Class,
    /// A stable word for logs and metrics, such as `patch_attributes`.
    pub operation: &'static str,
    pub method: Method,
    /// From `/api/v2/…` on, with the query. Never holds a secret.
    pub path: String,
    /// JSON.
    pub body: Option<Bytes>,
}

/// An answer that says yes (2xx).
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// `ININ-Correlation-Id`, which Genesys' support asks for.
    pub correlation_id: Option<String>,
    /// The API's own clock.
    pub date: Option<Timestamp>,
    pub body: Bytes,
}

/// Why a call did not succeed: a variant for each thing that the caller may do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// 429. The account rests already; ask for leave again.
    #[error("{0}; the account rests for {rest} s", rest = .1.as_secs())]
    Throttled(Refusal, Duration),
    /// 401, with a fresh token too.
    #[error("{0}; the token was renewed and is refused all the same")]
    Unauthorized(Refusal),
    /// 403. Stop what it forbids, and name the permission.
    #[error("{0}")]
    Forbidden(Refusal),
    /// 404. It is over, or the id is wrong.
    #[error("{0}")]
    NotFound(Refusal),
    /// 409. Read again, then try again, a few times.
    #[error("{0}")]
    Conflict(Refusal),
    /// 400, 413, 415 and what else is refused for good: the same bytes cannot succeed.
    #[error("{0}")]
    Refused(Refusal),
    /// 408 and 5xx: try again with backoff. The server may have acted.
    #[error("{0}")]
    Unavailable(Refusal),
    /// No answer: try again with backoff.
    #[error("{operation}: {error}")]
    NoAnswer { operation: &'static str, error: SendError },
    /// A yes that cannot be read.
    #[error("{operation}: the answer cannot be read: {reason}")]
    Unreadable { operation: &'static str, reason: String },
    /// No token could be had for now: try again with backoff.
    #[error("no token: {0}")]
    NoToken(String),
    /// The credentials themselves are refused (400 `invalid_client`): nothing will succeed until
    /// somebody mends them.
    #[error("the credentials are refused: {0}")]
    Credentials(String),
}

/// What the server said when it said no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub operation: &'static str,
    pub status: u16,
    /// Genesys' stable word, such as `missing.permissions`; `None` when the body is no `ErrorBody`.
    pub code: Option<String>,
    /// One line, bounded, without control characters.
    pub message: String,
    pub correlation_id: Option<String>,
    pub missing_permissions: Vec<String>,
}

impl CallError {
    /// Returns true if and only if the server may have acted although we got no yes: what was sent
    /// is then *uncertain* (SEMANTICS 4).
    pub fn may_have_acted(&self) -> bool {
        match self {
            CallError::Unavailable(_) | CallError::Unreadable { .. } => true,
            CallError::NoAnswer { error, .. } => error.may_have_acted(),
            CallError::Throttled(..)
            | CallError::Unauthorized(_)
            | CallError::Forbidden(_)
            | CallError::NotFound(_)
            | CallError::Conflict(_)
            | CallError::Refused(_)
            | CallError::NoToken(_)
            | CallError::Credentials(_) => false,
        }
    }

    /// Returns true if and only if the same call may succeed later, without anybody mending anything
    /// but the network, the service or the credentials.
    pub fn is_for_now(&self) -> bool {
        match self {
            CallError::Throttled(..)
            | CallError::Unauthorized(_)
            | CallError::Conflict(_)
            | CallError::Unavailable(_)
            | CallError::NoAnswer { .. }
            | CallError::NoToken(_)
            | CallError::Credentials(_) => true,
            CallError::Forbidden(_)
            | CallError::NotFound(_)
            | CallError::Refused(_)
            | CallError::Unreadable { .. } => false,
        }
    }

    /// [`refusal`](CallError::refusal), to take out what should not be shown.
    pub fn refusal_mut(&mut self) -> Option<&mut Refusal> {
        match self {
            CallError::Throttled(refusal, _)
            | CallError::Unauthorized(refusal)
            | CallError::Forbidden(refusal)
            | CallError::NotFound(refusal)
            | CallError::Conflict(refusal)
            | CallError::Refused(refusal)
            | CallError::Unavailable(refusal) => Some(refusal),
            CallError::NoAnswer { .. }
            | CallError::Unreadable { .. }
            | CallError::NoToken(_)
            | CallError::Credentials(_) => None,
        }
    }

    /// Which of its requests Genesys is to be asked about, where it said so.
    pub fn correlation_id(&self) -> Option<&str> {
        self.refusal()?.correlation_id.as_deref()
    }

    /// What the server said, where it said anything.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            CallError::Throttled(refusal, _)
            | CallError::Unauthorized(refusal)
            | CallError::Forbidden(refusal)
            | CallError::NotFound(refusal)
            | CallError::Conflict(refusal)
            | CallError::Refused(refusal)
            | CallError::Unavailable(refusal) => Some(refusal),
            CallError::NoAnswer { .. }
            | CallError::Unreadable { .. }
            | CallError::NoToken(_)
            | CallError::Credentials(_) => None,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} answered {}", self.operation, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if !self.missing_permissions.is_empty() {
            write!(f, " (missing: {})", self.missing_permissions.join(", "))?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " [correlation_id {id}]")?;
        }
        Ok(())
    }
}

/// The API as everybody but its implementation sees it; also the seam that tests replace.
pub trait Api: Send + Sync + 'static {
    /// Waits for leave to make one request of this class.
    ///
    /// # Cancel safety
    ///
    /// Leave is taken at the last instant: a dropped future has spent nothing, but for a token that
    /// it was asking for.
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit>;

    /// Makes a call for which leave has been taken. A 401 is answered by one fresh token and one
    /// more request (for which leave is taken inside), but where an update would have to wait for
    /// that; nothing else is tried again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the request; the server may have acted on it.
    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>>;

    /// [`permit`](Api::permit), then [`call_with`](Api::call_with).
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(async move {
            let permit = self.permit(call.class).await;
            self.call_with(permit, call).await
        })
    }
}
