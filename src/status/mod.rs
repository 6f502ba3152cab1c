//! What the service tells about itself: counts, its pulse, how it is at this moment, the log,
//! systemd, metrics and health over HTTP, the control socket.

pub mod channel_marks;
pub mod control;
pub mod counted;
pub mod counts;
pub mod histogram;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod overview;
pub mod pulse;
pub mod rates;
pub mod recent;
pub mod rule_counts;
pub mod systemd;
pub mod troubles;
