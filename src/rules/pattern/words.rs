//! Parts of texts: how one begins, ends, what stands in it, globs and regular expressions.
//!
//! Globs and regular expressions are compiled once. A regular expression takes time in proportion to
//! the text, whatever it is, and its size is bounded.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

/// The bytes that one regular expression may take when compiled. `\w{100}` takes about 800 kB,
/// because Unicode has many letters; what takes more is nearly always a slip.
const REGEX_SIZE: usize = 1 << 20;

/// What a text has to be like.
#[derive(Clone, Debug)]
pub struct Words {
    pub form: Form,
    /// As it was written.
    pub text: Arc<str>,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
    compiled: Compiled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    Equal,
    Prefix,
    Suffix,
    Contains,
    Glob,
    Regex,
}

#[derive(Clone)]
enum Compiled {
    /// The text, in lower case if case does not count.
    Plain(Arc<str>),
    Glob(Box<GlobMatcher>),
    Regex(Box<Regex>),
}

/// A glob or regular expression that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadWords {
    pub message: String,
    /// Where in the text, in bytes, if that is known.
    pub at: Option<usize>,
}

impl Form {
    pub const ALL: [Form; 6] =
        [Form::Equal, Form::Prefix, Form::Suffix, Form::Contains, Form::Glob, Form::Regex];

    /// The operator.
    pub fn name(self) -> &'static str {
        match self {
            Form::Equal => "is",
            Form::Prefix => "prefix",
            Form::Suffix => "suffix",
            Form::Contains => "contains",
            Form::Glob => "glob",
            Form::Regex => "regex",
        }
    }
}

impl Words {
    /// # Errors
    ///
    /// If it is a glob or a regular expression that cannot be read or is too large.
    pub fn new(form: Form, text: &str, ignore_case: bool) -> Result<Words, BadWords> {
        let compiled = match form {
            Form::Equal | Form::Prefix | Form::Suffix | Form::Contains => {
                Compiled::Plain(if ignore_case { text.to_lowercase().into() } else { text.into() })
            }
            Form::Glob => {
                let mut glob = GlobBuilder::new(text);
                let glob = glob.backslash_escape(true).case_insensitive(ignore_case).build();
                Compiled::Glob(Box::new(glob.map_err(|error| bad_glob(&error))?.compile_matcher()))
            }
            Form::Regex => {
                let mut regex = RegexBuilder::new(text);
                let regex = regex.case_insensitive(ignore_case).size_limit(REGEX_SIZE).build();
                Compiled::Regex(Box::new(regex.map_err(|error| bad_regex(&error))?))
            }
        };
        Ok(Words { form, text: Arc::from(text), ignore_case, compiled })
    }

    pub fn holds(&self, found: &str) -> bool {
        match &self.compiled {
            Compiled::Glob(glob) => glob.is_match(found),
            Compiled::Regex(regex) => regex.is_match(found),
            Compiled::Plain(wanted) if self.ignore_case => {
                self.plain(wanted, &found.to_lowercase())
            }
            Compiled::Plain(wanted) => self.plain(wanted, found),
        }
    }

    fn plain(&self, wanted: &str, found: &str) -> bool {
        match self.form {
            Form::Prefix => found.starts_with(wanted),
            Form::Suffix => found.ends_with(wanted),
            Form::Contains => found.contains(wanted),
            Form::Equal | Form::Glob | Form::Regex => found == wanted,
        }
    }

    /// True only if no text is known to be like both.
    pub(super) fn excludes(&self, other: &Words) -> bool {
        let (Compiled::Plain(mine), Compiled::Plain(theirs)) = (&self.compiled, &other.compiled)
        else {
            return false;
        };
        if self.ignore_case != other.ignore_case {
            return false;
        }
        let apart = |one: &str, other: &str, starts: fn(&str, &str) -> bool| {
            !starts(one, other) && !starts(other, one)
        };
        match (self.form, other.form) {
            (Form::Equal, _) => !other.plain(theirs, mine),
            (_, Form::Equal) => !self.plain(mine, theirs),
            (Form::Prefix, Form::Prefix) => apart(mine, theirs, |a, b| a.starts_with(b)),
            (Form::Suffix, Form::Suffix) => apart(mine, theirs, |a, b| a.ends_with(b)),
            (Form::Prefix | Form::Suffix | Form::Contains | Form::Glob | Form::Regex, _) => false,
        }
    }

    /// True only if whatever is like this is known to be like `other`, too.
    pub(super) fn implies(&self, other: &Words) -> bool {
        let (Compiled::Plain(mine), Compiled::Plain(theirs)) = (&self.compiled, &other.compiled)
        else {
            return self == other;
        };
        if self.ignore_case != other.ignore_case {
            return false;
        }
        match (self.form, other.form) {
            (Form::Equal, _) => other.plain(theirs, mine),
            (Form::Prefix | Form::Suffix | Form::Contains, Form::Contains) => {
                mine.contains(&**theirs)
            }
            (Form::Prefix, Form::Prefix) => mine.starts_with(&**theirs),
            (Form::Suffix, Form::Suffix) => mine.ends_with(&**theirs),
            (Form::Prefix | Form::Suffix | Form::Contains | Form::Glob | Form::Regex, _) => false,
        }
    }
}

fn bad_glob(error: &globset::Error) -> BadWords {
    BadWords { message: error.kind().to_string(), at: None }
}

/// The last line of what the parser says is what is wrong; before it come the text and carets.
fn bad_regex(error: &regex::Error) -> BadWords {
    if let regex::Error::CompiledTooBig(limit) = error {
        let message = format!("it is too large: compiled it takes more than {} kB", limit >> 10);
        return BadWords { message, at: None };
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let message = last.trim_start_matches("error: ").to_owned();
    let caret = text.lines().rev().nth(1).and_then(|line| line.find('^'));
    // The parser indents what it shows by four blanks.
    BadWords { message, at: caret.and_then(|at| at.checked_sub(4)) }
}

impl PartialEq for Words {
    fn eq(&self, other: &Words) -> bool {
        (self.form, &self.text, self.ignore_case) == (other.form, &other.text, other.ignore_case)
    }
}

impl Eq for Words {}

impl Hash for Words {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.form, &self.text, self.ignore_case).hash(state);
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compiled::Plain(_) => "plain",
            Compiled::Glob(_) => "glob",
            Compiled::Regex(_) => "regex",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_takes_what_it_says() {
        for (form, text, yes, no) in [
            (Form::Equal, "Gold", &["Gold"][..], &["gold", "Golden"][..]),
            (Form::Prefix, "Go", &["Gold", "Go"], &["gold", "aGo"]),
            (Form::Suffix, "ld", &["Gold", "ld"], &["LD", "ldx"]),
            (Form::Contains, "ol", &["Gold", "ol"], &["GOLD", "o l"]),
            (Form::Glob, "*@{a,b}.example", &["x@a.example", "x/y@b.example"], &["x@c.example"]),
            (Form::Regex, "^[A-Z]{2}-\\d+$", &["AB-17"], &["ab-17", "AB-", "xAB-1"]),
            (Form::Regex, "o[lm]", &["Gold", "home"], &["gad"]),
        ] {
            let words = Words::new(form, text, false).unwrap();
            let folded = Words::new(form, text, true).unwrap();
            for one in yes {
                assert!(words.holds(one), "{form:?} {text} of {one}");
                assert!(folded.holds(&one.to_uppercase()), "{form:?} {text} of {one}, any case");
                assert!(folded.holds(&one.to_lowercase()), "{form:?} {text} of {one}, any case");
            }
            for one in no {
                assert!(!words.holds(one), "{form:?} {text} of {one}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let bad = |form, text| Words::new(form, text, false).unwrap_err();
        let unclosed = bad(Form::Regex, "^(AB-\\d+$");
        assert_eq!((unclosed.message.as_str(), unclosed.at), ("unclosed group", Some(1)));
        assert_eq!(bad(Form::Regex, "(?=x)").at, Some(0));
        assert!(bad(Form::Regex, "\\w{1000}").message.starts_with("it is too large"));
        assert_eq!(bad(Form::Glob, "[a").message, "unclosed character class; missing ']'");
    }
}
