//! Panics as lines of the log.
//!
//! Rust's own message of a panic quotes what was formatted into it, such as the text that could not
//! be cut, and standard error is part of the log. So of a message only a literal is shown, which
//! stands in the source and holds nobody's value; else the place has to do, and names the cause as
//! well.

use std::any::Any;
use std::panic::{self, Location};
use std::thread;

use tracing::error;

/// What may be told of a panic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told<'a> {
    file: Option<&'a str>,
    line: Option<u32>,
    thread: Option<&'a str>,
    reason: Option<&'static str>,
}

/// Logs every panic of this process from now on, in place of Rust's own message. For a process whose
/// log is set up, and that meets customers' texts.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let current = thread::current();
        let Told { file, line, thread, reason } =
            Told::of(panic.payload(), panic.location(), current.name());
        error!(file, line, thread, reason, "a panic: a defect; keep the log for a report");
    }));
}

impl<'a> Told<'a> {
    fn of(
        payload: &(dyn Any + Send),
        place: Option<&'a Location<'_>>,
        thread: Option<&'a str>,
    ) -> Told<'a> {
        Told {
            file: place.map(Location::file),
            line: place.map(Location::line),
            thread,
            // What was formatted is a `String`.
            reason: payload.downcast_ref::<&'static str>().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn payload(work: impl FnOnce() + panic::UnwindSafe) -> Box<dyn Any + Send> {
        catch_unwind(work).unwrap_err()
    }

    #[test]
    fn a_literal_is_told_and_what_was_formatted_is_not() {
        let value = String::from("Jané Winterbottom");
        let number = value.len();
        let literal = payload(|| panic!("no way on"));
        let place = Location::caller();
        let told = Told::of(&*literal, Some(place), Some("writer"));
        let expected = Told {
            file: Some(file!()),
            line: Some(place.line()),
            thread: Some("writer"),
            reason: Some("no way on"),
        };
        assert_eq!(told, expected);
        for formatted in [
            payload(move || assert_eq!(value[..4], value[..5])),
            payload(move || panic!("{number} is too many")),
            payload(|| panic::panic_any(7)),
            payload(|| panic::panic_any("owned".to_owned())),
        ] {
            assert_eq!(Told::of(&*formatted, None, None), Told::default());
        }
    }
}
