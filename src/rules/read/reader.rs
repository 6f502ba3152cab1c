//! The walk over a parsed document: typed reads, each of which reports what is not as it should be.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::lists::ListDraft;
use super::once::Once;
use super::schedules::ScheduleDraft;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problems, did_you_mean};
use crate::rules::expression::Interned;

pub(super) type Key<'t> = Spanned<DeString<'t>>;
pub(super) type Node<'t> = Spanned<DeValue<'t>>;

/// What every part of the reading needs.
pub(super) struct Reader<'f> {
    pub(super) problems: Problems<'f>,
    pub(super) source: &'f str,
    pub(super) allowed: &'f AllowedKeys,
    pub(super) lists: Vec<ListDraft>,
    pub(super) schedules: Vec<ScheduleDraft>,
    pub(super) expressions: Interned,
    pub(super) once: Once,
    /// Rules that there are, each with its line and its file.
    pub(super) named: HashMap<Arc<str>, (usize, &'f Path)>,
    /// Which of the files it reads.
    pub(super) at: usize,
    path: &'f Path,
    /// Where each line ends. Every rule's line is asked for, and to count them anew each time took
    /// minutes with 100,000 rules.
    line_ends: Vec<usize>,
}

/// What is known of all files together.
pub(super) struct Shared<'f> {
    pub(super) lists: Vec<ListDraft>,
    pub(super) schedules: Vec<ScheduleDraft>,
    expressions: Interned,
    once: Once,
    named: HashMap<Arc<str>, (usize, &'f Path)>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(
        at: usize,
        path: &'f Path,
        source: &'f str,
        allowed: &'f AllowedKeys,
    ) -> Reader<'f> {
        Reader {
            problems: Problems::new(path, source),
            source,
            allowed,
            lists: Vec::new(),
            schedules: Vec::new(),
            expressions: Interned::default(),
            once: Once::default(),
            named: HashMap::new(),
            at,
            path,
            line_ends: source.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    pub(super) fn take_shared(&mut self) -> Shared<'f> {
        Shared {
            lists: mem::take(&mut self.lists),
            schedules: mem::take(&mut self.schedules),
            expressions: mem::take(&mut self.expressions),
            once: mem::take(&mut self.once),
            named: mem::take(&mut self.named),
        }
    }

    pub(super) fn put_shared(&mut self, shared: Shared<'f>) {
        let Shared { lists, schedules, expressions, once, named } = shared;
        (self.lists, self.schedules) = (lists, schedules);
        (self.expressions, self.once, self.named) = (expressions, once, named);
    }

    /// A place as other files speak of it: its line, and the file.
    pub(super) fn place(&self, at: usize) -> (usize, &'f Path) {
        (self.line(at), self.path)
    }

    pub(super) fn text<'n>(&mut self, name: &str, node: &'n Node<'_>) -> Option<&'n str> {
        let text = node.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(node, name, "a text in quotes");
        }
        text
    }

    pub(super) fn flag(&mut self, name: &str, node: &Node<'_>) -> Option<bool> {
        let flag = node.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(node, name, "true or false, without quotes");
        }
        flag
    }

    pub(super) fn table<'n, 't>(
        &mut self,
        name: &str,
        node: &'n Node<'t>,
    ) -> Option<&'n DeTable<'t>> {
        let table = node.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(node, name, "a table");
        }
        table
    }

    /// A list of texts, with their places.
    pub(super) fn words_of<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
    ) -> Vec<(&'n str, Range<usize>)> {
        let DeValue::Array(nodes) = node.get_ref() else {
            self.wrong_type(node, name, "a list of texts: [\"…\", \"…\"]");
            return Vec::new();
        };
        let texts = nodes.iter().filter_map(|node| Some((self.text(name, node)?, node.span())));
        texts.collect()
    }

    /// One of a few words.
    pub(super) fn word<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
        words: &[&str],
    ) -> Option<&'n str> {
        let word = self.text(name, node)?;
        if words.contains(&word) {
            return Some(word);
        }
        let help = suggestion(word, words);
        self.problems.error(node.span(), format!("`{name}` cannot be {word:?}")).help(help);
        None
    }

    pub(super) fn wrong_type(&mut self, node: &Node<'_>, name: &str, wanted: &str) {
        let message = format!("`{name}` has to be {wanted}; this is {}", called(node.get_ref()));
        self.problems.error(node.span(), message);
    }

    /// A key that `place` does not have.
    pub(super) fn unknown(&mut self, key: &Key<'_>, place: &str, known: &[&str]) {
        let name = key.get_ref();
        let message = format!("unknown key `{name}` in {place}");
        self.problems.error(key.span(), message).help(suggestion(name, known));
    }

    /// Something of the language that comes later.
    pub(super) fn later(&mut self, place: Range<usize>, what: &str, instead: &str) {
        let message = format!("not known in this version: {what}");
        self.problems.error(place, message).help(instead);
    }

    /// A key of the rule that stands in a table inside of it.
    pub(super) fn slipped(&mut self, key: &Key<'_>, table: &str) {
        let name = key.get_ref();
        let message = format!("`{name}` has slipped into `{table}`");
        self.problems.error(key.span(), message).help(format!(
            "after a header like [rule.{table}] all lines belong to it, to the next header: \
             move this one above the header, or write dotted lines without headers"
        ));
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.line_ends.partition_point(|end| *end < at) + 1
    }
}

/// What somebody may have meant, or all there is.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of: {}", known.join(", ")),
    }
}

/// How a value is called in a message.
pub(super) fn called(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
