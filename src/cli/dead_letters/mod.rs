//! `attributed dead-letters`: what could not be delivered, and what becomes of it.
//!
//! The running daemon is asked. Where none answers, what it left in its state directory is read, and
//! nothing but a retry needs it to run.

mod at_rest;
mod shown;

use std::path::Path;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use jiff::Timestamp;

use super::daemon::{Socket, tell, tell_answer, to_failure, where_to_ask};
use super::exit::Exit;
use super::failure::Failure;
use super::{Output, load};
use crate::config::duration;
use crate::status::control::client::{AskError, ask};
use crate::status::control::letters::{Filter, Page, Question};
use crate::status::control::{Answer, Request};
use crate::updates::dead_letters::Reason;

/// What each does, and to what.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed dead-letters list --since 1h --reason refused
  attributed dead-letters show 17               with the values that were to be written
  attributed dead-letters retry --rule vip-pop  once what was in the way is mended
  attributed dead-letters drop --conversation ID

`list`, `show` and `drop` also work while the daemon is stopped, on its state directory.
Letters go by themselves after state.keep, and the oldest when there are 10,000.

Exit codes: 0 done; 1 nothing is meant (show, retry), or a retry left something, and says why;
69 no daemon answers and its state directory cannot be used; 78 bad configuration.";

#[derive(Debug, clap::Subcommand)]
pub(super) enum DeadLettersCommand {
    /// List them, the oldest first: which keys, by which rule, and why; never a value
    List(Which),
    /// Show them whole: also the values, and what the server said
    Show(Which),
    /// Wish them anew, where the conversation lives and nothing newer was wished
    Retry(Which),
    /// Forget them
    ///
    /// With --conversation and nothing else, all that is kept of the conversation's values is
    /// forgotten: dead letters, what waits to be written, and the memory of what was written. It
    /// is not written to any more, and the journal's file may hold the bytes until it writes over
    /// them. Its story (`attributed why`) has no values in it, and stays.
    Drop(Which),
}

/// All that is said must hold.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// By their numbers, as `list` shows them
    #[arg(value_name = "NUMBER")]
    numbers: Vec<u64>,
    /// By the rule that wished them
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// By why they were given up
    #[arg(long, value_parser = reasons())]
    reason: Option<Reason>,
    /// By their conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Given up since: a duration (2h) or a time (2026-11-20T14:00:00Z)
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// All of them
    #[arg(long, conflicts_with_all = ["numbers", "rule", "reason", "conversation", "since"])]
    all: bool,
    #[command(flatten)]
    socket: Socket,
}

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Since(i64);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Since(time.as_millisecond()));
        }
        let ago =
            duration::parse(text).map_err(|error| format!("{error}; or a time with a zone"))?;
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        Ok(Since(Timestamp::now().as_millisecond().saturating_sub(ago)))
    }
}

fn reasons() -> impl clap::builder::TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::as_str)).try_map(|word| {
        let found = Reason::ALL.into_iter().find(|reason| reason.as_str() == word);
        found.ok_or("not a reason")
    })
}

impl Which {
    fn filter(&self) -> Filter {
        Filter {
            numbers: self.numbers.clone(),
            rule: self.rule.clone(),
            reason: self.reason,
            conversation: self.conversation.clone(),
            since_ms: self.since.map(|since| since.0),
        }
    }
}

pub(super) fn dead_letters(
    config: Option<&Path>,
    output: Output,
    command: &DeadLettersCommand,
) -> Exit {
    let (which, question) = match command {
        DeadLettersCommand::List(which) => (which, list(which, false)),
        DeadLettersCommand::Show(which) => (which, list(which, true)),
        DeadLettersCommand::Retry(which) => (which, Question::Retry { filter: which.filter() }),
        DeadLettersCommand::Drop(which) => (which, Question::Drop { filter: which.filter() }),
    };
    let must_say = !matches!(command, DeadLettersCommand::List(_));
    if must_say && !which.all && which.filter() == Filter::default() {
        let failure = Failure::usage("which dead letters?");
        return tell(
            &failure.help("name numbers, or --rule, --reason, --conversation, --since; or --all"),
        );
    }
    let answer = match answered(config, which, question) {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    let none = matches!(&answer, Answer::DeadLetters(page) if page.letters.is_empty());
    let exit = tell_answer(output, &answer, |answer| {
        if let Answer::DeadLetters(page) = answer {
            shown::page(page);
            return Some(Exit::Fine);
        }
        if let Answer::Retried(retried) = answer {
            return Some(shown::retried(retried));
        }
        let Answer::Dropped(dropped) = answer else { return None };
        shown::dropped(dropped);
        Some(Exit::Fine)
    });
    if none && must_say { Exit::Failed } else { exit }
}

fn list(which: &Which, values: bool) -> Question {
    Question::List { filter: which.filter(), after: 0, values }
}

/// Asks the daemon or, if there is none and nobody said where it is, its directory.
fn answered(config: Option<&Path>, which: &Which, question: Question) -> Result<Answer, Exit> {
    let path = where_to_ask(config, &which.socket)?;
    let asked = match &question {
        Question::List { filter, values, .. } => ask_all(&path, filter, *values),
        Question::Retry { .. } | Question::Drop { .. } => {
            ask(&path, &Request::DeadLetters(question.clone()))
        }
    };
    match asked {
        Err(AskError::NobodyThere { .. }) if !which.socket.is_named() => {
            let state = load(config)?.0.state.dir;
            at_rest::answer(&state, &path, &question).map_err(|failure| tell(&failure))
        }
        asked => asked.map_err(|error| tell(&to_failure(&error))),
    }
}

/// All pages as one.
fn ask_all(path: &Path, filter: &Filter, values: bool) -> Result<Answer, AskError> {
    let mut whole = Page::default();
    loop {
        let after = whole.letters.last().map_or(0, |letter| letter.number);
        let question = Question::List { filter: filter.clone(), after, values };
        let answer = ask(path, &Request::DeadLetters(question))?;
        let Answer::DeadLetters(page) = answer else { return Ok(answer) };
        let Page { letters, more, kept, displaced } = page;
        let more = more && !letters.is_empty();
        whole.letters.extend(letters);
        (whole.kept, whole.displaced) = (kept, displaced);
        if !more {
            return Ok(Answer::DeadLetters(whole));
        }
    }
}
