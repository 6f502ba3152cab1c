//! Until when everything that was received has become observations.
//!
//! The journal's good moment follows it: frames between the socket and here are younger than the
//! last one taken, because they come in order. What is in doubt, waits to be looked at again or
//! cannot be read for long holds it back; so does a gap until it has been looked into, so that the
//! next start begins there.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Pipeline;
use crate::events::channels::ChannelsState;
use crate::genesys::{ByConversation, ConversationId};
use crate::updates::dispatcher::Input;

/// How often it is told; a gap that is longer by so much costs nothing.
const EVERY: Duration = Duration::from_secs(5);

/// Whether events may have been missed that nobody has looked for yet.
pub(in crate::app) struct Unheard {
    pub channels: watch::Receiver<ChannelsState>,
    /// How many gaps are not looked into yet.
    pub gaps: watch::Receiver<usize>,
}

impl Unheard {
    /// With the number of open gaps to be told: the start is one.
    pub(in crate::app) fn new(
        channels: watch::Receiver<ChannelsState>,
    ) -> (watch::Sender<usize>, Unheard) {
        let (gaps_open, gaps) = watch::channel(1);
        (gaps_open, Unheard { channels, gaps })
    }

    fn is_anything(&self) -> bool {
        *self.gaps.borrow() > 0 || self.channels.borrow().oldest_gap.is_some()
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Through {
    /// Everything that was received before this was taken.
    taken: Instant,
    told: Option<Instant>,
    /// When the first frame came that put a conversation in doubt.
    doubts: ByConversation<Instant>,
}

impl Through {
    pub(super) fn new(now: Instant) -> Through {
        Through { taken: now, told: None, doubts: ByConversation::default() }
    }

    /// A frame that was received then was taken.
    pub(super) fn took(&mut self, received: Instant) {
        self.taken = self.taken.max(received);
    }

    pub(super) fn doubt(&mut self, id: &ConversationId, received: Instant) {
        self.doubts.entry(id.clone()).or_insert(received);
    }

    /// Whatever comes is to be told at once.
    pub(super) fn hurry(&mut self) {
        self.told = None;
    }

    /// What is to be told now, if anything is. `is_in_doubt` says what still is.
    fn tell(
        &mut self,
        now: Instant,
        is_in_doubt: impl Fn(&ConversationId) -> bool,
    ) -> Option<Instant> {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY) {
            return None;
        }
        self.told = Some(now);
        self.doubts.retain(|id, _| is_in_doubt(id));
        let oldest = self.doubts.values().min();
        Some(oldest.map_or(self.taken, |doubt| self.taken.min(*doubt)))
    }
}

impl Pipeline {
    /// Tells the updates until when all is observed, behind the observations themselves.
    pub(super) async fn tell_through(&mut self) -> ControlFlow<()> {
        let now = Instant::now();
        if self.joints.frames.is_empty() && self.batch.is_empty() {
            self.through.took(now);
        }
        let is_behind =
            !self.again.is_empty() || !self.joints.asks.is_empty() || self.reads.has_hanging();
        if is_behind || self.joints.unheard.is_anything() {
            return ControlFlow::Continue(());
        }
        match self.through.tell(now, |id| self.tracker.is_in_doubt(id)) {
            Some(through) => self.send(Input::Through(through)).await,
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_frames_and_waits_for_what_is_in_doubt() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut through = Through::new(start);
        through.took(at(3));
        through.took(at(2));
        assert_eq!(through.tell(at(5), |_| true), Some(at(3)));
        through.took(at(5));
        assert_eq!(through.tell(at(5), |_| true), None, "it was told just now");
        through.hurry();
        assert_eq!(through.tell(at(5), |_| true), Some(at(5)));

        through.doubt(&"c".into(), at(4));
        through.doubt(&"c".into(), at(6));
        through.took(at(7));
        assert_eq!(through.tell(at(10), |_| true), Some(at(4)));
        assert_eq!(through.tell(at(15), |_| false), Some(at(7)));
        assert_eq!(through.tell(at(20), |_| true), Some(at(7)));
    }
}
