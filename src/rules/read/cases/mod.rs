//! Reading a test file: TOML text in, a [`Suite`] or every problem out.
//!
//! ```toml
//! rules = "rules.toml"              # default: the file called like this one without `.test`
//! queues."Billing" = "d81980df-…"   # only where events of files are used; else a name is its id
//!
//! [[case]]
//! name = "on hold and off again"
//! given.participant.state = "connected"
//!
//! expect.not.matches = "on-hold"
//!
//! [[case.step]]
//! after = "30s"
//! given.participant.held = true     # a change; the rest is as it was
//! expect.customer."cc.on_hold" = true
//! ```
//!
//! `expect` is about the event that stands beside it, `at_end` about the whole case.
//!
//! A case with `[[case.row]]` is read once for each row, with the row's values in place of `<name>`.

mod events;
mod expect;
mod given;
mod rows;
mod values;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, suggestion};
use super::syntax;
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::genesys::names::Listed;
use crate::rules::cases::directory::Directory;
use crate::rules::cases::given::{Given, USUAL_TIME};
use crate::rules::cases::{Case, Event, Load, Step, Suite, Watched};

const ROOT: [&str; 9] = [
    "rules",
    "case",
    "queues",
    "users",
    "wrapup_codes",
    "skills",
    "languages",
    "divisions",
    "flows",
];
const CASE: [&str; 7] = ["name", "given", "event", "expect", "step", "at_end", "row"];
const STEP: [&str; 4] = ["after", "given", "event", "expect"];

/// Events that do not say how long after the others they come.
const USUAL_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// Reads and checks a whole file; see [`Suite::parse`].
pub(in crate::rules) fn read(
    path: &Path,
    text: &str,
    load: Load<'_>,
) -> Result<(Suite, Vec<Problem>), Vec<Problem>> {
    let allowed = AllowedKeys::all();
    let mut reader = Reader::new(0, path, text, &allowed);
    let (document, errors) = DeTable::parse_recoverable(text);
    let reliable = syntax::report(&mut reader, &errors);
    let suite = Suite::new(None, Vec::new(), Directory::default());
    let mut cases = Cases { reader, suite, path, load };
    if reliable {
        cases.root(document.get_ref());
    }
    let Cases { reader, suite, .. } = cases;
    let failed = reader.problems.has_errors();
    let mut problems = reader.problems.into_found();
    // A case is read once for each of its rows.
    problems.dedup();
    if failed { Err(problems) } else { Ok((suite, problems)) }
}

/// A test file that is being read.
struct Cases<'f> {
    reader: Reader<'f>,
    suite: Suite,
    path: &'f Path,
    load: Load<'f>,
}

/// One case that is being read.
#[derive(Default)]
struct Draft {
    given: Given,
    /// Something of it was given in words, so that steps can change it.
    drawn: bool,
    at: Option<Timestamp>,
    watched: Watched,
    steps: Vec<Step>,
}

impl Cases<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (key, node) in in_order(root) {
            match &**key.get_ref() {
                "rules" => {
                    self.suite.rules = self.reader.text("rules", node).map(str::to_owned);
                }
                "queues" => self.ids(node, "queues", Directory::set_queue),
                "users" => self.ids(node, "users", Directory::set_user),
                "wrapup_codes" => self.listed(node, "wrapup_codes", Listed::WrapupCode),
                "skills" => self.listed(node, "skills", Listed::Skill),
                "languages" => self.listed(node, "languages", Listed::Language),
                "divisions" => self.listed(node, "divisions", Listed::Division),
                "flows" => self.listed(node, "flows", Listed::Flow),
                "case" => {}
                "cases" | "test" => {
                    let message = format!("unknown table `{}`", key.get_ref());
                    let problem = self.reader.problems.error(key.span(), message);
                    problem.help("write [[case]] above each case");
                }
                _ => self.reader.unknown(key, "a test file", &ROOT),
            }
        }
        let Some((key, node)) = root.get_key_value("case") else { return };
        let DeValue::Array(cases) = node.get_ref() else {
            let message = "`case` is a list of tables";
            let problem = self.reader.problems.error(key.span(), message);
            return problem.help("write it with two brackets: [[case]]");
        };
        for node in cases.iter() {
            if let Some(table) = self.reader.table("case", node) {
                for (row, table) in self.rows(table) {
                    self.case(node, &table, row.as_deref());
                }
            }
        }
    }

    fn listed(&mut self, node: &Node<'_>, name: &str, of: Listed) {
        self.ids(node, name, |directory, name, id| directory.set_listed(of, name, id));
    }

    fn ids(&mut self, node: &Node<'_>, name: &str, set: impl Fn(&mut Directory, &str, &str)) {
        let Some(table) = self.reader.table(name, node) else { return };
        for (key, node) in table {
            if let Some(id) = self.reader.text(key.get_ref(), node) {
                set(&mut self.suite.directory, key.get_ref(), id);
            }
        }
    }

    fn case(&mut self, node: &Node<'_>, table: &DeTable<'_>, row: Option<&str>) {
        let mut draft = Draft::default();
        let errors = self.reader.problems.errors();
        for (key, _) in in_order(table) {
            if !CASE.contains(&&**key.get_ref()) {
                self.reader.unknown(key, "a case", &CASE);
            }
        }
        let name = match table.get("name") {
            Some(node) => self.reader.text("name", node).unwrap_or_default().to_owned(),
            None => {
                let problem = self.reader.problems.error(node.span(), "this case has no name");
                problem.help("write name = \"…\": what has to be so");
                String::new()
            }
        };
        let line = self.reader.line(node.span().start);
        let first = self.moment(table, &mut draft);
        let expect = table.get("expect").map(|node| (node, self.expect(node, &draft)));
        match (first, expect) {
            (Some(event), expect) => {
                let at = draft.at.unwrap_or(USUAL_TIME);
                let expect = expect.map(|(_, expect)| expect).unwrap_or_default();
                draft.steps.push(Step { line, at, event: Some(event), expect });
            }
            (None, Some((node, _))) if table.contains_key("step") => {
                let message = "this stands with no event";
                let help = "move it to a step, or write at_end for what is so in the end";
                self.reader.problems.error(node.span(), message).help(help);
            }
            (None, _) => {}
        }
        if let Some(node) = table.get("step") {
            self.steps(node, &mut draft);
        }
        let at_end = table.get("at_end").map(|node| self.expect(node, &draft)).unwrap_or_default();
        if self.reader.problems.errors() > errors {
            // What is missing may be what could not be read.
        } else if draft.steps.is_empty() {
            let message = "nothing happens in this case";
            let help = "give it a conversation, given.media = \"call\", or event = \"FILE\"";
            self.reader.problems.error(node.span(), message).help(help);
        } else if at_end.is_empty() && draft.steps.iter().all(|step| step.expect.is_empty()) {
            let message = "this case expects nothing, so it can never fail";
            let help = "write expect.customer.\"key\" = \"value\", or expect.nothing = true if \
                        nothing is to be written";
            self.reader.problems.error(node.span(), message).help(help);
        }
        let name = match row {
            Some(row) => format!("{name} [{row}]"),
            None => name,
        };
        let Draft { watched, steps, .. } = draft;
        self.suite.cases.push(Case { name, line, watched, steps, at_end });
    }

    fn steps(&mut self, node: &Node<'_>, draft: &mut Draft) {
        let DeValue::Array(steps) = node.get_ref() else {
            let problem = self.reader.problems.error(node.span(), "`step` is a list of tables");
            return problem.help("write it with two brackets: [[case.step]]");
        };
        for node in steps.iter() {
            let Some(table) = self.reader.table("step", node) else { continue };
            for (key, _) in in_order(table) {
                if !STEP.contains(&&**key.get_ref()) {
                    self.reader.unknown(key, "a step", &STEP);
                }
            }
            let pause = table.get("after").and_then(|node| self.pause(node));
            let before = draft.steps.last().map(|step| step.at);
            let begin = draft.at.unwrap_or(USUAL_TIME);
            let usual = if before.is_some() { USUAL_PAUSE } else { SignedDuration::ZERO };
            let at = before.unwrap_or(begin).checked_add(pause.unwrap_or(usual)).unwrap_or(begin);
            draft.at = Some(at);
            let event = self.moment(table, draft);
            let first = draft.steps.is_empty();
            if event.is_none() && first {
                let message = "the first step brings no event";
                let help = "give the case or the step a conversation: given.media = \"call\"";
                self.reader.problems.error(node.span(), message).help(help);
            }
            let at = if first { draft.at.unwrap_or(at) } else { at };
            let line = self.reader.line(node.span().start);
            let expect = table.get("expect").map(|node| self.expect(node, draft));
            let expect = expect.unwrap_or_default();
            draft.steps.push(Step { line, at, event, expect });
        }
    }

    /// The event that a case or a step gives, if it does.
    fn moment(&mut self, table: &DeTable<'_>, draft: &mut Draft) -> Option<Event> {
        let changes = table.get("given").is_some_and(|node| self.given(node, draft));
        match table.get("event") {
            Some(node) if draft.drawn => {
                let message = "an event of a file and a conversation in words do not go together";
                let help = "give the case either `event` or `given`";
                self.reader.problems.error(node.span(), message).help(help);
                None
            }
            Some(node) => self.event(node, draft),
            None if changes => {
                let now = draft.at.unwrap_or(USUAL_TIME);
                Some(draft.given.event(now))
            }
            None => None,
        }
    }
}

/// The keys of a table in the order of the file.
fn in_order<'n, 't>(table: &'n DeTable<'t>) -> Vec<(&'n Key<'t>, &'n Node<'t>)> {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, node)| key.span().start.min(node.span().start));
    keys
}

/// What somebody may have meant among names that the test file gives itself.
fn among<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    suggestion(word, &names.into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
