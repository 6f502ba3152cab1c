//! What the loop is asked about other rules than its own: how much they would change.
//!
//! Answered a few conversations at a time, behind live frames, so that no question holds up an event.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Pipeline;
use crate::app::compare::Comparison;
use crate::app::observe::wishes;
use crate::genesys::ConversationId;
use crate::rules::Rules;

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
        let left = self.tracker.live().map(|current| current.id.clone()).collect();
        self.comparing = Some(Comparing { question, left, found: Comparison::default() });
    }

    /// Goes on with the answer, and gives it when it is whole or time is over.
    pub(super) fn compare_some(&mut self) {
        let Some(mut comparing) = self.comparing.take() else { return };
        for _ in 0..AT_A_TURN {
            let Some(id) = comparing.left.pop_front() else { break };
            let Some(current) = self.tracker.current(&id) else { continue };
            let standing = self.standings.get(&id).cloned().unwrap_or_default();
            let before = self.view.held_against.as_ref().unwrap_or(&self.view.rules);
            let before = wishes(&self.view, before, &standing, current);
            let after = wishes(&self.view, &comparing.question.rules, &standing, current);
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
}
