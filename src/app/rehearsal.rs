//! What the daemon would do with one conversation, without an account.
//!
//! Snapshots go the way that they go in the daemon: the rules look, the same
//! [`Keeper`] decides what is written, remembers it, waits for flows and lets keys rest. What is
//! not played is the outside: every push is accepted at once, nothing is ever late or lost, and no
//! read is made to confirm anything. Time is an argument; two equal rehearsals end alike.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::observe::{Look, View, observation};
use crate::config::default;
use crate::events::conversation::Conversation;
use crate::genesys::{ParticipantId, UserId};
use crate::rules::{Context, Looked, Rules, Standing};
use crate::status::counts::Counts;
use crate::updates::keeper::Keeper;
use crate::updates::push::Pushed;
use crate::updates::settings::Settings;

/// A push for each participant and moment is what there should be; more than this is a loop.
const MAX_PUSHES: usize = 10_000;

/// One conversation, as the daemon would live through it.
pub(crate) struct Rehearsal {
    view: View,
    standing: Standing,
    keeper: Keeper,
    began: (Instant, Timestamp),
}

/// One attribute that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrote {
    pub(crate) participant: ParticipantId,
    pub(crate) key: Arc<str>,
    pub(crate) value: Arc<str>,
    pub(crate) rule: Arc<str>,
}

/// What came of one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) looked: Looked,
    pub(crate) wrote: Vec<Wrote>,
    /// Keys that wait, for a flow to end or because they were written too often.
    pub(crate) waiting: Vec<(ParticipantId, Arc<str>)>,
}

impl Rehearsal {
    /// Begins now, with the settings that the daemon has where the configuration is silent.
    pub(crate) fn new(rules: Arc<Rules>, watched: BTreeSet<UserId>, now: Timestamp) -> Rehearsal {
        let start = Instant::now();
        let keeper = Keeper::new(settings(), Arc::new(Counts::default()), 0, start);
        let view = View { rules, watched: Arc::new(watched), acd_only: false };
        Rehearsal { view, standing: Standing::default(), keeper, began: (start, now) }
    }

    /// Lets time pass until then, and a snapshot come if there is one.
    pub(crate) fn pass(&mut self, snapshot: Option<&Conversation>, now: Timestamp) -> Came {
        let at = self.instant(now);
        self.keeper.wake(at);
        let mut came = Came::default();
        self.push(at, &mut came);
        if let Some(snapshot) = snapshot {
            let context = Context { watched: &self.view.watched };
            came.looked =
                self.view.rules.look(snapshot, &context, &mut self.standing.clone());
            let Look { observation, .. } =
                observation(&self.view, &mut self.standing, snapshot, at, now, false);
            self.keeper.observe(&observation, at);
            self.keeper.wake(at);
            self.push(at, &mut came);
        }
        for (target, keys) in self.keeper.left() {
            came.waiting.extend(keys.into_iter().map(|key| (target.participant.clone(), key)));
        }
        came
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
                came.wrote.push(Wrote { participant: participant.clone(), key, value, rule });
            }
            let accepted = Pushed { status: 202, correlation_id: None };
            let settled = self.keeper.settle(request, Ok(accepted), at);
            debug_assert!(settled.is_ok(), "nothing refuses the credentials here");
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
    }
}
