//! Where log lines go and what they look like.
//!
//! One line an event, in journald's own fields, as JSON, or as text for a terminal; what repeats is
//! [summed up](summed), and a panic is [one of them](panics). The level can be changed at any time ([`level`]). Whatever level somebody
//! asks for, libraries that would print a request with its token or the address of a
//! channel stay quiet: that cap cannot be lifted (OPERATIONS: tungstenite's TRACE prints both).

mod level;
mod panics;
mod summed;
mod text;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use level::{Verbosity, VerbosityError};
pub use panics::log_panics;
pub use summed::Summed;

use crate::config::{Log, LogFormat};

/// Changes the level while the program runs, and says what was summed up.
#[derive(Clone, Debug)]
pub struct Level {
    handle: Handle<Targets, Registry>,
    now: Arc<Mutex<Verbosity>>,
    summed: Summed,
}

/// The log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("cannot reach journald: {0}; set log.format to \"json\" or \"text\"")]
    Journald(#[source] io::Error),
    #[error("cannot write the log file {path}: {error}")]
    File { path: String, error: io::Error },
    #[error("a log is set up already")]
    Twice,
}

impl Level {
    pub fn set(&self, verbosity: Verbosity) {
        match self.handle.reload(verbosity.targets()) {
            Ok(()) => *self.now.lock().unwrap_or_else(PoisonError::into_inner) = verbosity,
            Err(error) => tracing::warn!(%error, "the log level stays as it is"),
        }
    }

    pub fn now(&self) -> Verbosity {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// To be called every second or so, and with `all` at the end.
    pub fn sum_up(&self, all: bool) {
        self.summed.sum_up(all);
    }
}

/// Sends log lines to standard error or journald as `log` says, and as JSON to `file` too.
///
/// # Errors
///
/// If journald is asked for and is not there, or the file cannot be written.
pub fn set_up(log: &Log, file: Option<&Path>) -> Result<Level, LogError> {
    let now = Verbosity::from(log.level);
    let (filter, handle) = reload::Layer::new(now.targets());
    let summed = Summed::default();
    let copy = file.map(json_file).transpose()?;
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(summed.clone())
        .with(copy)
        .with(lines(log.format)?);
    subscriber.try_init().map_err(|_| LogError::Twice)?;
    Ok(Level { handle, now: Arc::new(Mutex::new(now)), summed })
}

fn lines<S>(format: LogFormat) -> Result<Box<dyn Layer<S> + Send + Sync>, LogError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match effective(format) {
        LogFormat::Journald => {
            let layer = tracing_journald::layer().map_err(LogError::Journald)?;
            let layer = layer.with_field_prefix(None);
            Ok(layer.with_syslog_identifier("attributed".to_owned()).boxed())
        }
        LogFormat::Text | LogFormat::Auto => {
            let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
            let layer = layer.fmt_fields(text::fields());
            Ok(layer.with_target(false).with_ansi(io::stderr().is_terminal()).boxed())
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
            Ok(layer.with_writer(io::stderr).with_current_span(false).with_span_list(false).boxed())
        }
    }
}

fn json_file<S>(path: &Path) -> Result<Box<dyn Layer<S> + Send + Sync>, LogError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let file = File::create(path)
        .map_err(|error| LogError::File { path: path.display().to_string(), error })?;
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
    Ok(layer.with_writer(Arc::new(file)).with_current_span(false).with_span_list(false).boxed())
}

/// `auto`: journald under systemd, text on a terminal, else JSON.
fn effective(format: LogFormat) -> LogFormat {
    match format {
        LogFormat::Auto if std::env::var_os("JOURNAL_STREAM").is_some() => LogFormat::Journald,
        LogFormat::Auto if io::stderr().is_terminal() => LogFormat::Text,
        LogFormat::Auto => LogFormat::Json,
        LogFormat::Json | LogFormat::Text | LogFormat::Journald => format,
    }
}
