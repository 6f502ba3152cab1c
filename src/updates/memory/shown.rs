//! What a participant shows of the keys that matter to us: sorted, and in no more room than it takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::updates::few::Few;
use crate::updates::wish::Attributes;

/// Attributes that are there, by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown(Few<Arc<str>, Box<str>>);

/// What a snapshot shows of a participant, and which of it is wanted beside what is wanted of it
/// already.
#[derive(Debug)]
pub(crate) struct Showing<'s> {
    pub attributes: &'s dyn Attributes,
    /// Keys that are wished, or wait to be written.
    pub keys: Vec<Arc<str>>,
    /// All of it is wanted where anything is.
    pub whole: bool,
}

impl Showing<'_> {
    pub(super) fn is_wanted(&self) -> bool {
        !self.keys.is_empty()
    }

    /// With these keys besides; `asked` if anything is wanted although there are none.
    pub(super) fn kept<'k>(
        &'k self,
        keys: impl Iterator<Item = &'k Arc<str>>,
        asked: bool,
    ) -> Shown {
        let mut kept = Few::default();
        let mut wanted = asked;
        for key in keys.chain(&self.keys) {
            wanted = true;
            if let Some(value) = self.attributes.get(key) {
                kept.insert(Arc::clone(key), Box::from(value));
            }
        }
        if self.whole && wanted {
            let all = self.attributes.to_map().into_iter();
            kept.extend(all.map(|(key, value)| (Arc::from(key), value.into_boxed_str())));
        }
        Shown(kept)
    }
}

impl Shown {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| &**value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy for whoever reckons with whole maps.
    pub(crate) fn to_map(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }
}
