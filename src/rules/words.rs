//! The words that fields of Genesys Cloud are known to take.
//!
//! Others may come: what is not here is a warning where a rule names it, and nothing else.

/// Purposes known from the analytics enumerations (FACTS 2.3).
pub(super) const PURPOSES: &[&str] = &[
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
pub(super) const STATES: &[&str] = &[
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

pub(super) const DISCONNECT_TYPES: &[&str] = &[
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

pub(super) const MESSAGE_TYPES: &[&str] = &[
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

pub(super) const DIRECTIONS: &[&str] = &["inbound", "outbound"];
pub(super) const RECORDING_STATES: &[&str] = &["none", "active", "paused"];
pub(super) const ROLES: &[&str] = &["agent", "monitor", "coach", "barge", "consult"];
pub(super) const AFTER_CALL_WORK: &[&str] =
    &["unknown", "skipped", "pending", "complete", "notapplicable"];

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
