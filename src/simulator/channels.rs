//! The notification channels: their topics, their lives, and the wire to the socket of each.
//!
//! Keeps Genesys' limits (FACTS 3.2): so many channels for a client, of which the one that was not
//! used for longest goes, unconnected ones first; one socket for a channel; an end that a new
//! subscription puts off. Sends nothing by itself but into bounded queues, and knows no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Frames that may wait for one socket. Whoever is slower than that is cut off, and has to recover.
const QUEUE: usize = 8_192;

/// A socket is silenced at most once and ended at most once.
const ENDS: usize = 4;

/// A frame on its way to a channel.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) text: Utf8Bytes,
    /// The snapshot in it, for the books: it counts as delivered once it is written.
    pub(super) snapshot: Option<Arc<Snapshot>>,
}

/// A conversation as it was after the change of this sequence.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) sequence: u64,
    pub(super) body: Value,
}

/// How a socket ends, or goes on in name only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a close frame, after all that waits.
    Closed,
    /// Without a word, at once; what waits is lost.
    Dropped,
    /// It stays open and says nothing more.
    Silenced,
}

#[derive(Debug)]
pub(super) struct Wire {
    queue: mpsc::Sender<Frame>,
    end: mpsc::Sender<End>,
    number: u64,
}

/// The socket's ends of a [`Wire`].
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) number: u64,
    pub(super) queue: mpsc::Receiver<Frame>,
    pub(super) end: mpsc::Receiver<End>,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: String,
    /// The token it was made with; `None`: another program of the same client made it.
    pub(super) token: Option<String>,
    /// The place of the client whose channel it is.
    pub(super) client: usize,
    pub(super) expires: Duration,
    /// The topic ids as they were asked for.
    pub(super) topics: Vec<String>,
    /// A planned close of the socket, once announced.
    pub(super) closes: Option<Duration>,
    /// Whether the socket has been told that the channel is about to expire.
    pub(super) warned: bool,
    /// Counts up with each use.
    used: u64,
    wire: Option<Wire>,
}

#[derive(Debug, Default)]
pub(super) struct Channels {
    all: BTreeMap<String, Channel>,
    /// From a single topic in lower case to the channels that listen to it.
    listeners: BTreeMap<String, BTreeSet<String>>,
    uses: u64,
}

impl Channel {
    pub(super) fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    /// Queues a frame if there is a socket. A socket that is too slow is cut off.
    pub(super) fn send(&mut self, frame: Frame) {
        let Some(wire) = &self.wire else { return };
        match wire.queue.try_send(frame) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => self.wire = None,
            Err(TrySendError::Full(_)) => {
                tracing::warn!(channel = self.id, "socket is too slow, cut off");
                self.end(End::Dropped);
            }
        }
    }

    pub(super) fn end(&mut self, end: End) {
        self.closes = None;
        if let Some(wire) = self.wire.take() {
            wire.tell(end);
        }
    }

    /// The socket goes on in name only: everything sent into it from now on is lost.
    pub(super) fn silence(&self) {
        if let Some(wire) = &self.wire {
            wire.tell(End::Silenced);
        }
    }
}

impl Wire {
    fn tell(&self, end: End) {
        if self.end.try_send(end).is_err() {
            tracing::debug!(?end, "socket had ended before it was told to");
        }
    }
}

impl Channels {
    /// Adds a channel and returns those that had to go for it, whose sockets are still up.
    pub(super) fn create(
        &mut self,
        id: String,
        (client, token): (usize, Option<String>),
        expires: Duration,
        most: usize,
    ) -> Vec<Channel> {
        let mut evicted = Vec::new();
        loop {
            let own = || self.all.values().filter(|channel| channel.client == client);
            if own().count() < most.max(1) {
                break;
            }
            let oldest = own().min_by_key(|channel| (channel.is_connected(), channel.used));
            let Some(id) = oldest.map(|channel| channel.id.clone()) else { break };
            evicted.extend(self.remove(&id));
        }
        self.uses += 1;
        let channel = Channel {
            id: id.clone(),
            token,
            client,
            expires,
            topics: Vec::new(),
            closes: None,
            warned: false,
            used: self.uses,
            wire: None,
        };
        self.all.insert(id, channel);
        evicted
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Channel> {
        self.forget_listeners(id);
        self.all.remove(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Channel> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.all.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.all.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.all.values_mut()
    }

    /// Replaces a channel's topics: the ids, and the single topics behind those that are permitted.
    pub(super) fn subscribe(&mut self, id: &str, topics: Vec<String>, singles: &[String]) {
        self.forget_listeners(id);
        self.uses += 1;
        let Some(channel) = self.all.get_mut(id) else { return };
        channel.topics = topics;
        channel.used = self.uses;
        for single in singles {
            let listeners = self.listeners.entry(single.to_ascii_lowercase()).or_default();
            listeners.insert(id.to_owned());
        }
    }

    /// The channels that listen to a single topic, whatever its case.
    pub(super) fn listeners(&self, topic: &str) -> Vec<String> {
        let listeners = self.listeners.get(&topic.to_ascii_lowercase());
        listeners.into_iter().flatten().cloned().collect()
    }

    /// Single topics, lower case, that somebody listens to.
    pub(super) fn heard(&self) -> impl Iterator<Item = &str> {
        self.listeners.keys().map(String::as_str)
    }

    /// Joins a socket to its channel. An earlier one is closed: there is one for each channel.
    pub(super) fn attach(&mut self, id: &str) -> Option<Attached> {
        self.uses += 1;
        let channel = self.all.get_mut(id)?;
        channel.end(End::Closed);
        channel.used = self.uses;
        let (sender, queue) = mpsc::channel(QUEUE);
        let (end_sender, end) = mpsc::channel(ENDS);
        channel.wire = Some(Wire { queue: sender, end: end_sender, number: self.uses });
        Some(Attached { number: self.uses, queue, end })
    }

    /// Forgets the socket of that number, unless another has taken its place.
    pub(super) fn detach(&mut self, id: &str, number: u64) {
        if let Some(channel) = self.all.get_mut(id)
            && channel.wire.as_ref().is_some_and(|wire| wire.number == number)
        {
            channel.wire = None;
            channel.closes = None;
        }
    }

    fn forget_listeners(&mut self, id: &str) {
        self.listeners.retain(|_, listeners| {
            listeners.remove(id);
            !listeners.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    #[test]
    fn the_unconnected_go_first_then_the_longest_unused() {
        let mut channels = Channels::default();
        for id in ["a", "b", "c"] {
            assert!(channels.create(id.to_owned(), (0, None), LIFE, 3).is_empty());
        }
        let _a = channels.attach("a").unwrap();
        let _b = channels.attach("b").unwrap();
        let evicted = |gone: Vec<Channel>| gone.into_iter().map(|c| c.id).collect::<Vec<_>>();
        assert_eq!(evicted(channels.create("d".to_owned(), (0, None), LIFE, 3)), ["c"]);
        let _d = channels.attach("d").unwrap();
        channels.subscribe("a", Vec::new(), &[]);
        assert_eq!(evicted(channels.create("e".to_owned(), (0, None), LIFE, 3)), ["b"]);
    }

    #[test]
    fn topics_are_replaced_and_heard_in_any_case() {
        let mut channels = Channels::default();
        channels.create("a".to_owned(), (0, None), LIFE, 20);
        let topic = "v2.users.u.routingStatus".to_owned();
        channels.subscribe("a", vec![topic.clone()], std::slice::from_ref(&topic));
        assert_eq!(channels.listeners("V2.users.u.routingstatus"), ["a"]);
        channels.subscribe("a", Vec::new(), &[]);
        assert!(channels.listeners(&topic).is_empty());
    }

    #[test]
    fn a_second_socket_ends_the_first() {
        let mut channels = Channels::default();
        channels.create("a".to_owned(), (0, None), LIFE, 20);
        let mut first = channels.attach("a").unwrap();
        let second = channels.attach("a").unwrap();
        assert_eq!(first.end.try_recv(), Ok(End::Closed));
        channels.detach("a", first.number);
        assert!(channels.get("a").unwrap().is_connected());
        channels.detach("a", second.number);
        assert!(!channels.get("a").unwrap().is_connected());
    }
}
