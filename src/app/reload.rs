//! Reading the files again, and stepping back to earlier rules, while everything runs.
//!
//! One at a time. Everything is built first; then the pipeline is asked how much it would change on
//! the conversations that are live; then it is swapped once. Whatever happens, it ends with one line
//! in the log, one answer, and the old rules or the new ones, never a part of either.

use std::collections::VecDeque;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use super::App;
use super::compare::Comparison;
use super::lists::to_watch;
use super::pipeline::Question;
use super::rules_diff::{diff, listed};
use super::rules_in_force::{Candidate, Held, NoWayBack};
use super::wanted;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Severity};
use crate::machine;
use crate::rules::lists::List;
use crate::status::control::answer::{Answer, Changes, Planned, Reloaded, RulesDiff};
use crate::status::systemd;

/// How long the live conversations are compared, behind their events. What was not compared by then
/// counts as too much to be written unasked.
const COMPARE_FOR: Duration = Duration::from_secs(15);
/// Beyond that nobody answers any more: the pipeline is gone.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);
/// Reloads that wait for the one under way: one for each connection of the control socket, and one
/// that a signal asked for.
const WAITING: usize = 17;

/// What somebody wants to be done.
#[derive(Debug)]
pub(super) struct Task {
    pub what: What,
    /// Only say what it would change.
    pub plan: bool,
    /// Also what would wait for somebody's word.
    pub confirm: bool,
    /// `None`: nobody waits for the end.
    pub answer: Option<oneshot::Sender<Answer>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Read the configuration and the rules again.
    Files,
    /// Put an earlier set in force.
    Back(Option<usize>),
    /// Put another list into the rules in force.
    List(Arc<str>, Arc<List>),
}

/// The one under way, and those that wait for it.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    under_way: Option<UnderWay>,
    waiting: VecDeque<Task>,
}

/// It is built, and the pipeline is asked.
#[derive(Debug)]
struct UnderWay {
    task: Task,
    candidate: Candidate,
    problems: Vec<Problem>,
    comparison: oneshot::Receiver<Comparison>,
    until: Instant,
}

/// What the files say.
struct Files {
    rules: PathBuf,
    fence: AllowedKeys,
}

impl Reloads {
    /// Waits for the comparison of the one under way; `None` if none comes.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn compared(&mut self) -> Option<Comparison> {
        match &mut self.under_way {
            Some(UnderWay { comparison, until, .. }) => {
                timeout_at(*until, comparison).await.ok()?.ok()
            }
            None => pending().await,
        }
    }
}

impl App {
    /// Does it now, or after what is under way.
    pub(super) fn reload(&mut self, task: Task) {
        if self.reloads.under_way.is_none() {
            return self.begin_reload(task);
        }
        // Two signals in a row want the same.
        let is_signal = |task: &Task| task.what == What::Files && task.answer.is_none();
        let is_double = is_signal(&task) && self.reloads.waiting.iter().any(is_signal);
        if is_double {
            return;
        }
        if self.reloads.waiting.len() < WAITING {
            return self.reloads.waiting.push_back(task);
        }
        warn!("too many reloads wait already, this one is not done");
        let help = "wait for the others to end, then ask once more".to_owned();
        respond(task, Answer::Failed { message: "too many reloads wait already".to_owned(), help });
    }

    fn begin_reload(&mut self, task: Task) {
        // Before it is ready, the end of a reload must not be taken for the end of the start.
        if self.ready && !task.plan {
            systemd::reloading();
        }
        if !task.plan {
            self.counts.reload_tried_at.mark(machine::now().as_millisecond());
        }
        let mut problems = Vec::new();
        let built = match (&task.what, self.read_files(&task, &mut problems)) {
            (_, None) => Err(Vec::new()),
            (What::List(name, list), Some(_)) => Ok(self.rules.with_list(name, Arc::clone(list))),
            (What::Files, Some(files)) => self.rules.read_again(&files.rules, &files.fence),
            (What::Back(set), Some(Files { rules, fence })) => {
                match self.rules.earlier(*set, &rules, &self.history, &fence) {
                    Ok(candidate) => Ok(candidate),
                    Err(error) => return self.no_way_back(task, &error),
                }
            }
        };
        match built {
            Ok(mut candidate) => {
                if !task.confirm {
                    self.guard_lists(&mut candidate);
                }
                problems.extend(candidate.warnings.iter().cloned());
                self.ask_for_comparison(task, candidate, problems);
            }
            Err(found) => {
                if !task.plan && !found.is_empty() {
                    self.counts.rules_reloads_refused.add(1);
                    self.rules.refuse(&self.config.rules, &found);
                }
                problems.extend(found);
                self.end_reload(task, problems, Changes::default(), None);
            }
        }
    }

    /// The configuration is taken over where it is good, except for a plan, which only reads it.
    /// `None` if the rules can only stay as they are.
    fn read_files(&mut self, task: &Task, problems: &mut Vec<Problem>) -> Option<Files> {
        let mut seen = None;
        if task.what == What::Files {
            match (self.reread)() {
                Ok(config) if task.plan => seen = Some(config),
                Ok(config) => self.take_configuration(config),
                Err(found) => {
                    if !task.plan {
                        self.refuse_configuration(&found);
                    }
                    problems.extend(found);
                }
            }
        }
        let config = seen.as_ref().unwrap_or(&self.config);
        match AllowedKeys::new(&config.updates.allowed_keys) {
            Ok(fence) => Some(Files { rules: config.rules.clone(), fence }),
            Err(error) => {
                error!(%error, "allowed_keys cannot be used, the rules stay as they are");
                problems.push(Problem::of_file(&config.file, error.to_string()));
                None
            }
        }
    }

    fn ask_for_comparison(&mut self, task: Task, candidate: Candidate, problems: Vec<Problem>) {
        let is_same = candidate.digest() == self.rules.digest();
        let releases = self.rules.held.is_some() && task.confirm;
        if is_same && !releases {
            return self.finish_reload(task, candidate, problems, Comparison::default());
        }
        let (answer, comparison) = oneshot::channel();
        let names = Arc::clone(&self.watching.names);
        let (rules, _unknown) = candidate.file.bind(names, &candidate.tables);
        let until = Instant::now() + COMPARE_FOR;
        let question = Question { rules: Arc::new(rules), until, answer };
        if self.joints.questions.try_send(question).is_err() {
            warn!("the pipeline is too busy to say what a reload changes");
        }
        let until = until + ANSWER_MARGIN;
        let under_way = UnderWay { task, candidate, problems, comparison, until };
        self.reloads.under_way = Some(under_way);
    }

    /// The pipeline has answered, or never will.
    pub(super) fn compared(&mut self, comparison: Option<Comparison>) {
        let Some(under_way) = self.reloads.under_way.take() else { return };
        let comparison = comparison.unwrap_or_else(Comparison::unknown);
        let UnderWay { task, candidate, problems, .. } = under_way;
        self.finish_reload(task, candidate, problems, comparison);
    }

    fn finish_reload(
        &mut self,
        task: Task,
        candidate: Candidate,
        problems: Vec<Problem>,
        comparison: Comparison,
    ) {
        if task.plan {
            let plan = self.plan(&candidate, problems, comparison);
            respond(task, Answer::Plan(plan));
            return self.next_reload();
        }
        let changes = comparison.changes;
        let before = Arc::clone(&self.joints.view.borrow().rules);
        let is_same = candidate.digest() == self.rules.digest();
        let held = self.rules.held.take();
        let diff = diff(&self.rules.file, &candidate.file);
        self.rules.take(candidate, &self.history);
        let too_many = changes.incomplete || changes.writes > self.config.reload.max_writes as u64;
        self.rules.held = match held {
            _ if task.confirm || self.config.updates.dry_run => None,
            Some(held) if is_same => Some(held),
            held if too_many => {
                let against = held.map_or(before, |held| held.against);
                Some(Held { against, writes: changes.writes })
            }
            Some(_) | None => None,
        };
        self.rules_text.send_replace(self.rules.source.text.clone());
        self.counts.rules_reloads.add(1);
        self.rules.count(&self.counts, self.config.monitoring.rule_series);
        info!(
            file = %self.rules.source.path.display(),
            rules = self.rules.file.inventory().rules,
            hash = self.rules.source.hash,
            added = listed(&diff.added),
            changed = listed(&diff.changed),
            removed = listed(&diff.removed),
            reordered = diff.reordered,
            wishes_came = changes.came,
            wishes_went = changes.went,
            writes = changes.writes,
            "rules reloaded"
        );
        if let Some(held) = &self.rules.held {
            warn!(
                writes = held.writes,
                max_writes = self.config.reload.max_writes,
                "the rules write more than a reload may: conversations without an event of their own wait for `attributed reload --confirm`"
            );
        }
        self.end_reload(task, problems, changes, Some(diff));
    }

    /// Whatever it came to: everybody is told.
    fn end_reload(
        &mut self,
        task: Task,
        problems: Vec<Problem>,
        changes: Changes,
        diff: Option<RulesDiff>,
    ) {
        let diff = diff.unwrap_or_default();
        if task.plan {
            let max_writes = self.config.reload.max_writes;
            respond(
                task,
                Answer::Plan(Planned { diff, max_writes, problems, ..Planned::default() }),
            );
            return self.next_reload();
        }
        // Also where the rules stay: whom to watch may have changed.
        self.send_view();
        self.joints.wanted.send_replace(wanted(&self.config, &self.rules));
        self.joints.lists.send_if_modified(|lists| {
            let wanted = to_watch(&self.rules);
            let other = *lists != wanted;
            *lists = wanted;
            other
        });
        if self.ready {
            systemd::ready(&self.status_line());
        }
        let in_force = self.rules.in_force();
        respond(task, Answer::Reload(Reloaded { in_force, diff, changes, problems }));
        self.next_reload();
    }

    fn no_way_back(&mut self, task: Task, error: &NoWayBack) {
        warn!(%error, "the rules are not rolled back");
        let help = match error {
            NoWayBack::NoSuchSet(_) | NoWayBack::NoEarlier => {
                "`attributed rules history` lists those that are kept".to_owned()
            }
            NoWayBack::Bad(_, problems) => {
                let first = problems.iter().find(|problem| problem.severity == Severity::Error);
                let reason = first.map_or_else(String::new, |problem| problem.message.clone());
                format!("choose another (`attributed rules history`): {reason}")
            }
        };
        respond(task, Answer::Failed { message: error.to_string(), help });
        if self.ready {
            systemd::ready(&self.status_line());
        }
        self.next_reload();
    }

    fn next_reload(&mut self) {
        if self.reloads.under_way.is_none()
            && let Some(task) = self.reloads.waiting.pop_front()
        {
            self.begin_reload(task);
        }
    }

    fn plan(&self, candidate: &Candidate, problems: Vec<Problem>, found: Comparison) -> Planned {
        let (by_rule, more_rules) = found.by_rule();
        let allowed = u64::from(self.clients.usage().allowed.max(1));
        let requests = found.changes.participants * self.config.genesys.dialect.requests_a_write();
        Planned {
            diff: diff(&self.rules.file, &candidate.file),
            changes: found.changes,
            by_rule,
            more_rules,
            examples: found.examples,
            budget_minutes: requests.div_ceil(allowed),
            max_writes: self.config.reload.max_writes,
            problems,
        }
    }
}

fn respond(task: Task, answer: Answer) {
    if let Some(asker) = task.answer {
        // Who asked may have gone: it is in the log.
        let _asker_left = asker.send(answer).is_err();
    }
}
