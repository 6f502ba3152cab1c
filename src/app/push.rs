//! The updates' way to Genesys Cloud: one push in the dialect of the configuration.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::BoxFuture;
use tracing::error;

use crate::config::Dialect;
use crate::genesys::call::{Api, CallError, Permit};
use crate::genesys::{ConversationId, ParticipantId, attributes};
use crate::updates::push::{Parcel, Push, Pushed};

/// So many writes that are not found or not allowed, and none that was accepted: it is not the
/// conversations that are missing, but the operation.
const NO_SUCH_OPERATION: u32 = 5;

/// Writes attributes through the API.
pub(super) struct Writer {
    api: Arc<dyn Api>,
    dialect: Dialect,
    /// Writes answered 404 or 405 before any was accepted; stops counting then.
    unknown: AtomicU32,
}

impl Writer {
    pub(super) fn new(api: Arc<dyn Api>, dialect: Dialect) -> Writer {
        Writer { api, dialect, unknown: AtomicU32::new(0) }
    }

    /// Says once, in the put dialect, that the other one may be meant (DESIGN 5).
    fn look_at_the_dialect(&self, result: Result<&attributes::Written, &CallError>) {
        let status = match result {
            // Past the number at which it would be said.
            Ok(_) => return self.unknown.store(NO_SUCH_OPERATION, Ordering::Relaxed),
            Err(error) => error.refusal().map_or(0, |refusal| refusal.status),
        };
        let before = self.unknown.load(Ordering::Relaxed);
        if self.dialect == Dialect::Put && matches!(status, 404 | 405) && before < NO_SUCH_OPERATION
        {
            self.unknown.store(before + 1, Ordering::Relaxed);
            if before + 1 == NO_SUCH_OPERATION {
                error!(
                    status,
                    "every write so far was answered 404 or 405: this API does not have the put dialect; set genesys.dialect = \"patch\" and restart"
                );
            }
        }
    }
}

impl Push for Writer {
    fn push<'a>(
        &'a self,
        permit: Permit,
        conversation: &'a ConversationId,
        participant: &'a ParticipantId,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<Pushed, CallError>> {
        Box::pin(async move {
            let wanted = attributes::Wanted {
                conversation,
                participant,
                attributes: &parcel.changes,
                lost: &parcel.losses,
                status: None,
            };
            let written = attributes::write(&*self.api, self.dialect, permit, wanted).await;
            self.look_at_the_dialect(written.as_ref());
            let attributes::Written { status, correlation_id, before, restored } = written?;
            Ok(Pushed { status: status.as_u16(), correlation_id, before, restored })
        })
    }
}
