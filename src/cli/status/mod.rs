//! `attributed status`: the running daemon in one screen, once or over and over.
//!
//! Shows what the daemon tells of itself, in the words that `/readyz` has too; nothing is decided
//! here.

mod screen;
mod shown;
mod span;

use std::path::Path;

use super::Output;
use super::daemon::{Socket, ask_and_tell, where_to_ask};
use super::exit::Exit;
use super::paint::Paint;
use super::print::print;
use crate::status::control::{Answer, Request};

/// What scripts need.
pub(super) const AFTER_HELP: &str = "\
The first line is the one to read: whether all is well, or else whether attributes are being written;
then comes what is worst and what to do.

Exit codes: 0 all is well; 1 something is not, and it is said what; 69 no daemon answers; 78 bad
configuration. With --watch 0 when it is ended by a signal, or nobody reads it any more.";

#[derive(Debug, clap::Args)]
pub(super) struct StatusArguments {
    /// Show it again every second, until Ctrl-C
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn status(config: Option<&Path>, output: Output, arguments: &StatusArguments) -> Exit {
    let StatusArguments { watch, socket } = arguments;
    if *watch {
        return match where_to_ask(config, socket) {
            Ok(path) => screen::watch(&path, output),
            Err(exit) => exit,
        };
    }
    ask_and_tell(config, socket, output, &Request::Status, |answer| {
        let Answer::Status(now) = answer else { return None };
        shown::lines(now, Paint::of_output()).iter().for_each(|line| print(line));
        Some(if now.well { Exit::Fine } else { Exit::Failed })
    })
}
