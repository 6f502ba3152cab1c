//! Reading `[schedules.NAME]`, and `match.time`.

use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;
use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, called};
use crate::config::problem::did_you_mean;
use crate::rules::condition::Condition;
use crate::rules::schedules::{Dates, Opening, Schedule, Span};
use crate::rules::time::TimeCondition;

/// The keys of a schedule.
const KEYS: [&str; 4] = ["zone", "open", "closed", "dates"];

const TIME: &str = "write match.time = \"office\", or match.time = { not = \"office\" }";
const DATES: &str = "write dates in quotes, as a list, or { in_list = \"holidays\" }";

/// A schedule as read, with the places that later checks need.
#[derive(Debug)]
pub(super) struct ScheduleDraft {
    pub(super) schedule: Arc<Schedule>,
    file: usize,
    place: Range<usize>,
    used: bool,
}

impl Reader<'_> {
    /// Reads `[schedules]`, so that rules can name what is in it. Lists have to be read before.
    pub(super) fn schedules(&mut self, node: &Node<'_>) {
        let Some(table) = self.table("schedules", node) else { return };
        for (key, node) in table {
            let name = &**key.get_ref();
            if self.schedules.iter().any(|one| *one.schedule.name == *name) {
                let message = format!("another file has a schedule `{name}`, too");
                self.problems.error(key.span(), message).help("give one of them another name");
                continue;
            }
            let Some(table) = node.get_ref().as_table() else {
                let is = called(node.get_ref());
                let message = format!("`schedules.{name}` has to be a table; this is {is}");
                let help = "write [schedules.office] and below it zone and open";
                self.problems.error(node.span(), message).help(help);
                continue;
            };
            let schedule = Arc::new(self.schedule(name, key, table));
            let file = self.at;
            self.schedules.push(ScheduleDraft { schedule, file, place: key.span(), used: false });
        }
    }

    /// Reads a schedule, even one that is wrong, so that it is known where it is used.
    fn schedule(&mut self, name: &str, key: &Key<'_>, table: &DeTable<'_>) -> Schedule {
        let mut schedule = Schedule {
            name: Arc::from(name),
            zone: TimeZone::UTC,
            open: Vec::new(),
            closed: Dates::default(),
            only: None,
        };
        for (key, node) in table {
            match &**key.get_ref() {
                "zone" => schedule.zone = self.zone(node).unwrap_or(TimeZone::UTC),
                "open" => schedule.open = self.open(node),
                "closed" => schedule.closed = self.dates("closed", node),
                "dates" => schedule.only = Some(self.dates("dates", node)),
                _ => self.unknown(key, &format!("[schedules.{name}]"), &KEYS),
            }
        }
        if !table.contains_key("zone") {
            let message = format!("the schedule `{name}` has no zone");
            let help = "write zone = \"Europe/Berlin\", for example";
            self.problems.error(key.span(), message).help(help);
        }
        if !table.contains_key("open") && !table.contains_key("dates") {
            let message = format!("the schedule `{name}` is never open");
            let help = "write open = [\"mon-fri 08:00-18:00\"], or dates for whole days";
            self.problems.error(key.span(), message).help(help);
        }
        schedule
    }

    fn zone(&mut self, node: &Node<'_>) -> Option<TimeZone> {
        let name = self.text("zone", node)?;
        // Also what the system calls its own zone would do, but be another one elsewhere.
        let zone = TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some());
        if zone.is_none() {
            let known: Vec<String> =
                jiff::tz::db().available().map(|zone| zone.to_string()).collect();
            let help = match did_you_mean(name, known.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => "write the name of its region: \"Europe/Berlin\", \"America/New_York\""
                    .to_owned(),
            };
            self.problems.error(node.span(), format!("there is no time zone {name:?}")).help(help);
        }
        zone
    }

    fn open(&mut self, node: &Node<'_>) -> Vec<Opening> {
        let mut openings = Vec::new();
        for node in each(node) {
            let Some(text) = self.text("open", node) else { continue };
            match Opening::parse(text) {
                Ok(opening) => openings.push(opening),
                Err((message, help)) => {
                    self.problems.error(node.span(), message).help(help);
                }
            }
        }
        openings
    }

    /// Dates, spans of them, and lists of them.
    fn dates(&mut self, name: &str, node: &Node<'_>) -> Dates {
        let (mut spans, mut lists) = (Vec::new(), Vec::new());
        for node in each(node) {
            let written = match node.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Datetime(date) => date.to_string(),
                DeValue::Table(table) if table.len() == 1 && table.contains_key("in_list") => {
                    let Some(node) = table.get("in_list") else { continue };
                    for list in self.list_names(node).unwrap_or_default() {
                        self.holds_dates(&list, node);
                        lists.push(list);
                    }
                    continue;
                }
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => {
                    let message =
                        format!("`{name}` holds dates; this is {}", called(node.get_ref()));
                    self.problems.error(node.span(), message).help(DATES);
                    continue;
                }
            };
            match Span::parse(&written) {
                Ok(span) => spans.push(span),
                Err((message, help)) => {
                    self.problems.error(node.span(), message).help(help);
                }
            }
        }
        Dates::new(spans, lists)
    }

    /// `match.time`.
    pub(super) fn match_time(&mut self, node: &Node<'_>) -> Option<Condition> {
        let (node, open) = match node.get_ref() {
            DeValue::Table(table) if table.len() == 1 => match table.get("not") {
                Some(node) => (node, false),
                None => (node, true),
            },
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => (node, true),
        };
        let DeValue::String(name) = node.get_ref() else {
            let message =
                format!("`match.time` names a schedule; this is {}", called(node.get_ref()));
            self.problems.error(node.span(), message).help(TIME);
            return None;
        };
        if let Some(draft) = self.schedules.iter_mut().find(|one| *one.schedule.name == **name) {
            draft.used = true;
            let schedule = Arc::clone(&draft.schedule);
            return Some(Condition::Time(TimeCondition { schedule, open }));
        }
        let known = self.schedules.iter().map(|one| &*one.schedule.name);
        let help = match did_you_mean(name, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write [schedules.{name}] with its zone and when it is open"),
        };
        self.problems.error(node.span(), format!("there is no schedule `{name}`")).help(help);
        None
    }

    /// Warns of schedules that no rule asks.
    pub(super) fn schedules_unused(&mut self) {
        for draft in self.schedules.iter().filter(|draft| !draft.used && draft.file == self.at) {
            let name = &draft.schedule.name;
            let message = format!("the schedule `{name}` is never used");
            let help = format!("ask for it with match.time = {:?}, or delete it", &**name);
            self.problems.warning(draft.place.clone(), message).help(help);
        }
    }
}

/// The elements of a list, or the value itself.
fn each<'n, 't>(node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    match node.get_ref() {
        DeValue::Array(nodes) => nodes.iter().collect(),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => vec![node],
    }
}
