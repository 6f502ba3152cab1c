//! What expressions see: one element of a conversation, the lists, the time and the event.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::expression::Scenery;
use super::field::{Field, Named, Path, Value};
use super::lists::Tables;
use super::subjects::{Scene, Tested};

/// An element of a conversation at which a rule is tested.
pub(super) struct Standpoint<'s, 'a> {
    pub(super) scene: &'s Scene<'a>,
    pub(super) tested: Tested,
    pub(super) tables: &'s Tables,
    /// Where the rule finds the rows of lists.
    pub(super) rows: &'s [(Arc<str>, Path)],
}

impl Scenery for Standpoint<'_, '_> {
    fn read(&self, path: &Path) -> Option<Value<'_>> {
        self.scene.read(path, self.tested)
    }

    fn show(&self, path: &Path) -> Option<Value<'_>> {
        self.scene.show(path, self.tested)
    }

    fn participants(&self) -> usize {
        self.scene.conversation.participants.len()
    }

    fn read_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>> {
        let glance = self.scene.glance_at(participant, self.tested)?;
        match key {
            Some(key) => glance.attribute(key),
            None => (field.read)(&glance),
        }
    }

    fn show_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>> {
        let glance = self.scene.glance_at(participant, self.tested)?;
        match key {
            Some(key) => glance.attribute(key),
            None => (field.show)(&glance),
        }
    }

    fn is_called(&self, what: Named, id: &str, name: &str) -> bool {
        what.ids(self.scene.names, name).iter().any(|found| **found == *id)
    }

    fn now(&self) -> Timestamp {
        self.scene.now
    }

    fn raw(&self) -> Option<&serde_json::Value> {
        self.scene.raw.json()
    }

    fn lookup(&self, list: &str, key: &str, column: Option<&str>) -> Option<Cow<'_, str>> {
        let row = self.tables.list(list)?.find(key)?;
        column.map_or_else(|| Some(row.key()), |column| row.get(column)).map(Cow::Borrowed)
    }

    fn row(&self, list: &str, column: &str) -> Option<Cow<'_, str>> {
        let (_, path) = self.rows.iter().find(|(name, _)| **name == *list)?;
        match self.scene.read(path, self.tested)? {
            Value::Text(key) => self.lookup(list, &key, Some(column)),
            Value::Texts(keys) => keys.iter().find_map(|key| self.lookup(list, key, Some(column))),
            Value::Flag(_) | Value::Number(_) | Value::Time(_) | Value::Duration(_) => None,
        }
    }
}
