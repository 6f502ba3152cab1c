//! `attributed reload`: lets the running daemon read its files again, or says what that would do.

use crate::status::counted::counted;
use std::path::Path;

use super::Output;
use super::daemon::{Socket, ask_and_tell, changed, print_diff, tell_reloaded};
use super::exit::Exit;
use super::print::{eprint, eprint_problems, print};
use crate::status::control::answer::{Example, How, Planned, RuleChanges};
use crate::status::control::{Answer, Request};

/// What scripts need.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed reload --plan          what would be written on the conversations that are live now
  attributed reload --wait          do it, and say how it went

Exit codes: 0 done (without --wait: begun); 1 refused, with the problems, and the rules stay as they
were; 69 no daemon answers; 78 bad configuration.";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("mode").args(["plan", "confirm"])))]
pub(super) struct ReloadArguments {
    /// Only say which writes would appear, change and disappear; nothing is changed
    #[arg(long)]
    plan: bool,
    /// Wait for the end, and show it
    #[arg(long)]
    wait: bool,
    /// Also what waits because it writes more than reload.max_writes
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn reload(config: Option<&Path>, output: Output, arguments: &ReloadArguments) -> Exit {
    let ReloadArguments { plan, wait, confirm, socket } = arguments;
    let request = Request::Reload { plan: *plan, wait: *wait || *confirm, confirm: *confirm };
    ask_and_tell(config, socket, output, &request, in_words)
}

fn in_words(answer: &Answer) -> Option<Exit> {
    if let Answer::Reload(reloaded) = answer {
        return Some(tell_reloaded(reloaded));
    }
    if let Answer::Plan(plan) = answer {
        return Some(tell_plan(plan));
    }
    let Answer::Begun = answer else { return None };
    print("reload begun; the log and `systemctl status` say how it ends (--wait waits)");
    Some(Exit::Fine)
}

fn tell_plan(plan: &Planned) -> Exit {
    eprint_problems(&plan.problems);
    if !plan.is_good() {
        eprint("error: a reload would be refused, and the rules would stay as they are");
        return Exit::Failed;
    }
    let Planned {
        diff, changes, by_rule, more_rules, examples, budget_minutes, max_writes, ..
    } = plan;
    print_diff(diff);
    print(&changed(changes));
    for RuleChanges { rule, appear, change, disappear } in by_rule {
        print(&format!("  {rule}: {appear} appear, {change} change, {disappear} disappear"));
    }
    if *more_rules > 0 {
        print(&format!("  and {}", counted(*more_rules, "more rule")));
    }
    for Example { conversation, participant, key, rule, how } in examples {
        let how = match how {
            How::Appears => "appears",
            How::Changes => "changes",
            How::Disappears => "disappears",
        };
        print(&format!(
            "  e.g. {key} {how} on participant {participant} of conversation {conversation} ({rule})"
        ));
    }
    let minutes = counted(*budget_minutes, "minute");
    let besides = if changes.not_kept > 0 { ", without those that follow" } else { "" };
    print(&format!("at most {minutes} of the account's budget{besides}"));
    if changes.writes > *max_writes as u64 {
        print(&format!(
            "more than reload.max_writes ({max_writes}): they would wait for `attributed reload --confirm`"
        ));
    }
    Exit::Fine
}
