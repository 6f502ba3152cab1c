//! How the program tells whoever started it how it went. These numbers are part of the contract.

use std::process::ExitCode;

use crate::app::Ended;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    /// A check or test failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// Warnings, under `--deny-warnings`.
    Warnings,
    /// Something that is needed is not there (`EX_UNAVAILABLE`).
    Unavailable,
    /// Later it may go well (`EX_TEMPFAIL`).
    TryAgain,
    /// Genesys Cloud refuses it (`EX_NOPERM`).
    Refused,
    /// The configuration or the rules are bad (`EX_CONFIG`).
    BadConfig,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Warnings => 3,
            Exit::Unavailable => 69,
            Exit::TryAgain => 75,
            Exit::Refused => 77,
            Exit::BadConfig => 78,
        }
    }
}

impl From<&Ended> for Exit {
    fn from(ended: &Ended) -> Exit {
        match ended {
            Ended::Drained | Ended::StoppedEarly => Exit::Fine,
            Ended::CutOff { .. } | Ended::StateInUse(_) => Exit::TryAgain,
            Ended::CredentialsRefused(_)
            | Ended::WrongOrganization(_)
            | Ended::NothingPermitted { .. } => Exit::Refused,
            Ended::NoRules(_) | Ended::BadConfig(_) => Exit::BadConfig,
            Ended::LoopFailed(_) => Exit::Unavailable,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
