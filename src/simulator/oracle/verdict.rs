//! The verdict: of all participants that a rule concerns, how many have exactly what they should.

use serde::Serialize;

/// What the oracle finds when it compares what should be with what is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Participants for which a delivered snapshot made at least one wish.
    pub concerned: usize,
    /// Those of them with exactly the attributes they should have.
    pub right: usize,
    pub wrong: Vec<Wrong>,
    /// Those of the wrong keys that were first wished less than 5 s before the last thing the
    /// oracle heard of: they may be on their way.
    pub pending: usize,
    /// Keys first wished by a snapshot that was delivered more than 30 s after its conversation was
    /// over: not written, and not counted as wrong.
    pub excused: usize,
    /// Keys that no rule of any file names, changed by the client.
    pub untouched_violations: usize,
    /// Those of them that are not now as somebody else left them.
    pub lost_by_client: Vec<Wrong>,
    /// Living conversations that the client was given nothing of since they last changed, long ago.
    pub unseen: Vec<String>,
    /// Writes of the client that changed nothing, its retries of unanswered ones left out.
    pub redundant_writes: usize,
    /// Values that only an older snapshot asked for, written more than 2 s after a newer one was
    /// delivered.
    pub older_writes: usize,
    /// Keys written more than 2 s after a snapshot showed a flow, which would write over them at
    /// its end, by rules that are to wait for that.
    pub flow_writes: usize,
}

/// One attribute that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    pub conversation: String,
    pub participant: String,
    pub key: String,
    /// `None` when nothing was wished, and the client wrote nevertheless.
    pub expected: Option<String>,
    pub found: Option<String>,
    /// The rule whose wish was the last; empty where there was none.
    pub rule: String,
}

impl Verdict {
    /// Somebody was concerned, all are right, and nothing was written that should not have been.
    /// Redundant writes do no harm and are for the caller to judge.
    pub fn is_right(&self) -> bool {
        self.concerned > 0
            && self.right == self.concerned
            && self.wrong.is_empty()
            && self.unseen.is_empty()
            && self.untouched_violations == 0
            && self.older_writes == 0
            && self.flow_writes == 0
    }
}
