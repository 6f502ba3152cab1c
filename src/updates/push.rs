//! The seam between the updates and the way an attribute is really written.
//!
//! Behind it stands one of the two dialects (DESIGN 5), or a script in tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::genesys::call::{CallError, Permit};
use crate::genesys::{ConversationId, ParticipantId};

/// What is sent: the changed keys only.
pub type Changes = BTreeMap<Arc<str>, Arc<str>>;

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
        changes: Changes,
    ) -> BoxFuture<'a, Result<Pushed, CallError>>;
}

/// An accepted push: accepted is not yet applied (FACTS 1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    pub status: u16,
    pub correlation_id: Option<String>,
}
