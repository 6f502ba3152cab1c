//! What the updates want of whoever holds the snapshots, waiting to be asked.
//!
//! Two bounded sets in order of arrival: conversations to be looked at again when the outbox has
//! room, and conversations to be read through the API. The first, when full, counts, and asks for all
//! that live instead; the second may refuse, because what is not confirmed is asked for again. Beside
//! them those that an earlier process left, as many as it knew: they only grow fewer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::wish::Ask;
use crate::genesys::ConversationId;

/// An id is about 100 bytes here; beyond these a list is no shorter than all that live.
pub(crate) const MAX_LOOK_AGAIN: usize = 10_000;

/// More reads than an account's budget serves in half an hour.
const MAX_READS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Asks {
    look_again: Line,
    reads: Line,
    /// Some that are to be looked at again found no room here, and are not known by name.
    all: bool,
    recovered: VecDeque<ConversationId>,
    overflown: u64,
}

impl Asks {
    pub(crate) fn new() -> Asks {
        Asks {
            look_again: Line::new(MAX_LOOK_AGAIN),
            reads: Line::new(MAX_READS),
            all: false,
            recovered: VecDeque::new(),
            overflown: 0,
        }
    }

    /// Returns how many did not find room so far, if this one does not either; then all that live are
    /// looked at, after those that did.
    pub(crate) fn look_again(&mut self, conversation: &ConversationId) -> Result<(), u64> {
        if self.look_again.add(conversation) {
            return Ok(());
        }
        (self.all, self.overflown) = (true, self.overflown + 1);
        Err(self.overflown)
    }

    pub(crate) fn read(&mut self, conversation: &ConversationId) {
        self.reads.add(conversation);
    }

    /// To be read because an earlier process knew them alive.
    pub(crate) fn recover(&mut self, conversations: &BTreeSet<ConversationId>) {
        self.recovered.extend(conversations.iter().cloned());
    }

    /// Whether something did not find room, and was not asked for again yet.
    pub(crate) fn has_look_again(&self) -> bool {
        self.all || !self.look_again.places.is_empty()
    }

    /// What to ask next: reads first; to look again only while there is room for what comes of it.
    pub(crate) fn next(&self, room: bool) -> Option<Ask> {
        let read = || {
            let recovered = || self.recovered.front().cloned();
            self.reads.first().or_else(recovered).map(Ask::Read)
        };
        let look_again = || self.look_again.first().map(Ask::LookAgain);
        let all = || self.all.then_some(Ask::LookAtAll);
        read().or_else(|| look_again().or_else(all).filter(|_| room))
    }

    pub(crate) fn asked(&mut self, ask: &Ask) {
        match ask {
            Ask::Read(conversation) => {
                self.reads.remove(conversation);
                if self.recovered.front() == Some(conversation) {
                    self.recovered.pop_front();
                }
            }
            Ask::LookAgain(conversation) => self.look_again.remove(conversation),
            Ask::LookAtAll => self.all = false,
        }
    }
}

/// A set that remembers in which order its members came.
#[derive(Debug)]
struct Line {
    order: BTreeMap<u64, ConversationId>,
    places: BTreeSet<ConversationId>,
    next: u64,
    capacity: usize,
}

impl Line {
    fn new(capacity: usize) -> Line {
        Line { order: BTreeMap::new(), places: BTreeSet::new(), next: 0, capacity }
    }

    /// Returns false if and only if it is full, and this one not in it.
    fn add(&mut self, conversation: &ConversationId) -> bool {
        if self.places.contains(conversation) {
            return true;
        }
        if self.places.len() >= self.capacity {
            return false;
        }
        self.places.insert(conversation.clone());
        self.order.insert(self.next, conversation.clone());
        self.next += 1;
        true
    }

    fn first(&self) -> Option<ConversationId> {
        self.order.first_key_value().map(|(_, conversation)| conversation.clone())
    }

    /// Only the first is ever removed.
    fn remove(&mut self, conversation: &ConversationId) {
        if self.first().as_ref() == Some(conversation) {
            self.order.pop_first();
            self.places.remove(conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_once_in_order_and_looks_wait_for_room() {
        let mut asks = Asks::new();
        for name in ["a", "b", "a"] {
            asks.look_again(&ConversationId::new(name)).unwrap();
        }
        asks.read(&ConversationId::new("r"));
        let mut asked = Vec::new();
        for room in [false, false, true, true, true] {
            let ask = asks.next(room);
            if let Some(ask) = &ask {
                asks.asked(ask);
            }
            asked.push(ask.map_or("-".to_owned(), |ask| format!("{ask:?}")));
        }
        assert_eq!(asked.join(" "), "Read(r) - LookAgain(a) LookAgain(b) -");
    }

    #[test]
    fn what_was_recovered_is_read_after_what_is_asked_for() {
        let mut asks = Asks::new();
        asks.recover(&BTreeSet::from(["b".into(), "a".into()]));
        asks.read(&"r".into());
        let mut asked = Vec::new();
        while let Some(ask) = asks.next(true) {
            asks.asked(&ask);
            asked.push(format!("{ask:?}"));
        }
        assert_eq!(asked.join(" "), "Read(r) Read(a) Read(b)");
    }

    #[test]
    fn what_overflows_is_counted_and_all_are_looked_at_after_the_others() {
        let mut asks = Asks::new();
        for n in 0..MAX_LOOK_AGAIN {
            asks.look_again(&ConversationId::new(&n.to_string())).unwrap();
        }
        assert_eq!(asks.look_again(&ConversationId::new("one more")), Err(1));
        assert_eq!(asks.look_again(&ConversationId::new("0")), Ok(()));
        let mut asked = Vec::new();
        while let Some(ask) = asks.next(true) {
            asks.asked(&ask);
            asked.push(ask);
        }
        assert_eq!(asked.len(), MAX_LOOK_AGAIN + 1);
        assert_eq!(asked.last(), Some(&Ask::LookAtAll));
        assert_eq!(asks.look_again(&ConversationId::new("one more")), Ok(()));
    }
}
