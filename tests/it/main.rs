//! Tests of the program as a whole: the real binary and real sockets, against the simulator.
//!
//! All of them are modules of this one test crate, so that there is one thing to link and one place
//! for what they share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stderr, reason = "a failing test shows the daemon's log")]
#![expect(clippy::print_stdout, reason = "a failing test shows its seed")]

mod agree;
mod answers;
mod bad_input;
mod browser;
mod budget;
mod canary;
mod checks;
mod clients;
mod cold_start;
mod command;
mod control;
mod counted;
mod daemon;
mod deliver;
mod dialects;
mod explained;
mod gaps;
mod generated;
mod judgement;
mod kills;
mod late;
mod letters;
mod logged;
mod metrics;
#[path = "../../benches/budget/mod.rs"]
mod minutes;
mod monitoring;
mod overlap;
mod page;
mod pause;
mod reload;
mod replayed;
mod restart;
mod simulated;
mod sockets;
mod stand_in;
mod state;
mod status;
mod systemd;
mod tidy;
mod trial;
mod twelve;
mod virtual_time;
mod why;
mod window;
mod world_at;
