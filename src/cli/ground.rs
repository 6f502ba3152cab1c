//! What rules stand on when they are tried out beside the daemon: the file, the names of queues and
//! users, and who is watched.
//!
//! Names and watched users are the ones that the daemon has kept in its state directory; nobody is
//! asked. Where there is no configuration, the rules are tried without them, and that is said.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::exit::Exit;
use super::failure::Failure;
use super::print::{eprint, eprint_problems};
use super::{reread, runtime};
use crate::app::{tables, texts};
use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::genesys::UserId;
use crate::genesys::directory::{Cache, Known};
use crate::genesys::names::{Names, NamesWanted};
use crate::rules::lists::Tables;
use crate::rules::{RuleFile, Rules};

/// A rules file, and the lists that it names.
pub(super) struct RuleSet {
    pub(super) file: RuleFile,
    tables: Tables,
}

/// See the [module](self).
pub(super) struct Ground {
    /// `None`: there is none, and the rules are in a file that was named.
    pub(super) config: Option<Config>,
    known: Known,
}

impl Ground {
    /// Reads the configuration. It may only be missing where the rules need it for nothing: where
    /// `rules_named` and no file was asked for.
    ///
    /// # Errors
    ///
    /// If it cannot be used; every problem was shown.
    pub(super) fn new(file: Option<&Path>, rules_named: bool) -> Result<Ground, Exit> {
        let config = match reread(file) {
            Ok((config, warnings, _)) => {
                eprint_problems(&warnings);
                config
            }
            Err(_) if file.is_none() && rules_named => {
                eprint(
                    "note: no configuration: names of queues and users are not known (ids are), \
                     and every user is taken as watched",
                );
                return Ok(Ground { config: None, known: Known::default() });
            }
            Err(problems) => {
                eprint_problems(&problems);
                return Err(Exit::BadConfig);
            }
        };
        let kept = runtime()?.block_on(Cache::new(&config.state.dir).load());
        let known = kept.unwrap_or_else(|error| {
            eprint(&format!("note: {error}"));
            Known::default()
        });
        Ok(Ground { config: Some(config), known })
    }

    /// Reads the rules, with their lists: those of this file, else those that the configuration names.
    ///
    /// # Errors
    ///
    /// If they cannot be used; every problem was shown.
    pub(super) fn read_rules(&self, file: Option<&Path>) -> Result<RuleSet, Exit> {
        let of_config = self.config.as_ref().map(|config| config.rules.as_path());
        let Some(path) = file.or(of_config) else {
            eprint("error: there are no rules; name a file with --rules");
            return Err(Exit::Usage);
        };
        let text = read(path).map_err(|failure| {
            eprint(&failure.to_string());
            Exit::BadConfig
        })?;
        let parsed = RuleFile::parse_all(path, &texts::with_included(path, text), &self.fence());
        let with_lists = parsed.and_then(|(file, _warnings)| {
            let (tables, _warnings) = tables::load(path, &file)?;
            Ok(RuleSet { file, tables })
        });
        match with_lists {
            Ok(rules) => Ok(rules),
            Err(mut problems) => {
                problems.retain(|problem: &Problem| problem.severity == Severity::Error);
                eprint_problems(&problems);
                Err(Exit::BadConfig)
            }
        }
    }

    /// Binds rules to the names that are known, and says which are not.
    pub(super) fn bind(&self, rules: &RuleSet) -> Rules {
        self.bind_to(rules, self.names(&rules.file.names_wanted()))
    }

    /// The same with newer names beside those that were kept.
    pub(super) fn bind_with(&self, rules: &RuleSet, newer: Names) -> Rules {
        let mut names = self.names(&rules.file.names_wanted());
        names.queues.extend(newer.queues);
        names.users.extend(newer.users);
        names.user_names.extend(newer.user_names);
        names.queue_names.extend(newer.queue_names);
        names.listed.extend(newer.listed);
        self.bind_to(rules, names)
    }

    fn bind_to(&self, rules: &RuleSet, names: Names) -> Rules {
        let (bound, unknown) = rules.file.bind(Arc::new(names), &rules.tables);
        for name in &unknown {
            eprint(&format!("warning: {name} is not known here: it matches nothing"));
        }
        if !unknown.is_empty() && self.known.is_empty() {
            eprint(
                "note: names are known once the daemon has run with this configuration; ids are \
                 always known",
            );
        }
        bound
    }

    fn names(&self, wanted: &NamesWanted) -> Names {
        match &self.config {
            Some(config) => Arc::unwrap_or_clone(self.known.watching(&config.watch, wanted).names),
            None => Names::default(),
        }
    }

    /// The users who are watched; `None` where that is not known.
    pub(super) fn watched(&self) -> Option<BTreeSet<UserId>> {
        let config = self.config.as_ref()?;
        let watching = self.known.watching(&config.watch, &NamesWanted::default());
        (!watching.users.is_empty()).then_some(watching.users)
    }

    fn fence(&self) -> AllowedKeys {
        let keys = self.config.as_ref().map(|config| &config.updates.allowed_keys);
        keys.and_then(|keys| AllowedKeys::new(keys).ok()).unwrap_or_else(AllowedKeys::all)
    }
}

/// Reads a whole file, or standard input where it is `-`.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| Failure::missing(format!("{} cannot be read: {error}", file.display())))
}
