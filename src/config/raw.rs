//! The file as written, with the place of every value.
//!
//! A reader is asked for each key in turn, by its full name, and notes every value that is not of
//! the wanted kind; what nobody asked for is unknown. So all mistakes of a file are found in one
//! go, where a derived deserialiser stops at the first. Nothing outside this file knows TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration;
use super::origin::{Origin, Origins};
use super::problem::{Problem, Problems, did_you_mean};
use super::secret_text;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// The places of the values that are there.
pub(super) type Places = BTreeMap<&'static str, Range<usize>>;

/// One file while it is read.
pub(super) struct File<'t> {
    pub(super) problems: Problems<'t>,
    pub(super) origins: Origins,
    pub(super) places: Places,
    /// The same of each table of the one list of tables.
    pub(super) places_in_tables: Vec<Places>,
    root: DeTable<'t>,
    text: &'t str,
    /// What the paths in the file are relative to.
    folder: PathBuf,
    /// Every key that was asked for: the known ones.
    asked: BTreeSet<&'static str>,
}

impl<'t> File<'t> {
    /// Reads the TOML.
    ///
    /// # Errors
    ///
    /// If it is none: every mistake that the parser could tell apart.
    pub(super) fn parse(path: &'t Path, text: &'t str) -> Result<File<'t>, Vec<Problem>> {
        let mut problems = Problems::new(path, text);
        for span in secret_text::spans(text) {
            problems.hide(span);
        }
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                let span = error.span().unwrap_or(0..0);
                problems.error(span, format!("this is not TOML: {}", error.message()));
            }
            return Err(problems.into_found());
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(File {
            problems,
            origins: Origins::default(),
            places: Places::new(),
            places_in_tables: Vec::new(),
            root: root.into_inner(),
            text,
            folder,
            asked: BTreeSet::new(),
        })
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Placed<String>> {
        let value = self.take(key)?;
        let span = value.span();
        match value.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), span }),
            None => self.wrong_kind(key, &value, "a text in quotes"),
        }
    }

    /// A text that must not be empty.
    pub(super) fn word(&mut self, key: &'static str) -> Option<Placed<String>> {
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            let message = format!("`{key}` must not be empty");
            self.problems.error(text.span, message).help("leave the line out, or write a value");
            return None;
        }
        Some(text)
    }

    /// A path, made relative to the file's folder.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.word(key).map(|path| self.beside(&path.value))
    }

    /// A path as it is meant in this file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = value.get_ref().as_bool();
        flag.or_else(|| self.wrong_kind(key, &value, "true or false"))
    }

    /// A list of texts, none of them empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let value = self.take(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return self.wrong_kind(key, &value, "a list of texts, such as [\"a\", \"b\"]");
        };
        let mut texts = Vec::with_capacity(array.len());
        for element in array.iter() {
            match element.get_ref().as_str() {
                Some(text) if !text.trim().is_empty() => {
                    texts.push(Placed { value: text.to_owned(), span: element.span() });
                }
                Some(_) => {
                    let message = format!("`{key}` holds an empty text");
                    self.problems.error(element.span(), message);
                }
                None => {
                    let _none: Option<()> = self.wrong_kind(key, element, "texts in quotes only");
                }
            }
        }
        Some(texts)
    }

    /// Tables in a list, each read by itself: its keys are named without a section.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut File<'t>, Range<usize>) -> T,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let wanted = format!("a list of tables, each of which begins with `[[{key}]]`");
        let Some(list) = value.get_ref().as_array() else {
            return self.wrong_kind(key, &value, &wanted);
        };
        let mut found = Vec::with_capacity(list.len());
        for element in list.iter() {
            let DeValue::Table(table) = element.get_ref() else {
                let _none: Option<()> = self.wrong_kind(key, element, &wanted);
                continue;
            };
            let root = mem::replace(&mut self.root, table.clone());
            let origins = mem::take(&mut self.origins);
            let places = mem::take(&mut self.places);
            let asked = mem::take(&mut self.asked);
            found.push(read(self, element.span()));
            self.note_unknown_in_table(key);
            let _of_the_table = mem::replace(&mut self.root, root);
            let _of_the_table = mem::replace(&mut self.asked, asked);
            let origins = mem::replace(&mut self.origins, origins);
            self.origins.add_table(key, origins);
            let places = mem::replace(&mut self.places, places);
            self.places_in_tables.push(places);
        }
        Some(found)
    }

    fn note_unknown_in_table(&mut self, list: &str) {
        let known: Vec<&str> = self.asked.iter().copied().collect();
        let unknown = self.root.keys().filter(|key| !self.asked.contains(&**key.get_ref()));
        for key in unknown.cloned().collect::<Vec<_>>() {
            let name = key.get_ref();
            let message = match did_you_mean(name, known.iter().copied()) {
                Some(word) => format!("unknown key `{name}`; did you mean `{word}`?"),
                None => format!("unknown key `{name}`"),
            };
            let help = format!("known in [[{list}]]: {}", known.join(", "));
            self.problems.error(key.span(), message).help(help);
        }
    }

    /// A whole number in a range; `why` says what the range is for.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        why: &str,
    ) -> Option<u32> {
        let value = self.take(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            return self.wrong_kind(key, &value, "a whole number without quotes");
        };
        // What does not fit is outside of every range as well.
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("`{key}` must be from {} to {}", range.start(), range.end());
            self.problems.error(value.span(), message).help(why);
        }
        number
    }

    /// A share from 0 to 1, in thousandths; `why` says what it is for.
    pub(super) fn share(&mut self, key: &'static str, why: &str) -> Option<u32> {
        let value = self.take(key)?;
        let text = match value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                return self.wrong_kind(key, &value, "a number from 0 to 1 without quotes");
            }
        };
        match text.parse::<f64>() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to 1000, as was just looked"
            )]
            Ok(share) if (0.0..=1.0).contains(&share) => Some((share * 1000.0).round() as u32),
            Ok(_) | Err(_) => {
                let message = format!("`{key}` must be from 0 to 1");
                self.problems.error(value.span(), message).help(why);
                None
            }
        }
    }

    /// A duration in a range; `why` says what the range is for.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
        why: &str,
    ) -> Option<Duration> {
        let value = self.take(key)?;
        let span = value.span();
        let Some(text) = value.get_ref().as_str() else {
            return self.wrong_kind(key, &value, "a duration in quotes, such as \"10s\"");
        };
        match duration::parse(text) {
            Ok(found) if range.contains(&found) => Some(found),
            Ok(_) => {
                let (min, max) = (duration::show(*range.start()), duration::show(*range.end()));
                let message = format!("`{key}` must be from {min} to {max}");
                self.problems.error(span, message).help(why);
                None
            }
            Err(error) => {
                self.problems.error(span, error.to_string());
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known = words.iter().map(|(word, _)| *word);
        let list = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>();
        let message = match did_you_mean(&text.value, known) {
            Some(word) => {
                format!("`{key}` cannot be `{}`; did you mean `{word}`?", text.value)
            }
            None => format!("`{key}` cannot be `{}`", text.value),
        };
        self.problems.error(text.span, message).help(format!("write one of {}", list.join(", ")));
        None
    }

    /// A key that must not be there, whatever its value, which is kept out of all reports.
    pub(super) fn forbidden(&mut self, key: &'static str, message: &str, help: &str) {
        let (table, name) = self.table_of(key);
        let found = table.and_then(|table| table.get_key_value(name));
        let Some((key_span, value_span)) = found.map(|(key, value)| (key.span(), value.span()))
        else {
            return;
        };
        self.asked.insert(key);
        self.problems.hide(value_span);
        self.problems.error(key_span, message).help(help);
    }

    /// Notes every key and section that nobody asked for.
    pub(super) fn note_unknown(&mut self) {
        let mut unknown = Vec::new();
        for (key, value) in self.root.iter() {
            let name: &str = key.get_ref();
            let is_section = self.sections().any(|section| section == name);
            match value.get_ref().as_table() {
                Some(table) if is_section => {
                    for key in table.keys() {
                        if !self.asked.contains(format!("{name}.{}", key.get_ref()).as_str()) {
                            unknown.push((key.span(), self.unknown_key(name, key.get_ref())));
                        }
                    }
                }
                Some(_) => unknown.push((key.span(), self.unknown_section(name))),
                None if is_section => {
                    let message = format!("`{name}` is a section");
                    let help = format!("write `[{name}]` on a line, and its keys below");
                    unknown.push((key.span(), (message, help)));
                }
                None if !self.asked.contains(name) => {
                    unknown.push((key.span(), self.unknown_key("", name)));
                }
                None => {}
            }
        }
        for (span, (message, help)) in unknown {
            self.problems.error(span, message).help(help);
        }
    }

    fn unknown_key(&self, section: &str, name: &str) -> (String, String) {
        let split = |key: &&'static str| key.split_once('.').unwrap_or(("", key));
        let here: Vec<&str> =
            self.asked.iter().map(split).filter(|(s, _)| *s == section).map(|(_, n)| n).collect();
        let elsewhere = self.asked.iter().map(split).find(|(_, known)| *known == name);
        let message = match (did_you_mean(name, here.iter().copied()), elsewhere) {
            (_, Some(("", _))) => format!("`{name}` belongs above the first section"),
            (_, Some((other, _))) => format!("`{name}` belongs to the section `[{other}]`"),
            (Some(word), None) => format!("unknown key `{name}`; did you mean `{word}`?"),
            (None, None) => format!("unknown key `{name}`"),
        };
        let help = if section.is_empty() {
            let sections: Vec<String> = self.sections().map(|name| format!("[{name}]")).collect();
            format!("known here: {}, and the sections {}", here.join(", "), sections.join(", "))
        } else {
            format!("known in [{section}]: {}", here.join(", "))
        };
        (message, help)
    }

    fn unknown_section(&self, name: &str) -> (String, String) {
        let sections: Vec<&str> = self.sections().collect();
        let message = match did_you_mean(name, sections.iter().copied()) {
            Some(word) => format!("unknown section `[{name}]`; did you mean `[{word}]`?"),
            None => format!("unknown section `[{name}]`"),
        };
        (message, format!("known are: {}", sections.join(", ")))
    }

    fn sections(&self) -> impl Iterator<Item = &'static str> {
        let sections: BTreeSet<&'static str> =
            self.asked.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
        sections.into_iter()
    }

    fn table_of(&self, key: &'static str) -> (Option<&DeTable<'t>>, &'static str) {
        match key.split_once('.') {
            None => (Some(&self.root), key),
            Some((section, name)) => {
                let table = self.root.get(section).and_then(|value| value.get_ref().as_table());
                (table, name)
            }
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.asked.insert(key);
        let (table, name) = self.table_of(key);
        let value = table?.get(name)?.clone();
        let before = self.text.get(..value.span().start).unwrap_or_default();
        self.origins.set(key, Origin::File { line: before.matches('\n').count() + 1 });
        self.places.insert(key, value.span());
        Some(value)
    }

    fn wrong_kind<T>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
    ) -> Option<T> {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        let message = format!("`{key}` must be {wanted}, and this is {found}");
        self.problems.error(value.span(), message);
        None
    }
}
