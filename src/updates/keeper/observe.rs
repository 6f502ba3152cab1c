//! What an observation does: first it corrects the memory, then what waits, then its wishes are
//! considered (SEMANTICS 3 and 4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::Keeper;
use super::give_up::Verdict;
use crate::defects::{self, Defect};
use crate::genesys::ConversationId;
use crate::moment::Moment;
use crate::updates::dead_letters::Reason;
use crate::updates::decide::{Decision, Situation};
use crate::updates::memory::{Conversation, Fate, Gone, Met, Showing, Sight, Written};
use crate::updates::outbox::{Offered, Target, Waiting};
use crate::updates::story::{Event, Flow, What, Withdrawal};
use crate::updates::wish::{Observation, Wish, Write};

/// How often a write that was not applied is made again (SEMANTICS 3).
const MAX_REWRITES: u8 = 3;

/// A doubt is held until the read that settles it has been answered, or is given up: an answer that
/// never comes takes half a minute, and is asked for again. So many tries in vain are enough: what
/// waits goes without one, and says so.
const DOUBT_AT_MOST: Duration = Duration::from_mins(5);

impl Keeper {
    /// Holds back what waits for a conversation, because it may have been overtaken: a doubt may cost
    /// a read, but never the write of an older value (SEMANTICS 2).
    pub(crate) fn doubt(&mut self, conversation: &ConversationId, now: Instant) {
        self.outbox.doubt(conversation, now + DOUBT_AT_MOST, now);
    }

    /// Holds it back no longer: nothing will settle the doubt.
    pub(crate) fn doubt_given_up(&mut self, conversation: &ConversationId, now: Instant) {
        self.outbox.end_doubt(conversation, now);
    }

    /// Takes in what the rules wish of a snapshot of which nobody knows whether it comes before or
    /// after what was observed last, as far as that makes no difference: the first wish for a key is
    /// its last one either way. The state may be gone when a read could tell. For keys only that are
    /// absent in what was observed, which comes with it, or are as a rule left them that is not in
    /// force any more: of others not all that is there is remembered.
    pub(crate) fn perhaps(&mut self, observation: &Observation, now: Instant) {
        // While a flow runs it would be overwritten: for the flow's end to say.
        if observation.in_flow || self.memory.gone(&observation.conversation).is_some() {
            return;
        }
        for wish in &observation.wishes {
            let target = Target {
                conversation: observation.conversation.clone(),
                participant: wish.participant.clone(),
            };
            if self.is_untouched(&target, &wish.key, observation) {
                self.consider(observation, wish, now);
            }
        }
    }

    /// Whether a key was never written, refused or wished by the rules in force: a wish that was met by
    /// what was there is not remembered, but then something was there that we had not written.
    fn is_untouched(&self, target: &Target, key: &str, observation: &Observation) -> bool {
        let mut seen = observation.participants.iter();
        let seen = seen.find(|seen| seen.participant == target.participant);
        let shown = seen.and_then(|seen| seen.attributes.get(key)).unwrap_or_default();
        let known = self.memory.participant(target);
        let was_never = match known.and_then(|it| it.written.get(key)) {
            None => shown.is_empty(),
            Some(written) => {
                written.followed() == shown
                    && is_ours(written.fate)
                    && !observation.in_force.contains(&written.sent.digest)
            }
        };
        was_never
            && known.is_none_or(|it| it.refused(key, observation.rules_hash).is_none())
            && self.outbox.waiting(target, key).is_none()
            && self.outbox.out(target, key).is_none()
            && !self.outbox.is_uncertain(target, key)
    }

    /// Takes in what a conversation shows and what the rules wish of it.
    pub(crate) fn observe(&mut self, observation: &Observation, now: Instant) {
        let known = self.memory.conversation(&observation.conversation);
        let ends = observation.over && known.is_none_or(|known| known.over_since.is_none());
        let flow_before = known.is_some_and(|known| known.in_flow);
        let carried = known.is_some_and(Conversation::has_carried);
        let pending = self.outbox.holds(&observation.conversation);
        if !self.admit(observation, carried, pending, now) {
            return;
        }
        if pending {
            self.outbox.end_doubt(&observation.conversation, now);
        }
        self.judge(observation, flow_before, pending, now);
        self.reconsider(observation, now);
        for wish in &observation.wishes {
            self.consider(observation, wish, now);
        }
        if ends {
            // What rests would be late for ever.
            self.outbox.end_rests(&observation.conversation, now);
        }
        let flow = observation.in_flow && !observation.over;
        self.outbox.set_flow(&observation.conversation, flow, now);
        self.outbox.set_queue(&observation.conversation, observation.queue.as_ref(), now);
        if observation.from_read {
            self.outbox.was_read(&observation.conversation, now);
        }
    }

    /// Returns true if and only if the conversation may still be written to. `carried` if a write of
    /// a whole map may be told of, `pending` if the outbox held anything of it before.
    fn admit(
        &mut self,
        observation: &Observation,
        carried: bool,
        pending: bool,
        now: Instant,
    ) -> bool {
        let id = &observation.conversation;
        // Its last wishes had their time; but a conversation that was over can come back to life.
        if let Some(gone) = self.memory.gone(id)
            && (gone != Gone::Over || observation.over)
        {
            let wishes = observation.wishes.len();
            debug!(conversation_id = %id, wishes, ?gone, "not written to any more");
            return false;
        }
        for seen in observation.participants.iter().filter(|_| carried || pending) {
            let participant = seen.participant.clone();
            let target = Target { conversation: id.clone(), participant };
            self.look_for_losses(&target, &*seen.attributes, now);
            self.look_for_landed(&target, &*seen.attributes);
        }
        let conversation = self.memory.enter(id);
        conversation.note_present(observation.participants.iter().map(|seen| &seen.participant));
        for seen in &observation.participants {
            let participant = &seen.participant;
            let wishes = observation.wishes.iter().filter(|wish| wish.participant == *participant);
            let mut keys: Vec<Arc<str>> = wishes.map(|wish| Arc::clone(&wish.key)).collect();
            if pending {
                keys.extend(self.outbox.keys_of(id, participant).map(Arc::clone));
            }
            let whole = self.settings.whole_maps;
            let showing = Showing { attributes: &*seen.attributes, keys, whole };
            conversation.show(participant, &showing);
        }
        conversation.in_flow = observation.in_flow && !observation.over;
        if observation.over {
            let over_since = *conversation.over_since.get_or_insert(now.into());
            self.look_after_at(id, Instant::from(over_since) + self.settings.after_end);
        } else {
            conversation.over_since = None;
        }
        if let Some(evicted) = self.memory.evict(|id| self.outbox.holds(id), now) {
            self.guard.forget(&evicted);
            warn!(
                conversation_id = %evicted,
                "too many conversations to remember: the quietest is left as it is from now on"
            );
        }
        true
    }

    /// Compares what was written with what is seen.
    fn judge(&mut self, observation: &Observation, flow_before: bool, pending: bool, now: Instant) {
        let id = &observation.conversation;
        let Some(conversation) = self.memory.conversation_mut(id) else { return };
        let (mut missing, mut changed) = (Vec::new(), Vec::new());
        let flow = match (observation.in_flow, flow_before) {
            (true, _) => Some(Flow::Runs),
            (false, true) => Some(Flow::Ended),
            (false, false) => None,
        };
        for seen in &observation.participants {
            let Some(participant) = conversation.participants.get_mut(&seen.participant) else {
                continue;
            };
            let target = Target { conversation: id.clone(), participant: seen.participant.clone() };
            let mut is_changed = false;
            for (key, written) in &mut participant.written {
                let value = seen.attributes.get(key).unwrap_or_default();
                if pending && self.outbox.may_have_sent(&target, key, value) {
                    // The next one is there before its answer is; that is for the answer to say.
                    continue;
                }
                let fate = written.fate;
                let sight = written.see(value, observation.from_read);
                is_changed |= written.fate != fate;
                match sight {
                    Sight::Nothing | Sight::Stale => {}
                    Sight::Confirmed => {
                        self.counts.confirmed.add(1);
                        let (rule, what) = (&written.sent.rule, What::Seen);
                        self.story.note(|| Event::new(now, &target, key, rule, what));
                    }
                    Sight::Foreign => {
                        self.counts.lost_to_others.add(1);
                        let rule = &written.sent.rule;
                        let what = What::Overwritten { flow, write: written.sent.write };
                        self.story.note(|| Event {
                            value: Some(Arc::from(value)),
                            ..Event::new(now, &target, key, rule, what)
                        });
                        debug!(
                            conversation_id = %target.conversation,
                            participant_id = %target.participant, key = %key,
                            rule = %written.sent.rule, "overwritten by somebody else"
                        );
                    }
                    Sight::Missing => missing.push((target.clone(), Arc::clone(key))),
                }
            }
            if is_changed {
                changed.push(target);
            }
        }
        changed.iter().for_each(|target| self.memory.touch(target));
        for (target, key) in missing {
            self.write_again(&target, &key, now);
        }
    }

    /// A write was accepted and is not there.
    fn write_again(&mut self, target: &Target, key: &Arc<str>, now: Instant) {
        // A newer value is on its way already.
        if self.outbox.waiting(target, key).is_some() || self.outbox.out(target, key).is_some() {
            return;
        }
        let Some(participant) = self.memory.participant_mut(target) else { return };
        let Some(written) = participant.written.get_mut(key) else { return };
        let rule = &written.sent.rule;
        self.story.note(|| Event::new(now, target, key, rule, What::NotApplied));
        let mut sent = written.sent.clone();
        sent.offered_at = now.into();
        sent.changed_at = self.age.reading(now).into();
        if written.rewrites >= MAX_REWRITES {
            let keys = vec![(Arc::clone(key), sent)];
            return self.give_up(target, keys, Reason::NotApplied, &Verdict::default(), now);
        }
        written.rewrites += 1;
        self.memory.touch(target);
        warn!(
            conversation_id = %target.conversation, participant_id = %target.participant,
            key = %key, rule = %sent.rule, "accepted but not applied, will be written again"
        );
        self.offer(target, key, sent, now);
    }

    /// Withdraws what waits and is met, or is wished no more.
    fn reconsider(&mut self, observation: &Observation, now: Instant) {
        let waiting = self.outbox.waiting_of(&observation.conversation);
        if waiting.is_empty() {
            return;
        }
        let live = observation.wishes.iter().filter(|wish| !self.is_dry(wish));
        let wished: BTreeMap<_, _> =
            live.map(|wish| ((&wish.participant, &wish.key), wish.digest)).collect();
        for (target, key, waiting) in waiting {
            if let Some(digest) = wished.get(&(&target.participant, &key)) {
                self.outbox.made_again(&target, &key, observation.rules_hash, *digest);
                continue;
            }
            let situation =
                self.situation(&target, &key, observation.rules_hash, observation.from_read);
            let met = situation.meets(&waiting.value);
            let exists = waiting.write == Write::IfAbsent && situation.exists();
            let unwished = !observation.in_force.contains(&waiting.digest);
            if met || exists || unwished {
                let why = match (met, exists) {
                    (true, _) => Withdrawal::Met,
                    (false, true) => Withdrawal::Exists,
                    (false, false) => Withdrawal::Unwished,
                };
                self.withdraw(&target, &key, &waiting.rule, why, now);
                if met && self.outbox.out(&target, &key).is_none() {
                    let Waiting { value, rule, digest, rules_hash, .. } = &waiting;
                    let met = Met { value, rule, digest: *digest, rules_hash: *rules_hash };
                    self.memory.meet(&target, &key, met);
                }
                debug!(
                    conversation_id = %target.conversation, participant_id = %target.participant,
                    key = %key, rule = %waiting.rule, met, exists, unwished, "wish withdrawn"
                );
            }
        }
    }

    /// All that [`Situation`] wants to know.
    pub(super) fn situation<'a>(
        &'a self,
        target: &Target,
        key: &str,
        rules_hash: u64,
        read: bool,
    ) -> Situation<'a> {
        let participant = self.memory.participant(target);
        let seen = participant.map_or("", |participant| participant.seen(key));
        let written =
            participant.and_then(|participant| participant.written.get(key)).map(|it| &**it);
        let base = written.map_or(seen, |written| written.base(seen));
        let pending = self.outbox.pending(target, key);
        Situation {
            base,
            // What a read showed to be missing was never followed, and is written as if for the
            // first time.
            followed: written.filter(|it| is_ours(it.fate)).map(Written::followed),
            out: pending.out.map(|out| &*out.value),
            waits: pending.waiting.is_some(),
            uncertain: pending.unanswered.is_some(),
            base_was_sent: pending.may_show(base),
            refused: participant.and_then(|participant| participant.refused(key, rules_hash)),
            read,
        }
    }

    fn is_dry(&self, wish: &Wish) -> bool {
        wish.dry_run || self.settings.dry_run
    }

    fn consider(&mut self, observation: &Observation, wish: &Wish, now: Instant) {
        self.counts.offered.add(1);
        let target = Target {
            conversation: observation.conversation.clone(),
            participant: wish.participant.clone(),
        };
        let (rules_hash, read) = (observation.rules_hash, observation.from_read);
        let situation = self.situation(&target, &wish.key, rules_hash, read);
        let decision = situation.decide(&wish.value, wish.write);
        if decision == Decision::Met {
            self.counts.unchanged.add(1);
        }
        if self.is_dry(wish) {
            if matches!(decision, Decision::Write | Decision::Look) {
                self.say(&target, wish, now);
            }
            return;
        }
        match decision {
            Decision::Theirs | Decision::Once | Decision::Refused => {}
            Decision::Look => self.asks.read(&observation.conversation),
            Decision::Exists => {
                self.withdraw(&target, &wish.key, &wish.rule, Withdrawal::Exists, now);
            }
            Decision::Met => {
                self.withdraw(&target, &wish.key, &wish.rule, Withdrawal::Met, now);
                if self.outbox.out(&target, &wish.key).is_none() {
                    let Wish { value, rule, digest, .. } = wish;
                    let met = Met { value, rule, digest: *digest, rules_hash };
                    self.memory.meet(&target, &wish.key, met);
                }
            }
            Decision::Write => {
                let wanted = Waiting::wished(wish, observation, self.age.reading(now));
                self.offer(&target, &wish.key, wanted, now);
            }
        }
    }

    /// Puts a value into the outbox, past the fence and the guard.
    pub(super) fn offer(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        mut wanted: Waiting,
        now: Instant,
    ) {
        if let Some(reason) = self.fence(key, &wanted.value) {
            self.outbox.withdraw(target, key, now);
            let keys = vec![(Arc::clone(key), wanted)];
            return self.give_up(target, keys, reason, &Verdict::default(), now);
        }
        if let Some(participant) = self.memory.known_mut(target) {
            participant.forgive(key);
        }
        if let Some(at) = wanted.useless_at {
            self.look_after_at(&target.conversation, at.into());
        }
        self.tell_wished(target, key, &wanted, now);
        wanted.not_before = self.rest(target, key, &wanted.rule, now).map(Moment::from);
        let rule = Arc::clone(&wanted.rule);
        match self.outbox.offer(target, key, wanted, now) {
            Offered::Queued => {}
            Offered::Merged => self.counts.merged.add(1),
            Offered::Full => {
                self.story.note(|| Event::new(now, target, key, &rule, What::NoRoom));
                self.look_again(&target.conversation, now);
            }
        }
    }

    /// What would be written, were it not for the dry run: said once for each value.
    fn say(&mut self, target: &Target, wish: &Wish, now: Instant) {
        let Some(participant) = self.memory.participant_mut(target) else { return };
        let said = &mut participant.rare_mut().said;
        if said.get(&wish.key) == Some(&wish.value) {
            return;
        }
        said.insert(Arc::clone(&wish.key), Arc::clone(&wish.value));
        self.counts.dry_run.add(1);
        self.story.note(|| Event {
            value: Some(Arc::clone(&wish.value)),
            ..Event::new(now, target, &wish.key, &wish.rule, What::DryRun)
        });
        info!(
            conversation_id = %target.conversation, participant_id = %target.participant,
            rule = %wish.rule, key = %wish.key, "would be written, but for the dry run"
        );
    }
}

/// Whether a write of this fate is remembered as what the rules had last.
fn is_ours(fate: Fate) -> bool {
    fate != Fate::Missing && !(fate == Fate::Confirmed && defects::on(Defect::EchoIsForeign))
}
