//! `attributed rules`: what the running daemon has in force, the good sets that it keeps, and the way
//! back to one.

use crate::status::counted::counted;
use std::path::Path;

use super::Output;
use super::daemon::{Socket, asked, not_expected, print_json, tell_reloaded};
use super::exit::Exit;
use super::print::print;
use crate::status::control::answer::{KeptSet, ShownSet};
use crate::status::control::{Answer, Request};

#[derive(Debug, clap::Subcommand)]
pub(super) enum RulesCommand {
    /// Show the rules in force in one file, with what they include and their defaults resolved
    Show {
        /// Another set: its number in `rules history`, or the beginning of its hash
        #[arg(value_name = "NUMBER|HASH")]
        set: Option<String>,
        #[command(flatten)]
        socket: Socket,
    },
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
        RulesCommand::Show { set, socket } => (socket, Request::RulesShow { set: set.clone() }),
        RulesCommand::History { socket } => (socket, Request::RulesHistory),
        RulesCommand::Rollback { set, confirm, socket } => {
            (socket, Request::RulesRollback { set: *set, confirm: *confirm })
        }
    };
    let answer = match asked(config, socket, output, &request) {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    if output == Output::Json {
        print_json(&answer);
    }
    match &answer {
        Answer::History { .. } | Answer::Rules(_) if output == Output::Json => Exit::Fine,
        Answer::Rules(set) => {
            tell_rules(set);
            Exit::Fine
        }
        Answer::History { sets } => {
            tell_history(sets);
            Exit::Fine
        }
        Answer::Reload(reloaded) if output == Output::Json => {
            if reloaded.is_good() {
                Exit::Fine
            } else {
                Exit::Failed
            }
        }
        Answer::Reload(reloaded) => tell_reloaded(reloaded),
        Answer::Pong { .. }
        | Answer::Version { .. }
        | Answer::Begun
        | Answer::Plan(_)
        | Answer::Failed { .. } => not_expected(),
    }
}

/// A rules file, which can be kept as one.
fn tell_rules(ShownSet { hash, in_force, text }: &ShownSet) {
    let mark = if *in_force { ", in force" } else { "" };
    print(&format!("# Rules {hash}{mark}\n\n{}", text.trim_end()));
}

fn tell_history(sets: &[KeptSet]) {
    if sets.is_empty() {
        print("no set of rules is kept: see the daemon's log, and state.dir");
    }
    for KeptSet { set, hash, at, rules, files, in_force, .. } in sets {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let mark = if *in_force { "  in force" } else { "" };
        let rules = counted(*rules, "rule");
        print(&format!("{set}  {at}  {hash}  {rules}  {}{mark}", files.join(" ")));
    }
}
