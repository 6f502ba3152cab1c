//! What rules say: file → rule → pattern → matches → wishes.
//!
//! [`read`] checks the text that an administrator wrote and makes a [`RuleFile`] of it, free of
//! TOML. [`RuleFile::bind`] resolves the names of queues and users and makes [`Rules`], which
//! [`Rules::look`] at conversations and say what their attributes should be.
//!
//! [`printed`] writes them down again, in one file.
//!
//! Everything here is pure and deterministic: no `.await`, no clock, no I/O. Rules know the two types at their ends, the conversation and the wish,
//! and no machinery: whether a wish is written is for the updates to decide.

mod bound;
pub mod cases;
mod chase;
pub mod condition;
pub mod explain;
pub mod expression;
pub mod field;
pub mod fields;
pub mod file;
mod index;
pub mod lists;
pub mod look;
mod meet;
mod party;
pub mod pattern;
mod print;
pub mod raw;
mod read;
mod reference;
pub mod schedules;
mod shared;
mod standpoint;
mod subjects;
mod tabled;
pub mod target;
pub mod template;
#[cfg(test)]
mod tests;
mod texts;
pub mod time;
mod words;

pub use bound::Rules;
pub use file::{Inventory, RuleFile, UnknownName};
pub use lists::Tables;
pub use look::{Context, Looked, RuleError, Standing};
pub use print::printed;
pub use reference::{field_table, field_table_json};
pub use tabled::found_by;
pub use texts::{Included, Texts};
