//! What is under way and seen to be applied before its answer comes, which then need not come.
//!
//! A write whose answer is lost goes out once more, because the server may not have acted. But where a
//! snapshot has shown the value meanwhile it has; and if somebody else has changed it since, writing
//! it once more would undo theirs (SEMANTICS 3).

use std::sync::Arc;

use tokio::time::Instant;
use tracing::info;

use super::{Keeper, Request};
use crate::updates::memory::{Sight, Written};
use crate::updates::outbox::{Out, Target};
use crate::updates::story::{Event, What};
use crate::updates::wish::Attributes;

impl Keeper {
    /// Compares what is under way with what a snapshot shows, and what the one before it did.
    ///
    /// A value that was there a while ago proves nothing: the snapshot may be older than the write.
    /// Nor is it enough where all attributes are written, because what that undid shows only at the
    /// next time.
    pub(super) fn look_for_landed(&mut self, target: &Target, shown: &dyn Attributes) {
        if self.settings.whole_maps {
            return;
        }
        let mut under_way = self.outbox.under_way(target).peekable();
        if under_way.peek().is_none() {
            return;
        }
        let participant = self.memory.participant(target);
        let landed = under_way.filter(|(key, sent)| {
            let is_there = shown.get(key).is_some_and(|value| *value == *sent.value);
            let was_there = participant.is_some_and(|it| {
                *it.seen(key) == *sent.value
                    || it.written.get(*key).is_some_and(|written| written.may_show(&sent.value))
            });
            is_there && !was_there
        });
        let landed: Vec<Arc<str>> = landed.map(|(key, _)| Arc::clone(key)).collect();
        for key in landed {
            self.outbox.landed(target, &key);
        }
        self.touch_landed(target);
    }

    /// What is known of those is for who comes after this process, too, and may have changed.
    pub(super) fn touch_landed(&mut self, target: &Target) {
        if self.outbox.have_landed(target).next().is_some() {
            self.outbox.touch(target);
            self.memory.touch(target);
        }
    }

    /// What would be written, if this process ended before the answer: then it never comes.
    pub(super) fn known_to_have_landed(
        &self,
        target: &Target,
        now: Instant,
    ) -> Vec<(Arc<str>, Written)> {
        let Some(participant) = self.memory.participant(target) else { return Vec::new() };
        let landed = self.outbox.have_landed(target).map(|(key, sent)| {
            let previous = participant.written.get(key).map(|written| &**written);
            let seen = participant.seen(key);
            (Arc::clone(key), Written::landed(sent.clone(), previous, seen, now).0)
        });
        landed.collect()
    }

    /// The answer will not come, but what it was to say is known of these.
    pub(super) fn settle_landed(&mut self, request: &Request, landed: Out, now: Instant) {
        let target = request.target();
        if landed.is_empty() {
            return;
        }
        let keys: Vec<&str> = landed.keys().map(|key| &**key).collect();
        info!(
            conversation_id = %target.conversation, participant_id = %target.participant,
            keys = keys.join(" "), attempt = request.leaving.attempt,
            "without an answer, but seen to be applied"
        );
        self.counts.pushed.add(u64::try_from(landed.len()).unwrap_or(u64::MAX));
        self.note_accepted(&landed, None, now);
        self.trace_seen(target, &landed, now);
        let Some(participant) = self.memory.participant_mut(target) else { return };
        self.guard.wrote(target, landed.keys(), now, &self.settings);
        for (key, sent) in landed {
            let previous = participant.written.get(&key).map(|written| &**written);
            let (written, sight) = Written::landed(sent, previous, participant.seen(&key), now);
            self.counts.confirmed.add(1);
            let rule = Arc::clone(&written.sent.rule);
            self.story.note(|| Event::new(now, target, &key, &rule, What::Seen));
            if sight == Sight::Foreign {
                self.counts.lost_to_others.add(1);
                let what = What::Overwritten { flow: None, write: written.sent.write };
                self.story.note(|| Event::new(now, target, &key, &rule, what));
            }
            participant.written.insert(key, Box::new(written));
        }
        self.memory.touch(target);
        self.rest_of(&target.conversation, now);
    }
}
