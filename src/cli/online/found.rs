//! What the questions brought: problems with their places, and one line of what is there. Pure.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::topics::Topics;
use crate::cli::failure::Failure;
use crate::config::problem::Problems;
use crate::status::counted::counted;

/// The problems of both files.
pub(super) struct Notes<'a> {
    pub(super) config: Problems<'a>,
    pub(super) config_text: &'a str,
    pub(super) rules: Problems<'a>,
    pub(super) rules_text: &'a str,
    /// Whom the next failures are about, where there are several.
    pub(super) client: Option<Arc<str>>,
}

impl Notes<'_> {
    /// An error of the configuration as a whole.
    pub(super) fn fail(&mut self, failure: Failure) {
        let message = match &self.client {
            Some(client) => format!("client {client}: {}", failure.message),
            None => failure.message,
        };
        let problem = self.config.error_of_file(message);
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
            write!(f, ", {} a minute", counted(*requests, "request"))?;
        }
        for (topic, permissions) in &topics.requires {
            write!(f, "\n    {topic} requires {}", permissions.join(", "))?;
        }
        Ok(())
    }
}
