//! What the daemon's own words are held to: where gaps begin, and that what was refused for good is
//! let go.

use attributed::simulator::Entry;
use jiff::Timestamp;

use crate::hour::BEGINS;
use crate::trace::{Heard, Line};

/// In the story, when a socket says nothing more and looks as if it lived.
pub(crate) const SILENT: &str = "* the socket is silent";
/// In the story, when the daemon reads its files again.
pub(crate) const RELOADED: &str = "* told to reload";

const GAP: &str = "events may have been missed";
/// In the story, when the daemon died.
const DEATH: &str = "* nobody is there";
/// A silence is noticed within this, in seconds, and its gap told when the topics are confirmed anew;
/// a gap that is told later is another's.
const TOLD_WITHIN: f64 = 120.0;
/// Keys with a rule of one value that nothing else writes: other values do not come between.
const OF_ONE_VALUE: [&str; 4] = ["cc.language", "cc.transferred", "cc.partner", "cc.topic"];

/// Gaps that begin after the socket had fallen silent.
pub(crate) fn begun_late(lines: &[Line]) -> Vec<String> {
    let mut late = Vec::new();
    let mut silent: Option<f64> = None;
    for line in lines {
        if line.text == SILENT {
            silent = Some(line.at);
        } else if line.text.starts_with(DEATH) {
            silent = None;
        } else if line.text.contains(GAP)
            && let Some(at) = silent.take().filter(|at| line.at < at + TOLD_WITHIN)
        {
            let since = since(&line.text);
            if since > at {
                late.push(format!("silent since {at:.3}, and the gap begins at {since:.3}"));
            }
        }
    }
    late
}

/// When it says that a gap began, in seconds since the start.
fn since(line: &str) -> f64 {
    let (_, rest) = line.split_once(" since=").unwrap();
    let since: Timestamp = rest.split(' ').next().unwrap().parse().unwrap();
    since.duration_since(BEGINS.parse().unwrap()).as_secs_f64()
}

/// Requests for what was refused for good, although neither the rules nor the settings were read
/// again, and nobody died, who would have forgotten it.
pub(crate) fn wished_again(heard: &Heard, requests: &[Entry], deaths: &[u64]) -> Vec<String> {
    let seconds = |us: u64| std::time::Duration::from_micros(us).as_secs_f64();
    let reloads = heard.lines.iter().filter(|line| line.text == RELOADED).map(|line| line.at);
    let pardons: Vec<f64> = reloads.chain(deaths.iter().map(|at| seconds(*at))).collect();
    let mut again = Vec::new();
    for (at, (participant, key)) in &heard.refused {
        if !OF_ONE_VALUE.contains(&key.as_str()) {
            continue;
        }
        let until = pardons.iter().copied().filter(|pardon| pardon >= at).fold(f64::MAX, f64::min);
        let asks = requests.iter().filter(|entry| {
            let begins = seconds(entry.started_us);
            entry.is_write()
                && begins > *at
                && begins < until
                && entry.ids.get("participantId") == Some(participant)
                && entry.keys.contains(key)
        });
        again.extend(asks.map(|entry| {
            format!("request {} asks again for {key}, refused at {at:.3}", entry.number)
        }));
    }
    again
}
