//! Checking calls: which function, how many arguments, of which kinds.

use jiff::tz::TimeZone;
use regex::RegexBuilder;

use super::names::Place;
use super::{Checker, Typed};
use crate::config::problem::did_you_mean;
use crate::rules::expression::functions::{self, Function, Row, SPECIAL, Takes};
use crate::rules::expression::node::{Node, Work};
use crate::rules::expression::run::format;
use crate::rules::expression::run::times;
use crate::rules::expression::tree::{Form, Tree, Word};
use crate::rules::expression::typing::Type;
use crate::rules::expression::value::Constant;
use crate::rules::field::Of;
use crate::rules::fields;

/// Bytes of one compiled pattern: a hundred times what a pattern for a number or a domain takes.
const PATTERN_SIZE: usize = 1 << 20;

/// Names of other languages, and the function that does it here.
const FOREIGN: [(&str, &str); 8] = [
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("toLowerCase", "lower"),
    ("toUpperCase", "upper"),
    ("starts_with", "startsWith"),
    ("ends_with", "endsWith"),
    ("str", "string"),
];

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        tree: &Tree,
        name: &Word,
        method: bool,
        arguments: &[Tree],
    ) -> Option<Typed> {
        match &*name.text {
            "has" => self.has(tree, name, arguments),
            "default" => self.default(tree, name, arguments),
            "type" => self.type_of(tree, name, arguments),
            "dyn" => {
                self.count(name, arguments.len(), 1..=1)?;
                self.node(&arguments[0]).map(|(node, _)| (node, Type::Any))
            }
            "exists" | "all" | "exists_one" | "existsOne" | "filter" | "map" => {
                self.each(tree, name, method, arguments)
            }
            other => match functions::find(other) {
                Some(row) => self.function(tree, name, row, arguments),
                None => {
                    self.no_function(name, arguments);
                    None
                }
            },
        }
    }

    fn no_function(&mut self, name: &Word, arguments: &[Tree]) {
        let known = || functions::names();
        let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == name.text);
        let help = if name.text == "bytes" {
            "there are texts, and no bytes: size(x) says how many characters a text has".to_owned()
        } else if let Some((_, ours)) = foreign {
            format!("write {ours}")
        } else if name.text == "now" && arguments.is_empty() {
            "write now, without parentheses".to_owned()
        } else if let Some(meant) = did_you_mean(&name.text, known()) {
            format!("did you mean `{meant}`?")
        } else {
            format!("there are: {}", known().collect::<Vec<_>>().join(", "))
        };
        self.mistake(name.at.clone(), format!("unknown function `{}`", name.text), help);
    }

    /// Whether so many arguments are given, of those that take part in `form`.
    pub(super) fn count(
        &mut self,
        name: &Word,
        given: usize,
        wanted: std::ops::RangeInclusive<usize>,
    ) -> Option<()> {
        if wanted.contains(&given) {
            return Some(());
        }
        let special = SPECIAL.iter().find(|(special, _)| *special == name.text);
        let form = special.map(|(_, form)| *form);
        let form = form.or_else(|| functions::find(&name.text).map(|row| row.form));
        let few = given < *wanted.start();
        let message =
            format!("`{}` is given too {} arguments", name.text, if few { "few" } else { "many" });
        let help = format!("write {}, for example", form.unwrap_or_default());
        self.mistake(name.at.clone(), message, help);
        None
    }

    /// Checks what is asked only for being there: also a whole subject.
    pub(super) fn presence(&mut self, tree: &Tree) -> Option<Node> {
        let named = matches!(tree.form, Form::Name(_));
        if named
            && let Some(Place::Subject(subject)) = self.place(tree)
            && subject.of() == Of::Party
            && let Some(path) = fields::path(subject, "id")
        {
            return Some(Node { at: tree.at.clone(), work: Work::Path(path) });
        }
        self.node(tree).map(|(node, _)| node)
    }

    fn has(&mut self, tree: &Tree, name: &Word, arguments: &[Tree]) -> Option<Typed> {
        self.count(name, arguments.len(), 1..=1)?;
        let node = self.presence(&arguments[0])?;
        Some((Node { at: tree.at.clone(), work: Work::Has(Box::new(node)) }, Type::Flag))
    }

    fn type_of(&mut self, tree: &Tree, name: &Word, arguments: &[Tree]) -> Option<Typed> {
        self.count(name, arguments.len(), 1..=1)?;
        let (node, _) = self.node(&arguments[0])?;
        let work = Work::Call(Function::Type, vec![node]);
        Some((Node { at: tree.at.clone(), work }, Type::Text))
    }

    fn default(&mut self, tree: &Tree, name: &Word, arguments: &[Tree]) -> Option<Typed> {
        self.count(name, arguments.len(), 2..=2)?;
        let (value, other) = (self.node(&arguments[0]), self.node(&arguments[1]));
        let ((value, one), (other, another)) = (value?, other?);
        let work = Work::Default(Box::new(value), Box::new(other));
        Some((Node { at: tree.at.clone(), work }, one.or(another)))
    }

    /// `lookup("list", key)`, still without a column.
    pub(super) fn lookup(&mut self, name: &Word, arguments: &[Tree]) -> Option<Place> {
        self.count(name, arguments.len(), 2..=2)?;
        let [list, key] = arguments else { return None };
        let Form::Text(text) = &list.form else {
            let help = "write its name in quotes: lookup(\"vip\", customer.number)";
            self.mistake(list.at.clone(), "which list? It has to be known beforehand", help);
            return None;
        };
        let list = self.list(&Word { text: text.clone(), at: list.at.clone() });
        let (node, kind) = self.node(key)?;
        if kind != Type::Text && !kind.is_open() {
            let message = format!("the keys of lists are texts; this is {kind}");
            self.mistake(key.at.clone(), message, "write string(…) around it");
            return None;
        }
        Some(Place::Lookup(list?, node))
    }

    fn function(
        &mut self,
        tree: &Tree,
        name: &Word,
        row: &'static Row,
        arguments: &[Tree],
    ) -> Option<Typed> {
        let most = row.takes.len();
        self.count(name, arguments.len(), most - row.optional..=most)?;
        let given: Vec<_> = arguments.iter().map(|argument| self.node(argument)).collect();
        let given: Vec<Typed> = given.into_iter().collect::<Option<_>>()?;
        for ((takes, (_, kind)), argument) in row.takes.iter().zip(&given).zip(arguments) {
            self.takes(name, row, *takes, kind, argument)?;
        }
        let first_kind = given[0].1.clone();
        let nodes: Vec<Node> = given.into_iter().map(|(node, _)| node).collect();
        let work = match row.function {
            Function::Matches => self.matches(nodes)?,
            Function::Duration | Function::Timestamp => self.moment(row.function, nodes)?,
            Function::Format => self.format(nodes)?,
            Function::Year
            | Function::Month
            | Function::Date
            | Function::DayOfMonth
            | Function::DayOfWeek
            | Function::DayOfYear
            | Function::Hours
            | Function::Minutes
            | Function::Seconds
            | Function::Milliseconds => self.clock(row.function, &first_kind, nodes)?,
            Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::Size
            | Function::Lower
            | Function::Upper
            | Function::Trim
            | Function::Replace
            | Function::Split
            | Function::Join
            | Function::Substring
            | Function::IndexOf
            | Function::LastIndexOf
            | Function::CharAt
            | Function::Reverse
            | Function::Int
            | Function::Uint
            | Function::Double
            | Function::Text
            | Function::Type
            | Function::Bool => Work::Call(row.function, nodes),
        };
        Some((Node { at: tree.at.clone(), work }, row.gives.of()))
    }

    fn takes(
        &mut self,
        name: &Word,
        row: &Row,
        takes: Takes,
        given: &Type,
        argument: &Tree,
    ) -> Option<()> {
        if takes.allows(given) {
            return Some(());
        }
        let message = format!("`{}` takes {} here; this is {given}", name.text, takes.called());
        let help = match (row.function, given, takes) {
            (Function::Contains, Type::List(_), _) => {
                "lists are asked with in: \"a\" in x".to_owned()
            }
            (_, Type::Whole | Type::Fraction | Type::Flag, Takes::Text) => {
                format!("write string(…) around it; {} is an example", row.form)
            }
            _ => format!("write {}, for example", row.form),
        };
        self.mistake(argument.at.clone(), message, help);
        None
    }

    fn matches(&mut self, mut nodes: Vec<Node>) -> Option<Work> {
        let Work::Constant(Constant::Text(pattern)) = &nodes[1].work else {
            return Some(Work::Call(Function::Matches, nodes));
        };
        match RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build() {
            Ok(regex) => Some(Work::Matches(Box::new(nodes.swap_remove(0)), regex)),
            Err(error) => {
                let written = error.to_string();
                let why = written.lines().last().unwrap_or_default();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                let message = format!("this pattern cannot be read: {why}");
                let help = if matches!(error, regex::Error::CompiledTooBig(_)) {
                    "write a shorter one; a list of words is asked with in"
                } else {
                    "write it as a raw text, so that backslashes stay: r\"^\\d+$\""
                };
                self.mistake(nodes[1].at.clone(), message, help);
                None
            }
        }
    }

    /// A duration or a time that is written out is read once.
    fn moment(&mut self, function: Function, nodes: Vec<Node>) -> Option<Work> {
        let Work::Constant(Constant::Text(text)) = &nodes[0].work else {
            return Some(Work::Call(function, nodes));
        };
        let at = nodes[0].at.clone();
        if function == Function::Duration {
            let Some(duration) = times::duration(text) else {
                self.mistake(at, "this is no duration", "write \"90s\", \"5m\" or \"1h30m\"");
                return None;
            };
            return Some(Work::Constant(Constant::Duration(duration)));
        }
        let Some(time) = times::timestamp(text) else {
            self.mistake(at, "this is no time", "write \"2026-11-20T14:00:00Z\"");
            return None;
        };
        Some(Work::Constant(Constant::Time(time)))
    }

    fn format(&mut self, nodes: Vec<Node>) -> Option<Work> {
        if let Work::Constant(Constant::Text(text)) = &nodes[0].work {
            let places = match format::places(text) {
                Ok(places) => places,
                Err(why) => {
                    let help = "write %s, %d, %f, %.2f, %x, %o, %b, %e, or %% for a percent sign";
                    self.mistake(nodes[0].at.clone(), why, help);
                    return None;
                }
            };
            if let Work::List(values) = &nodes[1].work
                && values.len() != places
            {
                let message = format!("{places} values are needed; here are {}", values.len());
                let help = "write one value for each % in the text";
                self.mistake(nodes[1].at.clone(), message, help);
                return None;
            }
        }
        Some(Work::Call(Function::Format, nodes))
    }

    fn clock(&mut self, function: Function, of: &Type, mut nodes: Vec<Node>) -> Option<Work> {
        let zone = match nodes.get(1) {
            None => TimeZone::UTC,
            Some(zone) => {
                if *of == Type::Duration {
                    let help = "leave the zone out";
                    self.mistake(zone.at.clone(), "a duration is the same in every zone", help);
                    return None;
                }
                let Work::Constant(Constant::Text(name)) = &zone.work else {
                    let help = "write it in quotes: \"Europe/Berlin\"";
                    self.mistake(zone.at.clone(), "the zone has to be known beforehand", help);
                    return None;
                };
                let Ok(found) = TimeZone::get(name) else {
                    let message = format!("there is no time zone {name:?}");
                    let help = "write it as in \"Europe/Berlin\"";
                    self.mistake(zone.at.clone(), message, help);
                    return None;
                };
                found
            }
        };
        Some(Work::Clock(function, Box::new(nodes.swap_remove(0)), zone))
    }
}
