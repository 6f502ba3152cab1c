//! The newest updates, and what dead letters are kept, for whoever looks at how it goes.
//!
//! Rings of a few entries, written as things happen. Keys and names of rules are in them, never a
//! value, and no id of a conversation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::overview::{Letters, Millis, Update};

/// Fills a screen.
pub const UPDATES: usize = 20;
/// Of one update, or of the dead letters of one reason; the rest is a number.
pub const KEYS: usize = 5;
/// Of a key or a name, in characters: nothing that a person reads is longer.
const LONGEST: usize = 120;

/// The outcome of what was accepted.
pub const ACCEPTED: &str = "accepted";

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Recent {
    /// The newest first.
    updates: Mutex<VecDeque<Update>>,
    letters: Mutex<Vec<Letters>>,
}

impl Recent {
    /// Keys that one rule wished were accepted, or given up.
    pub fn note<'k>(
        &self,
        at: Millis,
        rule: &Arc<str>,
        keys: impl ExactSizeIterator<Item = &'k Arc<str>>,
        outcome: &'static str,
        status: Option<u16>,
    ) {
        let more_keys = keys.len().saturating_sub(KEYS) as u64;
        let keys = keys.take(KEYS).map(short).collect();
        let (rule, outcome) = (short(rule), outcome.to_owned());
        let mut updates = lock(&self.updates);
        updates.truncate(UPDATES - 1);
        updates.push_front(Update { at, rule, keys, more_keys, outcome, status });
    }

    /// These dead letters are kept now.
    pub fn keeps(&self, letters: Vec<Letters>) {
        *lock(&self.letters) = letters;
    }

    /// The newest first.
    pub fn updates(&self) -> Vec<Update> {
        lock(&self.updates).iter().cloned().collect()
    }

    pub fn letters(&self) -> Vec<Letters> {
        lock(&self.letters).clone()
    }
}

/// The text itself, but where it is too long to be shown.
pub fn short(text: &Arc<str>) -> Arc<str> {
    match text.char_indices().nth(LONGEST) {
        None => Arc::clone(text),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_nothing_is_long() {
        let recent = Recent::default();
        let keys: Vec<Arc<str>> = (0..KEYS + 3).map(|n| format!("k{n}").into()).collect();
        for at in 1..=50 {
            recent.note(at, &"r".into(), keys.iter(), "accepted", Some(202));
        }
        let updates = recent.updates();
        assert_eq!((updates.len(), updates[0].at, updates[UPDATES - 1].at), (UPDATES, 50, 31));
        assert_eq!((updates[0].keys.len(), updates[0].more_keys), (KEYS, 3));
        let long: Arc<str> = "ä".repeat(5000).into();
        recent.note(51, &long, [&long].into_iter(), "refused", Some(400));
        let update = &recent.updates()[0];
        assert_eq!((update.rule.chars().count(), update.keys[0].chars().count()), (121, 121));
    }
}
