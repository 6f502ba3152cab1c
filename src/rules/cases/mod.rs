//! Tests of rules, as an administrator writes them: cases, each with the events that it sends and
//! what has to come of them.
//!
//! A [`Suite`] is free of TOML; `read::cases` makes it of the text of a test file. Events that were
//! given in a few words are complete bodies here, in the shape in which Genesys sends them
//! ([`given`]), so that whoever plays a case sends them through the reader that everything goes
//! through. Nothing is played here.

pub mod directory;
pub mod given;
mod snapshot;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::directory::Directory;
use super::file::RuleFile;
use super::read;
use crate::config::problem::{Problem, Problems, did_you_mean};
use crate::events::topic::Topic;

pub(super) use words::{CONVERSATION_WORDS, PARTY_WORDS, Place, Word, WordKind};

/// Gives the text of a file that a case names, or says why not.
pub type Load<'l> = &'l dyn Fn(&Path) -> Result<String, String>;

/// One test file.
#[derive(Debug)]
pub struct Suite {
    /// The rules to test, as written; relative to the test file.
    pub rules: Option<String>,
    pub cases: Vec<Case>,
    /// Every queue and user that is named.
    pub directory: Directory,
    /// What is said of rules and keys, to be checked once the rules are known.
    mentions: Vec<Mention>,
}

#[derive(Debug)]
struct Mention {
    what: Mentioned,
    place: Range<usize>,
}

#[derive(Debug)]
enum Mentioned {
    Rule(String),
    /// A key that must not be written, or not so.
    Key(String),
}

/// One case: what happens in one conversation.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// Where it stands in the file, from 1.
    pub line: usize,
    pub watched: Watched,
    /// At least one.
    pub steps: Vec<Step>,
    /// What has to be so after the last step; what is said of writes is said of all steps together.
    pub at_end: Expect,
}

/// Whose conversations are watched, as far as rules ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// Every user who takes part.
    #[default]
    All,
    Nobody,
    /// Ids.
    Users(BTreeSet<String>),
}

/// One moment of a case.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    /// When the event is read.
    pub at: Timestamp,
    /// `None`: time passes, and nothing comes.
    pub event: Option<Event>,
    pub expect: Expect,
}

/// One event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The topic of the frame, if it was one.
    pub topic: Option<Topic>,
    /// The body, as Genesys would send it if nothing had been written meanwhile.
    pub body: serde_json::Value,
    /// Attributes that somebody else has set just now: participant and key.
    pub stated: BTreeSet<(String, String)>,
}

/// What has to be so.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    pub attributes: Vec<ExpectedAttribute>,
    /// Nothing is written.
    pub nothing: bool,
    /// Nothing is written but what is named among the attributes.
    pub only: bool,
    /// The rules that write something: these and no others.
    pub rules: Option<BTreeSet<String>>,
    pub not_rules: BTreeSet<String>,
    /// Rules that match, whether or not something is left to write.
    pub matches: BTreeSet<String>,
    pub not_matches: BTreeSet<String>,
}

/// One attribute, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedAttribute {
    /// A name that the case gave, a subject, a purpose, or an id.
    pub who: String,
    pub key: String,
    /// Empty: it is absent.
    pub value: String,
    /// It must *not* be so.
    pub not: bool,
    /// The rule that has to have written it.
    pub rule: Option<String>,
    /// By a rule in dry run, so that it would be written.
    pub dry_run: bool,
    pub line: usize,
}

impl Suite {
    /// Reads and checks the text of a test file. Beside it come the warnings.
    ///
    /// # Errors
    ///
    /// Every problem of the file, in the order of their places, if there is any error.
    pub fn parse(
        path: &Path,
        text: &str,
        load: Load<'_>,
    ) -> Result<(Suite, Vec<Problem>), Vec<Problem>> {
        read::cases::read(path, text, load)
    }

    pub(super) fn new(rules: Option<String>, cases: Vec<Case>, directory: Directory) -> Suite {
        Suite { rules, cases, directory, mentions: Vec::new() }
    }

    pub(super) fn mention_rule(&mut self, name: String, place: Range<usize>) {
        self.mentions.push(Mention { what: Mentioned::Rule(name), place });
    }

    pub(super) fn mention_key(&mut self, key: String, place: Range<usize>) {
        self.mentions.push(Mention { what: Mentioned::Key(key), place });
    }

    /// The file of the rules: the one that is named, else the one beside the test file that is
    /// called like it without `.test`.
    pub fn rules_file(&self, path: &Path) -> PathBuf {
        let beside = path.parent().unwrap_or(Path::new(""));
        match &self.rules {
            Some(named) => beside.join(named),
            None => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                let name = name.unwrap_or_default();
                let stem = name.strip_suffix(".toml").unwrap_or(&name);
                beside.join(format!("{}.toml", stem.strip_suffix(".test").unwrap_or(stem)))
            }
        }
    }

    /// What the test file says of rules that are not there, and of keys that none of them writes: a
    /// check that no rule can fail says nothing.
    pub fn misfits(&self, path: &Path, text: &str, rules: &RuleFile) -> Vec<Problem> {
        let mut problems = Problems::new(path, text);
        let names = || rules.rules.iter().map(|rule| &*rule.name);
        let keys = rules.inventory().keys;
        for Mention { what, place } in &self.mentions {
            match what {
                Mentioned::Rule(name) if !names().any(|known| known == name) => {
                    let message = format!("there is no rule named `{name}`");
                    let help = match did_you_mean(name, names()) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => "write the name of a rule in the rules file".to_owned(),
                    };
                    problems.error(place.clone(), message).help(help);
                }
                Mentioned::Key(key) if !keys.contains(&**key) => {
                    let message = format!("no rule writes `{key}`, so this can never fail");
                    let help = match did_you_mean(key, keys.iter().map(|known| &**known)) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => "name a key that a rule writes".to_owned(),
                    };
                    problems.warning(place.clone(), message).help(help);
                }
                Mentioned::Rule(_) | Mentioned::Key(_) => {}
            }
        }
        problems.into_found()
    }
}

impl Expect {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
            && !self.nothing
            && !self.only
            && self.rules.is_none()
            && self.not_rules.is_empty()
            && self.matches.is_empty()
            && self.not_matches.is_empty()
    }
}
