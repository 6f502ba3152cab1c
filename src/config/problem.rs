//! A problem in a file that somebody wrote, and how it is shown.
//!
//! Shared by the configuration and the rules, so that both speak alike:
//!
//! ```text
//! error: unknown key `worker`; did you mean `workers`?
//!   --> attributed.toml:3:1
//!    |
//!  3 | worker = 3
//!    | ^^^^^^
//!    = write one of: workers, requests_per_second, …
//! ```

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Whether the file can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Warning,
    Error,
}

/// One problem, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub severity: Severity,
    pub file: PathBuf,
    /// From 1; `None` when it is about the file as a whole.
    pub place: Option<Place>,
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Where in the file, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters, at least 1, no further than the end of the line.
    pub length: usize,
    /// The line itself, without its end.
    pub text: String,
}

/// Where somebody wrote something: for problems that are found once the file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub file: PathBuf,
    pub place: Option<Place>,
}

/// Collects the problems of one file.
pub struct Problems<'a> {
    file: &'a Path,
    text: &'a str,
    /// What no report may show.
    hidden: Vec<Range<usize>>,
    /// The places are made at the end, when it is known what must not show.
    found: Vec<(Option<Range<usize>>, Problem)>,
}

impl<'a> Problems<'a> {
    pub fn new(file: &'a Path, text: &'a str) -> Problems<'a> {
        Problems { file, text, hidden: Vec::new(), found: Vec::new() }
    }

    pub fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, Some(span), message.into())
    }

    pub fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, Some(span), message.into())
    }

    /// A problem of the file as a whole.
    pub fn error_of_file(&mut self, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Error, None, message.into())
    }

    /// A warning about the file as a whole.
    pub fn warning_of_file(&mut self, message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, None, message.into())
    }

    /// How many errors there are so far.
    pub fn errors(&self) -> usize {
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        self.found.iter().filter(|(_, problem)| is_error(problem)).count()
    }

    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// Keeps this part of the text out of every report, also of those about its neighbours: it
    /// holds a secret, or may.
    pub fn hide(&mut self, span: Range<usize>) {
        self.hidden.push(span);
    }

    /// A place in the file, for a problem that may be found later.
    pub fn declared(&self, span: Range<usize>) -> Declared {
        let place = Some(Place::of(self.text, span));
        Declared { file: self.file.to_owned(), place }
    }

    /// The problems, in the order of their places.
    pub fn into_found(self) -> Vec<Problem> {
        let text = self.without_hidden();
        let place = |(span, mut problem): (Option<Range<usize>>, Problem)| {
            problem.place = span.map(|span| Place::of(&text, span));
            problem
        };
        let mut found: Vec<Problem> = self.found.into_iter().map(place).collect();
        let key =
            |problem: &Problem| problem.place.as_ref().map(|place| (place.line, place.column));
        found.sort_by_key(key);
        found
    }

    /// The text, as long as it was, with asterisks where something is hidden.
    fn without_hidden(&self) -> Cow<'a, str> {
        if self.hidden.is_empty() {
            return Cow::Borrowed(self.text);
        }
        let mut text = String::with_capacity(self.text.len());
        for (at, c) in self.text.char_indices() {
            if c != '\n' && self.hidden.iter().any(|span| span.contains(&at)) {
                text.extend(std::iter::repeat_n('*', c.len_utf8()));
            } else {
                text.push(c);
            }
        }
        Cow::Owned(text)
    }

    fn add(
        &mut self,
        severity: Severity,
        span: Option<Range<usize>>,
        message: String,
    ) -> &mut Problem {
        let file = self.file.to_owned();
        self.found.push((span, Problem { severity, file, place: None, message, help: None }));
        &mut self.found.last_mut().expect("one was pushed just now").1
    }
}

impl Problem {
    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// A problem of a file as a whole, such as that it cannot be read.
    pub fn of_file(file: &Path, message: impl Into<String>) -> Problem {
        let (severity, file) = (Severity::Error, file.to_owned());
        Problem { severity, file, place: None, message: message.into(), help: None }
    }
}

impl Declared {
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { place: self.place.clone(), ..Problem::of_file(&self.file, message) }
    }
}

impl Place {
    fn of(text: &str, span: Range<usize>) -> Place {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let mut end = span.end.clamp(start, line_end);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Place {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: text[start..end].chars().count().max(1),
            text: text[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}\n  --> {}", self.message, self.file.display())?;
        if let Some(Place { line, column, length, text }) = &self.place {
            let gutter = line.to_string().len().max(2);
            write!(f, ":{line}:{column}\n{:gutter$} |\n{line:>gutter$} | {text}\n", "")?;
            // Tabs keep their width, so that the caret stands under its place.
            let indent: String =
                text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "{:gutter$} | {indent}{}", "", "^".repeat(*length))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = {help}")?;
        }
        Ok(())
    }
}

/// The word among `known` that somebody who wrote `word` most likely meant.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = word.to_lowercase();
    let near = known.into_iter().map(|candidate| {
        (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
    });
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= (word.chars().count() / 3).max(1)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_problem_shows_its_line() {
        let text = "[updates]\nworker = 3\n";
        let mut problems = Problems::new(Path::new("attributed.toml"), text);
        problems.error(10..16, "unknown key `worker`").help("did you mean `workers`?");
        expect![[r"
            error: unknown key `worker`
              --> attributed.toml:2:1
               |
             2 | worker = 3
               | ^^^^^^
               = did you mean `workers`?"]]
        .assert_eq(&problems.into_found()[0].to_string());
    }

    #[test]
    fn places_outside_of_the_text_do_not_panic() {
        let mut problems = Problems::new(Path::new("x"), "é");
        problems.error(1..99, "odd");
        assert_eq!(problems.into_found()[0].place.as_ref().unwrap().column, 1);
    }

    #[test]
    fn what_is_hidden_does_not_show_beside_another_problem() {
        let text = "x = { secret = \"hünter\", y = 1 }";
        let mut problems = Problems::new(Path::new("x"), text);
        let at = text.find("y =").unwrap();
        problems.error(at..at + 1, "odd");
        problems.hide(15..24);
        let place = problems.into_found()[0].place.clone().unwrap();
        assert_eq!(place.text, "x = { secret = *********, y = 1 }");
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(did_you_mean("worker", ["workers", "max_age"]), Some("workers"));
        assert_eq!(did_you_mean("colour", ["workers", "max_age"]), None);
    }
}
