//! The updates' way to Genesys Cloud: one push in the dialect of the configuration.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::config::Dialect;
use crate::genesys::call::{Api, CallError, Permit};
use crate::genesys::{ConversationId, ParticipantId, attributes};
use crate::updates::push::{Changes, Push, Pushed};

/// Writes attributes through the API.
pub(super) struct Writer {
    pub(super) api: Arc<dyn Api>,
    pub(super) dialect: Dialect,
}

impl Push for Writer {
    fn push<'a>(
        &'a self,
        permit: Permit,
        conversation: &'a ConversationId,
        participant: &'a ParticipantId,
        changes: Changes,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        Box::pin(async move {
            let written = attributes::write(
                &*self.api,
                self.dialect,
                permit,
                conversation,
                participant,
                &changes,
            )
            .await?;
            Ok(Pushed { status: written.status.as_u16(), correlation_id: written.correlation_id })
        })
    }
}
