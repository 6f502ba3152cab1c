//! Reading the text of a list's file: one value a line, or CSV with a header row.
//!
//! Lines without anything in them are left out; so are, where there is one value a line, those that
//! begin with `#`. CSV is what spreadsheets write: separated by commas, semicolons or tabs, which
//! the header row tells; with or without a byte order mark. A value never spans lines: nobody wants
//! such an attribute, and it is what a quote that is not closed looks like.

use std::path::Path;
use std::sync::Arc;

use super::{Builder, Keying, List, MAX_BYTES, MAX_ENTRIES, Refused, VALUE};
use crate::config::problem::{Place, Problem, Severity, did_you_mean};

/// Bad lines that are shown, and lines whose key comes again; the rest is counted.
const SHOWN: usize = 10;
/// Characters of a bad line that are shown.
const LINE: usize = 200;

/// A list and the warnings about it, or what is wrong with it.
pub type Read = Result<(List, Vec<Problem>), Vec<Problem>>;

impl List {
    /// Reads the bytes of a list's file. `key` names the key's column; without it there is one value
    /// a line. `file` is only used to say where a problem is.
    ///
    /// # Errors
    ///
    /// Bad lines, the first of them with their places and the rest as a number. A message never
    /// holds what stands in a line.
    pub fn read(file: &Path, bytes: &[u8], key: Option<&str>, keying: Keying) -> Read {
        if bytes.len() > MAX_BYTES {
            let message = format!("the list is too large: {} MiB", bytes.len() >> 20);
            let mut problem = Problem::of_file(file, message);
            problem.help(format!("a list has {} MiB at most", MAX_BYTES >> 20));
            return Err(vec![problem]);
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => return Err(vec![not_utf8(file, bytes, error.valid_up_to())]),
        };
        let mut lines =
            Lines { file, text, found: Vec::new(), bad: 0, again: 0, places: Vec::new() };
        let builder = match key {
            None => lines.plain(keying),
            Some(key) => lines.csv(keying, key),
        };
        match builder {
            Some(builder) if lines.bad == 0 => Ok(lines.finish(builder)),
            _ => {
                lines.count_the_rest();
                Err(lines.found)
            }
        }
    }

    /// A list of rows that stand in the rules file, each with a cell for each column. Beside it
    /// comes the place of each row whose key a later row has.
    ///
    /// # Errors
    ///
    /// The place of each row whose key is none; [`Keying::wants`] says what it has to be.
    pub fn of_rows(
        keying: Keying,
        columns: Vec<Arc<str>>,
        key: usize,
        rows: &[Vec<&str>],
    ) -> Result<(List, Vec<usize>), Vec<usize>> {
        let mut builder = Builder::new(keying, columns, key);
        let added =
            rows.iter().enumerate().map(|(at, row)| (at, builder.push(row.iter().copied())));
        let bad: Vec<usize> = added.filter(|(_, added)| added.is_err()).map(|(at, _)| at).collect();
        if !bad.is_empty() {
            return Err(bad);
        }
        let mut replaced = Vec::new();
        let list = builder.finish(|earlier, _| replaced.push(earlier as usize));
        Ok((list, replaced))
    }
}

/// A reading under way.
struct Lines<'f> {
    file: &'f Path,
    text: &'f str,
    found: Vec<Problem>,
    bad: usize,
    again: usize,
    /// Where in the text each row begins.
    places: Vec<u32>,
}

impl Lines<'_> {
    fn plain(&mut self, keying: Keying) -> Option<Builder> {
        let mut builder = Builder::new(keying, vec![Arc::from(VALUE)], 0);
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let value = line.trim();
            if !value.is_empty()
                && !value.starts_with('#')
                && !self.add(&mut builder, at, [value].into_iter())
            {
                return None;
            }
            at += line.len();
        }
        Some(builder)
    }

    fn csv(&mut self, keying: Keying, key: &str) -> Option<Builder> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter(self.text))
            .from_reader(self.text.as_bytes());
        let mut record = csv::StringRecord::new();
        let mut builder = None;
        // Reading memory that is known to be UTF-8 does not fail.
        while reader.read_record(&mut record).unwrap_or(false) {
            let at = record.position().map_or(0, csv::Position::byte);
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let Some(builder) = &mut builder else {
                builder = Some(self.header(at, &record, keying, key)?);
                continue;
            };
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if !self.row(builder, at, &record) {
                return None;
            }
        }
        if builder.is_none() {
            self.bad += 1;
            let mut problem = Problem::of_file(self.file, "the list is empty");
            problem.help(format!("its first line names the columns, `{key}` among them"));
            self.found.push(problem);
        }
        builder
    }

    fn header(
        &mut self,
        at: usize,
        record: &csv::StringRecord,
        keying: Keying,
        key: &str,
    ) -> Option<Builder> {
        let columns: Vec<Arc<str>> = record.iter().map(|name| Arc::from(name.trim())).collect();
        let mut twice = columns.iter().enumerate();
        let twice = twice.find(|(at, name)| !name.is_empty() && columns[..*at].contains(name));
        if let Some((_, name)) = twice {
            let help = "give one of them another name";
            self.bad_line(
                at,
                name,
                format!("there are two columns named `{name}`"),
                help.to_owned(),
            );
            return None;
        }
        let Some(key) = columns.iter().position(|column| **column == *key) else {
            let known = columns.iter().map(|column| &**column).filter(|name| !name.is_empty());
            let help = match did_you_mean(key, known.clone()) {
                Some(meant) => {
                    format!("did you mean `{meant}`? write key = {meant:?} in the rules")
                }
                None => format!("its columns are: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("the list has no column `{key}`, which is to be its key");
            self.bad_line(at, "", message, help);
            return None;
        };
        Some(Builder::new(keying, columns, key))
    }

    /// Adds a row; false if there is no use in going on.
    fn row(&mut self, builder: &mut Builder, at: usize, record: &csv::StringRecord) -> bool {
        let columns = builder.list.columns.len();
        if let Some(cell) = record.iter().find(|cell| cell.trim().contains(['\n', '\r'])) {
            let begin = cell.lines().next().unwrap_or_default();
            let help = "close the quote, or take the line break out";
            self.bad_line(
                at,
                begin,
                "a value that goes on in the next line".to_owned(),
                help.to_owned(),
            );
            return true;
        }
        if record.len() != columns {
            let message =
                format!("the columns are {columns}, the values of this line {}", record.len());
            let help = "write as many as there are columns; a value that holds a separator stands in quotes";
            self.bad_line(at, "", message, help.to_owned());
            return true;
        }
        self.add(builder, at, record.iter())
    }

    /// Adds the cells of a row; false if there is no use in going on.
    fn add<'c>(
        &mut self,
        builder: &mut Builder,
        at: usize,
        cells: impl Iterator<Item = &'c str> + Clone,
    ) -> bool {
        match builder.push(cells.clone()) {
            Ok(()) => {
                self.places.push(u32::try_from(at).unwrap_or(u32::MAX));
                true
            }
            Err(Refused::Key) => {
                let List { keying, columns, key, .. } = &builder.list;
                let cell = cells.clone().nth(*key).unwrap_or_default().trim();
                let message = match cell.is_empty() {
                    true => format!("no `{}` in this line, which is the key", columns[*key]),
                    false => "this cannot be a key of the list".to_owned(),
                };
                self.bad_line(at, cell, message, keying.wants().to_owned());
                true
            }
            Err(Refused::Full) => {
                let message = format!("the list has more than {MAX_ENTRIES} entries");
                self.bad_line(at, "", message, "shorten it, or make two lists of it".to_owned());
                false
            }
        }
    }

    fn finish(mut self, builder: Builder) -> (List, Vec<Problem>) {
        let places = std::mem::take(&mut self.places);
        let list = builder.finish(|earlier, later| {
            self.again += 1;
            if self.again <= SHOWN {
                let (earlier, later) = (places[earlier as usize], places[later as usize]);
                let message = format!(
                    "the key of this line is that of line {}, too",
                    self.line_number(earlier as usize)
                );
                let help = "the later line counts; delete one of them";
                self.problem(Severity::Warning, later as usize, "", message, help.to_owned());
            }
        });
        if self.again > SHOWN {
            let message =
                format!("{} more lines have the key of an earlier one", self.again - SHOWN);
            self.warn(message);
        }
        if list.is_empty() {
            self.warn("the list has no entries: nothing is in it".to_owned());
        }
        (list, self.found)
    }

    fn warn(&mut self, message: String) {
        let severity = Severity::Warning;
        self.found.push(Problem { severity, ..Problem::of_file(self.file, message) });
    }

    fn bad_line(&mut self, at: usize, part: &str, message: String, help: String) {
        self.bad += 1;
        if self.bad <= SHOWN {
            self.problem(Severity::Error, at, part, message, help);
        }
    }

    fn count_the_rest(&mut self) {
        if self.bad > SHOWN {
            let message = format!("{} more lines of the list are bad", self.bad - SHOWN);
            self.found.push(Problem::of_file(self.file, message));
        }
    }

    /// A problem of the line that begins at `at`, or after empty lines there, and of a part of it.
    fn problem(
        &mut self,
        severity: Severity,
        at: usize,
        part: &str,
        message: String,
        help: String,
    ) {
        let place = place(self.text, at, part);
        let file = self.file.to_owned();
        self.found.push(Problem { severity, file, place: Some(place), message, help: Some(help) });
    }

    fn line_number(&self, at: usize) -> usize {
        place(self.text, at, "").line
    }
}

fn place(text: &str, at: usize, part: &str) -> Place {
    let mut at = at.min(text.len());
    // The parser counts the line end before a row to the row.
    at += text[at..].len() - text[at..].trim_start_matches(['\n', '\r']).len();
    let line = text[at..].lines().next().unwrap_or_default();
    let shown: String = line.chars().take(LINE).collect();
    let column = shown.find(part).map_or(0, |start| shown[..start].chars().count());
    let whole = if part.is_empty() { shown.chars().count() } else { part.chars().count() };
    let length = whole.min(shown.chars().count() - column).max(1);
    let line = text[..at].bytes().filter(|byte| *byte == b'\n').count() + 1;
    Place { line, column: column + 1, length, text: shown }
}

/// What separates the columns: what the header row has most of.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    // Of equals the last is taken.
    b"\t;,".iter().copied().max_by_key(count).unwrap_or(b',')
}

fn not_utf8(file: &Path, bytes: &[u8], at: usize) -> Problem {
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut problem = Problem::of_file(file, format!("line {line} of the list is not UTF-8"));
    problem.help("save it again as \"CSV UTF-8\", as spreadsheets call it");
    problem
}
