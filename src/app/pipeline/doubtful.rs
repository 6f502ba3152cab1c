//! Snapshots in doubt: of each conversation the last one. What is settled goes when there is no room.
//!
//! The state may be gone when the read that settles it has an answer. What only it wishes is passed on
//! as what is perhaps wished: when it comes, and once more when other rules are in force.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Pipeline;
use crate::app::observe::{Moment, perhaps};
use crate::events::conversation::Conversation;
use crate::genesys::ConversationId;
use crate::updates::dispatcher::Input;

/// So many are kept, some hundred kilobytes: rules seldom change while more are in doubt.
const KEPT: usize = 64;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Doubtful(BTreeMap<ConversationId, Arc<Conversation>>);

impl Doubtful {
    /// Keeps a snapshot in the place of the last one of its conversation, if there is room.
    pub(super) fn keep(
        &mut self,
        candidate: &Arc<Conversation>,
        is_in_doubt: impl Fn(&ConversationId) -> bool,
    ) {
        if self.0.len() >= KEPT {
            self.0.retain(|id, _| is_in_doubt(id));
        }
        if self.0.len() < KEPT || self.0.contains_key(&candidate.id) {
            self.0.insert(candidate.id.clone(), Arc::clone(candidate));
        }
    }

    fn of(&self, id: &ConversationId) -> Option<Arc<Conversation>> {
        self.0.get(id).cloned()
    }
}

impl Pipeline {
    /// What only the doubtful one wishes; nobody can say what that is where the other is not kept.
    pub(super) async fn pass_on_perhaps(
        &mut self,
        current: Option<&Conversation>,
        candidate: &Conversation,
        moment: &Moment,
    ) -> ControlFlow<()> {
        let Some(current) = current else { return ControlFlow::Continue(()) };
        let standing = self.standings.of(&candidate.id);
        let perhaps = perhaps(&self.view, standing, current, candidate, moment);
        if perhaps.wishes.is_empty() {
            return ControlFlow::Continue(());
        }
        self.send(Input::Perhaps(perhaps)).await
    }

    /// A look at what is held settles no doubt: what waits goes on being held back.
    pub(super) async fn still_doubt(
        &mut self,
        current: &Conversation,
        moment: &Moment,
    ) -> ControlFlow<()> {
        if !self.tracker.is_in_doubt(&current.id) {
            return ControlFlow::Continue(());
        }
        // A reload that is held back until somebody confirms it makes no wishes.
        if self.view.held_against.is_none()
            && let Some(candidate) = self.doubtful.of(&current.id)
        {
            self.pass_on_perhaps(Some(current), &candidate, moment).await?;
        }
        self.send(Input::Doubt(current.id.clone())).await
    }
}
