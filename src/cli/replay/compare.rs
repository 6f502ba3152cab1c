//! How what two sets of rules would write differs. Pure.

use std::cmp::Ordering;
use std::sync::Arc;

use super::session::{History, Step};
use crate::genesys::{ConversationId, ParticipantId};

/// One attribute that is not written as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) conversation: ConversationId,
    pub(super) participant: ParticipantId,
    pub(super) key: Arc<str>,
    /// What the old rules write, in order; empty if nothing.
    pub(super) old: Vec<Step>,
    pub(super) new: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Appears,
    Disappears,
    Changes,
}

impl Change {
    pub(super) fn kind(&self) -> Kind {
        match (self.old.is_empty(), self.new.is_empty()) {
            (true, _) => Kind::Appears,
            (false, true) => Kind::Disappears,
            (false, false) => Kind::Changes,
        }
    }
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Appears, Kind::Disappears, Kind::Changes];

    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Appears => "appears",
            Kind::Disappears => "disappears",
            Kind::Changes => "changes",
        }
    }
}

/// Every attribute whose values differ, by conversation, participant and key. Which rule writes a
/// value makes no difference.
pub(super) fn compare(old: History, new: History) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut olds, mut news) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return changes,
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        let name = old.as_ref().or(new.as_ref()).map(|(name, _)| name.clone());
        let steps = |of: Option<(_, Vec<Step>)>| of.map(|(_, steps)| steps).unwrap_or_default();
        let (old, new) = (steps(old), steps(new));
        let values = |steps: &[Step]| -> Vec<Arc<str>> {
            steps.iter().map(|step| Arc::clone(&step.value)).collect()
        };
        if let Some((conversation, participant, key)) = name
            && values(&old) != values(&new)
        {
            changes.push(Change { conversation, participant, key, old, new });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_appears_disappears_and_changes() {
        let history = |script: &str| -> History {
            let steps = script.split_whitespace().map(|word| {
                let (key, values) = word.split_once('=').unwrap();
                let step = |value: &str| Step { value: value.into(), rule: "r".into() };
                let name = (ConversationId::new("c"), ParticipantId::new("p"), Arc::from(key));
                (name, values.split('>').map(step).collect())
            });
            steps.collect()
        };
        let changes = compare(history("a=1 b=1 c=1 d=1>2"), history("b=1 c=2 d=1 e=5"));
        let shown: Vec<String> =
            changes.iter().map(|one| format!("{} {}", one.key, one.kind().word())).collect();
        assert_eq!(shown, ["a disappears", "c changes", "d changes", "e appears"]);
    }
}
