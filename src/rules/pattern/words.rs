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
    /// The text, in lower case if case does not count. A glob that is nothing else has that form.
    Plain(Form, Arc<str>),
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

    fn takes(self, wanted: &str, found: &str) -> bool {
        match self {
            Form::Prefix => found.starts_with(wanted),
            Form::Suffix => found.ends_with(wanted),
            Form::Contains => found.contains(wanted),
            Form::Equal | Form::Glob | Form::Regex => found == wanted,
        }
    }
}

impl Words {
    /// # Errors
    ///
    /// If it is a glob or a regular expression that cannot be read or is too large.
    pub fn new(form: Form, text: &str, ignore_case: bool) -> Result<Words, BadWords> {
        let kept: Arc<str> = Arc::from(text);
        let compiled = match form {
            Form::Equal | Form::Prefix | Form::Suffix | Form::Contains => {
                let lower = ignore_case.then(|| Arc::from(text.to_lowercase()));
                Compiled::Plain(form, lower.unwrap_or_else(|| Arc::clone(&kept)))
            }
            Form::Glob if let Some((form, text)) = plain_glob(text).filter(|_| !ignore_case) => {
                Compiled::Plain(form, Arc::from(text))
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
        Ok(Words { form, text: kept, ignore_case, compiled })
    }

    pub fn holds(&self, found: &str) -> bool {
        match &self.compiled {
            Compiled::Glob(glob) => glob.is_match(found),
            Compiled::Regex(regex) => regex.is_match(found),
            Compiled::Plain(form, wanted) if self.ignore_case => {
                form.takes(wanted, &found.to_lowercase())
            }
            Compiled::Plain(form, wanted) => form.takes(wanted, found),
        }
    }

    /// True only if no text is known to be like both.
    pub(super) fn excludes(&self, other: &Words) -> bool {
        let (Compiled::Plain(form, mine), Compiled::Plain(of, theirs)) =
            (&self.compiled, &other.compiled)
        else {
            return false;
        };
        if self.ignore_case != other.ignore_case {
            return false;
        }
        let apart = |one: &str, other: &str, starts: fn(&str, &str) -> bool| {
            !starts(one, other) && !starts(other, one)
        };
        match (*form, *of) {
            (Form::Equal, _) => !of.takes(theirs, mine),
            (_, Form::Equal) => !form.takes(mine, theirs),
            (Form::Prefix, Form::Prefix) => apart(mine, theirs, |a, b| a.starts_with(b)),
            (Form::Suffix, Form::Suffix) => apart(mine, theirs, |a, b| a.ends_with(b)),
            (Form::Prefix | Form::Suffix | Form::Contains | Form::Glob | Form::Regex, _) => false,
        }
    }

    /// True only if whatever is like this is known to be like `other`, too.
    pub(super) fn implies(&self, other: &Words) -> bool {
        let (Compiled::Plain(form, mine), Compiled::Plain(of, theirs)) =
            (&self.compiled, &other.compiled)
        else {
            return self == other;
        };
        if self.ignore_case != other.ignore_case {
            return false;
        }
        match (*form, *of) {
            (Form::Equal, _) => of.takes(theirs, mine),
            (Form::Prefix | Form::Suffix | Form::Contains, Form::Contains) => {
                mine.contains(&**theirs)
            }
            (Form::Prefix, Form::Prefix) => mine.starts_with(&**theirs),
            (Form::Suffix, Form::Suffix) => mine.ends_with(&**theirs),
            (Form::Prefix | Form::Suffix | Form::Contains | Form::Glob | Form::Regex, _) => false,
        }
    }
}

/// What a glob is if it has no signs but stars at its ends. Compiled it would take kilobytes.
fn plain_glob(glob: &str) -> Option<(Form, &str)> {
    let (starred, rest) = match glob.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, glob),
    };
    let (form, text) = match (starred, rest.strip_suffix('*')) {
        (true, Some(text)) => (Form::Contains, text),
        (true, None) => (Form::Suffix, rest),
        (false, Some(text)) => (Form::Prefix, text),
        (false, None) => (Form::Equal, rest),
    };
    // Two stars have a meaning of their own.
    (!text.is_empty() && !text.contains(['*', '?', '[', ']', '{', '}', '\\']))
        .then_some((form, text))
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
            Compiled::Plain(..) => "plain",
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
    fn a_glob_that_is_a_plain_form_takes_what_it_would_as_a_glob() {
        let texts =
            ["", "a", "ab", "ba", "xaby", "a/b", "a\nb", ".a", "é", "aé", "A", "a*b", "-,!"];
        let globs = ["a", "*a", "a*", "*a*", "*a/*", "*b", "é", "*é", "a\n*", ".*", "*-,!", "/*"];
        for glob in globs {
            let words = Words::new(Form::Glob, glob, false).unwrap();
            assert!(matches!(words.compiled, Compiled::Plain(..)), "{glob}");
            let real = GlobBuilder::new(glob).backslash_escape(true).build().unwrap();
            let real = real.compile_matcher();
            for text in texts {
                assert_eq!(words.holds(text), real.is_match(text), "{glob:?} of {text:?}");
            }
        }
        for glob in ["*", "**", "**a", "a**", "a*b", "a?", "[a]", "{a,b}", "\\*"] {
            let words = Words::new(Form::Glob, glob, false).unwrap();
            assert!(matches!(words.compiled, Compiled::Glob(_)), "{glob}");
        }
        let folded = Words::new(Form::Glob, "a*", true).unwrap();
        assert!(matches!(folded.compiled, Compiled::Glob(_)));
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
