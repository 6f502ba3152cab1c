//! The user that a name or an id stands for, by the directory.

use std::time::Duration;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::config::Watch;
use crate::genesys::UserId;
use crate::genesys::call::Api;
use crate::genesys::directory::{Failed, Known, Watching, refresh};
use crate::genesys::names::{NamesWanted, looks_like_id};

/// The user of this e-mail address, display name or id. An id is believed as it is: whether it is
/// anybody's matters only when nothing is found for it.
///
/// # Errors
///
/// If it is nobody's, or several people's, or the directory does not answer.
pub(super) async fn find(api: &dyn Api, name: &str) -> Result<UserId, Failure> {
    if looks_like_id(name) {
        return Ok(UserId::new(&name.to_lowercase()));
    }
    let (watching, failed) = ask_directory(api, name).await;
    let mut users = watching.users.into_iter();
    match (users.next(), users.next()) {
        (Some(user), None) => Ok(user),
        (Some(one), Some(other)) => {
            let message = format!("several users are called {name}: {one}, {other}, …");
            Err(Failure::usage(message).help("give the e-mail address or the id"))
        }
        (None, _) => match failed {
            Some(failed) if !watching.complete => Err(of_directory(&failed)),
            Some(_) | None => Err(unknown(name)),
        },
    }
}

/// Returns true if and only if it is an id, and the directory says that it is nobody's.
pub(super) async fn is_unknown_id(api: &dyn Api, name: &str) -> bool {
    looks_like_id(name) && !ask_directory(api, name).await.0.unknown.is_empty()
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::missing(format!("Genesys Cloud knows no user {name}"))
        .help("give the e-mail address or the id of an active user, as People shows it")
}

async fn ask_directory(api: &dyn Api, name: &str) -> (Watching, Option<Failed>) {
    let watch = Watch {
        users: vec![name.to_owned()],
        members_of_queues: Vec::new(),
        members_of_groups: Vec::new(),
        all_users: false,
        queues: Vec::new(),
        acd_only: false,
        refresh: Duration::ZERO,
    };
    let (nobody, mut known) = (NamesWanted::default(), Known::default());
    // Users are asked for last, so the last failure is about them if any is.
    let failed = refresh(api, &watch, &nobody, &mut known).await.pop();
    (known.watching(&watch, &nobody), failed)
}

fn of_directory(failed: &Failed) -> Failure {
    let exit = match (failed.permissions.is_empty(), failed.temporary) {
        (false, _) => Exit::Refused,
        (true, true) => Exit::TryAgain,
        (true, false) => Exit::Unavailable,
    };
    Failure::new(exit, failed.to_string()).help("or give the user's id instead of the name")
}
