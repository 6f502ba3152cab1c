//! Who waits for leave, and who is next (SEMANTICS 8).
//!
//! Classes are served in their order, and within a class in the order of asking. Tokens and channels
//! go before everything: without them nothing goes at all, and they are few. Of the others none
//! starves: recovery gets at least every fifth request and names every twentieth while they wait, so
//! that a gap is closed within a known time however much is to be written, and a rename is known
//! some day. So does recovery never take more than that from updates. What a class does not need
//! goes to the others.
//!
//! Pure.

use std::collections::BTreeSet;

use crate::genesys::call::Class;

/// After so many requests of higher classes recovery is next: a fifth of 300 a minute reads 60
/// conversations, which is what the gap of a dropped socket takes; live updates keep the rest.
const BEFORE_RECOVERY: u32 = 4;
/// Directory pages can wait, and there are few.
const BEFORE_DIRECTORY: u32 = 19;

/// A class, and when it asked.
pub(super) type Place = (Class, u64);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: BTreeSet<Place>,
    next: u64,
    recovery_passed: u32,
    directory_passed: u32,
}

impl Line {
    pub(super) fn enter(&mut self, class: Class) -> Place {
        let place = (class, self.next);
        self.next += 1;
        self.waiting.insert(place);
        place
    }

    pub(super) fn leave(&mut self, place: Place) {
        self.waiting.remove(&place);
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<Place> {
        let first = *self.waiting.first()?;
        if first.0 <= Class::Channel {
            return Some(first);
        }
        let due = [
            (Class::Recovery, self.recovery_passed >= BEFORE_RECOVERY),
            (Class::Directory, self.directory_passed >= BEFORE_DIRECTORY),
        ];
        let due = due.into_iter().filter(|(_, due)| *due);
        due.filter_map(|(class, _)| self.first_of(class)).next().or(Some(first))
    }

    /// Leave is given to one of this class.
    pub(super) fn served(&mut self, class: Class) {
        for (lower, passed) in [
            (Class::Recovery, &mut self.recovery_passed),
            (Class::Directory, &mut self.directory_passed),
        ] {
            if lower == class {
                *passed = 0;
            } else if (Class::Update..lower).contains(&class)
                && self.waiting.range((lower, 0)..=(lower, u64::MAX)).next().is_some()
            {
                *passed += 1;
            }
        }
    }

    fn first_of(&self, class: Class) -> Option<Place> {
        self.waiting.range((class, 0)..=(class, u64::MAX)).next().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many of each class wait; in what order they are served, by their initials.
    fn order(counts: &[(Class, usize)], turns: usize) -> String {
        let mut line = Line::default();
        for (class, count) in counts {
            for _ in 0..*count {
                line.enter(*class);
            }
        }
        let turn = |_| {
            let Some(place) = line.first() else { return '-' };
            line.leave(place);
            line.served(place.0);
            format!("{:?}", place.0).chars().next().unwrap()
        };
        (0..turns).map(turn).collect()
    }

    #[test]
    fn classes_go_in_their_order_and_none_starves() {
        use Class::{Channel, Directory, Recovery, Token, Update};
        let all = [(Directory, 9), (Recovery, 99), (Update, 99), (Channel, 1), (Token, 1)];
        assert_eq!(order(&all, 32), "TCUUUURUUUURUUUURUUUURDUUUURUUUU");
        assert_eq!(order(&[(Recovery, 2), (Directory, 3)], 6), "RRDDD-", "a share goes on");
        assert_eq!(order(&[(Recovery, 99), (Directory, 1)], 21), "R".repeat(19) + "DR");
        assert_eq!(order(&[(Update, 9), (Recovery, 1)], 10), "UUUURUUUUU");
    }

    #[test]
    fn recovery_is_a_fifth_and_no_more_of_what_updates_leave() {
        let served = order(&[(Class::Update, 999), (Class::Recovery, 999)], 500);
        assert_eq!(served.matches('R').count(), 100);
    }
}
