//! One look into one gap: what is asked for, in which order, and what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::info;

use super::{Look, LookUps};
use crate::app::pipeline::{Found, LookUp, Which};
use crate::config::{self, Dialect};
use crate::defects::{self, Defect};
use crate::events::gaps::Gap;
use crate::events::topic::Topic;
use crate::genesys::ConversationId;
use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::reading::{
    Whose, ended_conversations, open_conversations, queries, user_conversations,
};
use crate::status::counts::Counts;

/// Conversations that are handed to the pipeline at a time, so that live frames and other look-ups
/// find room among the reads that wait.
const CHUNK: usize = 500;

/// How gaps are looked into.
pub(in crate::app) struct Search {
    pub api: Arc<dyn Api>,
    pub look_ups: LookUps,
    pub settings: config::Recovery,
    pub dialect: Dialect,
    /// For what it will cost.
    pub requests_per_minute: u32,
}

/// What came of a look.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) found: Found,
    /// Those that ended inside the gap; `None` where that was not asked.
    pub(super) ended: Option<usize>,
    /// Why it could not be asked which conversations are open, if so.
    pub(super) refusal: Option<CallError>,
}

/// Why a look has come to nothing.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// Try again later.
    NotNow(CallError),
    /// Nobody looks at conversations any more.
    NobodyThere,
}

impl Search {
    /// Looks into a gap. `news`: nothing has been said of it yet.
    ///
    /// # Errors
    ///
    /// If it is to be done once more, or never.
    pub(super) async fn run(&self, gap: &Gap, look: Look, news: bool) -> Result<Told, Unfinished> {
        let mut told = Told::default();
        if look == Look::First {
            let known = self.look_up(Which::KnownOf(gap.topics.clone())).await?.conversations;
            if news {
                self.announce(gap, known.len());
            }
            // Known by frames that came since, most of them: these need not be read.
            self.read(known, gap, &mut told.found).await?;
        }
        if defects::on(Defect::KnownConversationsOnly) {
            return Ok(told);
        }
        let open = match self.open(gap).await {
            Ok(open) => open,
            Err(error) => return told.without_query(error),
        };
        let seen: BTreeSet<&ConversationId> = told.found.conversations.iter().collect();
        let unseen: Vec<ConversationId> =
            open.into_iter().filter(|id| !seen.contains(id)).collect();
        if !unseen.is_empty() {
            info!(
                since = %beginning(gap),
                until = %gap.until,
                conversations = unseen.len(),
                minutes = self.minutes(unseen.len()),
                "open conversations found, reading those without news since"
            );
        }
        self.read(unseen, gap, &mut told.found).await?;
        if look == Look::Second {
            told.ended = self.ended(gap).await?;
        }
        Ok(told)
    }

    /// Says what it will cost as far as that is known, before it is spent.
    fn announce(&self, gap: &Gap, known: usize) {
        let whose = whose(gap);
        let asking = match self.dialect {
            Dialect::Patch => {
                let (from, to) = self.interval(gap);
                queries(&whose, from, to)
            }
            Dialect::Put => whose.users.len(),
        };
        let requests = known + asking;
        info!(
            since = %beginning(gap),
            until = %gap.until,
            seconds = seconds(gap),
            topics = gap.topics.len(),
            users = whose.users.len(),
            known,
            requests,
            minutes = self.minutes(requests),
            "looking into a gap: what is known alive is read, and what else is open is asked for"
        );
    }

    /// Of the whole budget, begun ones counted.
    fn minutes(&self, requests: usize) -> u64 {
        (requests as u64).div_ceil(u64::from(self.requests_per_minute.max(1)))
    }

    async fn read(
        &self,
        conversations: Vec<ConversationId>,
        gap: &Gap,
        found: &mut Found,
    ) -> Result<(), Unfinished> {
        for chunk in conversations.chunks(CHUNK) {
            found.add(self.look_up(Which::These(chunk.to_vec(), gap.closed)).await?);
        }
        Ok(())
    }

    async fn look_up(&self, which: Which) -> Result<Found, Unfinished> {
        let (done, found) = oneshot::channel();
        let asked = self.look_ups.send(LookUp { which, done }).await;
        asked.map_err(|_| Unfinished::NobodyThere)?;
        found.await.map_err(|_| Unfinished::NobodyThere)
    }

    async fn open(&self, gap: &Gap) -> Result<BTreeSet<ConversationId>, CallError> {
        match self.dialect {
            Dialect::Patch => {
                let (from, to) = self.interval(gap);
                open_conversations(&*self.api, Class::Recovery, &whose(gap), from, to).await
            }
            // The tutorial's way knows users only.
            Dialect::Put => {
                let mut open = BTreeSet::new();
                for user in whose(gap).users {
                    let theirs = user_conversations(&*self.api, Class::Recovery, &user).await?;
                    open.extend(theirs.into_iter().map(|one| one.conversation_id));
                }
                Ok(open)
            }
        }
    }

    /// When a conversation that is looked for may have begun.
    fn interval(&self, gap: &Gap) -> (Timestamp, Timestamp) {
        let now = now(gap);
        let lookback = SignedDuration::try_from(self.settings.lookback);
        let lookback = lookback.unwrap_or(SignedDuration::MAX);
        (now.checked_sub(lookback).unwrap_or(Timestamp::MIN), now)
    }

    /// How many conversations ended unseen; nobody can say where nothing was heard before.
    async fn ended(&self, gap: &Gap) -> Result<Option<usize>, Unfinished> {
        let Some(since) = gap.since.filter(|_| self.dialect == Dialect::Patch) else {
            return Ok(None);
        };
        let ended =
            ended_conversations(&*self.api, Class::Recovery, &whose(gap), since, gap.until).await;
        match ended {
            Ok(ended) => Ok(Some(ended)),
            Err(error) if error.is_for_now() => Err(Unfinished::NotNow(error)),
            // It is a number for the log and nothing more.
            Err(_) => Ok(None),
        }
    }
}

impl Told {
    fn without_query(mut self, error: CallError) -> Result<Told, Unfinished> {
        if error.is_for_now() {
            return Err(Unfinished::NotNow(error));
        }
        self.refusal = Some(error);
        Ok(self)
    }

    pub(super) fn count(&self, counts: &Counts) {
        let found = &self.found;
        counts.gap_conversations.add(found.conversations.len() as u64);
        counts.gap_changed.add((found.changed + found.over) as u64);
        counts.gap_ended.add(self.ended.unwrap_or(0) as u64);
        counts.gap_wishes.add(found.wishes as u64);
    }

    pub(super) fn log(&self, gap: &Gap, look: Look) {
        let found = &self.found;
        let quiet = found.conversations.is_empty() && self.ended.unwrap_or(0) == 0;
        if look == Look::Second && quiet {
            return;
        }
        info!(
            since = %beginning(gap),
            until = %gap.until,
            seconds = seconds(gap),
            topics = gap.topics.len(),
            looked_at = found.conversations.len(),
            changed = found.changed,
            over = found.over,
            not_permitted = found.not_permitted,
            given_up = found.given_up,
            wishes = found.wishes,
            ended = self.ended,
            "gap looked into"
        );
    }
}

fn whose(gap: &Gap) -> Whose {
    let mut whose = Whose::default();
    for topic in &gap.topics {
        match topic {
            Topic::User(user) | Topic::UserMedia(user, _) => {
                whose.users.insert(user.clone());
            }
            Topic::Queue(queue) | Topic::QueueMedia(queue, _) => {
                whose.queues.insert(queue.clone());
            }
        }
    }
    whose
}

/// The wall's time now, by the gap's own.
fn now(gap: &Gap) -> Timestamp {
    let since = Instant::now().saturating_duration_since(gap.closed);
    SignedDuration::try_from(since)
        .ok()
        .and_then(|since| gap.until.checked_add(since).ok())
        .unwrap_or(gap.until)
}

fn seconds(gap: &Gap) -> Option<i64> {
    gap.since.map(|since| (gap.until.as_second() - since.as_second()).max(0))
}

/// Where it begins, for a log line.
pub(super) fn beginning(gap: &Gap) -> String {
    gap.since.map_or_else(|| "the start".to_owned(), |since| since.to_string())
}
