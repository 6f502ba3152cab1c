//! The attributes of one participant, by key.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::text::Body;

/// Attributes as they came, which is all that most rules ask of them: found by key, and in the order
/// of the keys. A copy is cheap.
#[derive(Clone, Default)]
pub struct Attributes {
    body: Body,
    /// Ascending by key, each key once.
    entries: Arc<[Entry]>,
}

/// Where a key and its value stand in a body: from, to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: (u32, u32),
    pub(super) value: (u32, u32),
}

impl Attributes {
    /// Of a key that is there twice, the last counts.
    pub(super) fn new(body: &Body, mut entries: Vec<Entry>) -> Attributes {
        if entries.is_empty() {
            return Attributes::default();
        }
        let key = |entry: &Entry| part(body, entry.key);
        if !entries.is_sorted_by(|one, next| key(one) < key(next)) {
            entries.reverse();
            entries.sort_by(|one, other| key(one).cmp(key(other)));
            entries.dedup_by(|later, kept| key(later) == key(kept));
        }
        Attributes { body: Arc::clone(body), entries: Arc::from(entries) }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        let found =
            self.entries.binary_search_by(|entry| part(&self.body, entry.key).cmp(key)).ok()?;
        self.entries.get(found).map(|entry| part(&self.body, entry.value))
    }

    /// Keys and values, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|entry| (part(&self.body, entry.key), part(&self.body, entry.value)))
    }

    /// A copy that outlives the snapshot and does not keep it.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The same, but for one key.
    pub fn with(&self, key: &str, value: &str) -> Attributes {
        self.iter().chain([(key, value)]).collect()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn part(body: &Body, (start, end): (u32, u32)) -> &str {
    body.get(start as usize..end as usize).unwrap_or_default()
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Attributes {
        let (mut text, mut entries) = (String::new(), Vec::new());
        for (key, value) in pairs {
            let mut add = |part: &str| {
                let start = text.len();
                text.push_str(part);
                // Where the body grows beyond all measure, what comes last is not there.
                let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
                (place(start), place(text.len()))
            };
            entries.push(Entry { key: add(key.as_ref()), value: add(value.as_ref()) });
        }
        Attributes::new(&Arc::new(text.into_boxed_str()), entries)
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Attributes) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Attributes {}

impl Hash for Attributes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|pair| pair.hash(state));
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_by_key() {
        let attributes: Attributes =
            [("b", "2"), ("a", "1"), ("ü", ""), ("b", "3")].into_iter().collect();
        assert_eq!(format!("{attributes:?}"), r#"{"a": "1", "b": "3", "ü": ""}"#);
        assert_eq!(attributes.get("b"), Some("3"));
        assert_eq!(attributes.get("ü"), Some(""));
        assert_eq!(attributes.get("c"), None);
        let same = [("ü", ""), ("a", "1"), ("b", "3")].into_iter().collect();
        assert_eq!(attributes, same);
        assert_eq!(attributes.len(), 3);
        assert!(Attributes::default().is_empty());
    }
}
