//! What the service tells about itself.

pub mod counts;
pub mod pulse;
