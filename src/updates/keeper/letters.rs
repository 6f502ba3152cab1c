//! Dead letters as somebody asks for them: shown, wished anew, or forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::Keeper;
use crate::genesys::ConversationId;
use crate::status::control::Answer;
use crate::status::control::letters::{Dropped, Filter, Left, Question, Retried};
use crate::updates::calendar::millis;
use crate::updates::dead_letters::{DeadLetter, DeadLetters, Reason};
use crate::updates::journal::Letters;
use crate::updates::memory::Gone;
use crate::updates::outbox::{Target, Waiting};
use crate::updates::story::Withdrawal;

/// Keys of which a retry says why they were left; of more, how many they are.
const MAX_WHYS: usize = 100;

impl Keeper {
    /// Takes over what an earlier process left, but what is too old by now.
    pub(super) fn restore_letters(&mut self, left: Letters, now: Instant) {
        self.dead_letters = DeadLetters::restored(left);
        self.expire_letters(now);
    }

    pub(super) fn expire_letters(&mut self, now: Instant) {
        let oldest = self.calendar.millis(now).saturating_sub(millis(self.settings.keep));
        self.dead_letters.expire(oldest);
        self.count_letters();
    }

    pub(super) fn count_letters(&self) {
        self.counts.recent.keeps(self.dead_letters.by_reason());
        self.counts.dead_letters.set(u64::try_from(self.dead_letters.len()).unwrap_or(u64::MAX));
    }

    /// `in_force` are the digests of the rules in force: what is wished by others is withdrawn at
    /// the next snapshot.
    pub(crate) fn asked_about_letters(
        &mut self,
        question: &Question,
        in_force: &BTreeSet<u64>,
        now: Instant,
    ) -> Answer {
        match question {
            Question::List { filter, after, values } => {
                Answer::DeadLetters(self.dead_letters.page(filter, *after, *values))
            }
            Question::Retry { filter } => Answer::Retried(self.retry(filter, in_force, now)),
            Question::Drop { filter } => Answer::Dropped(self.forget(filter, now)),
        }
    }

    fn retry(&mut self, filter: &Filter, in_force: &BTreeSet<u64>, now: Instant) -> Retried {
        let meant = self.dead_letters.meant(filter);
        let mut retried = Retried { letters: meant.len(), ..Retried::default() };
        for number in meant {
            let Some(mut letter) = self.dead_letters.remove(number) else { continue };
            let mut left = BTreeMap::new();
            for (key, value) in std::mem::take(&mut letter.changes) {
                match self.retry_key(&letter, &key, &value, in_force, now) {
                    Ok(()) => retried.keys += 1,
                    Err(why) => {
                        retried.left += 1;
                        if retried.why.len() < MAX_WHYS {
                            let (key, why) = (key.to_string(), why.to_owned());
                            retried.why.push(Left { number, key, why });
                        }
                        left.insert(key, value);
                    }
                }
            }
            if !left.is_empty() {
                self.dead_letters.put_back(number, DeadLetter { changes: left, ..letter });
            }
        }
        self.count_letters();
        retried
    }

    /// Wishes a key anew, or says why not.
    fn retry_key(
        &mut self,
        letter: &DeadLetter,
        key: &Arc<str>,
        value: &Arc<str>,
        in_force: &BTreeSet<u64>,
        now: Instant,
    ) -> Result<(), &'static str> {
        let DeadLetter { conversation, participant, .. } = letter;
        let target =
            Target { conversation: conversation.clone(), participant: participant.clone() };
        if self.settings.dry_run {
            return Err("nothing is written in a dry run");
        }
        if !in_force.contains(&letter.digest) {
            return Err("its rule is not in force any more, or was changed");
        }
        match self.fence(key, value) {
            Some(Reason::NotAllowed) => return Err("updates.allowed_keys forbids it still"),
            Some(_) => return Err("it is too long still"),
            None => {}
        }
        self.may_be_written(&target)?;
        self.is_the_last_word(letter, &target, key, value)?;
        if !self.outbox.has_room(&target, &letter.rule) {
            return Err("the outbox is full: ask again later");
        }
        let wanted = Waiting::of_letter(letter, value, self.age.reading(now), now);
        let known = self.memory.participant(&target);
        let unknown = known.is_none_or(|known| !known.has_looked_at(key));
        self.offer(&target, key, wanted, now);
        if unknown {
            // What is there now tells later what is ours and what is not: it is looked at first.
            self.doubt(&target.conversation, now);
            self.asks.read(&target.conversation);
        }
        Ok(())
    }

    fn may_be_written(&self, target: &Target) -> Result<(), &'static str> {
        let Some(conversation) = self.memory.conversation(&target.conversation) else {
            return Err(match self.memory.gone(&target.conversation) {
                Some(Gone::Over) => "the conversation is over",
                Some(Gone::Evicted | Gone::Erased) => "the conversation is left alone from now on",
                None => "the conversation is not known to be alive: nothing was heard of it",
            });
        };
        if conversation.over_since.is_some() {
            return Err("the conversation is over");
        }
        if !conversation.has_seen(&target.participant) {
            return Err("the participant is not in the conversation");
        }
        Ok(())
    }

    /// Nothing newer is wished for the key, or was written since.
    fn is_the_last_word(
        &self,
        letter: &DeadLetter,
        target: &Target,
        key: &str,
        value: &str,
    ) -> Result<(), &'static str> {
        if self.outbox.waiting(target, key).is_some() || self.outbox.out(target, key).is_some() {
            return Err("a newer value waits to be written");
        }
        let Some(participant) = self.memory.participant(target) else { return Ok(()) };
        if participant.seen(key) == value {
            return Err("the attribute has this value already");
        }
        let written = participant.written.get(key).filter(|written| *written.sent.value != *value);
        if written.is_some_and(|written| self.calendar.millis(written.accepted_at) > letter.at) {
            return Err("a newer value was written since");
        }
        Ok(())
    }

    fn forget(&mut self, filter: &Filter, now: Instant) -> Dropped {
        let letters = self.dead_letters.drop_meant(filter);
        self.count_letters();
        let (waiting, left_alone) = match filter.whole_conversation() {
            Some(id) => self.erase(&ConversationId::new(id), now),
            None => (0, false),
        };
        Dropped { letters, waiting, left_alone }
    }

    /// Forgets all values of a conversation. It is not written to any more: nobody knows from now on
    /// which of its values are ours (SEMANTICS 3).
    fn erase(&mut self, id: &ConversationId, now: Instant) -> (usize, bool) {
        let waiting = self.outbox.waiting_of(id);
        for (target, key, waiting) in &waiting {
            self.withdraw(target, key, &waiting.rule, Withdrawal::Erased, now);
        }
        // What is under way ends by itself, and is not kept whatever the answer.
        let _not_put_back = self.outbox.drop_losses(id, now);
        self.guard.forget(id);
        let known = self.memory.conversation(id).is_some();
        self.memory.forget(id, Gone::Erased, now);
        (waiting.len(), known)
    }

    /// What is given up of a conversation that was erased leaves no trace of its values.
    pub(super) fn keep_letter(&mut self, letter: DeadLetter) {
        if self.memory.gone(&letter.conversation) != Some(Gone::Erased) {
            self.dead_letters.add(letter);
            self.count_letters();
        }
    }
}
