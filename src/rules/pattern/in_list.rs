//! `in_list`: a text that one of the administrator's lists has.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::rules::lists::{List, Tables};

/// A list by its name, and what is in it once that is known. Before that nothing is.
#[derive(Clone, Debug)]
pub struct InList {
    pub name: Arc<str>,
    list: Option<Arc<List>>,
}

impl InList {
    pub fn new(name: Arc<str>) -> InList {
        InList { name, list: None }
    }

    /// The same, with the list as these tables have it.
    pub fn bound(&self, tables: &Tables) -> InList {
        InList { name: Arc::clone(&self.name), list: tables.list(&self.name).cloned() }
    }

    /// What is in it; `None` while that is not known.
    pub fn list(&self) -> Option<&Arc<List>> {
        self.list.as_ref()
    }

    pub(in crate::rules) fn holds(&self, text: &str) -> bool {
        self.list.as_ref().is_some_and(|list| list.contains(text))
    }

    fn digest(&self) -> Option<u64> {
        self.list.as_ref().map(|list| list.hash())
    }
}

/// By the digest: a million entries are not gone through to tell two lists apart.
impl PartialEq for InList {
    fn eq(&self, other: &InList) -> bool {
        (&self.name, self.digest()) == (&other.name, other.digest())
    }
}

impl Eq for InList {}

impl Hash for InList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.digest()).hash(state);
    }
}
