//! The lists that rules are bound with, by name.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{List, ListSource, Origin};

/// The lists of a rules file, as they are now. A copy is cheap; one list is swapped whole by
/// putting another in its place and binding the rules anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    lists: BTreeMap<Arc<str>, Arc<List>>,
}

impl Tables {
    /// The lists whose rows stand in the rules file; those of files are still to be put in.
    pub fn inline(sources: &[ListSource]) -> Tables {
        let mut tables = Tables::default();
        for source in sources {
            match &source.origin {
                Origin::Rows(list) => tables.put(Arc::clone(&source.name), Arc::clone(list)),
                Origin::File { .. } => {}
            }
        }
        tables
    }

    pub fn put(&mut self, name: Arc<str>, list: Arc<List>) {
        self.lists.insert(name, list);
    }

    pub fn list(&self, name: &str) -> Option<&Arc<List>> {
        self.lists.get(name)
    }

    /// A digest of what they hold, together with one of what they are used for.
    pub fn digest(&self, of: u64) -> u64 {
        if self.lists.is_empty() {
            return of;
        }
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        for (name, list) in &self.lists {
            (name, list.hash()).hash(&mut hasher);
        }
        hasher.finish()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<List>)> {
        self.lists.iter()
    }
}
