//! Reading `[lists.NAME]`, and the places where rules name a list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, called};
use crate::config::problem::{Problem, did_you_mean};
use crate::rules::lists::{Keying, List, ListSource, Matching, Normalize, Origin, VALUE};
use crate::rules::pattern::{InList, Pattern};

/// The keys of a list.
const KEYS: [&str; 6] = ["file", "rows", "key", "match", "ignore_case", "normalize"];

const ROWS: &str = "write rows = [\"a\", \"b\"], or a table for each: rows = [{ phone = \"+49…\", \
     segment = \"gold\" }]";

/// A list as read, with the places that later checks need.
#[derive(Debug)]
pub(super) struct ListDraft {
    pub(super) source: ListSource,
    file: usize,
    place: std::ops::Range<usize>,
    used: bool,
}

/// What stands in one `[lists.NAME]`.
#[derive(Default)]
struct Written<'n, 't> {
    file: Option<&'n Node<'t>>,
    rows: Option<&'n Node<'t>>,
    key: Option<&'n Node<'t>>,
    keying: Keying,
}

impl Reader<'_> {
    /// Reads `[lists]`, so that rules can name what is in it.
    pub(super) fn lists(&mut self, node: &Node<'_>) {
        let Some(table) = self.table("lists", node) else { return };
        for (key, node) in table {
            let name = &**key.get_ref();
            if self.lists.iter().any(|list| *list.source.name == *name) {
                let message = format!("another file has a list `{name}`, too");
                self.problems.error(key.span(), message).help("give one of them another name");
                continue;
            }
            let Some(table) = node.get_ref().as_table() else {
                let message =
                    format!("`lists.{name}` has to be a table; this is {}", called(node.get_ref()));
                let help = "write [lists.vip] and below it file = \"vip.csv\", for example";
                self.problems.error(node.span(), message).help(help);
                continue;
            };
            // One that is wrong is known all the same: nothing is said of where it is used.
            let origin = self.list(name, key, table);
            let (origin, keying) = origin.unwrap_or_else(|| {
                (Origin::File { path: PathBuf::new(), key: None }, Keying::default())
            });
            let source = ListSource {
                name: Arc::from(name),
                origin,
                keying,
                declared: self.problems.declared(key.span()),
                taken: BTreeMap::new(),
            };
            let file = self.at;
            self.lists.push(ListDraft { source, file, place: key.span(), used: false });
        }
    }

    fn list(&mut self, name: &str, key: &Key<'_>, table: &DeTable<'_>) -> Option<(Origin, Keying)> {
        let mut written = Written::default();
        for (key, node) in table {
            match &**key.get_ref() {
                "file" => written.file = Some(node),
                "rows" => written.rows = Some(node),
                "key" => written.key = Some(node),
                "match" => {
                    if self.word("match", node, &["exact", "prefix"]) == Some("prefix") {
                        written.keying.matching = Matching::Prefix;
                    }
                }
                "ignore_case" => {
                    written.keying.ignore_case = self.flag("ignore_case", node).unwrap_or(false);
                }
                "normalize" => match self.word("normalize", node, &["phone", "date"]) {
                    Some("phone") => written.keying.normalize = Normalize::Phone,
                    Some(_) => written.keying.normalize = Normalize::Date,
                    None => {}
                },
                _ => self.unknown(key, &format!("[lists.{name}]"), &KEYS),
            }
        }
        let column = match written.key {
            Some(node) => Some(self.text("key", node)?),
            None => None,
        };
        let origin = match (written.file, written.rows) {
            (Some(file), None) => {
                let path = self.text("file", file)?;
                if path.is_empty() {
                    let help = format!("write file = \"{name}.csv\", for example");
                    self.problems.error(file.span(), "a file needs a name").help(help);
                    return None;
                }
                Origin::File { path: PathBuf::from(path), key: column.map(Arc::from) }
            }
            (None, Some(rows)) => {
                Origin::Rows(Arc::new(self.rows(rows, column, written.keying)?))
            }
            (Some(_), Some(rows)) => {
                let message = format!("the list `{name}` has both a file and rows");
                self.problems.error(rows.span(), message).help("leave one of them out");
                return None;
            }
            (None, None) => {
                let message = format!("the list `{name}` is empty");
                let help = format!("write file = \"{name}.csv\", or {}", &ROWS["write ".len()..]);
                self.problems.error(key.span(), message).help(help);
                return None;
            }
        };
        Some((origin, written.keying))
    }

    /// Rows that stand in the rules file: texts, or a table for each.
    fn rows(&mut self, node: &Node<'_>, key: Option<&str>, keying: Keying) -> Option<List> {
        let Some(nodes) = node.get_ref().as_array() else {
            let message = format!("`rows` is a list; this is {}", called(node.get_ref()));
            self.problems.error(node.span(), message).help(ROWS);
            return None;
        };
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for table in nodes.iter().filter_map(|node| node.get_ref().as_table()) {
            names.extend(table.iter().map(|(name, _)| &**name.get_ref()));
        }
        let columns: Vec<&str> =
            if names.is_empty() { vec![VALUE] } else { names.into_iter().collect() };
        let wanted = key.unwrap_or(VALUE);
        let Some(place) = columns.iter().position(|column| *column == wanted) else {
            let message = match key {
                Some(key) => format!("no row has a `{key}`, which is to be the key"),
                None => "rows with columns need a key".to_owned(),
            };
            let help = format!("write which column is looked up: key = {:?}", columns[0]);
            self.problems.error(node.span(), message).help(help);
            return None;
        };
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for node in nodes.iter() {
            rows.push(self.row(node, &columns)?);
            places.push(node.span());
        }
        let columns = columns.into_iter().map(Arc::from).collect();
        match List::of_rows(keying, columns, place, &rows) {
            Ok((list, replaced)) => {
                for place in replaced {
                    let message = "a later row has the key of this one";
                    let help = "the later one counts; delete one of them";
                    self.problems.warning(places[place].clone(), message).help(help);
                }
                Some(list)
            }
            Err(bad) => {
                for place in bad {
                    let message = "this row has no key, or one that cannot be a key of the list";
                    self.problems.error(places[place].clone(), message).help(keying.wants());
                }
                None
            }
        }
    }

    /// The cells of a row, one for each column.
    fn row<'n>(&mut self, node: &'n Node<'_>, columns: &[&str]) -> Option<Vec<&'n str>> {
        match node.get_ref() {
            DeValue::String(text) if columns == [VALUE] => Some(vec![&**text]),
            DeValue::Table(table) => {
                let cells = columns.iter().map(|column| match table.get(*column) {
                    Some(node) => self.text(column, node),
                    None => Some(""),
                });
                cells.collect()
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                let message =
                    format!("a row is a text or a table; this is {}", called(node.get_ref()));
                self.problems.error(node.span(), message).help(ROWS);
                None
            }
        }
    }

    /// `in_list = "vip"`, or several lists in any of which it is.
    pub(super) fn in_list(&mut self, node: &Node<'_>) -> Option<Pattern> {
        let names = self.list_names(node)?;
        let mut lists: Vec<Pattern> =
            names.into_iter().map(|name| Pattern::InList(Box::new(InList::new(name)))).collect();
        if lists.len() > 1 { Some(Pattern::Either(lists.into())) } else { lists.pop() }
    }

    /// The names of lists that there are.
    pub(super) fn list_names(&mut self, node: &Node<'_>) -> Option<Vec<Arc<str>>> {
        let nodes = match node.get_ref() {
            DeValue::Array(nodes) => nodes.iter().collect(),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => vec![node],
        };
        if nodes.is_empty() {
            self.problems.error(node.span(), "no list is named").help("name one: \"vip\"");
        }
        let names = nodes.into_iter().map(|node| {
            let name = self.text("in_list", node)?;
            let known = self.lists.iter_mut().find(|list| *list.source.name == *name);
            if let Some(list) = known {
                list.used = true;
                return Some(Arc::clone(&list.source.name));
            }
            let known = self.lists.iter().map(|list| &*list.source.name);
            let help = match did_you_mean(name, known.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    format!("write [lists.{name}] and below it file = \"{name}.csv\", for example")
                }
            };
            self.problems.error(node.span(), format!("there is no list `{name}`")).help(help);
            None
        });
        let names: Vec<Option<Arc<str>>> = names.collect();
        names.into_iter().collect::<Option<Vec<_>>>().filter(|names| !names.is_empty())
    }

    /// A list that a schedule takes dates from holds dates.
    pub(super) fn holds_dates(&mut self, name: &str, node: &Node<'_>) {
        let Some(list) = self.lists.iter_mut().find(|list| *list.source.name == *name) else {
            return;
        };
        match (&list.source.origin, list.source.keying.normalize) {
            (Origin::File { .. }, Normalize::No) => list.source.keying.normalize = Normalize::Date,
            (Origin::Rows(rows), Normalize::No)
                if rows.keys().all(|key| crate::rules::lists::date(key).is_some()) => {}
            (_, Normalize::Date) => {}
            (_, Normalize::No | Normalize::Phone) => {
                let message = format!("the list `{name}` does not hold dates");
                let help = "its keys have to be dates: 2026-12-24 or 24.12.2026";
                self.problems.error(node.span(), message).help(help);
            }
        }
    }

    /// A list was used elsewhere than in a pattern.
    pub(super) fn uses_list(&mut self, name: &str) {
        if let Some(list) = self.lists.iter_mut().find(|list| *list.source.name == *name) {
            list.used = true;
        }
    }

    /// Warns of lists that nothing asks.
    pub(super) fn lists_unused(&mut self) {
        for list in self.lists.iter().filter(|list| !list.used && list.file == self.at) {
            let message = format!("the list `{}` is never used", list.source.name);
            let help =
                format!("ask for it with {{ in_list = {:?} }}, or delete it", &*list.source.name);
            let problem: &mut Problem = self.problems.warning(list.place.clone(), message);
            problem.help(help);
        }
    }
}
