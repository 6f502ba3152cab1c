//! Bodies that came a moment ago, so that a second copy of one is not read again.
//!
//! With `channels.copies = 2` every body comes twice. The second is recognised byte for byte before
//! anything of it is read: a look into a table, and one comparison. It decides nothing about order:
//! a body that is known may be late. What is kept is bounded, and shared with the snapshots.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::events::conversation::{Conversation, Original};
use crate::genesys::ConversationId;

/// Bodies are found by so many bytes that they begin with: Genesys' begin with the conversation's
/// id (FACTS 2.3). A shorter body is no conversation worth the while.
const START: usize = 64;
/// Bodies of one beginning that are compared: a copy is seconds late, and a conversation changes a
/// few times in that.
const COMPARED: usize = 8;
/// Bodies that are kept: the other copy of the first of them is four seconds late, at a thousand
/// events a second.
const KEPT: usize = 4096;
/// Bytes that are kept. An ordinary conversation has 6 KB, so that both limits are met at once.
const KEPT_BYTES: usize = 24 << 20;

/// See the module.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    by_start: HashMap<[u8; START], VecDeque<(Original, ConversationId)>>,
    /// The beginnings, the oldest body first.
    order: VecDeque<[u8; START]>,
    bytes: usize,
}

impl Recent {
    /// The body that the text begins with, if it came before: its length and its conversation.
    pub(crate) fn find(&self, text: &str) -> Option<(usize, ConversationId)> {
        let start = text.as_bytes().first_chunk::<START>()?;
        let inner = self.lock();
        // The newest is the likeliest. No body is the beginning of another: each is a whole object.
        let mut bodies = inner.by_start.get(start)?.iter().rev().take(COMPARED);
        bodies.find_map(|(body, id)| {
            let body = body.as_str().filter(|body| text.starts_with(body))?;
            Some((body.len(), id.clone()))
        })
    }

    /// Remembers the body of a conversation that was read.
    pub(crate) fn note(&self, conversation: &Conversation) {
        let Some(body) = conversation.original.as_str() else { return };
        let Some(start) = body.as_bytes().first_chunk::<START>() else { return };
        let mut inner = self.lock();
        inner.bytes += body.len();
        inner.order.push_back(*start);
        let kept = (conversation.original.clone(), conversation.id.clone());
        inner.by_start.entry(*start).or_default().push_back(kept);
        while inner.order.len() > KEPT || inner.bytes > KEPT_BYTES {
            inner.forget_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_oldest(&mut self) {
        let Some(start) = self.order.pop_front() else { return };
        let Some(bodies) = self.by_start.get_mut(&start) else { return };
        if let Some((body, _)) = bodies.pop_front() {
            self.bytes -= body.as_str().map_or(0, str::len);
        }
        if bodies.is_empty() {
            self.by_start.remove(&start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::frame::{Frame, Unread};
    use crate::events::{read_generic, samples};

    fn text(body: &str, correlation: &str) -> String {
        format!(
            r#"{{"topicName":"v2.users.a.conversations","version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}}}"#
        )
    }

    #[test]
    fn a_second_copy_is_known_without_being_read() {
        let recent = Recent::default();
        let bodies = samples::CALL.map(samples::body);
        for body in &bodies {
            let first = text(body, "1");
            let read = |text: &str| Frame::read_new(text, |rest| recent.find(rest));
            let Frame::Conversation { conversation: Ok(conversation), .. } = read(&first) else {
                panic!("not read at first")
            };
            recent.note(&conversation);
            // Another correlation id, and the same body.
            let second = text(body, "a later copy");
            let Frame::Conversation { body: place, conversation: again, .. } = read(&second) else {
                panic!("no conversation")
            };
            assert_eq!(again, Err(Unread::Repeat(conversation.id.clone())));
            assert_eq!(&second[place], body);
        }
        // The earlier ones are known still, and anything else is not.
        for body in &bodies {
            assert!(recent.find(body).is_some());
            assert!(recent.find(&body.replace("\"id\":", "\"id\": ")).is_none());
            assert!(recent.find(&body[..body.len() - 1]).is_none());
        }
        assert!(recent.find("").is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        for (size, most) in [(10, KEPT), (1 << 20, 24)] {
            let recent = Recent::default();
            for n in 0..most + 10 {
                let body = format!(r#"{{"id":"{n:05}-{}"}}"#, "x".repeat(64 + size));
                recent.note(&read_generic(&body).unwrap());
            }
            let inner = recent.lock();
            assert!(inner.order.len() <= most && inner.order.len() >= most - 2);
            assert_eq!(inner.order.len(), inner.by_start.len());
            assert!(inner.bytes <= KEPT_BYTES);
        }
    }
}
