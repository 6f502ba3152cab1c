//! Lists that have changed while everything runs: which of them are put in force.
//!
//! One that cannot be used, or that has lost too much of its rows to be no half copy, is not: the
//! earlier one stays, and the log and STATUS say so. `reload --confirm` takes it all the same, if it
//! can be used. What is put in force goes the way of every reload, and is swapped whole.

use crate::status::counted::counted;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::App;
use super::list_watch::{Found, Watched};
use super::reload::{Task, What};
use super::rules_in_force::{Candidate, RulesInForce};
use crate::config::problem::{Problem, Severity};
use crate::rules::lists::{List, Origin};

impl App {
    /// A list's file has come to rest with another content, or cannot be read any more.
    pub(super) fn list_found(&mut self, found: Found) {
        let Found { watched, list } = found;
        if !self.joints.lists.borrow().contains(&watched) {
            // The rules have moved on since it was read.
            return;
        }
        let Watched { source, path } = watched;
        let name = Arc::clone(&source.name);
        match list {
            Err(problems) => {
                let first = problems.first();
                let line = first.and_then(|it| Some(it.place.as_ref()?.line));
                let first = first.map_or_else(String::new, |it| it.message.clone());
                error!(list = %name, file = %path.display(), line, problems = problems.len(), reason = first, "the list cannot be used: the earlier one stays; mend it");
                self.rules.lists_refused.insert(name, first);
            }
            Ok((list, warnings)) => {
                for problem in &warnings {
                    let line = problem.place.as_ref().map(|place| place.line);
                    warn!(list = %name, file = %path.display(), line, reason = problem.message, "list warning");
                }
                let old = self.rules.tables.list(&name);
                if old.is_some_and(|old| old.hash() == list.hash()) {
                    self.rules.lists_refused.remove(&name);
                    return;
                }
                let shrunk =
                    old.and_then(|old| has_shrunk(old, &list, self.config.reload.max_shrink));
                if let Some(reason) = shrunk {
                    warn!(list = %name, file = %path.display(), reason, "the list is not taken: `attributed reload --confirm` takes it");
                    self.rules.lists_refused.insert(name, reason);
                    return;
                }
                info!(list = %name, file = %path.display(), entries = list.len(), "a list has changed");
                let what = What::List(name, list);
                self.reload(Task { what, plan: false, confirm: false, answer: None });
            }
        }
    }

    /// Puts the list in force in the place of one that came back too small.
    pub(super) fn guard_lists(&self, candidate: &mut Candidate) {
        let tables = candidate.tables.clone();
        for (name, list) in tables.iter() {
            let Some(old) = self.rules.tables.list(name) else { continue };
            let Some(reason) = has_shrunk(old, list, self.config.reload.max_shrink) else {
                continue;
            };
            warn!(list = %name, reason, "the list is not taken: `attributed reload --confirm` takes it");
            let message = format!("the list `{name}` is not taken: {reason}");
            let mut problem = Problem::of_file(&candidate.source.path, message);
            problem.severity = Severity::Warning;
            problem.help("`attributed reload --confirm` takes it all the same");
            candidate.warnings.push(problem);
            candidate.lists_refused.insert(Arc::clone(name), reason);
            candidate.tables.put(Arc::clone(name), Arc::clone(old));
        }
    }
}

/// The files to watch for these rules.
pub(super) fn to_watch(rules: &RulesInForce) -> Arc<Vec<Watched>> {
    let folder = rules.source.path.parent().map(std::path::Path::to_owned).unwrap_or_default();
    let files = rules.file.lists.iter().filter_map(|source| match &source.origin {
        Origin::File { path, .. } => {
            Some(Watched { source: source.clone(), path: folder.join(path) })
        }
        Origin::Rows(_) => None,
    });
    Arc::new(files.collect())
}

/// Why it may be half a copy. The share is in thousandths.
fn has_shrunk(old: &List, new: &List, max_shrink: u32) -> Option<String> {
    let (before, after) = (old.len() as u64, new.len() as u64);
    let lost = before.saturating_sub(after);
    let too_much = lost > 0 && lost * 1000 > before * u64::from(max_shrink);
    too_much.then(|| format!("it has shrunk from {} to {after}", counted(before, "row")))
}
