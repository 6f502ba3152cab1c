//! How much is logged: a level, and levels of single parts of the service. Pure.
//!
//! `info`, or `info,updates=debug,genesys::token=trace`. Only our own lines follow it: what libraries
//! say below WARN may hold a request with its token or the address of a channel, whatever is asked.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::config::LogLevel;

/// The target of our own lines.
const OURS: &str = "attributed";
/// Our parts, as `cargo doc` shows them.
const PARTS: [&str; 9] =
    ["app", "cli", "config", "events", "genesys", "rules", "simulator", "status", "updates"];
/// Levels of parts: there is no sense in more.
const MOST: usize = 32;

/// See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verbosity {
    level: LogLevel,
    /// The parts, without our own name.
    parts: Vec<(String, LogLevel)>,
}

/// Why a text says no verbosity. The messages are whole sentences for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerbosityError {
    #[error("`{0}` is not a level: error, warn, info, debug and trace are")]
    NoLevel(String),
    #[error(
        "`{0}` is no part of the service: only its own lines can be made louder or quieter ({parts})",
        parts = PARTS.join(", ")
    )]
    NotOurs(String),
    #[error("these are too many parts: {MOST} at most")]
    TooMany,
}

impl From<LogLevel> for Verbosity {
    fn from(level: LogLevel) -> Verbosity {
        Verbosity { level, parts: Vec::new() }
    }
}

impl FromStr for Verbosity {
    type Err = VerbosityError;

    fn from_str(text: &str) -> Result<Verbosity, VerbosityError> {
        let mut verbosity = Verbosity::from(LogLevel::Info);
        for word in text.split(',').map(str::trim) {
            let Some((target, word)) = word.split_once('=') else {
                verbosity.level = level(word)?;
                continue;
            };
            let target = target.trim();
            let ours = target.strip_prefix(OURS).map(|rest| rest.trim_start_matches("::"));
            let path = ours.unwrap_or(target);
            let part = path.split("::").next().unwrap_or_default();
            let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
            if !PARTS.contains(&part) || !plain {
                return Err(VerbosityError::NotOurs(target.to_owned()));
            }
            if verbosity.parts.len() == MOST {
                return Err(VerbosityError::TooMany);
            }
            verbosity.parts.push((path.to_owned(), level(word.trim())?));
        }
        Ok(verbosity)
    }
}

impl fmt::Display for Verbosity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.level.word())?;
        self.parts.iter().try_for_each(|(part, level)| write!(f, ",{part}={}", level.word()))
    }
}

impl Verbosity {
    /// Libraries are never louder than WARN.
    pub(super) fn targets(&self) -> Targets {
        let level = filter(self.level);
        let all =
            Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(OURS, level);
        let parts = self.parts.iter();
        all.with_targets(parts.map(|(part, level)| (format!("{OURS}::{part}"), filter(*level))))
    }
}

fn level(word: &str) -> Result<LogLevel, VerbosityError> {
    let found = LogLevel::WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    found.map(|(_, level)| *level).ok_or_else(|| VerbosityError::NoLevel(word.to_owned()))
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_and_parts_are_read_and_shown() {
        for (text, shown) in [
            ("debug", "debug"),
            ("WARN", "warn"),
            ("warn, updates=debug", "warn,updates=debug"),
            ("attributed::genesys::token=trace", "info,genesys::token=trace"),
        ] {
            assert_eq!(text.parse::<Verbosity>().unwrap().to_string(), shown);
        }
        for (text, part) in [
            ("loud", "`loud` is not a level"),
            ("", "`` is not a level"),
            ("tungstenite=trace", "`tungstenite` is no part"),
            ("attributed=trace", "`attributed` is no part"),
            ("updates\u{1b}=trace", "is no part"),
            (&"updates=info,".repeat(40), "too many"),
        ] {
            let error = text.parse::<Verbosity>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn libraries_stay_quiet_whatever_is_asked() {
        let all: Targets = "trace,events=trace".parse::<Verbosity>().unwrap().targets();
        for library in
            ["tungstenite::client", "hyper", "reqwest::connect", "rustls", "attributedly"]
        {
            let quiet = library != "attributedly";
            assert!(!all.would_enable(library, &Level::TRACE) || !quiet, "{library}");
            assert!(!all.would_enable(library, &Level::INFO) || !quiet, "{library}");
            assert!(all.would_enable(library, &Level::WARN), "{library}");
        }
        assert!(all.would_enable("attributed::events::frame", &Level::TRACE));
        let some = "error,updates::outbox=debug".parse::<Verbosity>().unwrap().targets();
        assert!(some.would_enable("attributed::updates::outbox::lanes", &Level::DEBUG));
        assert!(!some.would_enable("attributed::updates", &Level::WARN));
        assert!(!some.would_enable("reqwest", &Level::WARN), "as quiet as the service itself");
    }
}
