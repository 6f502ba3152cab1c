//! The updates' way to Genesys Cloud: one push in the dialect of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::config::Dialect;
use crate::genesys::call::{Api, CallError, Permit};
use crate::genesys::{ConversationId, ParticipantId, attributes};
use crate::updates::dispatcher::{Push, Pushed};

/// Writes attributes through the API.
pub struct Writer {
    pub api: Arc<dyn Api>,
    pub dialect: Dialect,
}

impl Push for Writer {
    fn push(
        &self,
        permit: Permit,
        conversation: &ConversationId,
        participant: &ParticipantId,
        attributes: BTreeMap<Arc<str>, Arc<str>>,
    ) -> BoxFuture<'_, Result<Pushed, CallError>> {
        let (conversation, participant) = (conversation.clone(), participant.clone());
        Box::pin(async move {
            let written = attributes::write(
                &*self.api,
                self.dialect,
                permit,
                &conversation,
                &participant,
                &attributes,
            )
            .await?;
            Ok(Pushed { correlation_id: written.correlation_id })
        })
    }
}
