//! Why a body could not be read as a conversation.
//!
//! There is little that a caller can do but count it and say so. Nothing of the body is in the
//! message, because a body holds names, numbers and attribute values.

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
