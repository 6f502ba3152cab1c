//! A short list that hardly anybody has anything in: empty, it takes eight bytes.

use std::mem;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Seldom<T>(Option<Box<Items<T>>>);

/// So that the list is one pointer away, and not a part of who has it.
#[derive(Debug)]
struct Items<T>(Vec<T>);

impl<T> Default for Seldom<T> {
    fn default() -> Seldom<T> {
        Seldom(None)
    }
}

impl<T> Seldom<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |items| &items.0)
    }

    /// Adds one; of more than `most`, the oldest goes.
    pub(super) fn push(&mut self, item: T, most: usize) {
        let items = &mut self.0.get_or_insert_with(|| Box::new(Items(Vec::new()))).0;
        if items.len() >= most {
            items.remove(0);
        }
        items.push(item);
    }

    /// Returns true if any had to go.
    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) -> bool {
        let Some(items) = &mut self.0 else { return false };
        let before = items.0.len();
        items.0.retain(keep);
        let left = items.0.len();
        if left == 0 {
            self.0 = None;
        }
        left < before
    }

    pub(super) fn take(&mut self) -> Vec<T> {
        self.0.take().map(|mut items| mem::take(&mut items.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_newest_and_is_nothing_when_empty() {
        let mut list = Seldom::default();
        assert!(list.as_slice().is_empty() && size_of::<Seldom<u64>>() == 8);
        (0..5).for_each(|n| list.push(n, 3));
        assert_eq!(list.as_slice(), [2, 3, 4]);
        assert!(list.retain(|n| *n != 3) && !list.retain(|n| *n != 3));
        assert_eq!(list.as_slice(), [2, 4]);
        assert!(list.retain(|_| false) && list.0.is_none());
        list.push(7, 3);
        assert_eq!((list.take(), list.take()), (vec![7], Vec::new()));
    }
}
