//! What the channels hand on: conversations as they came, and news of the channels themselves.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use tokio::time::Instant;

pub use super::subscription::Rejection;

use super::socket::Text;
use crate::events::conversation::Conversation;
use crate::events::frame::Unread;
use crate::events::topic::Topic;

/// Frames that may wait for whoever reads them.
///
/// Room is taken before a frame is read, so that none read is lost. While there is none, sockets
/// are not read and protocol pings not answered, and a server that is not answered hangs up: so
/// this is seconds of the busiest organisation, while reading waits for milliseconds (FACTS 2.5: 6 KB
/// each; with what was read of them 12 MB, of the 150 that all may take).
pub const QUEUE: usize = 1024;

/// A conversation as it came from a socket.
#[derive(Clone, Debug)]
pub struct Received {
    /// The number of its socket since the start; with the topic it names the stream within which
    /// arrival order counts (SEMANTICS 2). Not of the channel: a socket that overlaps with the one
    /// it replaces brings some frames a second time, after later ones; and where one has broken,
    /// what the next one brings follows on nothing that this one did.
    pub channel: u32,
    pub topic: Topic,
    pub conversation: Result<Box<Conversation>, Unread>,
    /// As it came, where it is not read, or where [whole texts](super::Channels::whole_texts) are
    /// wanted: a text that waits keeps the buffer that it was received in, so that another has to be
    /// made for those after it.
    pub text: Option<Text>,
    /// Where `eventBody` stands in the text, in bytes.
    pub body: Range<usize>,
    pub at: Instant,
    pub received_at: Timestamp,
}

impl Received {
    /// The conversation, as JSON.
    pub fn body(&self) -> &str {
        let read = self.conversation.as_ref().ok().and_then(|read| read.original.as_str());
        let text = || self.text.as_ref()?.as_str().get(self.body.clone());
        read.or_else(text).unwrap_or_default()
    }
}

/// News that somebody must act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A channel's topics are subscribed to and its socket is up; comes again whenever that is
    /// confirmed again.
    Ready {
        channel: u32,
        permitted: usize,
        rejected: usize,
        /// Permitted now, and not before: their conversations under way are to be looked up.
        fresh: Vec<Topic>,
    },
    /// What happened to these topics in between was not seen, or may not have been.
    Gap { channel: u32, since: Timestamp, until: Timestamp, topics: Vec<Topic> },
    /// Genesys revoked the token that the channel was made with: that of this client.
    TokenRevoked { channel: u32, client: usize },
    /// Topics that are refused now, and were not before.
    Rejected { channel: u32, topics: Vec<Rejection> },
    /// Every topic on every channel is refused: nothing will ever be seen.
    NoneAllowed { missing_permissions: BTreeSet<String> },
}

/// All channels at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelsState {
    pub channels: usize,
    pub connected: usize,
    pub topics_wanted: usize,
    /// On a channel that confirmed them.
    pub topics_permitted: usize,
    pub topics_rejected: usize,
    /// Wanted, and beyond what the channels hold.
    pub topics_without_room: usize,
    /// On fewer channels than `channels.copies` asks for.
    pub topics_short_of_copies: usize,
    /// Since when a topic is on no channel that lives; of several, the one longest without.
    pub oldest_gap: Option<Timestamp>,
    /// False while the channels' ids cannot be kept for the next start.
    pub kept: bool,
}
