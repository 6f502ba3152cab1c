//! What the service tells about itself: counts, its pulse, the log, systemd, the control
//! socket.

pub mod control;
pub mod counted;
pub mod counts;
pub mod logging;
pub mod pulse;
pub mod systemd;
