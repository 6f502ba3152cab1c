//! How updates go out: wish → outbox → pacer → worker.

pub mod wish;
