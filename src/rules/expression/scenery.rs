//! What an expression sees when it is evaluated: the one thing it asks of the rest.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::rules::field::{Field, Named, Path, Value};

/// A conversation, one element of it, and what lies beside them.
pub trait Scenery {
    /// What a condition on this path compares.
    fn read(&self, path: &Path) -> Option<Value<'_>>;

    /// What this path gives as a value.
    fn show(&self, path: &Path) -> Option<Value<'_>>;

    /// How many participants there are, ended ones included.
    fn participants(&self) -> usize;

    /// Like [`Scenery::read`], of one participant; `key` is the attribute's name.
    fn read_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>>;

    /// Like [`Scenery::show`], of one participant.
    fn show_of(&self, participant: usize, field: &Field, key: Option<&str>) -> Option<Value<'_>>;

    /// Whether the directory calls what has this id so: by name, address or id.
    fn is_called(&self, what: Named, id: &str, name: &str) -> bool;

    /// When the frame was read (SEMANTICS 5).
    fn now(&self) -> Timestamp;

    /// The event as it was sent, if it is known.
    fn raw(&self) -> Option<&serde_json::Value>;

    /// What a list has for this key: the column's value, or the key itself as the list has it.
    fn lookup(&self, list: &str, key: &str, column: Option<&str>) -> Option<Cow<'_, str>>;

    /// The column's value in the row that the rule's `in_list` found.
    fn row(&self, list: &str, column: &str) -> Option<Cow<'_, str>>;
}
