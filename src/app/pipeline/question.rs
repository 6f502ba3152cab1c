//! What the loop has to do with other rules than its own: to say how much they would change, and to
//! hold back what they change until somebody confirms it.
//!
//! Answered a few conversations at a time, behind live frames, so that no question holds up an event.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Pipeline;
use crate::app::compare::{Comparison, keep_unchanged};
use crate::app::observe::{Moment, observation, wishes_of};
use crate::events::conversation::Conversation;
use crate::genesys::ConversationId;
use crate::rules::Rules;
use crate::updates::dispatcher::Input;

/// Conversations that are compared at one turn: well below a millisecond with a thousand rules that
/// match.
const AT_A_TURN: usize = 16;

/// How much would these rules change on the conversations that are live?
#[derive(Debug)]
pub(in crate::app) struct Question {
    pub rules: Arc<Rules>,
    /// The answer comes by then, whole or not.
    pub until: Instant,
    pub answer: oneshot::Sender<Comparison>,
}

/// A question that is being answered.
pub(super) struct Comparing {
    question: Question,
    left: VecDeque<ConversationId>,
    found: Comparison,
}

impl Pipeline {
    /// Begins to answer. An earlier question that is not answered yet never will be.
    pub(super) fn begin_comparing(&mut self, question: Question) {
        // Those that new rules look at by themselves: the others wait for their next event.
        let left = self.kept_ids();
        let mut found = Comparison::default();
        found.changes.not_kept = self.tracker.len().saturating_sub(left.len()) as u64;
        self.comparing = Some(Comparing { question, left, found });
    }

    /// Goes on with the answer, and gives it when it is whole or time is over.
    pub(super) fn compare_some(&mut self) {
        let Some(mut comparing) = self.comparing.take() else { return };
        let moment = Moment::now();
        for _ in 0..AT_A_TURN {
            let Some(id) = comparing.left.pop_front() else { break };
            let Some(current) = self.tracker.current(&id) else { continue };
            let standing = self.standings.get(&id).cloned().unwrap_or_default();
            let before = self.view.held_against.as_ref().unwrap_or(&self.view.rules);
            let before = wishes_of(&self.view, before, &standing, current, &moment);
            let rules = &comparing.question.rules;
            let after = wishes_of(&self.view, rules, &standing, current, &moment);
            comparing.found.add(current, &before, &after);
        }
        let is_late = Instant::now() >= comparing.question.until;
        if !comparing.left.is_empty() && !is_late {
            self.comparing = Some(comparing);
            return;
        }
        comparing.found.changes.incomplete = !comparing.left.is_empty();
        // Whoever asked may have left meanwhile.
        let _asker_left = comparing.question.answer.send(comparing.found).is_err();
    }

    /// Passes on what the rules make of a snapshot as far as the rules before made just that of it:
    /// what waits and is wished still stays, what is wished no more is withdrawn, and nothing is
    /// written that was not.
    pub(super) async fn observe_unchanged(
        &mut self,
        before: &Rules,
        current: &Conversation,
        moment: &Moment,
    ) -> ControlFlow<()> {
        let standing = self.standings.of(&current.id);
        let before = wishes_of(&self.view, before, standing, current, moment);
        let mut look = observation(&self.view, standing, current, moment);
        keep_unchanged(&before, &mut look.observation.wishes);
        self.send(Input::Observe(look.observation)).await
    }
}
