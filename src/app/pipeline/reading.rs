//! Conversations that are read through the API: because of a doubt, of a gap, of silence, or because
//! the updates ask.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use tokio::time::Instant;
use tracing::warn;

use super::{LOOK_UP_EVERY, Pipeline};
use crate::app::observe::{Moment, gone};
use crate::app::reads::ReadDone;
use crate::events::conversation::Conversation;
use crate::events::read_rest;
use crate::events::topic::Topic;
use crate::events::tracker::News;
use crate::genesys::ConversationId;
use crate::genesys::call::CallError;
use crate::machine;
use crate::updates::dispatcher::Input;

impl Pipeline {
    pub(super) async fn take_read(&mut self, done: ReadDone) -> ControlFlow<()> {
        let ReadDone { id, ticket, result } = done;
        let now = Instant::now();
        let body = match result {
            Ok(answer) => answer.body,
            Err(CallError::NotFound(_)) => {
                if !self.tracker.take_gone(ticket, now) {
                    self.reads.overtaken(id, true, now);
                    return ControlFlow::Continue(());
                }
                self.reads.done(id.clone());
                self.standings.remove(&id);
                self.due.forget(&id);
                return self.send(Input::Observe(gone(&self.view, id))).await;
            }
            Err(error) => {
                self.tracker.give_up_read(ticket);
                self.reads.failed(id, &error, now);
                return ControlFlow::Continue(());
            }
        };
        let conversation = match read_rest(&body) {
            Ok(conversation) => conversation,
            Err(error) => {
                self.tracker.give_up_read(ticket);
                warn!(conversation_id = %id, %error, "the answer to a read cannot be read, the conversation waits for its next event");
                self.reads.done(id);
                return ControlFlow::Continue(());
            }
        };
        let current = match self.tracker.take_read(ticket, conversation, now) {
            News::Overtaken { read_again } => {
                self.reads.overtaken(id, read_again, now);
                return ControlFlow::Continue(());
            }
            News::Newer(current) => Some(current),
            News::Duplicate => self.tracker.current(&id).cloned(),
            News::Older | News::Partial | News::Doubtful { .. } => None,
        };
        self.reads.done(id);
        match current {
            Some(current) => {
                let moment = Moment { at: now, received_at: machine::now(), from_read: true };
                self.observe(&current, &moment).await
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// Reads every conversation that is known alive and that these topics would have told of.
    pub(super) fn look_up_after_gap(&mut self, topics: &BTreeSet<Topic>) {
        let concerned = |current: &Conversation| {
            current.participants.iter().any(|participant| {
                let user = participant.user_id.clone().map(Topic::User);
                let queue = participant.queue_id.clone().map(Topic::Queue);
                user.is_some_and(|user| topics.contains(&user))
                    || queue.is_some_and(|queue| topics.contains(&queue))
            })
        };
        let ids: Vec<ConversationId> =
            self.tracker.live().filter(|c| concerned(c)).map(|c| c.id.clone()).collect();
        for id in ids {
            self.reads.want(id);
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
            self.reads.want(id);
        }
    }
}
