//! The account: everything between a call and the outside world.
//!
//! Adds the token, waits for leave, makes the request, reads the answer, and learns from it about
//! the budget. It repeats one thing only: a call that was refused with 401, once, with a fresh
//! token, unless what it says may be out of date by then. What is asked and why is its callers' business.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};
use super::error::read_answer;
use super::outside::Outside;
pub use super::pacer::WindowEnds;
use super::pacer::{Pacer, RateHeaders, Settings, Usage};
pub use super::token::TokenState;
use super::token::{Token, Tokens};
use crate::config::{Client, Genesys, Updates};
use crate::status::counts::Counts;

/// Far above any answer that is still of use: the slowest call is a details query of some seconds.
/// What is in doubt after it is read again, so a longer wait would settle nothing sooner.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A token that is there takes no longer; one that is asked for takes a request.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How long what an update carries is good to be sent, after it was refused for its token. Later a
/// newer value may wait behind it: who made the call makes it anew. A token takes tenths of a second.
const TRUE_FOR: Duration = Duration::from_secs(1);

/// A token may be revoked while leave is waited for; again and again it is not.
const TOKENS_FOR_LEAVE: usize = 3;

const NOT_AT_ONCE: &str =
    "the one that there was is refused, and to try with another is to wait: it is done anew";

/// One client's access to the API of one organisation.
pub struct Account {
    api_url: String,
    outside: Arc<dyn Outside>,
    counts: Arc<Counts>,
    pacer: Arc<Pacer>,
    tokens: Tokens,
    /// Where there are several.
    name: Option<Arc<str>>,
}

impl Account {
    /// Prepares the account of the first client; asks for nothing yet.
    pub fn new(
        genesys: &Genesys,
        updates: &Updates,
        outside: Arc<dyn Outside>,
        counts: Arc<Counts>,
    ) -> Arc<Account> {
        Account::of(genesys, &genesys.clients[0], updates, outside, counts)
    }

    /// Prepares the account of one of several clients; asks for nothing yet.
    pub fn of(
        genesys: &Genesys,
        client: &Client,
        updates: &Updates,
        outside: Arc<dyn Outside>,
        counts: Arc<Counts>,
    ) -> Arc<Account> {
        let name: Option<Arc<str>> = client.name.as_deref().map(Arc::from);
        let budget = client.requests_per_minute.unwrap_or(updates.requests_per_minute);
        let pacer = Pacer::new(Settings {
            requests_per_second: updates.requests_per_second,
            requests_per_minute: budget,
        });
        let pacer = Arc::new(pacer.named(name.clone()));
        let (theirs, counted) = (Arc::clone(&outside), Arc::clone(&counts));
        let tokens = Tokens::new(genesys, client, theirs, Arc::clone(&pacer), counted);
        let api_url = genesys.api_url.trim_end_matches('/').to_owned();
        Arc::new(Account { api_url, outside, counts, pacer, tokens, name })
    }

    /// What logs call the client; `None` where there is one only.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Takes leave back that is not used.
    pub(super) fn give_back(&self, permit: Permit) {
        self.pacer.give_back(permit);
    }

    /// Gets the first token, which shows whether the credentials are good.
    ///
    /// # Errors
    ///
    /// [`CallError::Credentials`] if they are not, [`CallError::NoToken`] if the login cannot be
    /// asked for now.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn start(&self) -> Result<(), CallError> {
        self.tokens.get().await.map(|_| ())
    }

    /// How the budget stands.
    pub fn usage(&self) -> Usage {
        self.pacer.usage()
    }

    /// When the windows of the budget end, for the process after this one; `None` as long as nobody
    /// knows.
    pub fn window_ends(&self, today: Timestamp) -> Option<WindowEnds> {
        self.pacer.window_ends(today)
    }

    /// What the process before this one knew of it: a hint, that the first answer overrules.
    pub fn expect(&self, ends: WindowEnds, today: Timestamp) {
        self.pacer.expect(ends, today);
    }

    /// How it stands with the token.
    pub fn token(&self) -> TokenState {
        self.tokens.told()
    }

    /// Whether there is a token that serves.
    pub(super) fn has_token(&self) -> bool {
        self.tokens.is_at_hand()
    }

    /// Gets another token before this one ends, or one if there is none.
    ///
    /// # Errors
    ///
    /// As [`start`](Account::start), where there is none.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn keep_token(&self) -> Result<(), CallError> {
        self.tokens.renew_in_time().await
    }

    /// Drops the token because Genesys Cloud says that it was revoked; the next call gets another.
    pub fn token_revoked(&self) {
        self.tokens.revoked();
    }

    async fn make(&self, permit: Permit, call: Call) -> Result<Answer, CallError> {
        let asked_at = Instant::now();
        let carries_values = call.class == Class::Update && call.body.is_some();
        let token = if carries_values {
            self.tokens.get_unless_failed().await
        } else {
            self.tokens.get().await
        };
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                self.pacer.give_back(permit);
                return Err(error);
            }
        };
        let permit = self.still_good(permit, asked_at).await;
        let refused = match self.attempt(permit, &call, &token).await {
            Err(refused @ CallError::Unauthorized(_)) => refused,
            result => return result,
        };
        if !self.tokens.refused(&token) {
            return Err(refused);
        }
        let client = self.name();
        debug!(client, operation = call.operation, "the token is refused, trying with a fresh one");
        let fresh = async {
            let token = self.tokens.get().await?;
            Ok((token, self.pacer.permit(call.class).await))
        };
        let fresh = if carries_values { timeout(TRUE_FOR, fresh).await } else { Ok(fresh.await) };
        let Ok(fresh) = fresh else { return Err(CallError::NoToken(NOT_AT_ONCE.to_owned())) };
        let (token, permit): (Token, Permit) = fresh?;
        self.attempt(permit, &call, &token).await
    }

    /// What an update carries must not grow old while a token is asked for: it has leave when there
    /// is one. Where none can be had the call says why, and one that is over at once is not waited for.
    async fn leave(&self, class: Class) -> Permit {
        for _ in 0..TOKENS_FOR_LEAVE {
            let permit = self.paced(class).await;
            if class != Class::Update || self.tokens.is_at_hand() {
                return permit;
            }
            self.pacer.give_back(permit);
            if self.tokens.get().await.is_err() {
                break;
            }
        }
        self.paced(class).await
    }

    /// Leave of the budget alone.
    async fn paced(&self, class: Class) -> Permit {
        let asked_at = Instant::now();
        let permit = self.pacer.permit(class).await;
        self.counts.waited(asked_at.elapsed());
        permit
    }

    /// While a token was waited for, the account may have begun to rest: then leave is taken anew.
    async fn still_good(&self, permit: Permit, since: Instant) -> Permit {
        if since.elapsed() < AT_ONCE || self.pacer.usage().resting_for.is_none() {
            return permit;
        }
        let class = permit.class;
        self.pacer.give_back(permit);
        self.pacer.permit(class).await
    }

    async fn attempt(
        &self,
        permit: Permit,
        call: &Call,
        token: &Token,
    ) -> Result<Answer, CallError> {
        let operation = call.operation;
        let request = match self.request(call, token) {
            Ok(request) => request,
            Err(error) => {
                self.pacer.give_back(permit);
                return Err(error);
            }
        };
        let (under_way, sent_at) = (self.pacer.begin(permit.class), Instant::now());
        let response = self.outside.send(request, TIMEOUT).await;
        let status = response.as_ref().map_or(0, |response| response.status().as_u16());
        let took = sent_at.elapsed();
        self.counts.request(operation, status, took);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        debug!(client = self.name(), operation, status, ms, "answered");
        let response = response.map_err(|error| CallError::NoAnswer { operation, error })?;
        under_way.answered(RateHeaders::of(response.headers()));
        if status != 401 {
            token.was_accepted();
        }
        let answer = read_answer(operation, response, |after, correlation_id| {
            self.counts.throttled.add(1);
            self.pacer.throttled(after, correlation_id)
        });
        answer.map_err(|error| token.not_in(error))
    }

    fn request(&self, call: &Call, token: &Token) -> Result<Request<Bytes>, CallError> {
        let request = Request::builder()
            .method(call.method.clone())
            .uri([&*self.api_url, &*call.path].concat())
            .header(header::AUTHORIZATION, token.authorization())
            .header(header::ACCEPT, "application/json");
        let request = match &call.body {
            Some(_) => {
                request.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            }
            None => request,
        };
        request.body(call.body.clone().unwrap_or_default()).map_err(|error| {
            let message = format!("the request cannot be made: {error}");
            CallError::Refused(Refusal { operation: call.operation, message, ..Refusal::default() })
        })
    }
}

impl Api for Account {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(self.leave(class))
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(self.make(permit, call))
    }
}

#[cfg(test)]
mod tests;
