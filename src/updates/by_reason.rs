//! How many dead letters are kept of each reason, with some keys of the newest.
//!
//! Counted as they come and go: there may be thousands, and somebody looks every second.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::dead_letters::{DeadLetter, Reason};
use crate::status::overview;
use crate::status::recent::{KEYS, short};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct ByReason(BTreeMap<Reason, Kept>);

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    /// The newest first.
    keys: VecDeque<Arc<str>>,
}

impl ByReason {
    pub(super) fn of<'l>(letters: impl IntoIterator<Item = &'l DeadLetter>) -> ByReason {
        let mut by_reason = ByReason::default();
        letters.into_iter().for_each(|letter| by_reason.came(letter));
        by_reason
    }

    pub(super) fn came(&mut self, letter: &DeadLetter) {
        let kept = self.0.entry(letter.reason).or_default();
        kept.count += 1;
        for key in letter.changes.keys().take(KEYS) {
            kept.keys.retain(|known| known != key);
            kept.keys.push_front(Arc::clone(key));
        }
        kept.keys.truncate(KEYS);
    }

    /// One that had come is kept no more.
    pub(super) fn went(&mut self, reason: Reason) {
        if let Some(kept) = self.0.get_mut(&reason) {
            kept.count -= 1;
            if kept.count == 0 {
                self.0.remove(&reason);
            }
        }
    }

    pub(super) fn told(&self) -> Vec<overview::Letters> {
        let told = self.0.iter().map(|(reason, kept)| overview::Letters {
            reason: reason.to_string(),
            kept: kept.count,
            keys: kept.keys.iter().map(short).collect(),
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::control::letters::Filter;
    use crate::status::counts::Counts;
    use crate::updates::dead_letters::DeadLetters;
    use crate::updates::journal::{Letters, Recovered};

    fn left() -> Letters {
        Letters { letters: BTreeMap::from([(7, DeadLetter::for_tests("e", 1))]), last: 7 }
    }

    #[test]
    fn what_an_earlier_process_left_is_told_of_before_anybody_works_with_it() {
        let counts = Counts::default();
        Recovered { letters: left(), ..Recovered::default() }.count(&counts);
        let told = counts.recent.letters();
        assert_eq!(
            told.iter().map(|it| (&*it.reason, it.kept)).collect::<Vec<_>>(),
            [("too-old", 1)]
        );
        assert_eq!(counts.dead_letters.get(), 1);
    }

    #[test]
    fn they_are_counted_by_reason_with_the_newest_keys() {
        let mut letters = DeadLetters::default();
        for n in 1..=3 {
            letters.add(DeadLetter::for_tests("c", n));
        }
        for n in 0..KEYS + 1 {
            let changes = [(format!("k{n}").into(), "a value".into())].into();
            let letter = DeadLetter::for_tests("c", 9);
            letters.add(DeadLetter { reason: Reason::Refused, changes, ..letter });
        }
        let told = |letters: &DeadLetters| {
            let by_reason = letters.by_reason().into_iter();
            by_reason.map(|it| (it.reason, it.kept, it.keys.join(" "))).collect::<Vec<_>>()
        };
        let expected = [("too-old", 3, "k"), ("refused", 6, "k5 k4 k3 k2 k1")];
        assert_eq!(told(&letters), expected.map(|(a, b, c)| (a.to_owned(), b, c.to_owned())));
        let letter = letters.remove(1).unwrap();
        letters.expire(9);
        assert_eq!(told(&letters).len(), 1);
        letters.put_back(1, letter);
        assert_eq!(told(&letters)[0].1, 1);

        letters.join_earlier(left());
        assert_eq!(told(&letters).iter().map(|(_, kept, _)| kept).sum::<u64>(), 8);
        let filter = Filter::default();
        assert_eq!(letters.drop_meant(&filter), 8);
        assert!(told(&letters).is_empty() && letters.is_empty());
    }
}
