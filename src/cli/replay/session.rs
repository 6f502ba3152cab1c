//! One set of rules at a recording: what they match, and what they would write. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::ledger::{Entry, Ledger};
use crate::events::conversation::Conversation;
use crate::genesys::{ConversationId, ParticipantId, UserId};
use crate::rules::{Context, Looked, RuleError, Rules, Standing};
use crate::updates::wish::Wish;

/// What rules and ledger remember of conversations that are over is kept for so many, as the daemon
/// does: their wrap-up may still come.
const REMEMBERED_OVER: usize = 10_000;

/// What is written comes back as an event, at which other rules may write. Rules that go on for so
/// many rounds chase each other.
const ECHOES: usize = 5;

pub(super) struct Session {
    rules: Rules,
    standings: HashMap<ConversationId, Standing>,
    ledger: Ledger,
    tallies: BTreeMap<Arc<str>, Tally>,
    /// Every value written, in order; kept only where two sets are compared.
    history: Option<History>,
}

/// By conversation, participant and key.
pub(super) type History = BTreeMap<(ConversationId, ParticipantId, Arc<str>), Vec<Step>>;

/// One value of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) value: Arc<str>,
    pub(super) rule: Arc<str>,
}

/// What came of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Snapshots at which it held.
    pub(super) matches: u64,
    pub(super) writes: u64,
    /// Of the writes, those that a dry run holds back.
    pub(super) dry_run: u64,
    /// Conversations that it would write to.
    pub(super) conversations: BTreeSet<ConversationId>,
    pub(super) keys: BTreeSet<Arc<str>>,
    /// How often it could not be evaluated.
    pub(super) errors: u64,
}

/// What a look brought.
pub(super) struct Seen {
    pub(super) entries: Vec<Entry>,
    /// When time alone may change it.
    pub(super) due: Option<Timestamp>,
}

/// One look among several.
struct Round {
    entries: Vec<Entry>,
    held: Vec<Arc<str>>,
    errors: Vec<RuleError>,
    due: Option<Timestamp>,
}

/// When and beside whom a conversation is looked at.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) at: Timestamp,
    pub(super) raw: Option<&'a str>,
    pub(super) watched: &'a BTreeSet<UserId>,
}

impl Moment<'_> {
    fn context(&self) -> Context<'_> {
        Context { watched: self.watched, now: self.at, raw: self.raw }
    }
}

impl Session {
    /// `compared`: it is to be said afterwards how it differs from another.
    pub(super) fn new(rules: Rules, compared: bool) -> Session {
        let names = rules.rule_names();
        Session {
            tallies: names.map(|name| (Arc::clone(name), Tally::default())).collect(),
            rules,
            standings: HashMap::new(),
            ledger: Ledger::default(),
            history: compared.then(History::new),
        }
    }

    /// Whether any of the rules asks the event as it was sent.
    pub(super) fn asks_raw(&self) -> bool {
        self.rules.ask_raw()
    }

    /// Looks at the newest snapshot of a conversation.
    pub(super) fn look(&mut self, conversation: &Conversation, moment: &Moment<'_>) -> Seen {
        let first = self.look_once(conversation, moment);
        for name in &first.held {
            self.tallies.entry(Arc::clone(name)).or_default().matches += 1;
        }
        for error in &first.errors {
            self.tallies.entry(Arc::clone(&error.rule)).or_default().errors += 1;
        }
        let (mut entries, mut due) = (Vec::new(), first.due);
        let mut round = first.entries;
        for _ in 0..ECHOES {
            let echoes = round.iter().any(|entry| !entry.wish.dry_run);
            entries.append(&mut round);
            if !echoes {
                break;
            }
            let again = self.look_once(conversation, moment);
            (round, due) = (again.entries, again.due);
        }
        for entry in &entries {
            self.tally(&conversation.id, &entry.wish);
        }
        Seen { entries, due }
    }

    fn look_once(&mut self, conversation: &Conversation, moment: &Moment<'_>) -> Round {
        let standing = self.standings.entry(conversation.id.clone()).or_default();
        let seen = self.ledger.seen_with_ours(conversation);
        let Looked { wishes, held, due, errors, .. } =
            self.rules.look(&seen, &moment.context(), standing);
        Round { entries: self.ledger.consider(&seen, wishes), held, errors, due }
    }

    /// Whether it makes no difference which of the two is the newer.
    pub(super) fn wishes_same(
        &self,
        one: &Conversation,
        other: &Conversation,
        moment: &Moment<'_>,
    ) -> bool {
        let standing = self.standings.get(&one.id).cloned().unwrap_or_default();
        let wishes = |of: &Conversation| {
            self.rules.look(of, &moment.context(), &mut standing.clone()).wishes
        };
        wishes(one) == wishes(other)
    }

    /// Forgets conversations that are not live, when there are many.
    pub(super) fn forget(&mut self, live: usize, is_live: impl Fn(&ConversationId) -> bool) {
        if self.standings.len().max(self.ledger.len()) > live + REMEMBERED_OVER {
            self.standings.retain(|id, _| is_live(id));
            self.ledger.retain(is_live);
        }
    }

    /// By rule.
    pub(super) fn tallies(&self) -> &BTreeMap<Arc<str>, Tally> {
        &self.tallies
    }

    /// The rules' names, in the order of the file.
    pub(super) fn rule_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.rule_names()
    }

    pub(super) fn into_history(self) -> History {
        self.history.unwrap_or_default()
    }

    fn tally(&mut self, conversation: &ConversationId, wish: &Wish) {
        let tally = self.tallies.entry(Arc::clone(&wish.rule)).or_default();
        tally.writes += 1;
        tally.dry_run += u64::from(wish.dry_run);
        tally.conversations.insert(conversation.clone());
        tally.keys.insert(Arc::clone(&wish.key));
        if let Some(history) = self.history.as_mut().filter(|_| !wish.dry_run) {
            let name = (conversation.clone(), wish.participant.clone(), Arc::clone(&wish.key));
            let (value, rule) = (Arc::clone(&wish.value), Arc::clone(&wish.rule));
            history.entry(name).or_default().push(Step { value, rule });
        }
    }
}
