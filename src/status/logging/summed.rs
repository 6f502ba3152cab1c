//! What is said again and again: the first of it is shown, the rest is counted, and the count is said.
//!
//! Warnings and errors only. What is the same: the event and who or what it is about, that is its
//! rule, reason, status, topic and so on, but not its conversation. Of each, ten lines a minute pass;
//! the others are held back, and at the minute's end one line says how many there were and of what.
//! Bounded: where there are too many different ones to be counted, they pass.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, error, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Of the same in a minute: enough to see what it is about, and no more than a screen.
const SHOWN: u64 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Different ones at a time: events there are some hundred of, rules with trouble hopefully fewer.
const MOST: usize = 512;

/// What tells two of an event apart. Anything with a correlation id in it would tell each apart.
const TELLING: [&str; 12] = [
    "rule",
    "rules",
    "reason",
    "status",
    "operation",
    "client",
    "topic",
    "list",
    "name",
    // What counts itself need not be counted.
    "count",
    // Of the sums themselves.
    "event",
    "about",
];

/// A layer that holds back; its clones count together.
#[derive(Clone, Debug, Default)]
pub struct Summed(Arc<Mutex<HashMap<Kind, Counted>>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    event: Identifier,
    /// The telling fields, as `name=value`.
    about: String,
}

#[derive(Debug)]
struct Counted {
    since: Instant,
    seen: u64,
    is_error: bool,
    message: String,
}

impl Summed {
    /// Says what was held back in minutes that are over; with `all`, also in those that are not.
    pub fn sum_up(&self, all: bool) {
        let now = Instant::now();
        let over =
            |counted: &Counted| all || now.saturating_duration_since(counted.since) >= MINUTE;
        let ended: Vec<(Kind, Counted)> =
            self.lock().extract_if(|_, counted| over(counted)).collect();
        // Not under the lock: these lines come by here, too.
        for (Kind { about, .. }, Counted { seen, is_error, message, .. }) in ended {
            let more = seen.saturating_sub(SHOWN);
            let about = Some(about).filter(|about| !about.is_empty());
            let event = message;
            if more > 0 && is_error {
                error!(event, about, more, "and {more} more in the last minute");
            } else if more > 0 {
                warn!(event, about, more, "and {more} more in the last minute");
            }
        }
    }

    fn passes(&self, event: &Event<'_>) -> bool {
        let mut said = Said::default();
        event.record(&mut said);
        let kind = Kind { event: event.metadata().callsite(), about: said.about };
        let mut kinds = self.lock();
        if kinds.len() >= MOST && !kinds.contains_key(&kind) {
            return true;
        }
        let counted = kinds.entry(kind).or_insert_with(|| Counted {
            since: Instant::now(),
            seen: 0,
            is_error: *event.metadata().level() == Level::ERROR,
            message: said.message,
        });
        counted.seen += 1;
        counted.seen <= SHOWN
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Kind, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Summed {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        // The greater level is the noisier.
        *event.metadata().level() > Level::WARN || self.passes(event)
    }
}

/// What an event says of itself.
#[derive(Default)]
struct Said {
    message: String,
    about: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, &format_args!("{value:?}"));
    }
}

impl Said {
    fn note(&mut self, field: &Field, value: &dyn fmt::Display) {
        if field.name() == "message" {
            self.message = value.to_string();
        } else if TELLING.contains(&field.name()) {
            if !self.about.is_empty() {
                self.about.push(' ');
            }
            self.about.push_str(&format!("{}={value}", field.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use expect_test::expect;
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while it runs.
    fn logged(summed: &Summed, run: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let layer = layer.with_ansi(false).with_target(false).without_time();
        with_default(tracing_subscriber::registry().with(summed.clone()).with(layer), run);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_are_shown_and_the_others_counted() {
        let summed = Summed::default();
        let failed = |rule: &str, id: u32| warn!(rule, conversation_id = id, "push failed");
        let text = logged(&summed, || {
            (0..422).for_each(|id| failed("vip", id));
            failed("other", 1);
            (0..500).for_each(|_| tracing::info!("pushed"));
        });
        assert_eq!(text.matches("rule=\"vip\"").count(), 10);
        assert_eq!(text.matches("rule=\"other\"").count(), 1, "another rule is another matter");
        assert_eq!(text.matches("pushed").count(), 500);
        assert_eq!(logged(&summed, || summed.sum_up(false)), "", "the minute is not over");
        tokio::time::advance(MINUTE).await;
        expect![[r#"
             WARN and 412 more in the last minute event="push failed" about="rule=vip" more=412
        "#]]
        .assert_eq(logged(&summed, || summed.sum_up(false)).trim_start());
        // And from then on anew.
        let text = logged(&summed, || {
            (0..11).for_each(|id| failed("vip", id));
            (0..12).for_each(|_| error!(status = 400, "given up"));
            summed.sum_up(true);
        });
        assert_eq!(text.matches("rule=\"vip\"").count(), 10);
        let end = text.lines().filter(|line| line.contains(" more in ")).collect::<Vec<_>>();
        assert_eq!(end.len(), 2, "{text}");
        assert!(end.iter().any(|line| line.starts_with("ERROR and 2 more")), "{text}");
    }

    #[test]
    fn too_many_different_ones_pass() {
        let summed = Summed::default();
        let text = logged(&summed, || {
            for rule in 0..MOST {
                warn!(rule, "first");
            }
            for _ in 0..20 {
                warn!(rule = "one too many", "first");
            }
        });
        assert_eq!(text.matches("one too many").count(), 20);
        assert!(summed.lock().len() <= MOST);
    }
}
