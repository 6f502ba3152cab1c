//! What a process that was killed left behind: where it was when it died is read from its journal
//! and from what the simulator saw, and not guessed from the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use attributed::simulator::Entry;
use attributed::updates::journal::Store;

use super::load::{KEY, Load};
use crate::daemon::{Daemon, Setup};

/// Where it was when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The frame was delivered; its wish was neither pushed nor on disk.
    BeforeCommit,
    /// The request was under way, and nothing of its wish on disk.
    Pushed,
    /// The 202 was taken in, and the disk knew nothing of it.
    Accepted,
    /// A gap was being looked into, and conversations read for it.
    Recovery,
}

impl Phase {
    pub(super) const ALL: [Phase; 4] =
        [Phase::BeforeCommit, Phase::Pushed, Phase::Accepted, Phase::Recovery];
}

/// Values by conversation.
type Values = BTreeMap<String, String>;

/// What the journal holds.
pub(super) struct Journal {
    waits: Values,
    written: Values,
}

impl Journal {
    /// Of a state directory that nobody is at work with. Opening mends; hence of a copy.
    pub(super) fn of(setup: &Setup) -> Journal {
        let copy = tempfile::tempdir().unwrap();
        let file = "journal.redb";
        fs::copy(setup.path("state").join(file), copy.path().join(file)).unwrap();
        let left = Store::open(copy.path()).unwrap().recover().unwrap();
        let mut journal = Journal { waits: Values::new(), written: Values::new() };
        for ((conversation, _), row) in left.pending {
            if let Some(waits) = row.keys.get(KEY) {
                journal.waits.insert(conversation.as_str().to_owned(), waits.value.to_string());
            }
        }
        for ((conversation, _), row) in left.memory {
            if let Some(written) = row.keys.get(KEY) {
                journal.written.insert(conversation.as_str().to_owned(), written.value.to_string());
            }
        }
        journal
    }

    pub(super) fn waiting(&self) -> usize {
        self.waits.len()
    }
}

/// What is to be known of a process that was killed.
pub(super) struct Dead<'a> {
    pub(super) load: &'a Load,
    pub(super) daemon: &'a Daemon,
    pub(super) journal: &'a Journal,
    /// Its requests.
    pub(super) requests: &'a [Entry],
    /// Conversations whose last state it was sent, some moments before it died.
    pub(super) batch: &'a [String],
}

impl Dead<'_> {
    /// All that it was in.
    pub(super) fn phases(&self) -> Vec<Phase> {
        let is = |phase: &Phase| match phase {
            Phase::BeforeCommit => self.any(|id| self.pushes(id).is_empty() && self.forgot(id)),
            Phase::Pushed => self.any(|id| {
                let pushes = self.pushes(id);
                !pushes.is_empty()
                    && pushes.iter().all(|push| push.status.is_none())
                    && self.forgot(id)
            }),
            Phase::Accepted => {
                let pushed = self.daemon.log_lines_from(0, "pushed");
                let heard: BTreeSet<&str> =
                    pushed.iter().filter_map(|line| line["conversation_id"].as_str()).collect();
                self.any(|id| {
                    heard.contains(id)
                        && self.pushes(id).iter().any(|push| push.status == Some(202))
                        && self.journal.written.get(id).map(String::as_str)
                            != Some(self.load.wanted(id))
                })
            }
            Phase::Recovery => {
                self.daemon.log_count("looking into a gap") > 0
                    && self.daemon.log_count("gap looked into") == 0
                    && self.requests.iter().any(is_read)
            }
        };
        Phase::ALL.into_iter().filter(is).collect()
    }

    fn any(&self, is: impl Fn(&str) -> bool) -> bool {
        self.batch.iter().any(|id| is(id))
    }

    /// The disk knows nothing of what is wanted there.
    fn forgot(&self, id: &str) -> bool {
        let wanted = Some(self.load.wanted(id));
        let Journal { waits, written } = self.journal;
        [waits, written].iter().all(|held| held.get(id).map(String::as_str) != wanted)
    }

    /// The requests of this life that ask for what is wanted there.
    fn pushes(&self, id: &str) -> Vec<&Entry> {
        let asks = |entry: &&Entry| write_of(entry) == Some((id, self.load.wanted(id)));
        self.requests.iter().filter(asks).collect()
    }
}

/// A conversation was read.
pub(super) fn is_read(entry: &Entry) -> bool {
    entry.method == "GET" && entry.path == "/api/v2/conversations/{conversationId}"
}

/// The conversation that a request writes to, and the value.
pub(super) fn write_of(entry: &Entry) -> Option<(&str, &str)> {
    let value = entry.request.as_ref().filter(|_| entry.is_write())?["attributes"][KEY].as_str()?;
    Some((entry.ids.get("conversationId")?, value))
}
