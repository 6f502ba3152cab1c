//! Reading patterns: a value, a list of values, or a table of operators, each of which has to suit
//! the type of what it is asked of.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, called, suggestion};
use crate::config::duration;
use crate::config::problem::did_you_mean;
use crate::rules::field::{Kind, Path};
use crate::rules::pattern::{BadWords, Bound, Form, Network, Pattern, Scalar, Side, Words};
use crate::rules::raw::Segment;

/// All of them, in the order in which they are told.
pub(super) const OPERATORS: [&str; 17] = [
    "is",
    "not",
    "exists",
    "prefix",
    "suffix",
    "contains",
    "glob",
    "regex",
    "in_list",
    "ignore_case",
    "cidr",
    "has_any",
    "has_all",
    "lt",
    "le",
    "gt",
    "ge",
];

/// Of what a pattern is asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// As messages show it.
    name: String,
    /// `None` for what can be of any type.
    kind: Option<Kind>,
    words: &'static [&'static str],
    /// If it is an attribute, which.
    attribute: Option<Arc<str>>,
    ignore_case: bool,
}

impl Asked {
    pub(super) fn field(path: &Path) -> Asked {
        Asked {
            name: path.to_string(),
            kind: Some(path.field.kind),
            words: path.field.words,
            attribute: path.key.clone(),
            ignore_case: false,
        }
    }

    pub(super) fn raw(path: &[Segment]) -> Asked {
        let name: Vec<String> = path.iter().map(ToString::to_string).collect();
        let name = format!("raw.{}", name.join("."));
        Asked { name, kind: None, words: &[], attribute: None, ignore_case: false }
    }

    /// Why an operator cannot be asked of it; `None` if it can.
    fn refuses(&self, operator: &str) -> Option<&'static str> {
        let kind = self.kind?;
        let suits = match operator {
            "prefix" | "suffix" | "contains" | "glob" | "regex" | "ignore_case" | "cidr"
            | "in_list" => {
                matches!(kind, Kind::Text | Kind::Attributes)
            }
            "has_any" | "has_all" => kind.is_several(),
            "lt" | "le" | "gt" | "ge" => {
                matches!(kind, Kind::Number | Kind::Time | Kind::Duration)
            }
            _ => true,
        };
        if suits {
            return None;
        }
        Some(match kind {
            Kind::Text => "it is a text",
            Kind::Flag => "it is true or false",
            Kind::Number => "it is a number",
            Kind::Time => "it is a time",
            Kind::Duration => "it is a duration",
            Kind::Texts | Kind::Skills | Kind::Divisions => "it is a list",
            Kind::Attributes => "attributes are texts",
            Kind::Queue => "queues compare as a whole, by id",
            Kind::User => "users compare as a whole, by id",
            Kind::Wrapup => "wrap-up codes compare as a whole, by id",
            Kind::Language => "languages compare as a whole, by id",
            Kind::Flow => "flows compare as a whole, by id",
        })
    }

    /// What can be written instead.
    fn operators(&self) -> Vec<&'static str> {
        OPERATORS.into_iter().filter(|operator| self.refuses(operator).is_none()).collect()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Reader<'_> {
    pub(super) fn pattern(&mut self, asked: &Asked, node: &Node<'_>) -> Option<Pattern> {
        match node.get_ref() {
            DeValue::Table(operators) => self.operators(asked, node, operators),
            DeValue::Array(values) => {
                if values.is_empty() {
                    let message = format!("an empty list matches nothing: `{asked}`");
                    self.problems
                        .error(node.span(), message)
                        .help("name a value, or write { exists = false }");
                    return None;
                }
                let scalars: Vec<_> =
                    values.iter().map(|value| self.scalar(asked, value)).collect();
                Some(equal(asked, scalars.into_iter().collect::<Option<_>>()?))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => Some(equal(asked, vec![self.scalar(asked, node)?])),
        }
    }

    pub(super) fn operators(
        &mut self,
        asked: &Asked,
        node: &Node<'_>,
        table: &DeTable<'_>,
    ) -> Option<Pattern> {
        let mut asked = asked.clone();
        if let Some(flag) = table.get("ignore_case").and_then(|node| node.get_ref().as_bool()) {
            asked.ignore_case = flag;
        }
        let (mut patterns, mut wrong) = (Vec::new(), false);
        for (key, node) in table {
            let name = &**key.get_ref();
            let switch = name == "ignore_case" && node.get_ref().is_bool();
            if switch && asked.refuses(name).is_none() || name == "path" && asked.kind.is_none() {
                continue;
            }
            match self.operator(&asked, key, node) {
                Some(pattern) => patterns.push(pattern),
                None => wrong = true,
            }
        }
        if patterns.is_empty() && !wrong {
            let help = format!("write one of: {}", asked.operators().join(", "));
            self.problems.error(node.span(), format!("nothing is asked of `{asked}`")).help(help);
            return None;
        }
        match patterns.len() {
            _ if wrong => None,
            1 => patterns.pop(),
            _ => Some(Pattern::All(patterns.into())),
        }
    }

    fn operator(&mut self, asked: &Asked, key: &Key<'_>, node: &Node<'_>) -> Option<Pattern> {
        let name = &**key.get_ref();
        if let Some(why) = asked.refuses(name) {
            let message = format!("`{asked}` cannot be asked for `{name}`: {why}");
            let help =
                format!("write a value, a list of values, or: {}", asked.operators().join(", "));
            self.problems.error(key.span(), message).help(help);
            return None;
        }
        match name {
            "is" => self.pattern(asked, node),
            "not" => self.pattern(asked, node).map(|pattern| Pattern::Not(Box::new(pattern))),
            "exists" => self.flag("exists", node).map(Pattern::Exists),
            "has_any" => {
                let texts = self.texts(asked, name, node)?;
                Some(Pattern::HasAny(texts.into_iter().map(|(text, _)| Arc::from(text)).collect()))
            }
            "has_all" => {
                let texts = self.texts(asked, name, node)?;
                let texts = texts.into_iter().map(|(text, _)| vec![Arc::from(text)]);
                Some(Pattern::HasAll(texts.collect()))
            }
            "ignore_case" => {
                self.forms(&Asked { ignore_case: true, ..asked.clone() }, Form::Equal, name, node)
            }
            "cidr" => self.networks(asked, node),
            "in_list" => self.in_list(node),
            _ => {
                let form = Form::ALL.into_iter().find(|form| form.name() == name);
                let side = Side::ALL.into_iter().find(|side| side.name() == name);
                match (form, side) {
                    (Some(form), _) => self.forms(asked, form, name, node),
                    (None, Some(side)) => {
                        let limit = self.scalar(asked, node)?;
                        Some(Pattern::Bound(Box::new(Bound { side, limit })))
                    }
                    (None, None) => {
                        self.no_operator(asked, key);
                        None
                    }
                }
            }
        }
    }

    fn no_operator(&mut self, asked: &Asked, key: &Key<'_>) {
        let name = &**key.get_ref();
        if self.is_of_the_rule(name) {
            return self.slipped(key, &format!("match.{asked}"));
        }
        let message = format!("unknown operator `{name}` for `{asked}`");
        let help = match (did_you_mean(name, OPERATORS), &asked.attribute) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(attribute)) => {
                let whole = format!("{attribute}.{name}");
                format!("names with dots stand in quotes: attributes.{whole:?}")
            }
            (None, None) => format!("write one of: {}", asked.operators().join(", ")),
        };
        self.problems.error(key.span(), message).help(help);
    }

    /// A text or several, none of them empty, with their places.
    fn texts<'n>(
        &mut self,
        asked: &Asked,
        operator: &str,
        node: &'n Node<'_>,
    ) -> Option<Vec<(&'n str, Range<usize>)>> {
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
            let message = format!("`{operator}` of nothing is asked of `{asked}`");
            self.problems.error(node.span(), message).help("name a text, or several as a list");
            return None;
        }
        let mut texts = Vec::new();
        for node in &nodes {
            let Some(text) = self.text(operator, node) else { continue };
            if text.is_empty() {
                let message = format!("an empty text for `{operator}`");
                self.problems.error(node.span(), message).help("write { exists = true }");
            } else {
                texts.push((text, node.span()));
            }
        }
        (texts.len() == nodes.len()).then_some(texts)
    }

    /// One of several forms of a text; a list is any of them.
    fn forms(&mut self, asked: &Asked, form: Form, name: &str, node: &Node<'_>) -> Option<Pattern> {
        let texts = self.texts(asked, name, node)?;
        let mut patterns = Vec::new();
        let all = texts.len();
        for (text, place) in texts {
            match Words::new(form, text, asked.ignore_case) {
                Ok(words) => patterns.push(Pattern::Words(Box::new(words))),
                Err(BadWords { message, at }) => {
                    let place = match at {
                        Some(at) => self.inside(place, text, at..(at + 1).min(text.len())),
                        None => place,
                    };
                    let message = format!("this {} cannot be read: {message}", called_form(form));
                    self.problems.error(place, message).help(match form {
                        Form::Regex if at.is_none() => {
                            "\\w and \\d stand for many letters: write [a-z] and [0-9], or fewer repetitions"
                        }
                        Form::Regex => {
                            "look-around and back-references are not known; in '…' a backslash \
                             stands for itself"
                        }
                        Form::Glob => {
                            "* is any text, ? one character, [a-z] one of these, {a,b} either"
                        }
                        Form::Equal | Form::Prefix | Form::Suffix | Form::Contains => {
                            "write a text"
                        }
                    });
                }
            }
        }
        (patterns.len() == all).then(|| one_of(patterns))
    }

    fn networks(&mut self, asked: &Asked, node: &Node<'_>) -> Option<Pattern> {
        let texts = self.texts(asked, "cidr", node)?;
        let mut patterns = Vec::new();
        let all = texts.len();
        for (text, place) in texts {
            match Network::parse(text) {
                Some(network) => patterns.push(Pattern::Cidr(Box::new(network))),
                None => {
                    let message = format!("{text:?} is no network");
                    let help = "write for example \"10.1.0.0/16\" or \"2001:db8::/32\"";
                    self.problems.error(place, message).help(help);
                }
            }
        }
        (patterns.len() == all).then(|| one_of(patterns))
    }

    fn scalar(&mut self, asked: &Asked, node: &Node<'_>) -> Option<Scalar> {
        match (asked.kind, node.get_ref()) {
            (Some(Kind::Duration), DeValue::String(text)) => match duration::parse(text) {
                Ok(found) => SignedDuration::try_from(found).ok().map(Scalar::Duration),
                Err(error) => {
                    let message = format!("`{asked}` is a duration: {error}");
                    self.problems
                        .error(node.span(), message)
                        .help("write it as in \"90s\" or \"1h30m\"");
                    None
                }
            },
            (Some(Kind::Time), DeValue::String(text)) => self.time(asked, node, text),
            (Some(Kind::Time), DeValue::Datetime(time)) => {
                self.time(asked, node, &time.to_string())
            }
            (kind, DeValue::String(text)) if kind.is_none_or(Kind::is_text) => {
                self.known_word(asked, node, text)?;
                Some(Scalar::Text(self.once.text(text)))
            }
            (None | Some(Kind::Flag), DeValue::Boolean(flag)) => Some(Scalar::Flag(*flag)),
            (None | Some(Kind::Number), DeValue::Integer(number)) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                if read.is_err() {
                    self.wrong_type(node, &asked.to_string(), "a number of 64 bits");
                }
                read.ok().map(Scalar::Number)
            }
            (kind, value) => {
                self.no_scalar(asked, kind, node, value);
                None
            }
        }
    }

    fn time(&mut self, asked: &Asked, node: &Node<'_>, text: &str) -> Option<Scalar> {
        let time = text.parse::<Timestamp>().ok();
        if time.is_none() {
            let message = format!("`{asked}` is a time; this is none, or one without its zone");
            let help = "write it as in 2026-11-22T17:00:00Z or \"2026-11-22T18:00:00+01:00\"";
            self.problems.error(node.span(), message).help(help);
        }
        time.map(Scalar::Time)
    }

    fn no_scalar(
        &mut self,
        asked: &Asked,
        kind: Option<Kind>,
        node: &Node<'_>,
        value: &DeValue<'_>,
    ) {
        let wanted = match kind {
            Some(Kind::Attributes) => "a text, as all attributes are",
            Some(kind) => kind.name(),
            None => "compared to texts, whole numbers, true and false",
        };
        let message = format!("`{asked}` is {wanted}; this is {}", called(value));
        let written = self.source.get(node.span()).unwrap_or_default();
        let help = match (kind, value) {
            (_, DeValue::Array(_) | DeValue::Table(_)) => "a list holds plain values".to_owned(),
            (Some(kind), _) if kind.is_several() => {
                format!("say how many: {{ has_any = [{written}] }} or {{ has_all = [{written}] }}")
            }
            (Some(Kind::Flag | Kind::Number), DeValue::String(_)) => {
                "write it without quotes".to_owned()
            }
            (Some(Kind::Flag), _) => "write true or false".to_owned(),
            (Some(Kind::Number), _) => "write a whole number, without quotes".to_owned(),
            (Some(Kind::Duration), _) => "write it in quotes, with its unit: \"90s\"".to_owned(),
            _ => format!("write it in quotes: \"{written}\""),
        };
        self.problems.error(node.span(), message).help(help);
    }

    /// Warns of words that Genesys Cloud is not known to use.
    fn known_word(&mut self, asked: &Asked, node: &Node<'_>, word: &str) -> Option<()> {
        if word.is_empty() {
            let message = format!("`{asked}` is never empty: what is empty counts as absent");
            self.problems.error(node.span(), message).help("write { exists = false }");
            return None;
        }
        let is_known =
            |known: &&str| *known == word || asked.ignore_case && known.eq_ignore_ascii_case(word);
        if !asked.words.is_empty() && !asked.words.iter().any(is_known) {
            let message = format!("`{asked}` is not known to be {word:?}");
            self.problems.warning(node.span(), message).help(suggestion(word, asked.words));
        }
        Some(())
    }
}

/// Equal to one of these, in the case in which they are written or any.
fn equal(asked: &Asked, scalars: Vec<Scalar>) -> Pattern {
    if !asked.ignore_case {
        return Pattern::AnyOf(scalars);
    }
    let one =
        |scalar: Scalar| match scalar.as_text().map(|text| Words::new(Form::Equal, text, true)) {
            Some(Ok(words)) => Pattern::Words(Box::new(words)),
            Some(Err(_)) | None => Pattern::AnyOf(vec![scalar]),
        };
    one_of(scalars.into_iter().map(one).collect())
}

fn one_of(mut patterns: Vec<Pattern>) -> Pattern {
    match (patterns.len(), patterns.pop()) {
        (1, Some(pattern)) => pattern,
        (_, last) => {
            patterns.extend(last);
            Pattern::Either(patterns.into())
        }
    }
}

fn called_form(form: Form) -> &'static str {
    match form {
        Form::Regex => "regular expression",
        Form::Glob => "glob",
        Form::Equal | Form::Prefix | Form::Suffix | Form::Contains => "text",
    }
}
