//! The forms in which Genesys sends a conversation, read into the one that everybody works with.
//!
//! The generic topics' ([`read_generic`]), the media topics' ([`read_media`]: flattened
//! participants, FACTS 2.4) and the API's own ([`read_rest`]: other spellings, FACTS 2.3). Each body is
//! gone through once, and copied once as a whole; texts are parts of that copy. A field
//! that is missing, null or of another type than documented is no error; only a body that is no
//! JSON object, or has no id, is.

mod generic;
pub(super) mod keys;
pub(super) mod lexer;
mod media;
mod rest;
mod times;
mod unreadable;
mod values;
mod wire;
mod words;

pub use generic::read_generic;
pub use media::read_media;
pub use rest::read_rest;
pub use unreadable::Unreadable;

pub(super) use generic::next as next_generic;
pub(super) use media::next as next_media;
pub(super) use values::Next;
