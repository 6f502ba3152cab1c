//! To which client a channel belongs.
//!
//! Genesys counts channels by client, and a channel answers to the client that made it alone
//! (FACTS 1.5). So each client has a pool of its own, and each channel's number says whose it is.

use std::sync::Arc;

use tokio::sync::watch;

use super::kept::Kept;
use super::pool::Pool;
use crate::genesys::call::Api;
use crate::genesys::clients::Bound;

/// A client, and its channels at Genesys.
pub(crate) struct Owner {
    /// The OAuth client's id.
    id: String,
    /// What logs call it; `None` where there is one only.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) api: Arc<dyn Api>,
    pub(crate) pool: Pool,
}

/// Shares out the channels that were kept. Those of a client that is not there any more are left to
/// expire; an entry that names none is the first one's.
pub(crate) fn owners(
    clients: Vec<Bound>,
    mut kept: Vec<Kept>,
    changes: &Arc<watch::Sender<u64>>,
) -> Vec<Owner> {
    let mut owners = Vec::with_capacity(clients.len());
    for Bound { id, name, api } in clients {
        let is_first = owners.is_empty();
        let is_own = |kept: &Kept| kept.client.as_ref().map_or(is_first, |client| *client == id);
        let (own, others): (Vec<Kept>, Vec<Kept>) = kept.into_iter().partition(is_own);
        kept = others;
        let leases = own.into_iter().map(|kept| kept.lease).collect();
        owners.push(Owner { id, name, api, pool: Pool::telling(leases, Arc::clone(changes)) });
    }
    owners
}

/// All channels, with whose they are.
pub(crate) fn known(owners: &[Owner]) -> Vec<Kept> {
    let kept = |owner: &Owner| {
        let client = owner.id.clone();
        let leases = owner.pool.known().into_iter();
        leases.map(move |lease| Kept { client: Some(client.clone()), lease })
    };
    owners.iter().flat_map(kept).collect()
}
