//! Asks the directory: one call, tried a few times, or all the pages of a listing.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use tokio::time::sleep;

use super::Failed;
use super::page::{self, Entry};
use crate::genesys::call::{Answer, Api, Call, CallError, Class};
use crate::machine;

/// Tries of one call before its source counts as failed: one bad answer must not cost a listing of
/// two hundred pages.
const TRIES: u32 = 3;
/// The wait before the second try; doubled for the third, and each shortened by chance.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Pages of one listing: an end that never comes must not be waited for.
const MAX_PAGES: u32 = 2000;

/// What somebody wants to know of the directory.
pub(crate) struct Asker<'a> {
    pub(crate) api: &'a dyn Api,
}

/// One question that is answered in pages.
pub(super) struct Question {
    pub(super) operation: &'static str,
    /// From `/api/v2/…` on, without the paging; for a search, the whole path.
    pub(super) path: String,
    pub(super) page_size: usize,
    /// For a search, which is paged in its body.
    pub(super) search: Option<Value>,
}

impl Asker<'_> {
    /// Asks until there is a last page.
    pub(super) async fn all(&self, question: &Question) -> Result<Vec<Entry>, CallError> {
        let operation = question.operation;
        let mut entries = Vec::new();
        for number in 1..=MAX_PAGES {
            let answer = self.call(question.page(number)).await?;
            let page = page::read(&answer.body, number, question.page_size)
                .map_err(|reason| CallError::Unreadable { operation, reason: reason.to_owned() })?;
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
        }
        let reason = format!("there are more than {MAX_PAGES} pages");
        Err(CallError::Unreadable { operation, reason })
    }

    /// Makes one call, a few times if need be.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match self.api.call(call.clone()).await {
                // Its rest is waited for by whoever gives leave.
                Err(CallError::Throttled(..)) => {}
                Err(error) if is_temporary(&error) => {
                    sleep(wait.mul_f64(machine::random_range(0.5..=1.0))).await;
                    wait *= 2;
                }
                settled => return settled,
            }
        }
        self.api.call(call).await
    }
}

impl Question {
    fn page(&self, number: u32) -> Call {
        let Question { operation, path, page_size, search } = self;
        let class = Class::Directory;
        let Some(search) = search else {
            let joint = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{joint}pageSize={page_size}&pageNumber={number}");
            return Call { class, operation, method: Method::GET, path, body: None };
        };
        let mut body = search.clone();
        body["pageSize"] = Value::from(*page_size);
        body["pageNumber"] = Value::from(number);
        let body = Some(Bytes::from(body.to_string()));
        Call { class, operation, method: Method::POST, path: path.clone(), body }
    }
}

/// Returns true if and only if the same question may be answered the next time.
pub(super) fn is_temporary(error: &CallError) -> bool {
    match error {
        CallError::Throttled(..)
        | CallError::Unavailable(_)
        | CallError::NoAnswer { .. }
        | CallError::NoToken(_)
        | CallError::Unauthorized(_)
        | CallError::Conflict(_)
        | CallError::Unreadable { .. } => true,
        CallError::Forbidden(_)
        | CallError::NotFound(_)
        | CallError::Refused(_)
        | CallError::Credentials(_) => false,
    }
}

/// Describes a failure so that it reads the same each time, and changes when its cause does.
/// `permissions` are those of FACTS 1.7, for when the server names none.
pub(super) fn failed(error: &CallError, about: String, permissions: &[&str]) -> Failed {
    let refusal = error.refusal();
    let named = refusal.map(|refusal| refusal.missing_permissions.clone()).unwrap_or_default();
    let permissions = match error {
        CallError::Forbidden(_) if named.is_empty() => {
            permissions.iter().map(|permission| (*permission).to_owned()).collect()
        }
        CallError::Forbidden(_) => named,
        CallError::Throttled(..)
        | CallError::Unauthorized(_)
        | CallError::NotFound(_)
        | CallError::Conflict(_)
        | CallError::Refused(_)
        | CallError::Unavailable(_)
        | CallError::NoAnswer { .. }
        | CallError::Unreadable { .. }
        | CallError::NoToken(_)
        | CallError::Credentials(_) => Vec::new(),
    };
    // The server's own message may quote what was searched for, and holds numbers that change.
    let reason = match refusal {
        Some(refusal) => {
            let code = refusal.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
            format!("{} answered {}{code}", refusal.operation, refusal.status)
        }
        None => error.to_string(),
    };
    let operation = match error {
        CallError::NoAnswer { operation, .. } | CallError::Unreadable { operation, .. } => {
            operation
        }
        CallError::Throttled(refusal, _)
        | CallError::Unauthorized(refusal)
        | CallError::Forbidden(refusal)
        | CallError::NotFound(refusal)
        | CallError::Conflict(refusal)
        | CallError::Refused(refusal)
        | CallError::Unavailable(refusal) => refusal.operation,
        CallError::NoToken(_) | CallError::Credentials(_) => "token",
    };
    Failed { operation, about, reason, permissions, temporary: is_temporary(error) }
}
