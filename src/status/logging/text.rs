//! How fields look in the text format: names and values as elsewhere, and with all escaped that would
//! end the line or that a terminal would obey. What others call their queues and users forges no line.

use std::fmt;

use tracing::field::Field;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::prelude::*;

use crate::plain::plain;

/// For a layer of the text format.
pub(super) fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(field).delimited(" ")
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = plain(&format!("{value:?}"));
    match field.name() {
        "message" => write!(writer, "{value}"),
        name if writer.has_ansi_escapes() => {
            write!(writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{value}")
        }
        name => write!(writer, "{name}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{Level, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_name_of_others_forges_a_line() {
        let (written, all) =
            (Written::default(), tracing_subscriber::fmt().with_max_level(Level::INFO));
        let writer = written.clone();
        let layer = all.with_ansi(false).with_target(false).without_time();
        let layer = layer.fmt_fields(fields()).with_writer(move || writer.clone());
        tracing::subscriber::with_default(layer.finish(), || {
            let topic = "u\n2026-11-30T00:00:00Z ERROR forged=1 \u{1b}[31m";
            warn!(%topic, count = 3, reason = "a \"b\"", "topic refused\n{topic}");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let hostile = r"u\n2026-11-30T00:00:00Z ERROR forged=1 \u{1b}[31m";
        let expected = format!(
            " WARN topic refused\\n{hostile} topic={hostile} count=3 reason=\"a \\\"b\\\"\"\n"
        );
        assert_eq!(text, expected);
    }
}
