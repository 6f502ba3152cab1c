//! What happens to each key, as it is handed over to the [`story`](crate::updates::story).

use std::sync::Arc;

use tokio::time::Instant;

use super::{Keeper, Request};
use crate::updates::outbox::{Target, Waiting};
use crate::updates::story::{Event, Story, What, Withdrawal};

impl Keeper {
    /// Hands over what happens from now on.
    pub(crate) fn tell(&mut self, story: Story) {
        self.story = story;
    }

    /// The story, for its end.
    pub(crate) fn take_story(&mut self) -> Story {
        std::mem::take(&mut self.story)
    }

    /// A value was wished, if it is not the one that waits already: every snapshot wishes it anew.
    pub(super) fn tell_wished(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        wanted: &Waiting,
        now: Instant,
    ) {
        if !self.story.is_kept() {
            return;
        }
        let earlier = self.outbox.waiting(target, key);
        if earlier.is_some_and(|earlier| earlier.value == wanted.value) {
            return;
        }
        let instead = earlier.is_some();
        let known = self.memory.conversation(&target.conversation);
        let flow = !wanted.during_flow && known.is_some_and(|known| known.in_flow);
        let what = What::Wished { write: wanted.write, flow, instead };
        let value = Some(Arc::clone(&wanted.value));
        self.story.note(|| Event { value, ..Event::new(now, target, key, &wanted.rule, what) });
    }

    /// A push came back: what is told of each key that it carried, by how many milliseconds it took.
    pub(super) fn tell_sent(
        &mut self,
        request: &Request,
        now: Instant,
        what: impl Fn(u64) -> What,
    ) {
        if !self.story.is_kept() {
            return;
        }
        let took = now.saturating_duration_since(request.taken_at).as_millis();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        for (key, sent) in request.leaving.keys.iter() {
            self.story.note(|| Event::new(now, request.target(), key, &sent.rule, what(took)));
        }
    }

    /// Takes back what waits for a key, if anything does, and tells why.
    pub(super) fn withdraw(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        rule: &Arc<str>,
        why: Withdrawal,
        now: Instant,
    ) {
        if self.outbox.withdraw(target, key, now) {
            let what = What::Withdrawn { why };
            self.story.note(|| Event::new(now, target, key, rule, what));
        }
    }
}
