//! The dead letters in the state directory of a daemon that does not run.

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::genesys::ConversationId;
use crate::status::control::Answer;
use crate::status::control::letters::{Dropped, Filter, Page, Question};
use crate::updates::dead_letters::DeadLetters;
use crate::updates::journal::{Changes, Store, StoreError};

/// `socket` is where nobody answered.
pub(super) fn answer(
    directory: &Path,
    socket: &Path,
    question: &Question,
) -> Result<Answer, Failure> {
    let failed = |error: StoreError| failure(directory, socket, &error);
    if let Question::Retry { .. } = question {
        let failure = Failure::missing(format!("no daemon answers at {}", socket.display()));
        return Err(failure.help("a retry is the running daemon's to do: start it first"));
    }
    let store = Store::open_existing(directory).map_err(failed)?;
    match (question, store) {
        (Question::List { filter, values, .. }, Some(store)) => {
            let letters = DeadLetters::restored(store.letters().map_err(failed)?);
            Ok(Answer::DeadLetters(whole(&letters, filter, *values)))
        }
        (Question::List { .. }, None) => Ok(Answer::DeadLetters(Page::default())),
        (Question::Drop { filter }, Some(store)) => drop_from(store, filter).map_err(failed),
        (Question::Drop { .. } | Question::Retry { .. }, _) => {
            Ok(Answer::Dropped(Dropped::default()))
        }
    }
}

/// All pages as one.
fn whole(letters: &DeadLetters, filter: &Filter, values: bool) -> Page {
    let mut whole = letters.page(filter, 0, values);
    while whole.more {
        let after = whole.letters.last().map_or(0, |letter| letter.number);
        let next = letters.page(filter, after, values);
        whole.letters.extend(next.letters);
        whole.more = next.more;
    }
    whole
}

fn drop_from(mut store: Store, filter: &Filter) -> Result<Answer, StoreError> {
    let mut letters = DeadLetters::restored(store.letters()?);
    let mut dropped = Dropped { letters: letters.drop_meant(filter), ..Dropped::default() };
    let mut changes = Changes::default();
    if let Some(changed) = letters.take_changes() {
        changes.letters(changed);
    }
    if let Some(id) = filter.whole_conversation().map(ConversationId::new) {
        let kept = store.recover()?;
        let pending = kept.pending.iter().filter(|((conversation, _), _)| *conversation == id);
        dropped.waiting = pending.map(|(_, pending)| pending.keys.len()).sum();
        changes.over(id);
    }
    store.commit(&changes)?;
    Ok(Answer::Dropped(dropped))
}

fn failure(directory: &Path, socket: &Path, error: &StoreError) -> Failure {
    match error {
        StoreError::Locked => Failure::missing(format!(
            "a daemon has {} open, and none answers at {}",
            directory.display(),
            socket.display()
        ))
        .help(
            "name its socket: --socket PATH, or the configuration that it runs with: --config FILE",
        ),
        StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Unusable { .. } => {
            let message = format!("the journal in {}: {error}", directory.display());
            Failure::new(Exit::Unavailable, message)
                .help("no daemon answers either; ask as root or as the daemon's own user")
        }
    }
}
