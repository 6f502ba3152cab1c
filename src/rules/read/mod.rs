//! Reading a rules file: TOML text in, a [`RuleFile`] or every problem out.
//!
//! The only part of the rules that knows TOML. It walks the parsed document with the place of every
//! key and value, and goes on after a problem, so that one run tells the whole story. What it does
//! not know is an error, never ignored.

mod across;
pub(super) mod cases;
mod checks;
mod conditions;
mod expressions;
mod lists;
mod once;
mod operators;
mod reader;
mod rule;
mod schedules;
mod syntax;
mod values;

use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use self::reader::{Key, Node, Reader};
use self::rule::{Draft, Effects};
use super::expression::Interned;
use super::file::RuleFile;
use super::lists::ListSource;
use super::texts::{Included, Texts};
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;

/// What can stand at the top of a rules file.
const TABLES: [&str; 5] = ["rule", "defaults", "lists", "schedules", "include"];

/// Reads and checks a rules file and what it includes; see [`RuleFile::parse`].
pub(super) fn read(
    path: &Path,
    texts: &Texts,
    allowed: &AllowedKeys,
) -> Result<(RuleFile, Vec<Problem>), Vec<Problem>> {
    let files: Vec<(&Path, &str)> = texts.each(path).collect();
    let main = files.len() - 1;
    let mut readers: Vec<Reader<'_>> = files
        .iter()
        .enumerate()
        .map(|(at, (path, text))| Reader::new(at, path, text, allowed))
        .collect();
    let parsed = readers.iter_mut().map(|reader| {
        let (document, errors) = DeTable::parse_recoverable(reader.source);
        (document, syntax::report(reader, &errors))
    });
    let (documents, reliable): (Vec<_>, Vec<bool>) = parsed.unzip();
    let roots: Vec<&DeTable<'_>> = documents.iter().map(|document| document.get_ref()).collect();
    let mut drafts = Vec::new();
    if reliable.into_iter().all(|reliable| reliable) {
        readers[main].included(roots[main], texts);
        drafts = whole(&mut readers, &roots);
    }
    if readers.iter().any(|reader| reader.problems.has_errors()) {
        return Err(found(readers));
    }
    across::meetings(&mut readers, &drafts);
    across::circles(&mut readers, &drafts);
    in_turn(&mut readers, |_, reader| {
        reader.lists_unused();
        reader.schedules_unused();
    });
    // Not in the room of the drafts, which are many times as large.
    let mut rules = Vec::with_capacity(drafts.len());
    rules.extend(drafts.into_iter().map(|draft| Arc::new(draft.rule)));
    let shared = readers[0].take_shared();
    let lists = shared.lists.into_iter().map(|list| list.source).collect();
    let schedules = shared.schedules.into_iter().map(|draft| draft.schedule).collect();
    Ok((RuleFile { rules, lists, schedules }, found(readers)))
}

/// The lists of files that have problems, unless their syntax is broken: see [`RuleFile::lists`].
pub(super) fn lists_alone(path: &Path, texts: &Texts) -> Vec<ListSource> {
    let allowed = AllowedKeys::all();
    let mut shared = Vec::new();
    for (at, (path, text)) in texts.each(path).enumerate() {
        let mut reader = Reader::new(at, path, text, &allowed);
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Vec::new();
        }
        document.get_ref().get("lists").into_iter().for_each(|node| reader.lists(node));
        shared.extend(reader.take_shared().lists.into_iter().map(|list| list.source));
    }
    shared
}

fn found(readers: Vec<Reader<'_>>) -> Vec<Problem> {
    readers.into_iter().flat_map(|reader| reader.problems.into_found()).collect()
}

/// Lets each reader act with what is known so far in all files; the first has it again at the end.
fn in_turn(readers: &mut [Reader<'_>], mut act: impl FnMut(usize, &mut Reader<'_>)) {
    for at in 0..readers.len() {
        act(at, &mut readers[at]);
        let shared = readers[at].take_shared();
        let next = (at + 1) % readers.len();
        readers[next].put_shared(shared);
    }
}

/// All rules of all files. Lists and schedules come first: rules of any file name them.
fn whole(readers: &mut [Reader<'_>], roots: &[&DeTable<'_>]) -> Vec<Draft> {
    in_turn(readers, |at, reader| {
        roots[at].get("lists").into_iter().for_each(|node| reader.lists(node));
    });
    in_turn(readers, |at, reader| {
        roots[at].get("schedules").into_iter().for_each(|node| reader.schedules(node));
    });
    readers[0].expressions = Interned::new(readers[0].vocabulary());
    // The main file's defaults are those of all, unless an included file has its own.
    let main = readers.len() - 1;
    let mut defaults = Effects::default();
    if let Some(node) = roots[main].get("defaults") {
        readers[main].defaults(node, &mut defaults);
    }
    let mut drafts = Vec::new();
    in_turn(readers, |at, reader| {
        let mut defaults = defaults.clone();
        if let Some(node) = roots[at].get("defaults").filter(|_| at != main) {
            reader.defaults(node, &mut defaults);
        }
        drafts.extend(reader.root(roots[at], &defaults, at == main));
    });
    if drafts.is_empty() && readers.iter().all(|reader| !reader.problems.has_errors()) {
        let help = "write [[rule]] and what it sets";
        readers[main].problems.warning(0..0, "there are no rules").help(help);
    }
    drafts
}

impl Reader<'_> {
    /// Says what is wrong with `include`, and with what it brought.
    fn included(&mut self, root: &DeTable<'_>, texts: &Texts) {
        let Some(node) = root.get("include") else { return };
        for (glob, place) in self.words_of("include", node) {
            let mut brought = texts.included.iter().filter(|one| one.glob == glob).peekable();
            if brought.peek().is_none() {
                let message = format!("no file is included by {glob:?}");
                let help = "it is relative to this file; * stands in the name of a file only";
                self.problems.warning(place.clone(), message).help(help);
            }
            for Included { path, text, .. } in brought {
                if let Err(reason) = text {
                    let message = format!("{} cannot be read: {reason}", path.display());
                    let help =
                        "check the path, which is relative to this file, and who may read it";
                    self.problems.error(place.clone(), message).help(help);
                }
            }
        }
    }

    fn root(&mut self, root: &DeTable<'_>, defaults: &Effects, is_main: bool) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (key, node) in root {
            match &**key.get_ref() {
                "rule" => drafts = self.rules(key, node, defaults),
                "lists" | "schedules" | "defaults" => {}
                "include" if is_main => {}
                "include" => {
                    let message = "a file that is included cannot include others";
                    self.problems.error(key.span(), message).help("name them all in the main file");
                }
                "rules" => {
                    let message = "unknown table `rules`";
                    self.problems.error(key.span(), message).help("write [[rule]] above each rule");
                }
                name if rule::KEYS.contains(&name) => {
                    let message = format!("`{name}` stands outside of any rule");
                    self.problems.error(key.span(), message).help("write [[rule]] above it");
                }
                _ => self.unknown(key, "a rules file", &TABLES),
            }
        }
        drafts
    }

    fn rules(&mut self, key: &Key<'_>, node: &Node<'_>, defaults: &Effects) -> Vec<Draft> {
        let DeValue::Array(rules) = node.get_ref() else {
            let message = "`rule` is a list of tables";
            self.problems.error(key.span(), message).help("write it with two brackets: [[rule]]");
            return Vec::new();
        };
        let mut drafts = Vec::new();
        for node in rules.iter() {
            let Some(table) = self.table("rule", node) else { continue };
            if let Some(name) = table.get("name")
                && let Some(text) = name.get_ref().as_str()
            {
                if let Some((line, file)) = self.named.get(text) {
                    let message = format!("there is already a rule named `{text}`");
                    let file = file.display();
                    let help =
                        format!("it is in line {line} of {file}; give this one another name");
                    self.problems.error(name.span(), message).help(help);
                } else {
                    let place = self.place(name.span().start);
                    self.named.insert(self.once.text(text), place);
                }
            }
            drafts.extend(self.rule(node.span(), table, defaults));
        }
        drafts
    }
}

#[cfg(test)]
mod tests;
