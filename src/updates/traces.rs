//! What became of each update, step by step and with times, for whoever collects traces.
//!
//! An update is what is pushed for one participant, from the frame that brought the oldest of it to
//! the answer. Its steps are handed over and never waited for: where they are not taken up, they are
//! dropped and counted. They hold ids, keys, names of rules and correlation ids, and no values.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::dead_letters::Reason;
use crate::genesys::{ConversationId, ParticipantId};

/// Steps that may wait to be taken up: those of some seconds at a large account's full budget; about
/// 2 MiB.
#[cfg(any(test, feature = "otlp"))]
const WAITING: usize = 4_096;

/// Where the steps are handed over; nowhere, where nobody collects them.
#[derive(Debug, Default)]
pub struct Traces {
    steps: Option<mpsc::Sender<Step>>,
    /// Steps that found no room since the last one that did.
    dropped: u64,
}

/// Something that was done about an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub conversation: ConversationId,
    pub participant: ParticipantId,
    /// Separated by spaces.
    pub keys: String,
    /// Likewise.
    pub rules: String,
    /// When the frame was read that brought the oldest of it: together with the participant, this
    /// tells which update it is.
    pub began: Instant,
    pub ended: Instant,
    pub done: Done,
    /// So many steps before it were dropped.
    pub dropped: u64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// A push came back.
    Pushed { sent: Instant, attempt: u32, answer: Answer, is_accepted: bool },
    /// It needs no answer any more, because it was seen to be applied.
    Seen,
    /// It became a dead letter.
    GivenUp { reason: Reason },
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `None`: there was no answer.
    pub status: Option<u16>,
    pub correlation_id: Option<Arc<str>>,
}

impl Traces {
    /// Steps that somebody takes up.
    #[cfg(any(test, feature = "otlp"))]
    pub(crate) fn collected() -> (Traces, mpsc::Receiver<Step>) {
        let (steps, collected) = mpsc::channel(WAITING);
        (Traces { steps: Some(steps), dropped: 0 }, collected)
    }

    /// Hands a step over, which is made only if anybody takes it up. Never waits.
    pub(crate) fn note(&mut self, step: impl FnOnce() -> Step) {
        let Some(steps) = &self.steps else { return };
        match steps.try_reserve() {
            Ok(place) => {
                let dropped = std::mem::take(&mut self.dropped);
                place.send(Step { dropped, ..step() });
            }
            Err(mpsc::error::TrySendError::Full(()) | mpsc::error::TrySendError::Closed(())) => {
                self.dropped += 1;
            }
        }
    }
}
