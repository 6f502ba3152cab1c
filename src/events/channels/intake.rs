//! What comes out of a channel's socket, and what it means for the channel.

use std::ops::Range;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::channel::{Channel, Link};
use super::line::Fate;
use super::notice::Received;
use super::report::News;
use super::socket::{Lost, Text};
use crate::events::conversation::Conversation;
use crate::events::frame::{Frame, Unread};
use crate::events::topic::Topic;
use crate::machine;

/// Unreadable frames that get a line each; after that, ever fewer do.
const LINES: u64 = 20;

impl Channel {
    pub(super) async fn handle_text(&mut self, link: Link, text: Text) -> Link {
        if let Link::Up(line) | Link::Closing(line, _) = &link {
            let heard_until = line.socket.heard_all_until();
            if !self.is_in_question() {
                self.heard.note(heard_until);
            }
            self.marks.last_frame_at.mark(heard_until.as_millisecond());
        }
        match self.read(&text) {
            Frame::Conversation { topic, body, conversation } => {
                match &link {
                    Link::Up(line) | Link::Closing(line, _) => {
                        self.pass_on(line.stream, topic, text, body, conversation);
                    }
                    Link::Down { .. } => {}
                }
                link
            }
            Frame::SocketClosing => match link {
                Link::Up(line) => {
                    info!(channel = self.number, "the server will close the socket, replacing it");
                    self.close_soon(line, Fate::Keep)
                }
                Link::Closing(..) | Link::Down { .. } => link,
            },
            Frame::NoLongerSubscribed { reason } => {
                self.shared.counts.drops_by.evicted.add(1);
                self.note_eviction(&reason);
                self.open_gap().await;
                self.drop_line(link).await
            }
            Frame::TokenRevoked => {
                let client = self.client();
                warn!(channel = self.number, client, "token revoked, subscribing with a new one");
                self.open_gap().await;
                self.report(News::TokenRevoked).await;
                match link {
                    Link::Up(mut line) => {
                        line.confirmed = false;
                        self.cut_job();
                        Link::Up(line)
                    }
                    Link::Closing(..) | Link::Down { .. } => link,
                }
            }
            Frame::Heartbeat
            | Frame::Pong
            | Frame::OtherTopic { .. }
            | Frame::Unreadable { .. } => link,
        }
    }

    /// Reads a frame, counts it and tells of what cannot be used.
    pub(super) fn read(&self, text: &Text) -> Frame {
        let frame = match &self.shared.recent {
            Some(recent) => Frame::read_new(text.as_str(), |rest| recent.find(rest)),
            None => Frame::read(text.as_str()),
        };
        let counts = &self.shared.counts;
        match &frame {
            Frame::Heartbeat | Frame::Pong => {
                counts.heartbeats.add(1);
                self.marks.last_heartbeat_at.mark(machine::now().as_millisecond());
            }
            Frame::OtherTopic { topic } => {
                counts.frames.add(1);
                counts.frames_other.add(1);
                debug!(channel = self.number, topic, "frame of a topic we did not ask for");
            }
            Frame::Unreadable { topic, reason, excerpt } => {
                counts.frames.add(1);
                counts.frames_unreadable.add(1);
                let count = counts.frames_unreadable.get();
                // A flood of them must not become a flood of lines.
                if count <= LINES || count.is_power_of_two() {
                    warn!(channel = self.number, topic, reason, excerpt, count, "frame unreadable");
                }
            }
            Frame::Conversation { conversation, .. } => {
                counts.frames.add(1);
                counts.frames_conversation.add(1);
                if let (Some(recent), Ok(conversation)) = (&self.shared.recent, conversation) {
                    recent.note(conversation);
                }
            }
            Frame::SocketClosing | Frame::NoLongerSubscribed { .. } | Frame::TokenRevoked => {
                counts.frames.add(1);
                counts.frames_system.add(1);
            }
        }
        frame
    }

    pub(super) fn pass_on(
        &mut self,
        stream: u32,
        topic: Topic,
        text: Text,
        body: Range<usize>,
        conversation: Result<Box<Conversation>, Unread>,
    ) {
        // Room is there: without it no socket is read.
        let Some(room) = self.room.take() else { return };
        let text = (conversation.is_err() || self.shared.whole_texts).then_some(text);
        room.send(Received {
            channel: stream,
            topic,
            conversation,
            text,
            body,
            at: Instant::now(),
            received_at: machine::now(),
        });
    }

    pub(super) async fn handle_lost(&mut self, link: Link, reason: &Lost) -> Link {
        let counts = &self.shared.counts;
        counts.drops.add(1);
        reason.count(&counts.drops_by);
        self.marks.lost(Some(reason.kind()));
        warn!(channel = self.number, %reason, "disconnected: it reconnects by itself; where it does not, look at the network");
        self.open_gap().await;
        match link {
            Link::Up(line) => {
                self.cut_job();
                let tries = if self.note_end(&line) { 0 } else { line.tries + 1 };
                self.down(line.lease, tries)
            }
            Link::Closing(line, Fate::Keep) => {
                // The replacement may be waiting for the API; the old address needs none.
                self.cut_job();
                Link::Down { lease: Some(line.lease), tries: 0 }
            }
            Link::Closing(line, Fate::Forget) => {
                self.owner().pool.forget(&line.lease.id);
                Link::Down { lease: None, tries: 0 }
            }
            Link::Down { .. } => link,
        }
    }
}
