//! `attributed log-level`: how much the running daemon logs.

use std::path::Path;

use super::Output;
use super::daemon::{Socket, ask_and_tell};
use super::exit::Exit;
use super::print::print;
use crate::status::control::{Answer, Request};

/// What can be said, and for how long it holds.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed log-level                          what is logged now
  attributed log-level debug                    more of everything
  attributed log-level info,updates=debug       more of one part: app, events, genesys, rules, status,
                                                updates, or a module of one (events::channels)

It holds until the next start, or until log.level is changed and reloaded. What libraries say is
never logged below WARN: it could hold tokens and the addresses of channels.

Exit codes: 0 done; 1 not a level; 69 no daemon answers; 78 bad configuration.";

#[derive(Debug, clap::Args)]
pub(super) struct LogLevelArguments {
    /// error, warn, info, debug or trace, and PART=LEVEL after commas
    #[arg(value_name = "LEVEL")]
    level: Option<String>,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn log_level(
    config: Option<&Path>,
    output: Output,
    arguments: &LogLevelArguments,
) -> Exit {
    let LogLevelArguments { level, socket } = arguments;
    let request = Request::LogLevel { level: level.clone() };
    ask_and_tell(config, socket, output, &request, |answer| {
        let Answer::LogLevel { level, configured } = answer else { return None };
        print(&if level == configured {
            format!("{level}, as configured")
        } else {
            format!("{level} until the next start, which brings back {configured} (log.level)")
        });
        Some(Exit::Fine)
    })
}
