//! The names that an expression may use beside the table of fields.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A list's name, and its columns where they are known.
type Known<'v> = (&'v Arc<str>, Option<&'v [Arc<str>]>);

/// The lists of a rules file, with their columns where these are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    lists: BTreeMap<Arc<str>, Option<Vec<Arc<str>>>>,
}

impl Vocabulary {
    /// Adds a list. Columns that are not known yet (`None`) are not checked.
    pub fn add_list(&mut self, name: Arc<str>, columns: Option<Vec<Arc<str>>>) {
        self.lists.insert(name, columns);
    }

    pub(super) fn list(&self, name: &str) -> Option<Known<'_>> {
        let (name, columns) = self.lists.get_key_value(name)?;
        Some((name, columns.as_deref()))
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &str> + Clone {
        self.lists.keys().map(|name| &**name)
    }
}
