//! When the windows of the budget end, over restarts: a process that starts is spared the one request
//! too many that it cannot know of.
//!
//! Without it everything works: it is a hint, and what is written is a minute old at most.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::state_file::StateFile;
use crate::genesys::account::WindowEnds;
use crate::genesys::clients::Clients;
use crate::machine;

const FILE: &str = "windows.json";
/// Two clocks drift apart by some hundredths of a second in that time.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// See the [module](self).
pub(super) struct Windows {
    file: StateFile,
    /// By the OAuth client's id: another client has another budget.
    kept: BTreeMap<String, WindowEnds>,
    look_at: Instant,
    told_not_kept: bool,
}

impl Windows {
    /// Tells the clients what an earlier process knew. A file that cannot be read is said and passed over.
    pub(super) fn load(state_dir: &Path, clients: &Clients) -> Windows {
        let file = StateFile::new(state_dir, FILE);
        let kept: Option<BTreeMap<String, WindowEnds>> = file.load().unwrap_or_else(|error| {
            warn!(
                file = %file.path().display(), %error,
                "when the budget's windows end cannot be read: the first answer tells"
            );
            None
        });
        let mut kept = kept.unwrap_or_default();
        kept.retain(|known, _| clients.by_id().any(|(id, _)| id == known));
        for (id, account) in clients.by_id() {
            if let Some(ends) = kept.get(id) {
                account.expect(*ends, machine::now());
            }
        }
        Windows { file, kept, look_at: Instant::now(), told_not_kept: false }
    }

    /// Keeps what is known by now, now and then. Blocks for a moment when it does.
    pub(super) fn look(&mut self, clients: &Clients, now: Instant) {
        if now < self.look_at {
            return;
        }
        let today = machine::now();
        let known = clients
            .by_id()
            .filter_map(|(id, account)| Some((id.to_owned(), account.window_ends(today)?)));
        let mut known: BTreeMap<String, WindowEnds> = known.collect();
        if known.is_empty() {
            return;
        }
        self.look_at = now + LOOK_EVERY;
        let is_kept = |(id, ends): (&String, &WindowEnds)| {
            self.kept.get(id).is_some_and(|kept| kept.agrees(ends))
        };
        if known.iter().all(is_kept) {
            return;
        }
        // Of a client that is refused for now nothing newer is known.
        for (id, ends) in &self.kept {
            known.entry(id.clone()).or_insert(*ends);
        }
        match self.file.save(&known) {
            Ok(()) => (self.kept, self.told_not_kept) = (known, false),
            Err(_) if self.told_not_kept => {}
            Err(error) => {
                self.told_not_kept = true;
                warn!(%error, "when the budget's windows end cannot be kept: a restart has to ask");
            }
        }
    }
}
