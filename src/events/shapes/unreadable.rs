//! Why a body could not be read as a conversation.
//!
//! There is little that a caller can do but count it and say so. Nothing of the body is in the
//! message, because a body holds names, numbers and attribute values.

use serde_json::error::Category;

/// A body that is no conversation at all. A body that is one, with fields that make no sense, is
/// read without those fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the body is not JSON: {what} at line {line}, column {column}")]
    NotJson { what: &'static str, line: usize, column: usize },
    #[error("the body is not UTF-8 from byte {at} on")]
    NotUtf8 { at: usize },
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    #[error("the body has no conversation id")]
    NoId,
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Unreadable {
        // The error's own text can quote the body; its kind and place cannot.
        let what = match error.classify() {
            Category::Eof => "it ends too early",
            Category::Syntax => "a character or number that does not belong there",
            Category::Data => "an object names a field twice",
            Category::Io => "it could not be read",
        };
        Unreadable::NotJson { what, line: error.line(), column: error.column() }
    }
}
