//! `attributed rules`: the good sets that the running daemon keeps, and the way back to one.

use std::path::Path;

use super::Output;
use super::daemon::{Socket, ask_and_tell, tell_reloaded};
use super::exit::Exit;
use super::print::print;
use crate::status::control::answer::KeptSet;
use crate::status::control::{Answer, Request};

#[derive(Debug, clap::Subcommand)]
pub(super) enum RulesCommand {
    /// List the last ten good sets, the newest first
    History {
        #[command(flatten)]
        socket: Socket,
    },
    /// Put an earlier set in force, until the rules file changes
    Rollback {
        /// As `rules history` counts [default: the one before that in force]
        #[arg(value_name = "N")]
        set: Option<usize>,
        /// Also writes beyond reload.max_writes, which would wait
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        socket: Socket,
    },
}

pub(super) fn rules(config: Option<&Path>, output: Output, command: &RulesCommand) -> Exit {
    let (socket, request) = match command {
        RulesCommand::History { socket } => (socket, Request::RulesHistory),
        RulesCommand::Rollback { set, confirm, socket } => {
            (socket, Request::RulesRollback { set: *set, confirm: *confirm })
        }
    };
    ask_and_tell(config, socket, output, &request, in_words)
}

fn in_words(answer: &Answer) -> Option<Exit> {
    if let Answer::Reload(reloaded) = answer {
        return Some(tell_reloaded(reloaded));
    }
    let Answer::History { sets } = answer else { return None };
    tell_history(sets);
    Some(Exit::Fine)
}

fn tell_history(sets: &[KeptSet]) {
    if sets.is_empty() {
        print("no set of rules is kept: see the daemon's log, and state.dir");
    }
    for KeptSet { set, hash, at, rules, files, in_force, .. } in sets {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let mark = if *in_force { "  in force" } else { "" };
        print(&format!("{set}  {at}  {hash}  {rules} rules  {}{mark}", files.join(" ")));
    }
}
