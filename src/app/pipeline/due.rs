//! When conversations are to be looked at again because time alone may change what their rules say.
//!
//! Rules reckon by the clock of the frames, waiting by the runtime's: a moment of the one is turned
//! into one of the other by the frame at which it was reckoned.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::debug;

use super::Pipeline;
use crate::app::observe::Moment;
use crate::genesys::{ByConversation, ConversationId};

/// Conversations that may wait, as many as the tracker keeps snapshots of. What finds no room waits
/// for its next event.
const WAITING: usize = 50_000;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Due {
    by_id: ByConversation<(Instant, Timestamp)>,
    by_time: BTreeSet<(Instant, ConversationId)>,
}

impl Due {
    /// Puts a conversation that was looked at `at`, when frames said `now`, in its place for `due`;
    /// out of it for `None`. Returns false if there is no room.
    pub(super) fn set(
        &mut self,
        id: &ConversationId,
        due: Option<Timestamp>,
        at: Instant,
        now: Timestamp,
    ) -> bool {
        self.forget(id);
        let Some(due) = due else { return true };
        let wait = due.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
        let Some(instant) = at.checked_add(wait) else { return true };
        if self.by_id.len() >= WAITING {
            return false;
        }
        self.by_id.insert(id.clone(), (instant, due));
        self.by_time.insert((instant, id.clone()));
        true
    }

    pub(super) fn forget(&mut self, id: &ConversationId) {
        if let Some((instant, _)) = self.by_id.remove(id) {
            self.by_time.remove(&(instant, id.clone()));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(instant, _)| *instant)
    }

    /// Takes the first whose time has come, with the moment for which it waited.
    pub(super) fn take(&mut self, now: Instant) -> Option<(ConversationId, Timestamp)> {
        if self.next()? > now {
            return None;
        }
        let (_, id) = self.by_time.pop_first()?;
        let (_, due) = self.by_id.remove(&id)?;
        Some((id, due))
    }
}

impl Pipeline {
    /// Has a conversation looked at again when its time has come.
    pub(super) fn wait_for_time(
        &mut self,
        id: &ConversationId,
        due: Option<Timestamp>,
        moment: &Moment,
    ) {
        if !self.due.set(id, due, moment.at, moment.received_at) {
            debug!(conversation_id = %id, "too many conversations wait for their time, this one waits for its next event");
        }
    }

    /// Looks at a conversation whose time has come. One that the tracker had to forget is read.
    pub(super) async fn look_when_due(&mut self) -> ControlFlow<()> {
        let at = Instant::now();
        let Some((id, due)) = self.due.take(at) else { return ControlFlow::Continue(()) };
        let Some(current) = self.tracker.current(&id).cloned() else {
            self.reads.want(id);
            return ControlFlow::Continue(());
        };
        let moment = Moment { at, received_at: due, from_read: false };
        self.observe(&current, &moment).await?;
        self.still_doubt(&current, &moment).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_a_later_word_counts() {
        let (mut due, at) = (Due::default(), Instant::now());
        let after = |seconds| Timestamp::from_second(seconds).unwrap();
        for (id, seconds) in
            [("a", Some(30)), ("b", Some(20)), ("c", Some(10)), ("a", Some(15)), ("c", None)]
        {
            assert!(due.set(&id.into(), seconds.map(after), at, Timestamp::UNIX_EPOCH));
        }
        assert_eq!(due.next(), Some(at + Duration::from_secs(15)));
        assert_eq!(due.take(at + Duration::from_secs(14)), None);
        assert_eq!(due.take(at + Duration::from_secs(60)), Some(("a".into(), after(15))));
        assert_eq!(due.take(at + Duration::from_secs(60)), Some(("b".into(), after(20))));
        assert_eq!(due.take(at + Duration::from_secs(60)), None);
        assert!(due.by_id.is_empty() && due.by_time.is_empty());
        // What should have been is due at once.
        assert!(due.set(&"a".into(), Some(after(-5)), at, Timestamp::UNIX_EPOCH));
        assert_eq!(due.next(), Some(at));
    }

    #[test]
    fn it_has_an_end() {
        let (mut due, at) = (Due::default(), Instant::now());
        for n in 0..WAITING {
            assert!(due.set(
                &n.to_string().as_str().into(),
                Some(Timestamp::MAX),
                at,
                Timestamp::MAX
            ));
        }
        assert!(!due.set(&"one more".into(), Some(Timestamp::MAX), at, Timestamp::MAX));
        assert!(due.set(&"7".into(), Some(Timestamp::MAX), at, Timestamp::MAX));
    }
}
