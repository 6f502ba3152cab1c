//! The control socket's loop: made, and made again where it could not be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::status::control::{Asked, Place, Server};
use crate::status::overview::Newest;

/// A path that cannot be used now may be usable later: another service has gone, a folder is there.
const MAKE_AGAIN: Duration = Duration::from_secs(60);

/// Answers at `path` until it is told to stop. Without a socket everything else goes on.
///
/// # Cancel safety
///
/// Dropping the future closes every connection and takes the socket away.
pub(super) async fn answer(
    path: PathBuf,
    asks: mpsc::Sender<Asked>,
    newest: Newest,
    stop: CancellationToken,
) {
    let mut told = None;
    let serving = async {
        loop {
            match make(&path, &asks, &newest) {
                Ok(server) => {
                    if told.is_some() {
                        info!(path = %path.display(), "the control socket is there");
                    }
                    server.run().await;
                }
                Err(reason) if told.as_ref() == Some(&reason) => {}
                Err(reason) => {
                    warn!(path = %path.display(), reason, "no control socket (monitoring.control): `attributed reload` and others find nobody, signals work");
                    told = Some(reason);
                }
            }
            sleep(MAKE_AGAIN).await;
        }
    };
    let _stopped: Option<()> = stop.run_until_cancelled(serving).await;
}

fn make(path: &Path, asks: &mpsc::Sender<Asked>, newest: &Newest) -> Result<Server, String> {
    let made = Place::make(path).map_err(|error| error.to_string())?;
    let beat = newest.pulse.add("control socket");
    Server::new(made, asks.clone(), newest.clone(), beat).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::status::pulse::Pulse;

    #[tokio::test(start_paused = true)]
    async fn a_path_that_cannot_be_used_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        fs::write(&path, "somebody's file").unwrap();
        let (asks, _asked) = mpsc::channel(1);
        let (pulse, stop) = (Pulse::default(), CancellationToken::new());
        let (_told, overview) = tokio::sync::watch::channel(std::sync::Arc::default());
        let newest = Newest { overview, pulse: pulse.clone() };
        let told = async {
            sleep(MAKE_AGAIN).await;
            assert!(UnixStream::connect(&path).is_err());
            fs::remove_file(&path).unwrap();
            sleep(2 * MAKE_AGAIN).await;
            assert!(UnixStream::connect(&path).is_ok());
            assert!(pulse.silent(MAKE_AGAIN).is_empty());
            stop.cancel();
        };
        tokio::join!(answer(path.clone(), asks, newest, stop.clone()), told);
        assert!(!path.exists(), "it is taken away at the end");
    }
}
