//! What of others is to be put back: it goes with the next request for its participant, or in one of
//! its own.

use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use super::{Outbox, Target};
use crate::genesys::ConversationId;
use crate::updates::push::Losses;

impl Outbox {
    /// Says what is to be put back from now on. Returns false if there is no room for it.
    pub(crate) fn set_losses(&mut self, target: &Target, losses: Losses, now: Instant) -> bool {
        let window = now + self.merge_window;
        if losses.is_empty() && self.entry(target).is_none() {
            return true;
        }
        let nobody = Arc::clone(self.lanes.nobody());
        let Some(entry) = self.enter(target, &nobody, window) else { return false };
        if entry.keys.is_empty() && entry.troubles().losses.is_empty() {
            entry.window = window.into();
        }
        if !losses.is_empty() || !entry.troubles().losses.is_empty() {
            entry.troubles_mut().losses = losses;
        }
        self.place(target, now);
        true
    }

    /// What is to be put back.
    pub(crate) fn losses(&self, target: &Target) -> Option<&Losses> {
        Some(&self.entry(target)?.troubles().losses).filter(|losses| !losses.is_empty())
    }

    /// Takes back all that is to be put back in a conversation, but for what is under way.
    pub(crate) fn drop_losses(
        &mut self,
        conversation: &ConversationId,
        now: Instant,
    ) -> Vec<(Target, Losses)> {
        let mut dropped = Vec::new();
        for target in self.targets_of(conversation) {
            let losses = self.change(&target, now, |entry| {
                entry.its_troubles().map(|troubles| std::mem::take(&mut troubles.losses))
            });
            dropped.extend(
                losses.flatten().filter(|it| !it.is_empty()).map(|losses| (target, losses)),
            );
        }
        dropped
    }
}

impl Entry {
    /// What went along was dealt with; what came since was not.
    pub(super) fn settle_losses(&mut self) {
        let Some(troubles) = self.its_troubles() else { return };
        let out = std::mem::take(&mut troubles.losses_out);
        troubles.losses.retain(|key, lost| out.get(key) != Some(lost));
    }
}
