//! What the daemon's log says, line by line: for the trace, for the story of a seed that failed, and
//! for the dead letters in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// One line of the log, and when it was written, in seconds since the start.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: f64,
    pub(crate) text: String,
}

/// Participant and key of an update that was given up.
pub(crate) type Letter = (String, String);

#[derive(Clone)]
pub(crate) struct Trace {
    begun: Instant,
    /// A path that differs from run to run.
    hidden: String,
    /// The simulator tells its part, too, and the daemon its details: for people, not for the trace.
    whole: bool,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) lines: Vec<Line>,
    pub(crate) letters: BTreeSet<Letter>,
    pub(crate) reasons: BTreeSet<String>,
    /// Those of the letters that were refused for good, and when.
    pub(crate) refused: Vec<(f64, Letter)>,
}

impl Trace {
    /// Begins now. `hidden` is left out of all lines.
    pub(crate) fn new(hidden: &str, whole: bool) -> Trace {
        let (hidden, heard) = (hidden.to_owned(), Arc::default());
        Trace { begun: Instant::now(), hidden, whole, heard }
    }

    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line of our own, and returns when.
    pub(crate) fn note(&self, text: String) -> f64 {
        let at = self.begun.elapsed().as_secs_f64();
        self.heard().lines.push(Line { at, text });
        at
    }
}

impl<S: Subscriber> Layer<S> for Trace {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        match metadata.target().strip_prefix("attributed::") {
            Some(part) if part.starts_with("simulator") => self.whole,
            Some(_) => *metadata.level() <= if self.whole { Level::DEBUG } else { Level::INFO },
            None => false,
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let target = metadata.target().trim_start_matches("attributed::");
        let text = format!("{} {target} {}{}", metadata.level(), fields.message, fields.others);
        let text = text.replace(&self.hidden, "…");
        let at = self.note(text);
        if fields.message == "update given up" {
            let mut heard = self.heard();
            for key in fields.keys.split(' ') {
                let letter = (fields.participant.clone(), key.to_owned());
                if fields.reason == "refused" {
                    heard.refused.push((at, letter.clone()));
                }
                heard.letters.insert(letter);
            }
            heard.reasons.insert(fields.reason);
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: String,
    participant: String,
    keys: String,
    reason: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.note(field, format!("{value:?}"));
    }
}

impl Fields {
    fn note(&mut self, field: &Field, value: String) {
        if field.name() != "message" {
            write!(self.others, " {}={value}", field.name()).unwrap();
        }
        match field.name() {
            "message" => self.message = value,
            "participant_id" => self.participant = value,
            "keys" => self.keys = value,
            "reason" => self.reason = value,
            _ => {}
        }
    }
}
