//! Mistakes that can be made on purpose, one at a time, so that the fault simulation can show that it
//! would find them.
//!
//! Only the feature `defects` compiles them in; without it [`on`] is always false, and nothing is
//! left of them. Each stands at the one place where the real program avoids it.

/// A mistake, named after what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Gaps are not looked into.
    NoGapRecovery,
    /// A gap begins when the silence was noticed.
    GapBegunWhenNoticed,
    /// After a gap only conversations that were known are read.
    KnownConversationsOnly,
    /// A 202 settles all that waits for its participant.
    OneGenerationForAnEntry,
    /// A body that was there before is old, whatever came since.
    DedupeByPastHashes,
    /// What comes last is newest.
    ArrivalOrderOnly,
    /// What is in doubt is taken for newer.
    DoubtIsNews,
    /// A 429 rests the request that met it, and no other.
    ThrottleRestsOneRequest,
    /// What failed is sent again as it was.
    StaleBytesAtRetry,
    /// An update leaves the outbox before there is leave to push it.
    PermitAfterUpdateWasTaken,
    /// What we see of our own writing is taken for somebody else's.
    EchoIsForeign,
    /// Somebody else's value is written over.
    FightsOthers,
    /// What was refused is wished again by each snapshot.
    RefusedWishedAgain,
    /// Nothing is remembered of conversations that are over.
    TombstoneMissing,
    /// Everybody who finds no token asks for one.
    TwoTokenRenewals,
    /// No answer is taken for a yes.
    NoAnswerIsYes,
    /// Updates do not wait for a flow to end.
    FlowIsNotWaitedFor,
    /// A read is believed although a frame has overtaken it.
    OvertakenReadBelieved,
    /// A request for a participant does not wait for the one before.
    NotExclusive,
    /// What was written before a restart is not remembered.
    MemoryLostAtRestart,
    /// What is committed is not synced.
    NoFsync,
    /// What is sent is out of the journal before there is an answer.
    JournalClearedBeforeAnswer,
    /// What an earlier process left is not taken over.
    StartsAnew,
}

/// All of them.
pub const ALL: [Defect; 23] = [
    Defect::NoGapRecovery,
    Defect::GapBegunWhenNoticed,
    Defect::KnownConversationsOnly,
    Defect::OneGenerationForAnEntry,
    Defect::DedupeByPastHashes,
    Defect::ArrivalOrderOnly,
    Defect::DoubtIsNews,
    Defect::ThrottleRestsOneRequest,
    Defect::StaleBytesAtRetry,
    Defect::PermitAfterUpdateWasTaken,
    Defect::EchoIsForeign,
    Defect::FightsOthers,
    Defect::RefusedWishedAgain,
    Defect::TombstoneMissing,
    Defect::TwoTokenRenewals,
    Defect::NoAnswerIsYes,
    Defect::FlowIsNotWaitedFor,
    Defect::OvertakenReadBelieved,
    Defect::NotExclusive,
    Defect::MemoryLostAtRestart,
    Defect::NoFsync,
    Defect::JournalClearedBeforeAnswer,
    Defect::StartsAnew,
];

#[cfg(not(feature = "defects"))]
/// Returns true if and only if the mistake is to be made: never.
pub const fn on(_: Defect) -> bool {
    false
}

#[cfg(feature = "defects")]
pub use compiled_in::{on, switch};

#[cfg(feature = "defects")]
mod compiled_in {
    use std::cell::Cell;

    use super::Defect;

    thread_local! {
        static SWITCHED_ON: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    /// Returns true if and only if the mistake is to be made on this thread.
    pub fn on(defect: Defect) -> bool {
        SWITCHED_ON.get() == Some(defect)
    }

    /// On this thread this mistake is made from now on, or none.
    pub fn switch(defect: Option<Defect>) {
        SWITCHED_ON.set(defect);
    }
}
