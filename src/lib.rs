//! Keeps participant attributes on live Genesys Cloud conversations as an administrator's rules
//! say they should be.
//!
//! Events of the notification WebSocket come in; each says how a conversation *is*. The rules say
//! what its attributes *should be*. Only the difference is pushed, through the Conversations API,
//! inside the account's budget. Promised is that the last word of the rules about every snapshot
//! that reached us ends up on the participant, or that a dead letter says why not; that keys which
//! no rule names are never touched; and that nothing outside can stop the service for good.
//!
//! # The flow
//!
//! ```text
//! channel ──▶ frame ──▶ snapshot ──▶ rules ──▶ wishes ──▶ outbox ──▶ pacer ──▶ push
//! (socket)              (tracker)                         (memory)  (budget)
//!  events/channels  app/pipeline           updates/dispatcher   genesys/account
//! ```
//!
//! # The parts, and who may know whom
//!
//! - [`config`]: the file as written → checked → [`config::Config`]; problems with their place.
//! - [`genesys`]: all that is known of the API, and nothing of rules: the way out
//!   ([`genesys::outside`]), a call and its answer ([`genesys::call`]), token, budget, errors,
//!   directory. Every request goes through one [`genesys::call::Api`], whichever of several clients
//!   makes it ([`genesys::clients`]).
//! - [`events`]: sockets, frames, and the one shape of a conversation
//!   ([`events::conversation`]). Knows no rules and no updates.
//! - [`rules`]: file → rule → wishes. Knows a conversation and a wish ([`updates::wish`]), and no
//!   machinery.
//! - [`updates`]: wish → outbox → push. Knows neither events nor rules.
//! - [`status`]: counts, the pulse of the loops, the log, systemd, and how the daemon is, in one
//!   value ([`status::overview`]) that health, metrics and pages are all made from.
//! - [`app`]: the only part that knows all of them.
//! - `simulator`: a Genesys Cloud played by us, with a truth of its own. It knows nothing of events,
//!   rules and updates, so that one mistake cannot be in both.
//!
//! Each outside crate is known in one place: tungstenite in `events::socket`, reqwest in
//! `genesys::http`, governor in the pacer, signal-hook in [`signals`], hyper's server in
//! [`status::http`], prometheus-client in [`status::metrics`], OpenTelemetry's in `app::otlp`. `tests/it/tidy.rs` holds the
//! source to all of this.
//!
//! # What cuts across
//!
//! - **Loops.** Each loop has one owner for its state; `next_event` waits, `handle` acts. All run on
//!   task sets whose every end is noticed. There are no locks around anything but counts, the
//!   token and the budget.
//! - **Stopping** takes one signal, sent to the head: the channels end, so the frames end, so the
//!   observations end, so the dispatcher drains. A second signal leaves at once.
//! - **Limits.** Frames waiting: 1,024, then the socket waits. Observations: 1,024, then the
//!   pipeline waits; the dispatcher never waits for the network. Participants in the outbox:
//!   `updates.max_pending`, of one rule a seventeenth less, then a conversation is looked at again when
//!   there is room. Connections to the monitoring listener: 64, then a further one is closed; open pages:
//!   16, then a further one is told so.
//! - **Time** is `tokio::time`, or an argument: tests pause it. What is kept by the hundred thousand is
//!   kept in little room: `moment` for times, `in_order` for what waits in a line.
//! - **What outlives the process** is in the journal ([`updates::journal`]), written behind the updates
//!   by a thread of its own: what waits, what was written, and until when everything was dealt with.
//! - **Errors** have a variant for each thing that a caller may do. Deciding and telling are two
//!   things.
//! - **Secrets**, tokens and channel addresses are in no log, error, metric or `Debug`; attribute
//!   values, numbers, names and subjects in no log, and nowhere on TCP.
//! - **Tests**: pure parts beside the code; the whole in `tests/it`, through the real binary.

/// For every program that is built with this library: tests and benchmarks see what the daemon does.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod app;
pub mod cli;
pub mod config;
pub mod defects;
pub mod events;
pub mod genesys;
mod in_order;
pub mod machine;
mod moment;
mod plain;
pub mod rules;
pub mod signals;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod status;
pub mod updates;
