//! From the text of a frame to the rules that hold, beside the floor: what `serde_json` needs only
//! to skip through the same text.
//!
//! The frames are the sample call of `tests/samples/events`, compact as on the wire, from the first
//! alert to the wrap-up: some 6 KB each. Fails if other rules match than should. Runs are
//! interleaved and the median of seven counts, because machines are shared.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::frame::Frame;
use attributed::events::read_generic;
use attributed::genesys::UserId;
use attributed::genesys::names::Names;
use attributed::rules::{Context, Looked, RuleFile, Rules, Standing};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

/// How often the frames are gone through in one run.
const ROUNDS: usize = 300;
const RUNS: usize = 7;
/// The queue that the sample call waited in.
const QUEUE: &str = "d81980df-75e7-5974-bb04-2d4ccfad9b5d";

/// The frames, and the rules of `rules.example.toml` that hold for each. Queues have no names here,
/// so those that ask for one by its name never do.
const FRAMES: [(&str, &[&str]); 6] = [
    (
        "voice-inbound-01-alerting.json",
        &["abroad", "language-default", "waiting", "copy-account", "menu-for-all"],
    ),
    (
        "voice-inbound-02-connected.json",
        &[
            "abroad",
            "answered-by",
            "first-agent",
            "language-default",
            "copy-account",
            "menu-for-all",
        ],
    ),
    (
        "voice-inbound-03-held.json",
        &[
            "abroad",
            "answered-by",
            "first-agent",
            "language-default",
            "on-hold",
            "copy-account",
            "menu-for-all",
        ],
    ),
    (
        "voice-inbound-04-attributes-updated.json",
        &[
            "vip-pop",
            "abroad",
            "answered-by",
            "first-agent",
            "language-default",
            "copy-account",
            "menu-for-all",
        ],
    ),
    ("voice-inbound-05-disconnected-acw.json", &[]),
    ("voice-inbound-06-wrapup-complete.json", &["wrap-up"]),
];
/// Of the frames, those in which an agent is there: one rule holds if each has a queue of its own.
const WITH_AGENT: Range<usize> = 0..4;

/// A set of rules, and which of them hold for each frame.
struct Case {
    name: &'static str,
    rules: Rules,
    expected: Vec<Vec<String>>,
}

/// Microseconds for one frame.
#[derive(Default)]
struct Times {
    floor: Vec<f64>,
    snapshot: Vec<f64>,
    look: Vec<f64>,
    whole: Vec<f64>,
}

fn main() -> ExitCode {
    let frames: Vec<String> = FRAMES.iter().map(|(name, _)| frame(name)).collect();
    let bytes: usize = frames.iter().map(String::len).sum();
    println!("{} frames of {} bytes on average; µs each", frames.len(), bytes / frames.len());
    println!(
        "{:<20} {:>7} {:>15} {:>7} {:>14} {:>6} {:>10}",
        "rules", "floor", "frame→snapshot", "look", "frame→wishes", "ratio", "frames/s"
    );
    let mut as_expected = true;
    for case in [example(), numbered("10", 10), numbered("1,000", 1_000)] {
        as_expected &= case.matches_as_expected(&frames);
        case.measure(&frames).print(case.name);
    }
    if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Case {
    fn matches_as_expected(&self, frames: &[String]) -> bool {
        let held = |text: &String| -> Vec<String> {
            self.whole(text).held.iter().map(|name| name.as_ref().to_owned()).collect()
        };
        let found: Vec<Vec<String>> = frames.iter().map(held).collect();
        if found != self.expected {
            println!("{}: {found:?} hold, not {:?}", self.name, self.expected);
        }
        found == self.expected
    }

    fn measure(&self, frames: &[String]) -> Times {
        let snapshots: Vec<Conversation> = frames.iter().map(|text| snapshot(text)).collect();
        let mut times = Times::default();
        for _ in 0..RUNS {
            times.floor.push(timed(frames, |text| skip(text)));
            times.snapshot.push(timed(frames, |text| snapshot(text)));
            times.look.push(timed(&snapshots, |snapshot| self.look(snapshot)));
            times.whole.push(timed(frames, |text| self.whole(text)));
        }
        times
    }

    fn look(&self, conversation: &Conversation) -> Looked {
        let watched: BTreeSet<UserId> = BTreeSet::new();
        let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
        self.rules.look(conversation, &context, &mut Standing::default())
    }

    /// All that the pipeline does with a frame before it knows what to wish.
    fn whole(&self, text: &str) -> Looked {
        self.look(&snapshot(text))
    }
}

impl Times {
    fn print(self, name: &str) {
        let [floor, snapshot, look, whole] =
            [self.floor, self.snapshot, self.look, self.whole].map(median);
        println!(
            "{name:<20} {floor:>7.1} {snapshot:>15.1} {look:>7.1} {whole:>14.1} {:>6.1} {:>10.0}",
            whole / floor,
            1e6 / whole
        );
    }
}

fn skip(text: &str) -> IgnoredAny {
    serde_json::from_str(text).expect("the frame is JSON")
}

fn snapshot(text: &str) -> Conversation {
    let Frame::Conversation { body, .. } = Frame::read(text) else {
        panic!("the frame is not a conversation's");
    };
    read_generic(&text[body]).expect("the body is whole")
}

/// Microseconds for each.
fn timed<T, R>(all: &[T], one: impl Fn(&T) -> R) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for each in all {
            black_box(one(black_box(each)));
        }
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = (ROUNDS * all.len()) as f64;
    micros / count
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The rules that show the whole language.
fn example() -> Case {
    let text = fs::read_to_string(root().join("rules.example.toml")).expect("the example is there");
    let held = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Case {
        name: "22 of the example",
        rules: rules(&text),
        expected: FRAMES.iter().map(|(_, names)| held(names)).collect(),
    }
}

/// Rules with a queue of their own each; the last has the sample's.
fn numbered(name: &'static str, count: usize) -> Case {
    let rule = |at: usize| {
        let other = format!("00000000-0000-4000-8000-{at:012}");
        let queue = if at + 1 == count { QUEUE } else { &other };
        format!(
            "[[rule]]\nname = \"rule-{at}\"\nmatch.participant.queue = \"{queue}\"\n\
             match.participant.purpose = \"agent\"\nmatch.participant.direction = \"inbound\"\n\
             set.\"cc.rule\" = \"{at}\"\n"
        )
    };
    let text: String = (0..count).map(rule).collect();
    let held =
        |at| if WITH_AGENT.contains(&at) { vec![format!("rule-{}", count - 1)] } else { vec![] };
    Case { name, rules: rules(&text), expected: (0..FRAMES.len()).map(held).collect() }
}

fn rules(text: &str) -> Rules {
    let parsed = RuleFile::parse(Path::new("rules.toml"), text, &AllowedKeys::all());
    let (file, _) = parsed.expect("the rules are right");
    file.bind(Arc::new(Names::default())).0
}

/// A sample frame, compact.
fn frame(name: &str) -> String {
    let path = root().join("tests/samples/events").join(name);
    let text = fs::read_to_string(path).expect("the sample is there");
    let frame: Value = serde_json::from_str(&text).expect("the sample is JSON");
    frame.to_string()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
