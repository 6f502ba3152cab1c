//! The status over and over: redrawn on a terminal, one after the other anywhere else.
//!
//! A daemon that is gone or starts anew is shown as such, and asked again: that is what somebody
//! who watches wants to see. It ends by a signal, or when nobody reads it any more.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::shown;
use crate::cli::Output;
use crate::cli::daemon::to_failure;
use crate::cli::exit::Exit;
use crate::cli::paint::Paint;
use crate::cli::print::{eprint, plain};
use crate::signals;
use crate::status::control::client::ask;
use crate::status::control::{Answer, Request};

/// As often as the daemon makes its overview.
const EVERY: Duration = Duration::from_secs(1);

pub(super) fn watch(socket: &Path, output: Output) -> Exit {
    let (ends, ended) = mpsc::channel();
    let listening = signals::listen(move |_any| {
        // Who waits for it may have ended for another reason.
        let _ends_already = ends.send(()).is_err();
    });
    if let Err(error) = listening {
        eprint(&format!("error: cannot listen for signals: {error}"));
        return Exit::Unavailable;
    }
    let redraw = output == Output::Text && io::stdout().is_terminal();
    loop {
        let lines = match output {
            Output::Text => in_words(socket),
            Output::Json => in_json(socket),
        };
        if draw(&lines, redraw).is_err() {
            return Exit::Fine;
        }
        match ended.recv_timeout(EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Exit::Fine,
        }
    }
}

fn in_words(socket: &Path) -> Vec<String> {
    let paint = Paint::of_output();
    let failure = match ask(socket, &Request::Status) {
        Ok(Answer::Status(now)) => return shown::lines(&now, paint),
        Ok(Answer::Failed { message, help }) => format!("{message}\nhelp: {help}"),
        Ok(_) => "the daemon gave an answer to another question".to_owned(),
        Err(error) => to_failure(&error).to_string(),
    };
    failure.lines().map(|line| paint.red(plain(line))).collect()
}

/// One line for each look; nobody there is a failure like that of a request.
fn in_json(socket: &Path) -> Vec<String> {
    let answer = ask(socket, &Request::Status).unwrap_or_else(|error| Answer::Failed {
        message: error.to_string(),
        help: "it is asked again every second".to_owned(),
    });
    serde_json::to_string(&answer).into_iter().collect()
}

/// In place of what was there, line by line, so that nothing flickers.
fn draw(lines: &[String], redraw: bool) -> io::Result<()> {
    let mut text = String::new();
    if redraw {
        text.push_str("\u{1b}[H");
    }
    for line in lines {
        text.push_str(line);
        text.push_str(if redraw { "\u{1b}[K\r\n" } else { "\n" });
    }
    text.push_str(if redraw {
        "\u{1b}[J"
    } else if lines.len() > 1 {
        "\n"
    } else {
        ""
    });
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
