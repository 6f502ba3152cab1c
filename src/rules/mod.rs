//! What rules say.
