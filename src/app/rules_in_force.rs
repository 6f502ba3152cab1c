//! Which rules are in force: the file's, or the last good ones when the file cannot be used.
//!
//! A bad rules file never takes the service down. At start the copy of the last good set stands in
//! for it; at a reload the rules stay as they are. Either way every problem is logged with its
//! place, and [`RulesInForce::problem`] says so until a good file comes.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tracing::{error, info, warn};

use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::rules::{RuleFile, Rules};

/// The copy of the last good rules, in the state directory.
const LAST_GOOD: &str = "rules.last-good.toml";

/// The rules, and how it came to them.
#[derive(Clone)]
pub(super) struct RulesInForce {
    pub file: RuleFile,
    /// As written.
    pub text: String,
    /// Why the rules file is not what is in force.
    pub problem: Option<String>,
}

/// No rules can be had.
#[derive(Debug, thiserror::Error)]
pub enum NoRules {
    #[error("the rules cannot be used, and there are no earlier ones; mend them (`attributed check` shows every problem) and start again: {}", first_line(.0))]
    NoEarlier(Vec<Problem>),
    #[error("the rules cannot be used, and --strict forbids earlier ones; mend them (`attributed check` shows every problem) and start again: {}", first_line(.0))]
    Strict(Vec<Problem>),
}

impl NoRules {
    pub fn problems(&self) -> &[Problem] {
        match self {
            NoRules::NoEarlier(problems) | NoRules::Strict(problems) => problems,
        }
    }
}

impl RulesInForce {
    /// Reads the rules at start. With `strict` the last good ones do not stand in.
    ///
    /// # Errors
    ///
    /// If the file cannot be used and nothing stands in for it.
    pub(super) fn at_start(
        path: &Path,
        state_dir: &Path,
        fence: &AllowedKeys,
        strict: bool,
    ) -> Result<RulesInForce, NoRules> {
        let problems = match read(path, fence) {
            Ok(rules) => {
                keep(state_dir, &rules.text);
                return Ok(rules);
            }
            Err(problems) => problems,
        };
        if strict {
            return Err(NoRules::Strict(problems));
        }
        let copy = state_dir.join(LAST_GOOD);
        let Ok(mut rules) = read(&copy, fence) else { return Err(NoRules::NoEarlier(problems)) };
        log(&problems);
        error!(file = %path.display(), "the rules file cannot be used: started with the last good rules; mend it and reload");
        rules.problem = Some(first_line(&problems));
        Ok(rules)
    }

    /// Reads the rules again. A bad file leaves everything as it is, but for `problem`.
    ///
    /// Returns whether the file's rules are in force now.
    pub(super) fn reload(&mut self, path: &Path, state_dir: &Path, fence: &AllowedKeys) -> bool {
        match read(path, fence) {
            Ok(rules) => {
                keep(state_dir, &rules.text);
                info!(file = %path.display(), rules = rules.file.inventory().rules, "rules reloaded");
                *self = rules;
                true
            }
            Err(problems) => {
                log(&problems);
                error!(file = %path.display(), problems = problems.len(), "the rules file cannot be used: the rules stay as they are; mend it and reload");
                self.problem = Some(first_line(&problems));
                false
            }
        }
    }
}

fn read(path: &Path, fence: &AllowedKeys) -> Result<RulesInForce, Vec<Problem>> {
    let text = fs::read_to_string(path)
        .map_err(|error| vec![Problem::of_file(path, format!("cannot read the rules: {error}"))])?;
    let (file, warnings) = RuleFile::parse(path, &text, fence)?;
    log(&warnings);
    Ok(RulesInForce { file, text, problem: None })
}

/// Keeps a copy for a start with a broken file.
fn keep(state_dir: &Path, text: &str) {
    if let Err(error) = write_whole(&state_dir.join(LAST_GOOD), text) {
        warn!(dir = %state_dir.display(), %error, "no copy of the rules can be kept: a start with a broken rules file would find none");
    }
}

/// Writes a file so that it is there whole or not at all, for the owner only.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let new: PathBuf = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

fn log(problems: &[Problem]) {
    for problem in problems {
        let line = problem.place.as_ref().map(|place| place.line);
        let column = problem.place.as_ref().map(|place| place.column);
        let (file, help) = (problem.file.display(), problem.help.as_deref());
        match problem.severity {
            Severity::Warning => {
                warn!(%file, line, column, reason = problem.message, help, "rules warning");
            }
            Severity::Error => {
                error!(%file, line, column, reason = problem.message, help, "rules problem");
            }
        }
    }
}

fn first_line(problems: &[Problem]) -> String {
    let Some(problem) = problems.iter().find(|p| p.severity == Severity::Error) else {
        return "unknown".to_owned();
    };
    let line = problem.place.as_ref().map_or(String::new(), |place| format!(":{}", place.line));
    format!("{}{line}: {}", problem.file.display(), problem.message)
}

/// What the rules are, in a word for the log: as many as there are, and their hash.
pub(super) fn describe(rules: &Rules) -> String {
    format!("{} rules ({:08x})", rules.len(), rules.hash() >> 32)
}
