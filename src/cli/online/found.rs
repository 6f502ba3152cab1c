//! What the questions brought: problems with their places, and one line of what is there. Pure.

use std::fmt;
use std::ops::Range;

use super::topics::Topics;
use crate::cli::failure::Failure;
use crate::config::problem::Problems;

/// The problems of both files.
pub(super) struct Notes<'a> {
    pub(super) config: Problems<'a>,
    pub(super) config_text: &'a str,
    pub(super) rules: Problems<'a>,
    pub(super) rules_text: &'a str,
}

impl Notes<'_> {
    /// An error of the configuration as a whole.
    pub(super) fn fail(&mut self, failure: Failure) {
        let problem = self.config.error_of_file(failure.message);
        problem.help = failure.help;
    }

    /// An error of the configuration at this place of it, where that is known.
    pub(super) fn at(&mut self, place: Option<Range<usize>>, message: String) {
        match place {
            Some(place) => self.config.error(place, message),
            None => self.config.error_of_file(message),
        };
    }
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Empty if it is not known.
    pub(super) organization: String,
    pub(super) users: usize,
    pub(super) queues: usize,
    pub(super) topics: Topics,
    pub(super) requests_per_minute: Option<u32>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { organization, users, queues, topics, requests_per_minute } = self;
        if !organization.is_empty() {
            write!(f, "{organization}, ")?;
        }
        let count = topics.wanted;
        write!(f, "{}, {}, ", counted(*users, "user"), counted(*queues, "queue"))?;
        write!(f, "{} on {}", counted(count, "topic"), counted(topics.channels, "channel"))?;
        if let Some(requests) = requests_per_minute {
            write!(f, ", {} a minute", counted(*requests as usize, "request"))?;
        }
        for (topic, permissions) in &topics.requires {
            write!(f, "\n    {topic} requires {}", permissions.join(", "))?;
        }
        Ok(())
    }
}

/// `1,203 topics`.
pub(super) fn counted(count: usize, word: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let plural = if count == 1 { "" } else { "s" };
    format!("{text} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_easy_to_read() {
        for (count, text) in [
            (0, "0 topics"),
            (1, "1 topic"),
            (999, "999 topics"),
            (1203, "1,203 topics"),
            (1_000_000, "1,000,000 topics"),
        ] {
            assert_eq!(counted(count, "topic"), text);
        }
    }
}
