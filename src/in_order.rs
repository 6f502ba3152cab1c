//! A map from numbers that mostly ascend, in their order, for a hundred thousand at a time.
//!
//! Whoever comes has a higher number than all before, and the first are the first to leave: a tree
//! whose nodes are filled at one end only would be half empty. What is put in at the end or taken
//! out anywhere costs no more than a search; what is put in between moves what is behind it.

use std::collections::VecDeque;

/// Up to so many places, or a fourth of those that are taken, may be empty.
const EMPTY: usize = 4;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct InOrder<T> {
    /// By number; a place whose value was taken out stays for a while. Neither the first nor the
    /// last is such a place.
    places: VecDeque<(u64, Option<T>)>,
    len: usize,
}

impl<T> Default for InOrder<T> {
    fn default() -> InOrder<T> {
        InOrder { places: VecDeque::new(), len: 0 }
    }
}

impl<T> InOrder<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let at = self.find(number).ok()?;
        self.places.get(at)?.1.as_ref()
    }

    /// Returns what had the number before.
    pub(crate) fn insert(&mut self, number: u64, value: T) -> Option<T> {
        let is_last = self.places.back().is_none_or(|(last, _)| *last < number);
        let at = if is_last { Err(self.places.len()) } else { self.find(number) };
        let before = match at {
            Ok(at) => self.places.get_mut(at).and_then(|place| place.1.replace(value)),
            Err(at) => {
                if self.places.len() == self.places.capacity() {
                    self.places.reserve_exact(self.spare());
                }
                self.places.insert(at, (number, Some(value)));
                None
            }
        };
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        let at = self.find(number).ok()?;
        let value = self.places.get_mut(at)?.1.take()?;
        self.len -= 1;
        self.tidy();
        Some(value)
    }

    pub(crate) fn first(&self) -> Option<(u64, &T)> {
        let (number, value) = self.places.front()?;
        Some((*number, value.as_ref()?))
    }

    /// Those with the lowest numbers first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|(_, value)| value.as_ref())
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.places.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn spare(&self) -> usize {
        EMPTY.max(self.len / 4)
    }

    fn tidy(&mut self) {
        while self.places.front().is_some_and(|(_, value)| value.is_none()) {
            self.places.pop_front();
        }
        while self.places.back().is_some_and(|(_, value)| value.is_none()) {
            self.places.pop_back();
        }
        if self.places.is_empty() {
            self.places = VecDeque::new();
        }
        if self.places.len() - self.len > self.spare() {
            self.places.retain(|(_, value)| value.is_some());
        }
        if self.places.capacity() > 2 * (self.places.len() + EMPTY) {
            self.places.shrink_to(self.places.len() + self.spare());
        }
    }
}

#[cfg(test)]
impl<T> InOrder<T> {
    pub(crate) fn pop_first(&mut self) -> Option<(u64, T)> {
        let number = self.first()?.0;
        Some((number, self.remove(number)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_in_the_order_of_its_numbers() {
        let (mut ours, mut map) = (InOrder::default(), BTreeMap::new());
        // Ascending, some of them late; what leaves is the first, the last, or any.
        for n in 0..10_000_u64 {
            let number = if n % 7 == 0 { n.saturating_sub(50) } else { n };
            assert_eq!(ours.insert(number, n), map.insert(number, n), "{n}");
            let gone = match n % 5 {
                0 => n.saturating_sub(n * 37 % 600),
                1 => map.first_key_value().map_or(0, |(first, _)| *first),
                2 if n % 3 == 0 => n,
                _ => continue,
            };
            assert_eq!(ours.remove(gone), map.remove(&gone), "{n}");
            assert_eq!(ours.get(gone), None);
            assert_eq!(ours.first(), map.first_key_value().map(|(first, n)| (*first, n)));
        }
        assert!(ours.len == map.len() && ours.values().eq(map.values()) && ours.len > 1_000);
        for (number, value) in &map {
            assert_eq!(ours.get(*number), Some(value));
        }
        assert!(std::iter::from_fn(|| ours.pop_first()).eq(map) && ours.is_empty());
    }

    #[test]
    fn it_takes_little_more_room_than_what_is_in_it() {
        let mut ours = InOrder::default();
        let room = |ours: &InOrder<u64>| ours.places.capacity();
        for n in 0..100_000 {
            ours.insert(n, n);
        }
        assert!(room(&ours) <= 125_000 + EMPTY, "{}", room(&ours));
        // As a conversation that has news goes to the end.
        for n in 0..300_000 {
            ours.remove(n);
            ours.insert(n + 100_000, n);
        }
        assert!(room(&ours) <= 160_000, "{}", room(&ours));
        while ours.len > 10 {
            ours.pop_first();
        }
        assert!(room(&ours) <= 2 * (10 + EMPTY), "{}", room(&ours));
    }
}
