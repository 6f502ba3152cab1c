//! One of several: asked of whoever sits there; without anybody, never guessed.

use std::collections::BTreeSet;

use super::find::Candidate;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// After so many answers that are no choice, nobody means to choose.
const QUESTIONS: usize = 3;

pub(super) fn choose(
    mut candidates: Vec<Candidate>,
    terminal: &mut dyn Terminal,
) -> Result<Candidate, Failure> {
    let several = candidates.len();
    if let ([_], Some(only)) = (&candidates[..], candidates.last()) {
        return Ok(only.clone());
    }
    let lines: Vec<String> = candidates.iter().map(ToString::to_string).collect();
    if !terminal.is_interactive() {
        let message = format!("{several} participants are possible:\n  {}", lines.join("\n  "));
        return Err(Failure::usage(message).help(deciding(&candidates)));
    }
    for (number, line) in lines.iter().enumerate() {
        terminal.note(&format!("{:>3}) {line}", number + 1));
    }
    for _ in 0..QUESTIONS {
        let Some(answer) = terminal.ask(&format!("Which one? [1-{several}]")) else { break };
        match answer.trim().parse::<usize>() {
            Ok(number @ 1..) if number <= several => return Ok(candidates.swap_remove(number - 1)),
            Ok(_) | Err(_) if answer.trim().is_empty() => break,
            Ok(_) | Err(_) => {}
        }
    }
    Err(Failure::new(Exit::Failed, "none was chosen, nothing was written"))
}

/// Which flag tells them apart.
fn deciding(candidates: &[Candidate]) -> &'static str {
    let conversations: BTreeSet<_> = candidates.iter().map(|one| &one.conversation).collect();
    if conversations.len() == candidates.len() {
        "say which with --conversation ID"
    } else if conversations.len() == 1 {
        "say which with --participant ID"
    } else {
        "say which with --conversation ID and --participant ID"
    }
}
