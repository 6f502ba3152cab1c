//! Who takes part: the first tokens and the next ones, one organisation for all, and the way back for
//! one that was refused.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::sharing::PROBE;
use super::{Clients, Standing};
use crate::genesys::call::{Api, Call, CallError, Class};
use crate::genesys::organization::{Organization, OrganizationError, check_organization, of_token};
use crate::status::pulse::{Beat, IDLE_BEAT};

/// How long one try may take; less than after what a loop counts as hung.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

impl Clients {
    /// Gets the first tokens, which show whose credentials are good.
    ///
    /// # Errors
    ///
    /// [`CallError::Credentials`] if nobody's are; [`CallError::NoToken`] if nobody has a token for
    /// now.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn start(&self) -> Result<(), CallError> {
        if let [only] = &self.members[..] {
            return only.account.start().await;
        }
        let starts = self.members.iter().map(|member| member.account.start());
        let mut failures = Vec::new();
        for (number, started) in join_all(starts).await.into_iter().enumerate() {
            if let Err(error) = started {
                self.note(number, None, &error);
                failures.push(error);
            }
        }
        match failures.pop() {
            Some(error) if failures.len() + 1 == self.members.len() => Err(self.last_word(error)),
            Some(_) | None => Ok(()),
        }
    }

    /// Sees to it that all clients belong to one organisation, and to the one that is wanted. A
    /// single one that may belong to any is not asked.
    ///
    /// # Errors
    ///
    /// If one of them belongs to another, or the last question has no answer. Clients that are
    /// refused are asked when they work again.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn check_organization(&self, wanted: Option<&str>) -> Result<(), OrganizationError> {
        if let [only] = &self.members[..] {
            let Some(wanted) = wanted else { return Ok(()) };
            let check = check_organization(&*only.account, Some(wanted));
            return check.await.map(|_| ());
        }
        let asked: Vec<usize> =
            (0..self.members.len()).filter(|number| !self.is_refused(*number)).collect();
        let answers = asked.iter().map(|number| self.organization_of(*number));
        let mut last = None;
        for (number, found) in asked.iter().zip(join_all(answers).await) {
            match found {
                Ok(found) => self.belongs(&found, wanted)?,
                Err(error) => {
                    self.note(*number, None, &error);
                    let others = (0..self.members.len()).any(|number| !self.is_refused(number));
                    if !(others && self.is_refused(*number)) {
                        last = Some(self.last_word(error));
                    }
                }
            }
        }
        last.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Gets new tokens before the old ones end, and tries refused clients again and again, until
    /// `stop`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as good as `stop`.
    pub async fn keep_up(self: Arc<Self>, stop: CancellationToken, beat: Beat) {
        let mut changes = self.standings.subscribe();
        loop {
            beat.give();
            changes.mark_unchanged();
            let now = Instant::now();
            let due: Vec<(usize, Instant)> = self
                .members
                .iter()
                .enumerate()
                .filter_map(|(number, member)| Some((number, member.state().probe_at()?)))
                .collect();
            let ready: Vec<usize> =
                due.iter().filter(|(_, at)| *at <= now).map(|(number, _)| *number).collect();
            let looks = async {
                let probes = join_all(ready.iter().map(|number| self.probe(*number)));
                tokio::join!(probes, self.keep_tokens());
            };
            if stop.run_until_cancelled(looks).await.is_none() {
                return;
            }
            if !ready.is_empty() {
                continue;
            }
            let next = due.into_iter().map(|(_, at)| at).min();
            let next = next.map_or(now + IDLE_BEAT, |at| at.min(now + IDLE_BEAT));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Ok(()) = changes.changed() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// So that no call waits for a token: each client that is not refused has one.
    async fn keep_tokens(&self) {
        let kept = self.well().map(|(number, member)| async move {
            match timeout(PROBE_LIMIT, member.account.keep_token()).await {
                Ok(Ok(())) => member.state().answered(),
                Ok(Err(error)) => self.note(number, None, &error),
                // It is asked for anew.
                Err(_) => {}
            }
        });
        join_all(kept).await;
    }

    /// Sees whether a refused client works again.
    async fn probe(&self, number: usize) {
        let member = &self.members[number];
        member.state().probed(Instant::now() + PROBE);
        let found = match timeout(PROBE_LIMIT, self.organization_of(number)).await {
            Ok(Ok(found)) => Some(found),
            // The token is good, whatever else there is.
            Ok(Err(CallError::Forbidden(_) | CallError::NotFound(_))) => None,
            Ok(Err(_)) | Err(_) => return,
        };
        let client = member.account.name();
        if let Some(Err(error)) = found.map(|found| self.belongs(&found, None)) {
            error!(client, %error, "the client is not taken back");
            return;
        }
        info!(client, "the client works again, and takes part again");
        member.state().is_well();
        self.set_standing(number, Standing::Well);
    }

    async fn organization_of(&self, number: usize) -> Result<Organization, CallError> {
        const OPERATION: &str = "token_me";
        let call = Call {
            class: Class::Channel,
            operation: OPERATION,
            method: Method::GET,
            path: "/api/v2/tokens/me".to_owned(),
            body: None,
        };
        let answer = self.members[number].account.call(call).await?;
        of_token(&answer.body)
            .map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })
    }

    fn belongs(&self, found: &Organization, wanted: Option<&str>) -> Result<(), OrganizationError> {
        let first = self.organization.get_or_init(|| found.clone());
        let wanted = match wanted {
            Some(wanted) if !found.is_called(wanted) => wanted.to_owned(),
            _ if found.id != first.id => format!("{} ({})", first.name, first.id),
            _ => return Ok(()),
        };
        Err(OrganizationError::Other { wanted, found: found.clone() })
    }
}
