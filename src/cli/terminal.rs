//! Whoever sits before the program: what it tells them, and what it asks.
//!
//! A seam, so that conversations with a person can be tested as scripts.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::print::{eprint, print};

pub(super) trait Terminal {
    /// Returns true if and only if somebody is there to answer.
    fn is_interactive(&self) -> bool;

    /// What was asked for: lines on standard output.
    fn print(&mut self, text: &str);

    /// What is said beside it: lines on standard error.
    fn note(&mut self, text: &str);

    /// Asks, and returns the answer without its line end; `None` if there is none to come. Blocks,
    /// as only a command may that has nothing else to do.
    fn ask(&mut self, question: &str) -> Option<String>;
}

/// The real one.
pub(super) struct Console;

impl Terminal for Console {
    fn is_interactive(&self) -> bool {
        // Who is asked must see what it is about, which goes to standard output.
        io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
    }

    fn print(&mut self, text: &str) {
        print(text);
    }

    fn note(&mut self, text: &str) {
        eprint(text);
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        let mut error = io::stderr().lock();
        write!(error, "{question} ").and_then(|()| error.flush()).ok()?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }
}

/// Plays a person for tests.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Played {
    /// `None`: nobody is there.
    pub(super) answers: Option<std::collections::VecDeque<&'static str>>,
    /// Everything that was said; lines of standard error begin with `! `.
    pub(super) said: String,
}

#[cfg(test)]
impl Played {
    pub(super) fn answering(answers: &[&'static str]) -> Played {
        Played { answers: Some(answers.iter().copied().collect()), said: String::new() }
    }
}

#[cfg(test)]
impl Terminal for Played {
    fn is_interactive(&self) -> bool {
        self.answers.is_some()
    }

    fn print(&mut self, text: &str) {
        self.said += &format!("{text}\n");
    }

    fn note(&mut self, text: &str) {
        text.lines().for_each(|line| self.said += &format!("! {line}\n"));
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        let answer = self.answers.as_mut().unwrap().pop_front();
        self.note(&format!("{question} {}", answer.unwrap_or("(end)")));
        answer.map(str::to_owned)
    }
}
