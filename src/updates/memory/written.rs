//! What we wrote to one key, and what became of it (SEMANTICS 3).
//!
//! A 202 proves nothing (FACTS 1.1): the proof is a snapshot that shows the value. Until then a
//! snapshot that shows an earlier value is merely older than the write.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::updates::outbox::Waiting;

/// So many values of one key can be on their way through the server at once; the guard stops a key
/// that changes faster.
const MAX_EARLIER: usize = 8;

/// Reads that may remain without an answer before a write stays unconfirmed.
const MAX_ASKS: u8 = 3;

/// The value that was last accepted for a key.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// What was sent, for writing it once more.
    pub sent: Waiting,
    pub accepted_at: Instant,
    pub fate: Fate,
    /// What was wished since, and was there without being written: somebody else's value, or one of
    /// ours that landed late.
    pub(super) met: Option<Arc<str>>,
    /// How often it was written again because it had not been applied.
    pub rewrites: u8,
    /// Values that a snapshot older than the write may show; empty once it is confirmed.
    pub(super) earlier: BTreeSet<Arc<str>>,
    /// An earlier write had the same value, or may yet be applied: seeing the value in an event does
    /// not tell, only a read does.
    pub(super) doubt: bool,
    pub(super) asked_at: Option<Instant>,
    pub(super) asks: u8,
}

/// A wish that is met by what is there, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Met<'w> {
    pub value: &'w Arc<str>,
    pub rule: &'w Arc<str>,
    pub digest: u64,
    pub rules_hash: u64,
}

/// What became of an accepted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Unconfirmed,
    Confirmed,
    /// A read showed that it was not applied.
    Missing,
    /// Somebody else wrote after us.
    Foreign,
}

/// What a snapshot tells about a value that we wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing new, or nothing that can be relied on.
    Nothing,
    /// Ours is there, for the first time.
    Confirmed,
    /// The snapshot is older than the write.
    Stale,
    /// Another value is there, for the first time.
    Foreign,
    /// The write was not applied.
    Missing,
}

/// Whether a write is to be confirmed by a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirming {
    /// Nothing is to be confirmed any more.
    Settled,
    /// Not before this.
    Later(Instant),
    /// A read is due; the next one is, if it brings nothing, at this time.
    Ask(Instant),
    /// All reads remained without an answer; said once.
    GivenUp,
}

impl Written {
    /// An accepted value. `before` is what was seen when the push began, `landing` what was sent
    /// earlier without an answer, `seen` what the newest snapshot shows.
    pub(crate) fn new(
        sent: Waiting,
        previous: Option<&Written>,
        before: &str,
        landing: BTreeSet<Arc<str>>,
        seen: &str,
        now: Instant,
    ) -> Written {
        let mut earlier = landing;
        let mut doubt = earlier.iter().any(|value| *value != sent.value);
        let mut rewrites = 0;
        if let Some(previous) = previous {
            // Also one that was confirmed a moment ago: snapshots may lag behind that.
            if matches!(previous.fate, Fate::Unconfirmed | Fate::Confirmed) {
                earlier.insert(Arc::clone(&previous.sent.value));
            }
            // Empty but for what is unconfirmed or missing.
            earlier.extend(previous.earlier.iter().cloned());
            doubt |= previous.doubt;
            if previous.sent.value == sent.value {
                rewrites = previous.rewrites;
            }
        }
        doubt |= earlier.remove(&sent.value) || *before == *sent.value;
        if *before != *sent.value && !earlier.contains(before) {
            earlier.insert(Arc::from(before));
        }
        while earlier.len() > MAX_EARLIER {
            earlier.pop_first();
        }
        let confirmed = !doubt && *sent.value == *seen;
        let fate = if confirmed { Fate::Confirmed } else { Fate::Unconfirmed };
        if confirmed {
            earlier.clear();
        }
        Written {
            sent,
            accepted_at: now,
            fate,
            met: None,
            rewrites,
            earlier,
            doubt,
            asked_at: None,
            asks: 0,
        }
    }

    /// A value that a snapshot has shown before there was an answer, and that is confirmed by it; and
    /// what the newest one, which shows `seen`, tells since.
    pub(crate) fn landed(
        sent: Waiting,
        previous: Option<&Written>,
        seen: &str,
        now: Instant,
    ) -> (Written, Sight) {
        let shown = Arc::clone(&sent.value);
        let mut written = Written::new(sent, previous, "", BTreeSet::new(), &shown, now);
        let sight = written.see(seen, false);
        (written, sight)
    }

    /// The value that the rules had last, as far as it was written or there.
    pub(crate) fn followed(&self) -> &str {
        self.met.as_ref().unwrap_or(&self.sent.value)
    }

    /// The wish for this value is met by what is there. Returns true if that is news.
    pub(crate) fn meet(&mut self, Met { value, rule, digest, rules_hash }: Met<'_>) -> bool {
        let met = Some(value).filter(|value| **value != self.sent.value).cloned();
        let mut is_news = self.met != met;
        if met.is_none() && self.sent.digest != digest {
            // It is this rule's value from now on, whichever had it written.
            self.sent.rule = Arc::clone(rule);
            (self.sent.rules_hash, self.sent.digest) = (rules_hash, digest);
            is_news = true;
        }
        self.met = met;
        is_news
    }

    /// What the key holds, given what a snapshot shows.
    pub(crate) fn base<'a>(&'a self, seen: &'a str) -> &'a str {
        let stale = self.fate == Fate::Unconfirmed && self.earlier.contains(seen);
        if stale { &self.sent.value } else { seen }
    }

    /// Whether a snapshot that is older than another write may show this value.
    pub(crate) fn may_show(&self, value: &str) -> bool {
        *self.sent.value == *value || self.doubt || self.earlier.contains(value)
    }

    /// Takes in what a snapshot shows; `from_read` if it is no older than the asking.
    pub(crate) fn see(&mut self, seen: &str, from_read: bool) -> Sight {
        // A read that nobody asked for after the write may have been under way before it.
        let by_read = from_read && self.asked_at.is_some();
        if *self.sent.value == *seen {
            let proof = !self.doubt || by_read;
            return match self.fate {
                Fate::Confirmed => Sight::Nothing,
                Fate::Unconfirmed | Fate::Missing if !proof => Sight::Nothing,
                Fate::Unconfirmed | Fate::Missing => {
                    self.settle(Fate::Confirmed);
                    Sight::Confirmed
                }
                Fate::Foreign => {
                    self.settle(Fate::Confirmed);
                    Sight::Nothing
                }
            };
        }
        if self.earlier.contains(seen) {
            if !by_read || self.fate == Fate::Missing {
                return Sight::Stale;
            }
            self.fate = Fate::Missing;
            return Sight::Missing;
        }
        if self.fate == Fate::Foreign {
            return Sight::Nothing;
        }
        self.settle(Fate::Foreign);
        Sight::Foreign
    }

    fn settle(&mut self, fate: Fate) {
        self.fate = fate;
        self.earlier.clear();
        self.doubt = false;
    }

    /// Whether a sight may still tell what became of it.
    pub(crate) fn is_to_be_confirmed(&self) -> bool {
        self.fate == Fate::Unconfirmed && self.asks <= MAX_ASKS
    }

    /// Says whether a read is due to confirm it, and notes that one is asked for.
    pub(crate) fn confirm(&mut self, now: Instant, confirm_after: Duration) -> Confirming {
        if !self.is_to_be_confirmed() {
            return Confirming::Settled;
        }
        let due = self.asked_at.unwrap_or(self.accepted_at) + confirm_after;
        if due > now {
            return Confirming::Later(due);
        }
        self.asks += 1;
        if self.asks > MAX_ASKS {
            return Confirming::GivenUp;
        }
        self.asked_at = Some(now);
        Confirming::Ask(now + confirm_after)
    }
}
