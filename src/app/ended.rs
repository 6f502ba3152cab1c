//! How the daemon ended: every way has a name.

use crate::status::counted::{counted, either};
use std::collections::BTreeSet;
use std::fmt;

use super::rules_in_force::NoRules;
use crate::updates::dispatcher;

/// Every way to end has a name.
#[derive(Debug)]
#[must_use]
pub enum Ended {
    /// All that was accepted was dealt with.
    Drained,
    /// Somebody stopped it before it had begun to work.
    StoppedEarly,
    /// The time to drain was over first; `kept` if the journal holds what is left.
    CutOff { left: usize, kept: bool },
    /// Genesys Cloud does not know the client, or its secret.
    CredentialsRefused(String),
    /// The credentials are another organisation's.
    WrongOrganization(String),
    /// Not one topic may be subscribed to.
    NothingPermitted { missing_permissions: BTreeSet<String> },
    /// There are no rules to work with.
    NoRules(NoRules),
    /// Another process works with the same state directory.
    StateInUse(String),
    /// The configuration cannot be put to work: a certificate, a proxy, a glob.
    BadConfig(String),
    /// A part ended that never should; systemd starts us again.
    LoopFailed(&'static str),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Drained => write!(f, "stopped, everything that waited was dealt with"),
            Ended::StoppedEarly => {
                write!(f, "stopped before the work began: what an earlier process left waits on")
            }
            Ended::CutOff { left, kept } => {
                let were = either(*left, "was", "were");
                let kept = if *kept { "kept for the next start" } else { "lost" };
                write!(
                    f,
                    "stopped, {} {were} not pushed in time: {kept}",
                    counted(*left, "participant")
                )
            }
            // The reason says what to check.
            Ended::CredentialsRefused(reason) => {
                write!(f, "cannot log in to Genesys Cloud: {reason}; then start again")
            }
            Ended::WrongOrganization(reason) | Ended::StateInUse(reason) => write!(f, "{reason}"),
            Ended::NothingPermitted { missing_permissions } => {
                let missing: Vec<&str> = missing_permissions.iter().map(String::as_str).collect();
                write!(
                    f,
                    "not one topic is permitted; give a role of the OAuth client what is missing: {}",
                    missing.join(", ")
                )
            }
            Ended::NoRules(error) => write!(f, "{error}"),
            Ended::BadConfig(reason) => write!(f, "{reason}"),
            Ended::LoopFailed(name) => {
                write!(
                    f,
                    "internal failure: {name} ended; start again, and report what the log says"
                )
            }
        }
    }
}

impl From<dispatcher::Ended> for Ended {
    fn from(ended: dispatcher::Ended) -> Ended {
        match ended {
            dispatcher::Ended::Drained => Ended::Drained,
            dispatcher::Ended::CutOff { left, kept } => Ended::CutOff { left, kept },
            dispatcher::Ended::Credentials { reason } => Ended::CredentialsRefused(reason),
        }
    }
}
