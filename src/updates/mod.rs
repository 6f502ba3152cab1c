//! How updates go out: wish → outbox → pacer → worker.
//!
//! An [`Observation`](wish::Observation) says what a conversation shows and what the rules wish.
//! The [`Keeper`](keeper::Keeper) compares it with what was written before ([`memory`]), decides
//! ([`decide`]), and keeps what is to be written until it may go ([`outbox`]). The
//! [`Dispatcher`](dispatcher::Dispatcher) is the only part that waits: it moves observations in and
//! pushes out, and gives the [`journal`] what is to outlive the process. Nothing here knows events or rules.

mod age;
mod asks;
mod breaker;
mod by_reason;
pub mod calendar;
pub mod dead_letters;
pub(crate) mod decide;
pub mod dispatcher;
mod few;
pub mod foresight;
mod guard;
pub mod journal;
pub(crate) mod keeper;
mod memory;
pub mod orders;
mod outbox;
pub mod push;
mod redact;
pub mod settings;
mod slowness;
pub mod story;
mod touched;
pub mod traces;
pub mod wish;
