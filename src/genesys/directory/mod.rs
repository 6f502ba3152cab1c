//! The organisation's directory: who is meant by the names that people write (FACTS 1.7).
//!
//! Asking goes source by source (one queue's members, one search, …), and what a source said is
//! [`Known`] until it says something else: a source that fails, wholly or in the midst of its pages,
//! leaves everything as it was. From what is known, [`Known::watching`] makes the answer, without
//! asking anybody; so a start from the [`Cache`] and a start from the directory are the same thing.
//!
//! Nothing here decides when to ask ([`events::watching`](crate::events::watching) does), and
//! nothing logs.

mod ask;
mod cache;
#[cfg(test)]
pub(crate) mod fake;
mod known;
mod page;
mod refresh;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::ids::{QueueId, UserId};
use super::names::{Listed, Names};

pub(super) use ask::Asker;
pub use cache::{Cache, CacheError};
pub use known::Known;
pub use refresh::refresh;

/// Whose conversations are wanted, and what everybody is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watching {
    pub users: BTreeSet<UserId>,
    /// Those whose queue topics are wanted.
    pub queues: BTreeSet<QueueId>,
    /// Shared with whoever reads rules by them.
    pub names: Arc<Names>,
    /// What was asked for, and is not there.
    pub unknown: BTreeSet<Unknown>,
    /// What could not be asked.
    pub failed: Vec<Failed>,
    /// Everything was asked for at some time. Otherwise somebody may be missing who is only not
    /// known yet.
    pub complete: bool,
}

impl Watching {
    /// Nobody is watched, for no other reason than that the directory has not answered: it is not known
    /// yet whom to watch. What was kept of it may know nobody of those who are wanted now.
    pub fn is_unanswered(&self) -> bool {
        let nobody = self.users.is_empty() && self.queues.is_empty();
        let may_answer = self.failed.is_empty() || self.failed.iter().any(|it| it.temporary);
        nobody && !self.complete && may_answer
    }
}

/// A name that the directory does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    pub what: What,
    /// As it was written. It may be a person's: for logs there is `Display`.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    User,
    Queue,
    Group,
    Listed(Listed),
}

/// A question to the directory that brought no answer; what it said before still counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub operation: &'static str,
    /// Such as `members of the queue Billing`; fit for logs.
    pub about: String,
    /// One line; holds no name of a person.
    pub reason: String,
    /// Of a 403: those that are needed, as the server or else FACTS 1.7 names them.
    pub permissions: Vec<String>,
    /// It may go well the next time without anybody doing anything.
    pub temporary: bool,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::User => "user",
            What::Queue => "queue",
            What::Group => "group",
            What::Listed(of) => of.word(),
        })
    }
}

/// For logs: an e-mail address or name of a person shows its first letter only.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unknown { what, name } = self;
        match what {
            What::User => write!(f, "{what} {}", super::names::masked(name)),
            What::Queue | What::Group | What::Listed(_) => write!(f, "{what} {name}"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.reason)?;
        if !self.permissions.is_empty() {
            write!(f, "; give a role of the OAuth client {}", self.permissions.join(" or "))?;
        }
        Ok(())
    }
}
