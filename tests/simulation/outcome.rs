//! What came of one hour: what was wrong, how much happened, and its trace.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use attributed::simulator::Entry;

use crate::trace::Line;

/// How often each thing happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(pub(crate) BTreeMap<&'static str, u64>);

pub(crate) struct Outcome {
    /// One line for each violation; right if there is none.
    pub(crate) wrong: Vec<String>,
    pub(crate) tally: Tally,
    /// Of requests with their times, frames that were sent, and lines of the log.
    pub(crate) trace: u64,
    pub(crate) lines: Vec<Line>,
    pub(crate) requests: Vec<Entry>,
    /// Of real time.
    pub(crate) took: Duration,
}

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        for (what, times) in &other.0 {
            self.count(what, *times);
        }
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> =
            self.0.iter().map(|(what, times)| format!("{what} {times}")).collect();
        f.write_str(&each.join(", "))
    }
}

impl Outcome {
    /// The hour in one line.
    pub(crate) fn line(&self, seed: u64) -> String {
        let right = if self.wrong.is_empty() { "right" } else { "WRONG" };
        format!(
            "seed {seed}: {right}, {:.1?}, trace {:016x}: {}",
            self.took, self.trace, self.tally
        )
    }

    /// Everything that happened, in order: log and requests.
    pub(crate) fn story(&self) -> String {
        let mut all: Vec<(f64, String)> =
            self.lines.iter().map(|line| (line.at, line.text.clone())).collect();
        all.extend(self.requests.iter().map(|entry| {
            let ended = entry.ended_us.unwrap_or_default().saturating_sub(entry.started_us);
            let ids: Vec<&str> = entry.ids.values().map(String::as_str).collect();
            let text = format!(
                "  #{} {} {} [{}] {} → {:?} in {} ms{}",
                entry.number,
                entry.method,
                entry.path,
                ids.join(" "),
                entry.keys.join(" "),
                entry.status,
                ended / 1000,
                entry.fault.as_ref().map(|fault| format!(" ({fault})")).unwrap_or_default(),
            );
            (Duration::from_micros(entry.started_us).as_secs_f64(), text)
        }));
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let lines: Vec<String> =
            all.into_iter().map(|(at, text)| format!("{at:10.3} {text}")).collect();
        lines.join("\n")
    }

    /// The first line in which two stories part.
    pub(crate) fn first_difference(&self, other: &Outcome) -> Option<(usize, String, String)> {
        let (ours, theirs) = (self.story(), other.story());
        let (mut ours, mut theirs) = (ours.lines(), theirs.lines());
        for at in 1.. {
            match (ours.next(), theirs.next()) {
                (None, None) => break,
                (one, other) if one != other => {
                    let text = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
                    return Some((at, text(one), text(other)));
                }
                _ => {}
            }
        }
        None
    }
}
