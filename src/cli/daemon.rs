//! Asking the running daemon: what the commands have in common that do.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::failure::Failure;
use super::print::{eprint, eprint_problems, print};
use super::{Output, load};
use crate::status::control::answer::{Changes, InForce, Reloaded, RulesDiff};
use crate::status::control::client::{AskError, ask};
use crate::status::control::{Answer, Request};
use crate::status::counted::{counted, either};

/// Where the daemon is.
#[derive(Debug, clap::Args)]
pub(super) struct Socket {
    /// The daemon's control socket [default: monitoring.control of the configuration]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Asks, and says why there is no answer, or none that helps.
pub(super) fn asked(
    config: Option<&Path>,
    socket: &Socket,
    output: Output,
    request: &Request,
) -> Result<Answer, Exit> {
    let path = match &socket.socket {
        Some(path) => path.clone(),
        None => load(config)?.0.monitoring.control,
    };
    match ask(&path, request) {
        Ok(Answer::Failed { message, help }) => {
            if output == Output::Json {
                let failed = Answer::Failed { message: message.clone(), help: help.clone() };
                print_json(&failed);
            }
            Err(tell(&Failure::new(Exit::Failed, message).help(help)))
        }
        Ok(answer) => Ok(answer),
        Err(error) => Err(tell(&of(&error))),
    }
}

/// The daemon answered something else than was asked.
pub(super) fn not_expected() -> Exit {
    tell(&Failure::missing("the daemon gave an answer to another question").help(OTHER_VERSION))
}

/// The answer for programs, as it came.
pub(super) fn print_json(answer: &Answer) {
    match serde_json::to_string_pretty(answer) {
        Ok(text) => print(&text),
        Err(error) => eprint(&format!("error: {error}")),
    }
}

/// How a reload or a step back ended.
pub(super) fn tell_reloaded(reloaded: &Reloaded) -> Exit {
    let Reloaded { in_force, diff, changes, problems } = reloaded;
    eprint_problems(problems);
    print_diff(diff);
    let InForce { rules, hash, problem, rolled_back, unconfirmed_writes } = in_force;
    if reloaded.is_good() {
        print(&changed(changes));
        let how = if *rolled_back {
            ", an earlier set: the rules file is passed over until it changes"
        } else {
            ""
        };
        print(&format!("in force: {} ({hash}){how}", counted(*rules, "rule")));
        if let Some(writes) = unconfirmed_writes {
            print(&format!(
                "{} on conversations without an event of their own {}: `attributed reload --confirm` makes them",
                counted(*writes, "write"),
                either(*writes, "waits", "wait")
            ));
        }
        return Exit::Fine;
    }
    let why = problem.as_deref().map_or_else(String::new, |problem| format!(": {problem}"));
    eprint(&format!("error: not everything was reloaded{why}"));
    let rules = counted(*rules, "rule");
    eprint(&format!("in force: {rules} ({hash}); mend the files and reload again"));
    Exit::Failed
}

/// Names of rules, one a line.
pub(super) fn print_diff(diff: &RulesDiff) {
    let RulesDiff { added, changed, removed, reordered } = diff;
    for (sign, names) in [("+", added), ("~", changed), ("-", removed)] {
        names.iter().for_each(|name| print(&format!("{sign} {name}")));
    }
    if *reordered {
        print("the rules come in another order");
    }
}

/// In a line.
pub(super) fn changed(changes: &Changes) -> String {
    let Changes { conversations, came, went, writes, participants, incomplete } = changes;
    let more = if *incomplete { " at least: not all could be looked at in time" } else { "" };
    format!(
        "of {}: {} came, {went} went; {} to {}{more}",
        counted(*conversations, "live conversation"),
        counted(*came, "wish"),
        counted(*writes, "write"),
        counted(*participants, "participant")
    )
}

const OTHER_VERSION: &str =
    "it may be of another version than this command: restart it, or use its own binary";

fn of(error: &AskError) -> Failure {
    let help = match error {
        AskError::NobodyThere { .. } => {
            "is it running? start it (`systemctl start attributed`), or name the configuration that it runs with: --config FILE"
        }
        AskError::NotAllowed { .. } => {
            "ask as root, as the daemon's own user, or as a member of the socket's group"
        }
        AskError::NoAnswer { .. } => "see its log: what was asked for may have been done",
        AskError::NotUnderstood { .. } => OTHER_VERSION,
    };
    Failure::missing(error.to_string()).help(help)
}

fn tell(failure: &Failure) -> Exit {
    eprint(&failure.to_string());
    failure.exit
}
