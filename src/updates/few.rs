//! A map of a handful, in the order of its keys, that takes no more room than what is in it.
//!
//! Most participants have one key or two, and most conversations one participant that waits: a node
//! of a `BTreeMap` has room for eleven of either, which is most of what 100,000 of them would take.
//! Looking up halves; to put in or take out moves what is behind.

use std::borrow::Borrow;
use std::slice;
use std::vec;

/// Up to so many there is no room to spare; beyond them it doubles, so that many do not cost their
/// square in copies of the whole.
const EXACT: usize = 16;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Few<K, V> {
        Few(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Returns what was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.put(at, key, value);
                None
            }
        }
    }

    /// What is there, put there first where nothing is.
    pub(crate) fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.put(at, key, value());
                at
            }
        };
        &mut self.0[at].1
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(one, _)| one.borrow().cmp(key))
    }

    fn put(&mut self, at: usize, key: K, value: V) {
        if self.0.len() < EXACT {
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (key, value));
    }
}

impl<K, V> Few<K, V> {
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        self.into_iter()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(crate) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Keys and values, by reference.
pub(crate) type Iter<'a, K, V> =
    std::iter::Map<slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

impl<'a, K, V> IntoIterator for &'a Few<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<'a, K, V> IntoIterator for &'a mut Few<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter =
        std::iter::Map<slice::IterMut<'a, (K, V)>, fn(&'a mut (K, V)) -> (&'a K, &'a mut V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }
}

impl<K, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = vec::IntoIter<(K, V)>;

    fn into_iter(self) -> vec::IntoIter<(K, V)> {
        self.0.into_iter()
    }
}

/// Of a key that comes twice, the last counts.
impl<K: Ord, V> Extend<(K, V)> for Few<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Few<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Few<K, V> {
        let mut few = Few::default();
        few.extend(pairs);
        few
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn it_is_a_map_in_the_order_of_its_keys() {
        let (mut few, mut map) = (Few::default(), BTreeMap::new());
        // Each of 0..101 once, in an order that is none.
        for n in (0..101_u32).map(|n| n * 37 % 101) {
            let key: Arc<str> = Arc::from(format!("{n:03}"));
            assert_eq!(few.insert(Arc::clone(&key), n), map.insert(key, n));
        }
        for n in (0..101).step_by(3) {
            let key = format!("{n:03}");
            assert_eq!(few.remove(&*key), map.remove(&*key));
            assert_eq!(few.remove(&*key), None);
        }
        *few.get_mut("001").unwrap() += 1;
        *few.get_or_insert_with(Arc::from("000"), || 7) += 1;
        *few.get_or_insert_with(Arc::from("001"), || 7) += 1;
        few.retain(|_, value| *value != 4);
        map.insert(Arc::from("000"), 8);
        map.insert(Arc::from("001"), 3);
        map.retain(|_, value| *value != 4);
        assert!(few.iter().eq(map.iter()) && few.keys().eq(map.keys()));
        assert!(few.contains_key("002") && !few.contains_key("003"));
        assert_eq!(few.get("100"), map.get("100"));
    }

    #[test]
    fn a_handful_takes_no_more_than_it_is() {
        let mut few = Few::default();
        for n in 0..3 {
            few.insert(n, n);
        }
        assert_eq!(few.0.capacity(), 3);
    }
}
