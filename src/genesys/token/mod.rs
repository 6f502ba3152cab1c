//! The one token of a client, that everybody shares (FACTS 1.4).
//!
//! Client credentials: there is nothing to refresh, one asks again. That is done by one caller at a
//! time, whose result the others get; [some time before](Tokens::renew_in_time) the token ends, so
//! that no call waits for it; and with the secret as it stands in its file at that moment. The secret
//! and the token are wiped from memory when they are done with, and show in no log, error or `Debug`.

mod grant;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::call::{CallError, Class};
use super::error::read_answer;
use super::outside::Outside;
use super::pacer::Pacer;
use super::quoted::not_in;
use crate::config::{Client, Genesys};
use crate::defects::{self, Defect};
use crate::status::counts::Counts;

const OPERATION: &str = "token";
/// The login is a small request; while it is asked, callers wait.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A token is renewed so long before its end, or at the last tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(300);
/// After a failure callers are given the same error for so long, so that many of them do not become
/// many requests.
const REST: Duration = Duration::from_secs(2);
/// That a token was revoked is told by answers and by a frame on each channel, some seconds apart at
/// most. Were it the next token after all, an answer would tell.
const SAME_NEWS: Duration = Duration::from_secs(10);
/// While nobody waits for the token, a failed renewal is not tried again sooner.
const REST_UNASKED: Duration = Duration::from_secs(20);
/// A token that was refused before it was ever accepted is not to blame, most likely: asking for
/// new ones all the time would invalidate those of others (FACTS 1.4).
const REST_AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// How often a failure that goes on is logged.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// A token, as one caller uses it.
#[derive(Clone)]
pub(super) struct Token(Arc<Inner>);

struct Inner {
    text: SecretString,
    renew_at: Instant,
    ends_at: Instant,
    /// Some answer was not a 401.
    accepted: AtomicBool,
}

impl Token {
    /// The value of `Authorization`.
    pub(super) fn authorization(&self) -> HeaderValue {
        let text = SecretString::from(format!("Bearer {}", self.0.text.expose_secret()));
        // Whether it can be a header was seen when it came.
        let mut value = HeaderValue::from_str(text.expose_secret())
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }

    /// The error without it.
    pub(super) fn not_in(&self, error: CallError) -> CallError {
        not_in(error, &[self.0.text.expose_secret()])
    }

    pub(super) fn was_accepted(&self) {
        self.0.accepted.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// How it stands with the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenState {
    /// `None` while there is none.
    pub ends_at: Option<Instant>,
    /// Why the last request for one failed, if it did.
    pub problem: Option<String>,
}

/// Gets tokens.
pub(super) struct Tokens {
    config: Genesys,
    client: Client,
    outside: Arc<dyn Outside>,
    pacer: Arc<Pacer>,
    counts: Arc<Counts>,
    secret: secret::Reader,
    state: Mutex<State>,
    /// Held by the one who asks.
    turn: Semaphore,
}

#[derive(Default)]
struct State {
    current: Option<Token>,
    /// There was a token once, so the secret can be read, or could.
    had_one: bool,
    /// Requests for a token that have come to an end.
    finished: u64,
    failure: Option<(CallError, Instant)>,
    logged_at: Option<Instant>,
    refused_at: Option<Instant>,
    /// When a token was dropped that was not good any more.
    dropped_at: Option<Instant>,
}

enum Look {
    Good(Token),
    /// Still good, and time to ask for the next.
    Ageing(Token),
    /// Asked a moment ago, in vain.
    Failed(CallError),
    /// None, after so many requests for one.
    Missing(u64),
}

impl State {
    fn failed_within(&self, rest: Duration, now: Instant) -> Option<&CallError> {
        let (error, at) = self.failure.as_ref()?;
        Some(error).filter(|_| now < *at + rest)
    }

    fn look(&self, now: Instant) -> Look {
        let failed = |rest| self.failed_within(rest, now);
        match &self.current {
            Some(token) if now < token.0.renew_at => Look::Good(token.clone()),
            Some(token) if now < token.0.ends_at => match failed(REST_UNASKED) {
                Some(_) => Look::Good(token.clone()),
                None => Look::Ageing(token.clone()),
            },
            _ => match failed(REST) {
                Some(error) => Look::Failed(error.clone()),
                None => Look::Missing(self.finished),
            },
        }
    }
}

impl Tokens {
    pub(super) fn new(
        config: &Genesys,
        client: &Client,
        outside: Arc<dyn Outside>,
        pacer: Arc<Pacer>,
        counts: Arc<Counts>,
    ) -> Tokens {
        Tokens {
            secret: secret::Reader::new(client.secret.clone()),
            config: config.clone(),
            client: client.clone(),
            outside,
            pacer,
            counts,
            state: Mutex::default(),
            turn: Semaphore::new(1),
        }
    }

    /// Whether there is a token that serves.
    pub(super) fn is_at_hand(&self) -> bool {
        matches!(self.state().look(Instant::now()), Look::Good(_) | Look::Ageing(_))
    }

    /// Asks for a token if there is none, or if the end of the one that there is is near.
    ///
    /// # Errors
    ///
    /// As [`get`](Tokens::get), where there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the next caller ask.
    pub(super) async fn renew_in_time(&self) -> Result<(), CallError> {
        let now = Instant::now();
        let (look, failed) = {
            let state = self.state();
            (state.look(now), state.failed_within(REST_UNASKED, now).cloned())
        };
        match (look, failed) {
            (Look::Good(_), _) => Ok(()),
            (Look::Ageing(_), _) => {
                if let Ok(_turn) = self.turn.try_acquire() {
                    // A failure is logged inside, and the old one serves on.
                    let _kept = self.renew().await.is_err();
                }
                Ok(())
            }
            (Look::Failed(_) | Look::Missing(_), Some(error)) => Err(error),
            (Look::Failed(_) | Look::Missing(_), None) => self.get().await.map(|_| ()),
        }
    }

    /// The token; asks for one if there is none.
    ///
    /// # Errors
    ///
    /// [`CallError::NoToken`] and [`CallError::Credentials`] only.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the next caller ask.
    pub(super) async fn get(&self) -> Result<Token, CallError> {
        let look = self.state().look(Instant::now());
        match look {
            Look::Good(token) | Look::Ageing(token) => Ok(token),
            Look::Failed(error) => Err(error),
            Look::Missing(_) if defects::on(Defect::TwoTokenRenewals) => self.renew().await,
            Look::Missing(finished) => {
                let turn = self.turn.acquire().await;
                let _turn = turn.map_err(|error| CallError::NoToken(error.to_string()))?;
                // Whoever had the turn before may have asked for us, too.
                let waited_for = {
                    let state = self.state();
                    let failure = || state.failure.as_ref().map(|(error, _)| Err(error.clone()));
                    let result = || state.current.clone().map(Ok).or_else(failure);
                    if state.finished == finished { None } else { result() }
                };
                match waited_for {
                    Some(result) => result,
                    None => self.renew().await,
                }
            }
        }
    }

    /// The same for what must not wait for a login that has failed before: then its failure.
    ///
    /// # Errors
    ///
    /// As [`get`](Tokens::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Tokens::get).
    pub(super) async fn get_unless_failed(&self) -> Result<Token, CallError> {
        if !self.is_at_hand()
            && let Some((error, _)) = &self.state().failure
        {
            return Err(error.clone());
        }
        self.get().await
    }

    /// A request with this token was answered 401. The token is dropped if it is still the current
    /// one: many such answers together make one renewal. Returns false if asking again is of no
    /// use.
    pub(super) fn refused(&self, token: &Token) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        if !state.current.as_ref().is_some_and(|current| Arc::ptr_eq(&current.0, &token.0)) {
            return true;
        }
        let accepted = token.0.accepted.load(Ordering::Relaxed);
        let rests = state.refused_at.is_some_and(|at| now < at + REST_AFTER_REFUSAL);
        if !accepted && rests {
            return false;
        }
        if !accepted {
            state.refused_at = Some(now);
        }
        (state.current, state.dropped_at) = (None, Some(now));
        true
    }

    /// Drops the token, because Genesys Cloud says that it is no longer good. It says so on every
    /// channel, and does not say of which token: what follows a drop closely is the same news.
    pub(super) fn revoked(&self) {
        let (mut state, now) = (self.state(), Instant::now());
        if state.dropped_at.is_none_or(|at| now >= at + SAME_NEWS) {
            (state.current, state.dropped_at) = (None, Some(now));
        }
    }

    pub(super) fn told(&self) -> TokenState {
        let state = self.state();
        // One whose time is over stays until there is another: only what was dropped is gone.
        let was_dropped = state.current.is_none() && state.had_one;
        let problem = state.failure.as_ref().map(|(error, _)| match was_dropped {
            true => format!("the token was revoked or refused, and there is no other: {error}"),
            false => error.to_string(),
        });
        TokenState { ends_at: state.current.as_ref().map(|token| token.0.ends_at), problem }
    }

    /// Asks for a token, and notes the result for everybody.
    async fn renew(&self) -> Result<Token, CallError> {
        let result = self.ask_twice().await;
        let (mut state, now) = (self.state(), Instant::now());
        let client = self.client.name.as_deref();
        state.finished += 1;
        match &result {
            Ok(token) => {
                if state.logged_at.take().is_some() {
                    info!(client, "a token was obtained again");
                }
                debug!(client, seconds = (token.0.ends_at - now).as_secs(), "token obtained");
                (state.failure, state.had_one) = (None, true);
                state.current = Some(token.clone());
            }
            Err(error) => {
                self.counts.token_failures.add(1);
                if state.logged_at.is_none_or(|at| now >= at + LOG_EVERY) {
                    if let CallError::Credentials(reason) = error {
                        error!(client, reason, "the credentials are refused");
                    } else {
                        warn!(client, %error, "no token could be obtained, will retry");
                    }
                    state.logged_at = Some(now);
                }
                state.failure = Some((error.clone(), now));
            }
        }
        result
    }

    /// Asks, and once more if the credentials are refused and the secret has changed meanwhile.
    async fn ask_twice(&self) -> Result<Token, CallError> {
        let secret = self.read_secret().await?;
        let refused = match self.ask(&secret).await {
            Err(refused @ CallError::Credentials(_)) => refused,
            result => return result,
        };
        let newer = self.read_secret().await?;
        if newer.expose_secret() == secret.expose_secret() {
            Err(refused)
        } else {
            self.ask(&newer).await
        }
    }

    /// A secret that cannot be read any more is being replaced, or will be mended: only at the start
    /// is it the end.
    async fn read_secret(&self) -> Result<SecretString, CallError> {
        let read = self.secret.read().await;
        if let Err(CallError::Credentials(reason)) = &read
            && self.state().had_one
        {
            return Err(CallError::NoToken(reason.clone()));
        }
        read
    }

    async fn ask(&self, secret: &SecretString) -> Result<Token, CallError> {
        let request = grant::request(&self.config, &self.client, secret)?;
        let permit = self.pacer.permit(Class::Token).await;
        let (_under_way, asked_at) = (self.pacer.begin(permit.class), Instant::now());
        let answer = self.outside.send(request, TIMEOUT).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.counts.request(OPERATION, status, asked_at.elapsed());
        let response = answer
            .map_err(|error| CallError::NoToken(format!("{}: {error}", self.config.login_url)))?;
        self.read(response, asked_at).map_err(|error| self.without(secret, error))
    }

    /// A login that quotes what it was sent is not to be quoted.
    fn without(&self, secret: &SecretString, error: CallError) -> CallError {
        let sent = grant::authorization(&self.client, secret).ok();
        let sent = sent.as_ref().and_then(|sent| sent.to_str().ok()).unwrap_or_default();
        not_in(error, &[secret.expose_secret(), sent.trim_start_matches("Basic ")])
    }

    fn read(&self, response: Response<Bytes>, asked_at: Instant) -> Result<Token, CallError> {
        let body = response.body().clone();
        if !response.status().is_success() {
            return Err(self.refusal(response));
        }
        let (text, life) = grant::read(&body).map_err(|reason| {
            CallError::NoToken(format!("{}: {reason} in the answer", self.config.login_url))
        })?;
        // Counted from before the question, so that ours ends before theirs.
        let ends_at = asked_at + life;
        let renew_at = asked_at + (life - MARGIN.min(life / 10));
        Ok(Token(Arc::new(Inner { text, renew_at, ends_at, accepted: AtomicBool::new(false) })))
    }

    fn refusal(&self, response: Response<Bytes>) -> CallError {
        let (said, status) = (grant::no(&response), response.status().as_u16());
        let url = &self.config.login_url;
        // Also rests the account, at a 429.
        let rest =
            |after, correlation_id: Option<&str>| self.pacer.throttled(after, correlation_id);
        let error = read_answer(OPERATION, response, rest).err();
        match (said, error) {
            (Some(grant::No::Credentials(said)), _) => CallError::Credentials(self.advice(&said)),
            (Some(grant::No::Other(said)), _) => {
                CallError::NoToken(format!("{url} answered {status} {said}"))
            }
            (None, Some(error)) => CallError::NoToken(format!("{url}: {error}")),
            (None, None) => CallError::NoToken(format!("{url} answered {status}")),
        }
    }

    fn advice(&self, error: &str) -> String {
        let key = match &self.client.name {
            None => "genesys.client_id".to_owned(),
            Some(_) => format!("client_id {} of [[genesys.client]]", self.client.id),
        };
        format!(
            "{error}; check {key}, the secret ({}), that genesys.region ({}) is the \
             organisation's, and that the client's grant type is Client Credentials",
            self.secret, self.config.domain
        )
    }

    /// The state is whole between any two calls, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
