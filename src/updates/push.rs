//! The seam between the updates and the way an attribute is really written.
//!
//! Behind it stands one of the two dialects (DESIGN 5), or a script in tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

pub use crate::genesys::attributes::Lost;
use crate::genesys::call::{CallError, Permit};
use crate::genesys::{ConversationId, ParticipantId};

/// What is sent: the changed keys only.
pub type Changes = BTreeMap<Arc<str>, Arc<str>>;

/// Attributes of others that an earlier push may have undone, to be put back where it did.
pub type Losses = BTreeMap<Arc<str>, Lost>;

/// What one push is to bring about.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    pub changes: Changes,
    /// Empty where a push can undo nothing of others.
    pub losses: Losses,
}

/// Makes one attempt to write attributes of one participant.
pub trait Push: Send + Sync + 'static {
    /// Makes the request for which leave has been taken; nothing is tried again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the request; the server may have acted on it.
    fn push<'a>(
        &'a self,
        permit: Permit,
        conversation: &'a ConversationId,
        participant: &'a ParticipantId,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>>;
}

/// An accepted push: accepted is not yet applied (FACTS 1.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Pushed {
    pub status: u16,
    pub correlation_id: Option<String>,
    /// Where the whole map was written: what was there just before.
    pub before: Option<BTreeMap<String, String>>,
    /// The keys of others that were put back.
    pub restored: Vec<Arc<str>>,
}

impl Pushed {
    /// The changed keys were sent, and nothing else.
    pub(crate) fn patched(status: u16) -> Pushed {
        Pushed { status, correlation_id: None, before: None, restored: Vec::new() }
    }
}
