//! `attributed why`: what happened to the attributes of a conversation, and who did it.
//!
//! The running daemon is asked. Where none answers, the story that it left in its state directory
//! is read.

mod shown;

use std::path::Path;

use super::daemon::{Socket, tell, tell_answer, to_failure, where_to_ask};
use super::exit::Exit;
use super::failure::Failure;
use super::{Output, load};
use crate::genesys::ConversationId;
use crate::status::control::client::{AskError, ask};
use crate::status::control::{Answer, Request};
use crate::updates::story;

/// What it shows, and what it cannot.
pub(super) const AFTER_HELP: &str = "\
For each key: which rule wished it, when it was sent, what was answered (with Genesys' correlation
id), when it was seen, and who overwrote it. Values are shown as marks, #1a2b3c: equal marks are equal
values, within one run of the daemon; the values themselves are not kept. What a rule wished and was
there already is no event. See `attributed explain` for why a rule holds or does not.

The daemon keeps the last state.story (24h) in its state directory, 256 MiB at most. It also works
while the daemon is stopped. Times are UTC.

Exit codes: 0 told; 1 nothing is known of it; 69 no daemon answers and its state directory cannot be
read; 78 bad configuration.";

#[derive(Debug, clap::Args)]
pub(super) struct WhyArguments {
    /// Of which conversation
    #[arg(value_name = "CONVERSATION")]
    conversation: String,
    /// Only of this attribute
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Every event, also of a key with many
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    socket: Socket,
}

pub(super) fn why(config: Option<&Path>, output: Output, arguments: &WhyArguments) -> Exit {
    let answer = match answered(config, arguments) {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    let known = !matches!(&answer, Answer::Why(told) if !told.is_known());
    let exit = tell_answer(output, &answer, |answer| {
        let Answer::Why(told) = answer else { return None };
        shown::print_story(told, arguments.all);
        Some(Exit::Fine)
    });
    if known { exit } else { Exit::Failed }
}

/// Asks the daemon or, if there is none and nobody said where it is, its directory.
fn answered(config: Option<&Path>, arguments: &WhyArguments) -> Result<Answer, Exit> {
    let WhyArguments { conversation, key, socket, .. } = arguments;
    let path = where_to_ask(config, socket)?;
    let request = Request::Why { conversation: conversation.clone(), key: key.clone() };
    match ask(&path, &request) {
        Err(AskError::NobodyThere { .. }) if !socket.is_named() => {
            let state = load(config)?.0.state.dir;
            let told = story::at_rest(&state, &ConversationId::new(conversation), key.as_deref());
            told.map(|told| Answer::Why(Box::new(told))).map_err(|error| {
                let message = format!("no daemon answers, and {}: {error}", state.display());
                let failure = Failure::missing(message);
                tell(&failure.help("ask as root or as the daemon's own user"))
            })
        }
        asked => asked.map_err(|error| tell(&to_failure(&error))),
    }
}
