//! `attributed run`: the daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::exit::Exit;
use super::print::eprint;
use super::{load, reread, runtime};
use crate::app::{Ended, Options, Start};
use crate::genesys::http::Internet;
use crate::machine;
use crate::signals::{self, Intent};
use crate::status::counts::Counts;
use crate::status::logging;

/// Signals that may wait; more of the same would say nothing new.
const INTENTS_WAITING: usize = 8;

#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    /// Do everything but push
    #[arg(long)]
    dry_run: bool,
    /// A bad rules file ends the program (78) instead of starting with the last good rules
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(file: Option<&Path>, arguments: &RunArguments) -> Exit {
    // Before the first secret is read.
    let forbidden = machine::forbid_core_dumps();
    let (config, warnings) = match load(file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let level = match logging::set_up(&config.log, None) {
        Ok(level) => level,
        Err(error) => {
            eprint(&format!("error: {error}"));
            return Exit::BadConfig;
        }
    };
    logging::log_panics();
    if let Err(error) = forbidden {
        warn!(%error, "core dumps cannot be forbidden: one would hold the secret; start it with `ulimit -c 0`");
    }
    for problem in &warnings {
        let line = problem.place.as_ref().map(|place| place.line);
        let (file, help) = (problem.file.display(), problem.help.as_deref());
        warn!(%file, line, reason = problem.message, help, "configuration warning");
    }
    let outside = match Internet::new(&config.network) {
        Ok(internet) => Arc::new(internet),
        Err(error) => return tell(&Ended::BadConfig(error.to_string())),
    };
    let intents = match intents() {
        Ok(intents) => intents,
        Err(exit) => return exit,
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let file: Option<PathBuf> = file.map(Path::to_owned);
    let start = Start {
        config,
        options: Options {
            dry_run: arguments.dry_run,
            strict: arguments.strict,
            ..Options::default()
        },
        outside,
        counts: Arc::new(Counts::default()),
        level: Some(level),
        intents,
        reread: Box::new(move || reread(file.as_deref()).map(|(config, ..)| config)),
    };
    let ended = runtime.block_on(async {
        match start.begin().await {
            Ok(app) => app.run().await,
            Err(ended) => ended,
        }
    });
    tell(&ended)
}

/// What signals ask for, from now on.
pub(super) fn intents() -> Result<mpsc::Receiver<Intent>, Exit> {
    let (sender, receiver) = mpsc::channel(INTENTS_WAITING);
    let listening = signals::listen(move |intent| {
        // A full queue holds the same intention already.
        match sender.try_send(intent) {
            Ok(())
            | Err(mpsc::error::TrySendError::Full(_) | mpsc::error::TrySendError::Closed(_)) => {}
        }
    });
    listening.map(|()| receiver).map_err(|error| {
        eprint(&format!("error: cannot listen for signals: {error}"));
        Exit::Unavailable
    })
}

fn tell(ended: &Ended) -> Exit {
    let exit = Exit::from(ended);
    match ended {
        Ended::Drained | Ended::StoppedEarly => info!(exit = exit.code(), "{ended}"),
        Ended::NoRules(rules) => {
            super::print::eprint_problems(rules.problems());
            error!(exit = exit.code(), "{ended}");
        }
        Ended::CutOff { kept: true, .. } => warn!(exit = exit.code(), "{ended}"),
        Ended::CutOff { kept: false, .. }
        | Ended::CredentialsRefused(_)
        | Ended::WrongOrganization(_)
        | Ended::StateInUse(_)
        | Ended::NothingPermitted { .. }
        | Ended::BadConfig(_)
        | Ended::LoopFailed(_) => error!(exit = exit.code(), "{ended}"),
    }
    exit
}
