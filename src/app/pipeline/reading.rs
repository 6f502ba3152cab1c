//! Conversations that are read through the API: because of a doubt, of a gap, of silence, or because
//! the updates ask.

use std::ops::ControlFlow;

use tokio::time::Instant;
use tracing::warn;

use super::audit::Held;
use super::look_ups::{Found, LookUp, Outcome, Which};
use super::{LOOK_UP_EVERY, Pipeline};
use crate::app::observe::{Moment, gone};
use crate::app::reads::{Failed, ReadDone};
use crate::events::read_rest;
use crate::events::tracker::News;
use crate::genesys::ConversationId;
use crate::genesys::call::CallError;
use crate::machine;
use crate::updates::dispatcher::Input;

impl Pipeline {
    pub(super) async fn take_read(&mut self, done: ReadDone) -> ControlFlow<()> {
        let ReadDone { id, ticket, result } = done;
        let now = Instant::now();
        let held =
            Held { gist: self.tracker.gist(&id), snapshot: self.tracker.current(&id).cloned() };
        let body = match result {
            Ok(answer) => answer.body,
            Err(CallError::NotFound(_)) => {
                if !self.tracker.take_gone(ticket, now) {
                    self.reads.overtaken(id, true, now);
                    return ControlFlow::Continue(());
                }
                self.audited(&id, &held, None, now);
                self.read_ended(id.clone(), Outcome::Over(0));
                self.standings.forget(&id);
                self.due.forget(&id);
                return self.send(Input::Observe(gone(&self.view, id))).await;
            }
            Err(error) => {
                self.tracker.give_up_read(ticket);
                return self.read_failed(id, &error, now).await;
            }
        };
        let conversation = match read_rest(&body) {
            Ok(conversation) => conversation,
            Err(error) => {
                self.tracker.give_up_read(ticket);
                warn!(conversation_id = %id, %error, "the answer to a read cannot be read, the conversation waits for its next event");
                self.read_ended(id.clone(), Outcome::GivenUp);
                return self.doubt_given_up(id).await;
            }
        };
        let news = self.tracker.take_read(ticket, conversation, now);
        let changed = matches!(news, News::Newer(_));
        let current = match news {
            News::Overtaken { read_again } => {
                if self.reads.overtaken(id.clone(), read_again, now) {
                    // What overtook it is newer than what was asked for.
                    self.look_ups.settle(&id, Outcome::Same);
                }
                return ControlFlow::Continue(());
            }
            News::Newer(current) | News::Confirmed(current) => {
                self.audited(&id, &held, Some(&current), now);
                Some(current)
            }
            News::Duplicate | News::Older | News::Partial | News::Doubtful { .. } => None,
        };
        let Some(current) = current else {
            self.read_ended(id, Outcome::Same);
            return ControlFlow::Continue(());
        };
        let moment = Moment { at: now, received_at: machine::now(), from_read: true };
        let wishes = self.observe(&current, &moment).await?;
        let outcome = match (changed, current.is_over()) {
            (true, true) => Outcome::Over(wishes),
            (true, false) => Outcome::Changed(wishes),
            (false, _) => Outcome::Same,
        };
        self.read_ended(id, outcome);
        ControlFlow::Continue(())
    }

    async fn read_failed(
        &mut self,
        id: ConversationId,
        error: &CallError,
        now: Instant,
    ) -> ControlFlow<()> {
        match self.reads.failed(id.clone(), error, now) {
            Failed::WillRetry => return ControlFlow::Continue(()),
            Failed::Hangs => self.look_ups.settle(&id, Outcome::GivenUp),
            Failed::LetGo => {
                let forbidden = matches!(error, CallError::Forbidden(_));
                let outcome = if forbidden { Outcome::NotPermitted } else { Outcome::GivenUp };
                self.look_ups.settle(&id, outcome);
            }
        }
        self.doubt_given_up(id).await
    }

    /// No read will settle what is in doubt, if anything is: nobody has to wait for one.
    async fn doubt_given_up(&mut self, id: ConversationId) -> ControlFlow<()> {
        if !self.tracker.is_in_doubt(&id) {
            return ControlFlow::Continue(());
        }
        self.send(Input::DoubtGivenUp(id)).await
    }

    /// A read ended; unless it was asked for again meanwhile, whoever waits for it is told.
    fn read_ended(&mut self, id: ConversationId, outcome: Outcome) {
        if self.reads.done(id.clone()) {
            self.look_ups.settle(&id, outcome);
        }
    }

    /// Reads a conversation when it is its turn; without room it waits for its next event.
    pub(super) fn read_or_leave(&mut self, id: ConversationId) {
        if !self.reads.want(id.clone()) {
            self.look_ups.settle(&id, Outcome::GivenUp);
        }
    }

    /// Reads what is asked for, as far as it is not known already.
    pub(super) fn look_up(&mut self, LookUp { which, done }: LookUp) {
        match which {
            Which::KnownOf(topics) => {
                self.audit.gap(&topics);
                let conversations = self.tracker.told_by(&topics);
                // Who has stopped waiting does not want to know.
                drop(done.send(Found { conversations, ..Found::default() }));
            }
            Which::These(mut ids, since) => {
                ids.retain(|id| !self.tracker.knows_since(id, since));
                self.look_ups.begin(ids.clone(), done);
                ids.into_iter().for_each(|id| self.read_or_leave(id));
            }
        }
    }

    /// Looks up conversations without news for a day: their end may never have been seen.
    pub(super) fn look_up_silent(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.last_look_up) < LOOK_UP_EVERY {
            return;
        }
        self.last_look_up = now;
        for id in self.tracker.due(now) {
            self.read_or_leave(id);
        }
    }
}
