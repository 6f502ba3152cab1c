//! The words that fields of a conversation are known to take, lower case, as events spell them.
//!
//! Genesys adds some without notice (FACTS 2.3), so that a word is here says that it is known, and
//! nothing else: unknown ones are kept like these.

/// Purposes known from the analytics enumerations (FACTS 2.3).
pub const PURPOSES: &[&str] = &[
    "acd",
    "agent",
    "api",
    "botflow",
    "campaign",
    "customer",
    "dialer",
    "external",
    "fax",
    "group",
    "inbound",
    "ivr",
    "manual",
    "outbound",
    "station",
    "user",
    "voicemail",
    "voicesurveyflow",
    "workflow",
];

/// States of all media (FACTS, appendix).
pub const STATES: &[&str] = &[
    "alerting",
    "dialing",
    "contacting",
    "offering",
    "connected",
    "disconnected",
    "terminated",
    "scheduled",
    "parked",
    "uploading",
    "converting",
    "transmitting",
    "none",
];

pub const DISCONNECT_TYPES: &[&str] = &[
    "endpoint",
    "endpoint.dnd",
    "client",
    "system",
    "timeout",
    "transfer",
    "transfer.conference",
    "transfer.consult",
    "transfer.forward",
    "transfer.noanswer",
    "transfer.notavailable",
    "transfer.dnd",
    "transport.failure",
    "error",
    "peer",
    "other",
    "spam",
    "uncallable",
    "inactivity",
    "session.expired",
    "takeover",
];

pub const MESSAGE_TYPES: &[&str] = &[
    "unknown",
    "sms",
    "twitter",
    "facebook",
    "line",
    "viber",
    "wechat",
    "whatsapp",
    "telegram",
    "kakao",
    "webmessaging",
    "open",
    "instagram",
    "apple",
];

pub const DIRECTIONS: &[&str] = &["inbound", "outbound"];

pub const RECORDING_STATES: &[&str] = &["none", "active", "paused"];

pub const AFTER_CALL_WORK: &[&str] =
    &["unknown", "skipped", "pending", "complete", "notapplicable"];
