//! What our writes of the whole map undid of others' is put back (SEMANTICS 8): with the next
//! request for the participant, which reads first, or with one of its own.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{Keeper, Request};
use crate::genesys::ConversationId;
use crate::updates::memory::{Carried, Participant};
use crate::updates::outbox::Target;
use crate::updates::push::{Losses, Pushed};
use crate::updates::wish::Attributes;

/// How often something is put back for one participant: each time may undo something else, and who
/// writes faster than this is not to be won against.
const MAX_RESTORED: u8 = 10;

impl Keeper {
    /// A push was accepted: if it wrote the whole map, what snapshots show may tell what it undid.
    pub(super) fn carried(&mut self, request: &Request, pushed: &Pushed, now: Instant) {
        let target = request.target();
        if !pushed.restored.is_empty() {
            warn!(
                conversation_id = %target.conversation, participant_id = %target.participant,
                keys = pushed.restored.join(" "), status = pushed.status,
                correlation_id = pushed.correlation_id,
                "written by somebody else while we wrote, and put back"
            );
        }
        let Some(participant) = self.memory.participant_mut(target) else { return };
        let unanswered = participant.any_rare_mut().and_then(|rare| rare.unanswered.take());
        let Some(read) = pushed.before.clone() else { return };
        let suspected = self.outbox.losses(target).cloned().unwrap_or_default();
        let earlier = unanswered.as_ref().unwrap_or(&request.seen).to_map();
        let shown = participant.shown.to_map();
        let known = participant.rare_mut();
        known.restored = known.restored.saturating_add(u8::from(!pushed.restored.is_empty()));
        let restored = pushed.restored.iter().filter_map(|key| {
            request.leaving.losses.get(key).map(|lost| (Arc::clone(key), lost.clone()))
        });
        let restored: Losses = restored.collect();
        let changes = request.changes();
        let previous = known.carried.take();
        let mut carried = Carried::new(previous, read, changes, &restored, suspected, now);
        let changed = carried.see(&earlier, &shown);
        let losses = carried.losses().clone();
        known.carried = Some(carried);
        if changed {
            self.put_back(target, losses, now);
        }
    }

    /// Takes in a participant's attributes as a snapshot shows them, before they are remembered.
    pub(super) fn look_for_losses(&mut self, target: &Target, seen: &dyn Attributes, now: Instant) {
        let Some(participant) = self.memory.known_mut(target) else { return };
        if participant.rare().is_none_or(|rare| rare.carried.is_none()) {
            return;
        }
        let earlier = participant.shown.to_map();
        let known = participant.rare_mut();
        let Some(carried) = known.carried.as_mut().filter(|carried| carried.tells(now)) else {
            known.carried = None;
            return;
        };
        if carried.see(&earlier, &seen.to_map()) {
            let losses = carried.losses().clone();
            self.put_back(target, losses, now);
        }
    }

    fn put_back(&mut self, target: &Target, losses: Losses, now: Instant) {
        let known = self.memory.participant(target).and_then(Participant::rare);
        let restored = known.map_or(0, |known| known.restored);
        if !losses.is_empty() && restored >= MAX_RESTORED {
            return tell_lost(target, &losses, "too often");
        }
        if !losses.is_empty() {
            info!(
                conversation_id = %target.conversation, participant_id = %target.participant,
                keys = keys(&losses),
                "written by somebody else while we wrote, will be looked after"
            );
        }
        if !self.outbox.set_losses(target, losses.clone(), now) {
            tell_lost(target, &losses, "the outbox is full");
        }
    }

    /// A conversation is over: what is not put back by now is lost.
    pub(super) fn leave_losses(&mut self, conversation: &ConversationId, now: Instant) {
        for (target, losses) in self.outbox.drop_losses(conversation, now) {
            tell_lost(&target, &losses, "conversation-over");
        }
    }

    /// A request that carried nothing but these will never succeed.
    pub(super) fn refused_losses(&self, request: &Request, reason: &'static str) {
        if request.leaving.keys.is_empty() {
            tell_lost(request.target(), &request.leaving.losses, reason);
        }
    }
}

fn tell_lost(target: &Target, losses: &Losses, reason: &'static str) {
    error!(
        conversation_id = %target.conversation, participant_id = %target.participant,
        keys = keys(losses), reason,
        "written by somebody else while we wrote, and may be lost: compare these attributes with \
         what their writer meant them to be"
    );
}

fn keys(losses: &Losses) -> String {
    let keys: Vec<&str> = losses.keys().map(|key| &**key).collect();
    keys.join(" ")
}
