//! Words for people, on standard output and standard error.
//!
//! A reader that has gone away (`attributed check | head`) is no failure of ours.

use std::io::{self, Write};

pub(super) use crate::plain::plain;

use crate::config::problem::Problem;

/// One line (or several) on standard output.
pub(super) fn print(text: &str) {
    to(&mut io::stdout().lock(), text);
}

/// One line (or several) on standard error.
pub(super) fn eprint(text: &str) {
    to(&mut io::stderr().lock(), text);
}

/// Every problem, with its place.
pub(super) fn eprint_problems(problems: &[Problem]) {
    for problem in problems {
        eprint(&format!("{problem}\n"));
    }
}

fn to(out: &mut impl Write, text: &str) {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(_gone) => {}
    }
}
