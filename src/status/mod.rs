//! What the service tells about itself: counts, its pulse, the log, systemd.

pub mod counts;
pub mod logging;
pub mod pulse;
pub mod systemd;
