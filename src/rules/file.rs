//! What a rules file says, checked and free of TOML, and what becomes of it: [`Rules`].
//!
//! A [`RuleFile`] knows queues and users by the names that stand in it. [`RuleFile::bind`] resolves
//! them, so a refresh of the directory binds the same file anew without reading it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;
use std::num::NonZeroU32;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use super::bound::Rules;
use super::condition::{self, Condition, FieldCondition};
use super::expression::Expression;
use super::field::{Named, Path, Subject};
use super::lists::{ListSource, Tables};
use super::read;
use super::schedules::Schedule;
use super::tabled::Tabled;
use super::target::Target;
use super::template::Template;
use super::texts::Texts;
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::genesys::names::{Names, NamesWanted, masked};
use crate::updates::wish::Write;

/// A rules file, with the rules in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFile {
    pub rules: Vec<Arc<Rule>>,
    pub lists: Vec<ListSource>,
    pub schedules: Vec<Arc<Schedule>>,
}

/// One `[[rule]]`, with the `[defaults]` filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique in its file.
    pub name: Arc<str>,
    pub description: Option<Box<str>>,
    /// Words of the administrator's own, to choose rules by.
    pub labels: Box<[Arc<str>]>,
    /// All must hold.
    pub conditions: Box<[Condition]>,
    /// It has to hold, too.
    pub when: Option<Expression>,
    pub set: Box<[Assignment]>,
    /// Keys that are emptied where they are there and not empty.
    pub clear: Box<[Arc<str>]>,
    /// What is written once a match that held no longer does.
    pub otherwise: Box<[Assignment]>,
    pub target: Target,
    pub write: Write,
    pub dry_run: bool,
    pub during_flow: bool,
    /// A rule that is not enabled is checked, and not run.
    pub enabled: bool,
    /// Counted from when the wish was first made; later it is not worth writing.
    pub useless_after: Option<Duration>,
    /// Goes before what is not.
    pub urgent: bool,
    /// What is over it waits.
    pub max_writes_per_minute: Option<NonZeroU32>,
}

/// An attribute, and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    pub key: Arc<str>,
    pub value: Setting,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Already in the form in which it is written.
    Plain(Arc<str>),
    Template(Template),
}

/// What is in a file, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub rules: usize,
    /// Of which so many run.
    pub enabled: usize,
    /// Of those that run, so many write nothing.
    pub dry_run: usize,
    pub conditions: usize,
    pub lists: usize,
    pub schedules: usize,
    /// Every key that some rule may write.
    pub keys: BTreeSet<Arc<str>>,
    /// The rules that run and ask the event as it was sent, which is parsed once more for them.
    pub raw: Vec<Arc<str>>,
}

/// A name in the rules that the directory does not know. It matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownName {
    pub rule: Arc<str>,
    pub what: Named,
    /// As it was written. It may be a person's: for logs there is `Display`.
    pub name: String,
}

impl RuleFile {
    /// The rules with a cap on their writes a minute.
    pub fn caps(&self) -> BTreeMap<Arc<str>, NonZeroU32> {
        let cap = |rule: &Arc<Rule>| Some((Arc::clone(&rule.name), rule.max_writes_per_minute?));
        self.rules.iter().filter_map(cap).collect()
    }

    /// Reads and checks the text of a rules file that includes no other. Beside it come the
    /// warnings.
    ///
    /// `path` is only used to say where a problem is.
    ///
    /// # Errors
    ///
    /// Every problem of the file, errors and warnings, in the order of their places, if there is
    /// any error.
    pub fn parse(
        path: &FilePath,
        text: &str,
        allowed: &AllowedKeys,
    ) -> Result<(RuleFile, Vec<Problem>), Vec<Problem>> {
        RuleFile::parse_all(path, &Texts::alone(text), allowed)
    }

    /// The same, of a rules file and what it includes.
    ///
    /// # Errors
    ///
    /// As [`RuleFile::parse`] says, of all files.
    pub fn parse_all(
        path: &FilePath,
        texts: &Texts,
        allowed: &AllowedKeys,
    ) -> Result<(RuleFile, Vec<Problem>), Vec<Problem>> {
        read::read(path, texts, allowed)
    }

    /// The lists alone, as far as they are in order, of files that may have other problems: so that what
    /// is wrong in a list's own file can be said beside these.
    pub fn lists(path: &FilePath, texts: &Texts) -> RuleFile {
        RuleFile { lists: read::lists_alone(path, texts), ..RuleFile::default() }
    }

    /// The queues, users and all else that has a name whose ids the rules need.
    pub fn names_wanted(&self) -> NamesWanted {
        let mut wanted = NamesWanted::default();
        for condition in self.rules.iter().flat_map(|rule| &rule.conditions) {
            condition.each_field(&mut |field| {
                let Some(named) = field.path.field.kind.named() else { return };
                let names = named.wanted(&mut wanted);
                field.pattern.texts(&mut |name| {
                    names.insert(name.to_owned());
                });
            });
        }
        for expression in self.rules.iter().flat_map(|rule| rule.expressions()) {
            for named in expression.paths().filter_map(|path| path.field.kind.named()) {
                if let Named::Listed(of) = named {
                    wanted.listed.entry(of).or_default().shown = true;
                }
            }
            for (named, name) in expression.names() {
                named.wanted(&mut wanted).insert(name.to_string());
            }
        }
        wanted
    }

    /// Resolves the names, puts the lists into their places, and makes rules that can be looked
    /// with. Beside them comes what the directory does not know. What a list does not have, or a
    /// list that is not among the tables, matches nothing.
    pub fn bind(&self, names: Arc<Names>, tables: &Tables) -> (Rules, Vec<UnknownName>) {
        let mut unknown = BTreeSet::new();
        let tabled = Tabled::new(tables, &self.schedules);
        let enabled = self.rules.iter().filter(|rule| rule.enabled);
        let bound = enabled.map(|rule| {
            let conditions = rule.conditions.iter();
            let conditions =
                conditions.map(|one| tabled.condition(one.bound(&rule.name, &names, &mut unknown)));
            let conditions = conditions.collect();
            rule.unknown_names(&names, &mut unknown);
            (Arc::clone(rule), conditions)
        });
        let bound: Vec<_> = bound.collect();
        let rules = Rules::new(bound, Arc::clone(&names), tables, self.hash());
        (rules, unknown.into_iter().collect())
    }

    /// A digest of what the rules do: comments, layout and descriptions do not count. It is stable
    /// within one build of the program.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for rule in &self.rules {
            rule.digest(&mut hasher);
        }
        hasher.finish()
    }

    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory {
            rules: self.rules.len(),
            lists: self.lists.len(),
            schedules: self.schedules.len(),
            ..Inventory::default()
        };
        for rule in &self.rules {
            inventory.enabled += usize::from(rule.enabled);
            inventory.dry_run += usize::from(rule.enabled && rule.dry_run);
            for condition in &rule.conditions {
                condition.each_field(&mut |_| inventory.conditions += 1);
            }
            inventory.keys.extend(rule.keys().map(Arc::clone));
            if rule.enabled && (rule.asks_raw() || rule.expressions().any(Expression::uses_raw)) {
                inventory.raw.push(Arc::clone(&rule.name));
            }
        }
        inventory
    }
}

impl Rule {
    /// What it sets, and what it sets otherwise.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.set.iter().chain(&self.otherwise)
    }

    /// The conditions that have to hold of fields of the element that is tested.
    pub fn fields(&self) -> impl Iterator<Item = &FieldCondition> {
        self.conditions.iter().filter_map(Condition::as_field)
    }

    /// Every key that it may write; one may be there twice.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.assignments().map(|assignment| &assignment.key).chain(&self.clear)
    }

    /// Every expression in it: `when`, and those of the values.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let values = self.assignments().flat_map(|assignment| assignment.value.expressions());
        self.when.iter().chain(values)
    }

    /// Whether the event as it was sent decides if it holds.
    pub fn asks_raw(&self) -> bool {
        let asked = self.conditions.iter().any(Condition::asks_raw);
        asked || self.when.as_ref().is_some_and(Expression::uses_raw)
    }

    /// Whether it looks at what has ended, too.
    pub fn looks_at_ended(&self) -> bool {
        let asked = |when: &Expression| when.tested().any(|path| path.field.name == "ended");
        condition::look_at_ended(&self.conditions) || self.when.as_ref().is_some_and(asked)
    }

    /// Whether it is tested once for each watched participant.
    pub fn speaks_of_watched(&self) -> bool {
        let of_watched = |path: &Path| path.subject == Subject::Watched;
        let mut matched = false;
        for condition in &self.conditions {
            condition.each_field(&mut |field| matched |= of_watched(&field.path));
        }
        matched
            || self.target == Target::Watched
            || self.when.iter().flat_map(Expression::tested).any(of_watched)
            || self.set.iter().any(|assignment| assignment.value.paths().any(of_watched))
    }

    /// A digest of what it does: a rule that was changed has another.
    pub fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.digest(&mut hasher);
        hasher.finish()
    }

    /// Adds the names in its expressions that the directory does not know.
    fn unknown_names(&self, names: &Names, unknown: &mut BTreeSet<UnknownName>) {
        for (named, name) in self.expressions().flat_map(Expression::names) {
            if named.ids(names, name).is_empty() {
                let (rule, name) = (Arc::clone(&self.name), name.to_string());
                unknown.insert(UnknownName { rule, what: named, name });
            }
        }
    }

    /// Of what it says; how fast it may be written is no part of that, and changes nothing of what
    /// waits already.
    fn digest(&self, hasher: &mut DefaultHasher) {
        (&self.name, &self.conditions, &self.when).hash(hasher);
        (&self.set, &self.clear, &self.otherwise).hash(hasher);
        (&self.target, discriminant(&self.write)).hash(hasher);
        (self.dry_run, self.during_flow, self.enabled).hash(hasher);
        (self.useless_after, self.urgent).hash(hasher);
    }
}

impl fmt::Display for Inventory {
    /// In promtool's words: `12 rules found`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rule{} found", self.rules, if self.rules == 1 { "" } else { "s" })
    }
}

/// For logs: an e-mail address or name of a person shows its first letter only.
impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownName { rule, what, name } = self;
        let word = what.word();
        match what {
            Named::User => write!(f, "{word} {:?} of rule {rule}", masked(name)),
            Named::Queue | Named::Listed(_) => write!(f, "{word} {name:?} of rule {rule}"),
        }
    }
}

impl Setting {
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.expressions().flat_map(Expression::paths)
    }

    /// Those of subjects, without those of `participants`.
    pub fn tested(&self) -> impl Iterator<Item = &Path> {
        self.expressions().flat_map(Expression::tested)
    }

    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let template = match self {
            Setting::Plain(_) => None,
            Setting::Template(template) => Some(template),
        };
        template.into_iter().flat_map(Template::expressions)
    }
}
