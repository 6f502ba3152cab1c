//! Another configuration while everything runs: what is taken over at once, and what waits for a
//! restart and says so.

use tracing::{error, info, warn};

use super::{App, allowing, requests_per_month};
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::config::{Config, changes_needing_restart};
use crate::updates::dispatcher::Input;
use crate::updates::settings::Settings;

impl App {
    /// The configuration stays as it is.
    pub(super) fn refuse_configuration(&mut self, problems: &[Problem]) {
        for problem in problems {
            let line = problem.place.as_ref().map(|place| place.line);
            let help = problem.help.as_deref();
            error!(file = %problem.file.display(), line, reason = problem.message, help, "configuration problem");
        }
        error!(problems = problems.len(), "the configuration stays as it is; mend it and reload");
        self.configuration_problem = problems.first().map(|p| p.message.clone());
    }

    /// Takes over what can change while everything runs.
    pub(super) fn take_configuration(&mut self, mut new: Config) {
        self.configuration_problem = None;
        for key in changes_needing_restart(&self.config, &new) {
            warn!(key, "changed in the configuration, and takes effect only after a restart");
        }
        new.updates.dry_run |= self.options.dry_run;
        self.config.rules = new.rules;
        self.config.watch = new.watch;
        self.config.updates.dry_run = new.updates.dry_run;
        self.config.updates.allowed_keys = new.updates.allowed_keys;
        self.config.updates.max_age = new.updates.max_age;
        self.config.updates.requests_per_month = new.updates.requests_per_month;
        self.month.limit_to(requests_per_month(&self.config));
        self.config.updates.drain = new.updates.drain;
        self.config.reload = new.reload;
        // What somebody asked for at run time stays, unless the file says something new.
        if self.config.log.level != new.log.level
            && let Some(level) = &self.level
        {
            level.set(new.log.level.into());
        }
        self.config.log.level = new.log.level;
        self.told.configured(&self.config);
        let fence = match AllowedKeys::new(&self.config.updates.allowed_keys) {
            Ok(fence) => fence,
            Err(error) => {
                return error!(%error, "allowed_keys cannot be used, the fence stays as it is");
            }
        };
        let settings = Settings::new(&self.config, allowing(fence));
        if let Some(updates) = &self.joints.updates
            && updates.try_send(Input::Settings(settings)).is_err()
        {
            error!("the updates are too busy to take new settings: reload once more");
        }
        info!(file = %self.config.file.display(), "configuration reloaded");
    }
}
