//! Which rules are in force: the file's, the last good ones when the file cannot be used, or an
//! earlier set because somebody stepped back to it.
//!
//! A bad rules file never takes the service down. At start the newest set that was kept stands in
//! for it; at a reload the rules stay as they are. Either way every problem is logged with its
//! place, and [`RulesInForce::problem`] says so until a good file comes. A step back holds until the
//! file has changed and is good, also over a restart.

use crate::status::counted::counted;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::rules_history::{History, Kept, Rollback, Source};
use super::tables::StandIn;
use super::{list_copies, tables, texts};
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::machine;
use crate::rules::lists::{List, ListSource};
use crate::rules::{RuleFile, Rules, Tables, Texts};
use crate::status::control::answer::{InForce, KeptSet};
use crate::status::counts::Counts;

/// The rules, and how it came to them.
#[derive(Clone, Debug)]
pub(super) struct RulesInForce {
    pub file: RuleFile,
    pub tables: Tables,
    pub source: Source,
    /// Why the rules file is not what is in force.
    pub problem: Option<String>,
    /// Somebody stepped back to these.
    pub rollback: Option<Rollback>,
    /// Part of what they write waits for a confirmation.
    pub held: Option<Held>,
    /// Lists whose file has changed and is not taken, and why.
    pub lists_refused: BTreeMap<Arc<str>, String>,
}

/// What a reload would write at once, and does not before it is confirmed.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The rules that were in force before.
    pub against: Arc<Rules>,
    pub writes: u64,
}

/// Good rules that may come into force.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub file: RuleFile,
    pub tables: Tables,
    pub source: Source,
    pub warnings: Vec<Problem>,
    /// As [`RulesInForce::lists_refused`].
    pub lists_refused: BTreeMap<Arc<str>, String>,
    rollback: Option<Rollback>,
    problem: Option<String>,
}

/// No rules can be had.
#[derive(Debug, thiserror::Error)]
pub enum NoRules {
    #[error("the rules cannot be used, and there are no earlier ones; mend them (`attributed check` shows every problem) and start again: {}", first_line(.0))]
    NoEarlier(Vec<Problem>),
    #[error("the rules cannot be used, and --strict forbids earlier ones; mend them (`attributed check` shows every problem) and start again: {}", first_line(.0))]
    Strict(Vec<Problem>),
}

/// Why there is no stepping back.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoWayBack {
    #[error("no set {0} of rules is kept")]
    NoSuchSet(usize),
    #[error("no set of rules is kept from before the one in force")]
    NoEarlier,
    #[error("set {0} of the rules cannot be used any more")]
    Bad(usize, Vec<Problem>),
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
        history: &History,
        fence: &AllowedKeys,
        strict: bool,
    ) -> Result<RulesInForce, NoRules> {
        let rollback = history.rollback();
        match read(path, fence) {
            Ok(candidate) => {
                let passed_over = |back: &Rollback| back.passed_over == candidate.source.hash;
                let back = rollback.filter(passed_over).and_then(|back| {
                    let kept = history.sets().into_iter().find(|k| k.source.hash == back.set);
                    let usable = kept.and_then(|kept| of_kept(kept, fence, history).ok());
                    if usable.is_none() {
                        warn!(set = back.set, "the rules were rolled back to a set that cannot be used any more: the rules file counts");
                    }
                    usable.map(|candidate| Candidate { rollback: Some(back), ..candidate })
                });
                let mut rules = RulesInForce::from(back.unwrap_or(candidate));
                rules.keep(history);
                rules.say_rollback();
                Ok(rules)
            }
            Err(problems) if strict => Err(NoRules::Strict(problems)),
            Err(problems) => {
                let Some(candidate) = last_good(rollback.as_ref(), history, fence) else {
                    return Err(NoRules::NoEarlier(problems));
                };
                log(&problems);
                let rollback = rollback.filter(|back| back.set == candidate.source.hash);
                let mut rules = RulesInForce::from(Candidate { rollback, ..candidate });
                rules.say_started_with(path, &problems);
                Ok(rules)
            }
        }
    }

    /// The last good rules stand in at start: because of the rules file, or only because of a list
    /// that it names, of which there is a copy.
    fn say_started_with(&mut self, path: &Path, problems: &[Problem]) {
        let file = path.display();
        let lists: Vec<&str> = self.lists_refused.keys().map(|name| &**name).collect();
        let text = texts::read(path).map(|texts| texts.to_kept()).unwrap_or_default();
        let is_file = Source::new(path, text).hash == self.source.hash;
        if is_file && !lists.is_empty() {
            error!(%file, set = self.source.hash, lists = lists.join(", "), "a list cannot be used: started with the last good one; mend it");
            return;
        }
        error!(%file, set = self.source.hash, "the rules file cannot be used: started with the last good rules; mend it and reload");
        self.problem = Some(first_line(problems));
    }

    /// Reads the rules again; nothing changes yet. A file that was stepped back from, and has not
    /// changed since, gives what is in force.
    ///
    /// # Errors
    ///
    /// Every problem of a file that cannot be used.
    pub(super) fn read_again(
        &self,
        path: &Path,
        fence: &AllowedKeys,
    ) -> Result<Candidate, Vec<Problem>> {
        let candidate = read(path, fence)?;
        match &self.rollback {
            Some(back) if back.passed_over == candidate.source.hash => {
                let text = self.source.text.clone();
                let earlier = of_text(&self.source.path, text, fence)?;
                Ok(Candidate { rollback: Some(back.clone()), ..earlier })
            }
            Some(_) | None => Ok(candidate),
        }
    }

    /// An earlier set; nothing changes yet. Without a number it is the one before that in force.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be used.
    pub(super) fn earlier(
        &self,
        set: Option<usize>,
        path: &Path,
        history: &History,
        fence: &AllowedKeys,
    ) -> Result<Candidate, NoWayBack> {
        let mut sets = history.sets();
        let in_force = sets.iter().position(|kept| kept.source.hash == self.source.hash);
        let set = set.unwrap_or_else(|| in_force.map_or(0, |place| place + 1));
        if set >= sets.len() {
            let none = in_force.is_some_and(|place| set == place + 1);
            return Err(if none { NoWayBack::NoEarlier } else { NoWayBack::NoSuchSet(set) });
        }
        let candidate = of_kept(sets.swap_remove(set), fence, history)
            .map_err(|problems| NoWayBack::Bad(set, problems))?;
        // What cannot be read now is another file when it can.
        let text = texts::read(path).map(|texts| texts.to_kept()).unwrap_or_default();
        let passed_over = Source::new(path, text).hash;
        let hash = candidate.source.hash.clone();
        let rollback = (hash != passed_over).then_some(Rollback { set: hash, passed_over });
        Ok(Candidate { rollback, ..candidate })
    }

    /// Puts others in force, and keeps them.
    pub(super) fn take(&mut self, candidate: Candidate, history: &History) {
        *self = RulesInForce::from(candidate);
        self.keep(history);
        self.say_rollback();
    }

    /// The same rules with another list.
    pub(super) fn with_list(&self, name: &Arc<str>, list: Arc<List>) -> Candidate {
        let mut tables = self.tables.clone();
        tables.put(Arc::clone(name), list);
        let mut lists_refused = self.lists_refused.clone();
        lists_refused.remove(name);
        Candidate {
            file: self.file.clone(),
            tables,
            source: self.source.clone(),
            warnings: Vec::new(),
            lists_refused,
            rollback: self.rollback.clone(),
            problem: self.problem.clone(),
        }
    }

    /// Of the rules and the lists: others have another.
    pub(super) fn digest(&self) -> u64 {
        self.tables.digest(self.file.hash())
    }

    /// The rules stay, because the file cannot be used.
    pub(super) fn refuse(&mut self, path: &Path, problems: &[Problem]) {
        log(problems);
        error!(file = %path.display(), problems = problems.len(), "the rules file cannot be used: the rules stay as they are; mend it and reload");
        self.problem = Some(first_line(problems));
    }

    /// The sets that are kept, as they are told.
    pub(super) fn told(&self, history: &History) -> Vec<KeptSet> {
        let sets = history.sets().into_iter().enumerate().map(|(set, kept)| KeptSet {
            set,
            in_force: kept.source.hash == self.source.hash,
            hash: kept.source.hash,
            at: kept.at.to_string(),
            rules: kept.rules,
            lists: kept.lists,
            files: vec![kept.source.path],
        });
        sets.collect()
    }

    /// What the metrics show of them, from now on.
    pub(super) fn count(&self, counts: &Counts, series: usize) {
        counts.rules_reloaded_at.set(u64::try_from(machine::now().as_second()).unwrap_or_default());
        counts.rules_hash.set(u64::from_str_radix(&self.source.hash, 16).unwrap_or_default());
        let rules = self.file.rules.iter().map(|rule| (Arc::clone(&rule.name), rule.dry_run));
        counts.rules.in_force(rules, series);
    }

    pub(super) fn in_force(&self) -> InForce {
        InForce {
            rules: self.file.inventory().rules,
            hash: self.source.hash.clone(),
            problem: self.problem.clone(),
            rolled_back: self.rollback.is_some(),
            unconfirmed_writes: self.held.as_ref().map(|held| held.writes),
        }
    }

    /// In a word for the log: as many as there are, and their hash.
    pub(super) fn describe(&self) -> String {
        format!("{} ({})", counted(self.file.rules.len(), "rule"), self.source.hash)
    }

    /// Keeps a copy for a start with a broken file, and notes whether it is a step back.
    fn keep(&mut self, history: &History) {
        let rules = self.file.inventory().rules;
        let kept = match &self.rollback {
            // It is among them already, and keeps its place.
            Some(back) => history.set_rollback(Some(back)),
            None => history
                .keep(&self.source, rules, list_hashes(&self.tables), machine::now())
                .and_then(|()| history.set_rollback(None)),
        };
        let kept = kept.and_then(|()| history.lists().keep(&self.file.lists, &self.tables));
        if let Err(error) = kept {
            warn!(%error, "no copy of the rules can be kept: a start with a broken rules file would find none, and a step back would be forgotten; set state.dir to a directory that can be written");
        }
    }

    fn say_rollback(&self) {
        if let Some(back) = &self.rollback {
            info!(
                set = back.set,
                passed_over = back.passed_over,
                "rules rolled back: an earlier set is in force until the rules file changes"
            );
        }
    }
}

impl Candidate {
    /// As [`RulesInForce::digest`].
    pub(super) fn digest(&self) -> u64 {
        self.tables.digest(self.file.hash())
    }
}

impl From<Candidate> for RulesInForce {
    fn from(candidate: Candidate) -> RulesInForce {
        let Candidate { file, tables, source, warnings: _, lists_refused, rollback, problem } =
            candidate;
        RulesInForce { file, tables, source, problem, rollback, held: None, lists_refused }
    }
}

fn read(path: &Path, fence: &AllowedKeys) -> Result<Candidate, Vec<Problem>> {
    let texts = texts::read(path)
        .map_err(|error| vec![Problem::of_file(path, format!("cannot read the rules: {error}"))])?;
    let candidate = of_text(path, texts.to_kept(), fence)?;
    log(&candidate.warnings);
    Ok(candidate)
}

/// The set that was in force last, or else the newest that can be used.
fn last_good(
    rollback: Option<&Rollback>,
    history: &History,
    fence: &AllowedKeys,
) -> Option<Candidate> {
    let mut kept = history.sets();
    if let Some(back) = rollback {
        kept.sort_by_key(|kept| kept.source.hash != back.set);
    }
    kept.into_iter().find_map(|kept| of_kept(kept, fence, history).ok())
}

/// With a warning for each list that is not what it was, and the copy of one that cannot be read.
fn of_kept(kept: Kept, fence: &AllowedKeys, history: &History) -> Result<Candidate, Vec<Problem>> {
    let (copies, mut refused) = (history.lists(), BTreeMap::new());
    let mut copy = |source: &ListSource, problems: &[Problem]| {
        let list = copies.find(source, kept.lists.get(&*source.name)?)?;
        refused.insert(Arc::clone(&source.name), reason(problems));
        Some(list)
    };
    let mut candidate = of_text_or(&kept.source.path, kept.source.text, fence, &mut copy)?;
    candidate.lists_refused = refused;
    for (name, hash) in list_hashes(&candidate.tables) {
        if kept.lists.get(&name).is_some_and(|then| *then != hash) {
            let message = format!("the list `{name}` has changed since this set was in force");
            let mut problem = Problem::of_file(&kept.source.path, message);
            problem.severity = Severity::Warning;
            problem.help("lists are not kept with the rules: it counts as it is now");
            candidate.warnings.push(problem);
        }
    }
    Ok(candidate)
}

/// As they are kept beside a set.
fn list_hashes(tables: &Tables) -> BTreeMap<String, String> {
    tables.iter().map(|(name, list)| (name.to_string(), list_copies::digest(list))).collect()
}

fn of_text(path: &Path, text: String, fence: &AllowedKeys) -> Result<Candidate, Vec<Problem>> {
    of_text_or(path, text, fence, &mut |_, _| None)
}

/// With what stands in for a list that cannot be used.
fn of_text_or(
    path: &Path,
    text: String,
    fence: &AllowedKeys,
    other: &mut StandIn<'_>,
) -> Result<Candidate, Vec<Problem>> {
    let texts = Texts::from_kept(&text);
    let (file, mut warnings) = RuleFile::parse_all(path, &texts, fence)?;
    let (tables, of_lists) = tables::load_or(path, &file, other)?;
    warnings.extend(of_lists);
    let source = Source::new(path, text);
    let lists_refused = BTreeMap::new();
    let (rollback, problem) = (None, None);
    Ok(Candidate { file, tables, source, warnings, lists_refused, rollback, problem })
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

/// The first of them, as STATUS says it of a list.
fn reason(problems: &[Problem]) -> String {
    problems.first().map_or_else(String::new, |problem| problem.message.clone())
}

fn first_line(problems: &[Problem]) -> String {
    let Some(problem) = problems.iter().find(|p| p.severity == Severity::Error) else {
        return "unknown".to_owned();
    };
    let line = problem.place.as_ref().map_or(String::new(), |place| format!(":{}", place.line));
    format!("{}{line}: {}", problem.file.display(), problem.message)
}
