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

impl Socket {
    /// Somebody said where it is.
    pub(super) fn is_named(&self) -> bool {
        self.socket.is_some()
    }
}

pub(super) fn where_to_ask(config: Option<&Path>, socket: &Socket) -> Result<PathBuf, Exit> {
    match &socket.socket {
        Some(path) => Ok(path.clone()),
        None => Ok(load(config)?.0.monitoring.control),
    }
}

/// Asks, and tells what came of it: programs the answer as it came, people what `in_words` makes of
/// it, which is nothing of an answer to another question.
pub(super) fn ask_and_tell(
    config: Option<&Path>,
    socket: &Socket,
    output: Output,
    request: &Request,
    in_words: impl FnOnce(&Answer) -> Option<Exit>,
) -> Exit {
    let answer = match where_to_ask(config, socket) {
        Ok(path) => match ask(&path, request) {
            Ok(answer) => answer,
            Err(error) => return tell(&to_failure(&error)),
        },
        Err(exit) => return exit,
    };
    tell_answer(output, &answer, in_words)
}

/// The same with an answer that is there.
pub(super) fn tell_answer(
    output: Output,
    answer: &Answer,
    in_words: impl FnOnce(&Answer) -> Option<Exit>,
) -> Exit {
    if output == Output::Json {
        print_json(answer);
    }
    if let Answer::Failed { message, help } = answer {
        return tell(&Failure::new(Exit::Failed, message).help(help));
    }
    if output == Output::Json {
        let good = answer.is_good();
        return if good { Exit::Fine } else { Exit::Failed };
    }
    in_words(answer).unwrap_or_else(not_expected)
}

/// The daemon answered something else than was asked.
fn not_expected() -> Exit {
    tell(&Failure::missing("the daemon gave an answer to another question").help(OTHER_VERSION))
}

/// The answer for programs, as it came.
fn print_json(answer: &Answer) {
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
    // The same rules are not compared.
    if *changes == Changes::default() {
        return "nothing changes on live conversations".to_owned();
    }
    let Changes { conversations, came, went, writes, participants, incomplete, not_kept } = changes;
    let more = if *incomplete { " at least: not all could be looked at in time" } else { "" };
    let later = match not_kept {
        0 => String::new(),
        // So many conversations live that the snapshots of the older ones are not kept.
        more => {
            format!("; {more} more, of which no snapshot is kept, follow with their next events")
        }
    };
    format!(
        "of {}: {} came, {went} went; {} to {}{more}{later}",
        counted(*conversations, "live conversation"),
        counted(*came, "wish"),
        counted(*writes, "write"),
        counted(*participants, "participant")
    )
}

const OTHER_VERSION: &str =
    "it may be of another version than this command: restart it, or use its own binary";

pub(super) fn to_failure(error: &AskError) -> Failure {
    let help = match error {
        AskError::NobodyThere { .. } => {
            "is it running? `systemctl status attributed` and its log say why not; start it, or name the configuration that it runs with: --config FILE"
        }
        AskError::NotAllowed { .. } => {
            "ask as root, as the daemon's own user, or as a member of the socket's group"
        }
        AskError::NoAnswer { .. } => "see its log: what was asked for may have been done",
        AskError::NotUnderstood { .. } => OTHER_VERSION,
    };
    Failure::missing(error.to_string()).help(help)
}

pub(super) fn tell(failure: &Failure) -> Exit {
    eprint(&failure.to_string());
    failure.exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_with_what_could_not_be_looked_at() {
        assert_eq!(changed(&Changes::default()), "nothing changes on live conversations");
        let some = Changes { conversations: 700, came: 2, writes: 1, ..Changes::default() };
        let some = Changes { participants: 1, not_kept: 50, ..some };
        assert_eq!(
            changed(&some),
            "of 700 live conversations: 2 wishes came, 0 went; 1 write to 1 participant; \
             50 more, of which no snapshot is kept, follow with their next events"
        );
    }
}
