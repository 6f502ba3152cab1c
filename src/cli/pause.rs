//! `attributed pause` and `attributed resume`: lets the running daemon push nothing for now, or
//! nothing by one rule, and then go on.

use std::path::Path;
use std::time::Duration;

use super::Output;
use super::daemon::{Socket, ask_and_tell};
use super::exit::Exit;
use super::print::{eprint, print};
use crate::config::duration;
use crate::status::control::pauses::PausesNow;
use crate::status::control::{Answer, Request};
use crate::status::counted::{counted, either};

/// What scripts need.
pub(super) const AFTER_HELP: &str = "\
Only the pushing stops: the sockets stay up, and what comes merges and waits, over restarts of the
daemon too. It grows old as ever: what still waits when its conversation ends, or at updates.max_age,
becomes a dead letter (`attributed dead-letters retry`). The pause of all and those of rules are
apart: `resume` ends the pause of all, `resume --rule NAME` that of the rule.

Examples:
  attributed pause --for 30m             nothing is pushed; in half an hour it goes on by itself
  attributed pause --rule vip-pop        nothing by this rule, until it is resumed

Exit codes: 0 done; 1 not done (no such rule in force, rule not paused), or done and not kept for a
restart; 69 no daemon answers; 78 bad configuration.";

#[derive(Debug, clap::Args)]
pub(super) struct PauseArguments {
    /// Only what this rule writes
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Then it goes on by itself, such as 90s, 30m or 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    lasts: Option<Duration>,
    #[command(flatten)]
    socket: Socket,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResumeArguments {
    /// Only what this rule writes
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn pause(config: Option<&Path>, output: Output, arguments: &PauseArguments) -> Exit {
    let PauseArguments { rule, lasts, socket } = arguments;
    let for_ms = lasts.map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
    let request = Request::Pause { rule: rule.clone(), for_ms };
    ask_and_tell(config, socket, output, &request, |answer| in_words(answer, "paused"))
}

pub(super) fn resume(config: Option<&Path>, output: Output, arguments: &ResumeArguments) -> Exit {
    let ResumeArguments { rule, socket } = arguments;
    let request = Request::Resume { rule: rule.clone() };
    ask_and_tell(config, socket, output, &request, |answer| in_words(answer, "still paused"))
}

fn in_words(answer: &Answer, how: &str) -> Option<Exit> {
    let Answer::Pauses(now) = answer else { return None };
    let PausesNow { changed, paused, waiting, not_kept } = now;
    if !changed {
        print("nothing is paused as a whole: there is nothing to resume");
    }
    if paused.is_empty() {
        print("nothing is paused");
    } else {
        print(&format!("{how}: {paused}"));
    }
    let (left, wait) = (counted(*waiting, "participant"), either(*waiting, "waits", "wait"));
    print(&format!("{left} {wait}"));
    if let Some(reason) = not_kept {
        eprint(&format!("error: a restart would not know of it: {reason}"));
        return Some(Exit::Failed);
    }
    Some(Exit::Fine)
}
