//! The text that a snapshot was read from.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::text::Text;

/// The conversation as it was sent, as long as its snapshot is kept. It shares the snapshot's copy of
/// the body and costs nothing of its own.
///
/// Makes no difference to whether two snapshots are equal: the same moment is sent in several
/// shapes.
#[derive(Clone, Default)]
pub struct Original(Option<Text>);

impl Original {
    pub(super) fn new(text: Text) -> Original {
        Original(Some(text))
    }

    /// `None` for a snapshot that was not read from a text.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq for Original {
    fn eq(&self, _: &Original) -> bool {
        true
    }
}

impl Eq for Original {}

impl Hash for Original {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_ref().map(|text| text.len());
        f.debug_tuple("Original").field(&bytes).finish()
    }
}
