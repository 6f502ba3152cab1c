//! The words that fields of Genesys Cloud are known to take.
//!
//! Others may come: what is not here is a warning where a rule names it, and nothing else. Genesys'
//! own words are known where events are read; here are those that a snapshot is told in.

pub(super) use crate::events::words::{
    AFTER_CALL_WORK, DIRECTIONS, DISCONNECT_TYPES, MESSAGE_TYPES, PURPOSES, RECORDING_STATES,
    STATES,
};

pub(super) const ROLES: &[&str] = &["agent", "monitor", "coach", "barge", "consult"];
/// The words for media, in lower case as REST has them.
pub(super) const MEDIA: &[&str] = &[
    "call",
    "callback",
    "chat",
    "cobrowse",
    "email",
    "message",
    "internalmessage",
    "screenmonitoring",
    "screenshare",
    "socialexpression",
    "video",
];
