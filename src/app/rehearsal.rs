//! What the daemon would do with one conversation, without an account.
//!
//! Snapshots go the way that they go in the daemon: the rules look, the same
//! [`Keeper`] decides what is written, remembers it, waits for flows and lets keys rest. What is
//! not played is the outside: every push is accepted and comes back as an event at once, nothing is
//! ever late or lost, and no read is made to confirm anything. What `raw` shows is the body as it
//! came, without what was written since. Time is an argument; two equal rehearsals end alike.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::observe::{Look, Moment, View, observation};
use crate::config::default;
use crate::events::conversation::Conversation;
use crate::genesys::{ParticipantId, UserId};
use crate::rules::explain::Explained;
use crate::rules::file::Rule;
use crate::rules::{Context, RuleError, Rules, Standing};
use crate::status::counts::Counts;
use crate::updates::keeper::Keeper;
use crate::updates::push::Pushed;
use crate::updates::settings::Settings;
use crate::updates::wish::{Wish, Write};

/// A push for each participant and moment is what there should be; more than this is a loop.
const MAX_PUSHES: usize = 10_000;

/// Rules that write what others look at settle within a few events; those that do not chase each
/// other, which the guard against fights ends.
const MAX_ECHOES: usize = 10;

/// Times at which a rule may come true by itself, between two events; more than these in one pause
/// tell nothing new.
const MAX_DUES: usize = 1_000;

/// One conversation, as the daemon would live through it.
pub(crate) struct Rehearsal {
    view: View,
    standing: Standing,
    keeper: Keeper,
    began: (Instant, Timestamp),
    /// As it is now, and the body that it was read from.
    current: Option<(Arc<Conversation>, Arc<str>)>,
    /// When to look at it again.
    due: Option<Timestamp>,
}

/// One attribute that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrote {
    pub(crate) participant: ParticipantId,
    pub(crate) key: Arc<str>,
    pub(crate) value: Arc<str>,
    pub(crate) rule: Arc<str>,
}

/// What came of one moment, and of the time before it.
#[derive(Debug, Default)]
pub(crate) struct Came {
    /// Rules that held, in the order of the file.
    pub(crate) matched: Vec<Arc<str>>,
    pub(crate) wrote: Vec<Wrote>,
    /// What rules in dry run wish, and is not so.
    pub(crate) dry: Vec<Wish>,
    pub(crate) errors: Vec<RuleError>,
    /// Keys that wait, for a flow to end or because they were written too often.
    pub(crate) waiting: Vec<(ParticipantId, Arc<str>)>,
    /// Every look at the conversation, the first one first: at what was due, at the event, and at
    /// what came back.
    pub(crate) looks: Vec<PastLook>,
}

/// What a look was at, so that it can be explained afterwards.
pub(crate) struct PastLook {
    view: View,
    conversation: Arc<Conversation>,
    raw: Arc<str>,
    now: Timestamp,
    /// As it was before the look.
    standing: Standing,
    held: Vec<Arc<str>>,
    /// The rules that wrote what the look came to.
    wrote: BTreeSet<Arc<str>>,
}

impl PastLook {
    /// Whether the rule held.
    pub(crate) fn held(&self, rule: &str) -> bool {
        self.held.iter().any(|held| **held == *rule)
    }

    /// Whether the rule wrote something of what the look came to.
    pub(crate) fn wrote(&self, rule: &str) -> bool {
        self.wrote.contains(rule)
    }

    /// Why the rules held or did not.
    pub(crate) fn explain(&self, wanted: &dyn Fn(&Rule) -> bool) -> Vec<Explained> {
        let PastLook { view, conversation, raw, now, standing, .. } = self;
        let context = Context { watched: &view.watched, now: *now, raw: Some(raw) };
        view.rules.explain_some(conversation, &context, standing, wanted).rules
    }
}

impl fmt::Debug for PastLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PastLook { now, held, .. } = self;
        f.debug_struct("PastLook").field("now", now).field("held", held).finish_non_exhaustive()
    }
}

impl Rehearsal {
    /// Begins now, with the settings that the daemon has where the configuration is silent.
    pub(crate) fn new(rules: Arc<Rules>, watched: BTreeSet<UserId>, now: Timestamp) -> Rehearsal {
        let start = Instant::now();
        let keeper = Keeper::new(settings(), Arc::new(Counts::default()), 0, start);
        let view = View { rules, watched: Arc::new(watched), acd_only: false, held_against: None };
        let standing = Standing::default();
        Rehearsal { view, standing, keeper, began: (start, now), current: None, due: None }
    }

    /// Lets time pass until then, and a snapshot come, with the body that it was read from, if there
    /// is one.
    pub(crate) fn pass(
        &mut self,
        snapshot: Option<(Conversation, String)>,
        now: Timestamp,
    ) -> Came {
        let mut came = Came::default();
        for _ in 0..MAX_DUES {
            let Some(due) = self.due.take().filter(|due| *due <= now) else { break };
            self.look(due, &mut came);
        }
        let at = self.instant(now);
        self.keeper.wake(at);
        self.push(at, &mut came);
        if let Some((conversation, raw)) = snapshot {
            self.current = Some((Arc::new(conversation), Arc::from(raw)));
            self.look(now, &mut came);
        } else if !came.wrote.is_empty() {
            self.look(now, &mut came);
        }
        for (target, keys) in self.keeper.left() {
            came.waiting.extend(keys.into_iter().map(|key| (target.participant.clone(), key)));
        }
        came
    }

    /// The conversation as it is now, with what was written.
    pub(crate) fn current(&self) -> Option<&Conversation> {
        self.current.as_ref().map(|(conversation, _)| &**conversation)
    }

    /// Looks, and again at what was written: that comes back as an event of its own.
    fn look(&mut self, now: Timestamp, came: &mut Came) {
        for _ in 0..=MAX_ECHOES {
            let before = came.wrote.len();
            self.look_once(now, came);
            if came.wrote.len() == before {
                return;
            }
        }
    }

    fn look_once(&mut self, now: Timestamp, came: &mut Came) {
        let at = self.instant(now);
        let Some((conversation, raw)) = &self.current else { return };
        // The observation keeps of it only what the updates need.
        let context = Context { watched: &self.view.watched, now, raw: Some(raw) };
        let before = self.standing.clone();
        let looked = self.view.rules.look(conversation, &context, &mut before.clone());
        // Before it writes over somebody, the daemon reads; here that would show the same.
        let from_read = looked.wishes.iter().any(|wish| wish.write == Write::Enforce);
        let moment = Moment { at, received_at: now, from_read };
        let Look { observation, .. } =
            observation(&self.view, &mut self.standing, conversation, &moment);
        let there = |wish: &Wish| {
            let mut participants = conversation.participants.iter();
            let of = participants.find(|participant| participant.id == wish.participant);
            of.and_then(|participant| participant.attributes.get(&wish.key))
                .is_some_and(|value| *value == *wish.value)
        };
        self.due = looked.due.filter(|due| *due > now);
        came.looks.push(PastLook {
            view: self.view.clone(),
            conversation: Arc::clone(conversation),
            raw: Arc::clone(raw),
            now,
            standing: before,
            held: looked.held.clone(),
            wrote: BTreeSet::new(),
        });
        came.dry.extend(looked.wishes.into_iter().filter(|wish| wish.dry_run && !there(wish)));
        came.errors.extend(looked.errors);
        for rule in looked.held {
            if !came.matched.contains(&rule) {
                came.matched.push(rule);
            }
        }
        self.keeper.wake(at);
        self.keeper.observe(&observation, at);
        self.keeper.wake(at);
        let written = came.wrote.len();
        self.push(at, came);
        if let Some(look) = came.looks.last_mut() {
            look.wrote = came.wrote[written..].iter().map(|one| Arc::clone(&one.rule)).collect();
        }
    }

    fn push(&mut self, at: Instant, came: &mut Came) {
        for _ in 0..MAX_PUSHES {
            let Some(request) = self.keeper.may_push(at).then(|| self.keeper.take(at)).flatten()
            else {
                return;
            };
            let participant = request.target().participant.clone();
            for (key, value) in request.changes() {
                let rule = request.rule_of(&key).unwrap_or_default();
                self.apply(&participant, &key, &value);
                came.wrote.push(Wrote { participant: participant.clone(), key, value, rule });
            }
            let accepted = Pushed::patched(202);
            let settled = self.keeper.settle(request, Ok(accepted), at);
            debug_assert!(settled.is_ok(), "nothing refuses the credentials here");
        }
    }

    /// What is accepted is there at once.
    fn apply(&mut self, participant: &ParticipantId, key: &str, value: &str) {
        let Some((conversation, _)) = &mut self.current else { return };
        let mut participants = Arc::make_mut(conversation).participants.iter_mut();
        if let Some(written) = participants.find(|one| one.id == *participant) {
            written.attributes = written.attributes.with(key, value);
        }
    }

    fn instant(&self, now: Timestamp) -> Instant {
        let (start, began) = self.began;
        start + Duration::try_from(now.duration_since(began)).unwrap_or_default()
    }
}

/// The defaults, but for what only makes sense with a network between.
fn settings() -> Settings {
    Settings {
        whole_maps: false,
        workers: default::WORKERS,
        max_age: default::MAX_AGE,
        max_pending: default::MAX_PENDING,
        // What may be written is checked where the rules are read.
        allowed_keys: Arc::new(|_| true),
        dry_run: false,
        drain: default::DRAIN,
        confirm_after: default::CONFIRM_AFTER,
        merge_window: Duration::ZERO,
        after_end: default::AFTER_END,
        fight_key_writes: default::FIGHT_KEY_WRITES,
        fight_conversation_writes: default::FIGHT_CONVERSATION_WRITES,
        fight_window: default::FIGHT_WINDOW,
        max_value_length: default::MAX_VALUE_LENGTH,
        keep: default::KEEP,
    }
}
