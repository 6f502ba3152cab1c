//! The monitoring listener's loop: bound, and bound again where it could not be.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{info, warn};

use super::Ended;
use crate::config::{Listen, Monitoring};
use crate::status::http::{Access, Listener, Server, Source};

/// An address that is taken now may be free later: another service has gone.
const BIND_AGAIN: Duration = Duration::from_secs(60);

/// Who may ask.
///
/// # Errors
///
/// If there is a token file that cannot be used: nobody is asked less than was configured.
pub(super) fn access(monitoring: &Monitoring) -> Result<Arc<Access>, Ended> {
    let is_tcp = matches!(monitoring.listen, Some(Listen::Tcp(_)));
    let access = Access::new(monitoring.token_file.as_deref(), is_tcp);
    access
        .map(Arc::new)
        .map_err(|error| Ended::BadConfig(format!("monitoring.token_file: {error}")))
}

/// Answers for ever. Without a listener everything else goes on.
///
/// # Cancel safety
///
/// Dropping the future closes every connection.
pub(super) async fn answer(listen: Listen, source: Source, access: Arc<Access>) {
    let mut told = None;
    loop {
        match Listener::bind(&listen).await {
            Ok(listener) => {
                info!(address = listener.address(), "monitoring listens");
                let beat = source.pulse.add("monitoring");
                match Server::new(listener, source.clone(), Arc::clone(&access), beat).run().await {}
            }
            Err(reason) if told.as_ref() == Some(&reason) => {}
            Err(reason) => {
                warn!(%listen, reason, "monitoring cannot listen, will retry: nobody can read metrics and health; free the address, or set monitoring.listen to another");
                told = Some(reason);
            }
        }
        sleep(BIND_AGAIN).await;
    }
}
