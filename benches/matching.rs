//! From the text of a frame to the rules that hold, beside the floor: what `serde_json` needs only
//! to skip through the same text.
//!
//! The frames are the sample call of `tests/samples/events`, compact as on the wire, from the first
//! alert to the wrap-up, some 6 KB each; the same with the topic at their end, where nobody knows
//! what the body is when it comes; and a conference of 30 participants made of it, some 40 KB. The
//! rules come in four shapes and in five numbers. Fails if other rules match than should. Runs are
//! interleaved and the median of seven counts, because machines are shared.
//!
//! What a rule takes of memory is measured in a process of its own, for each shape: how much that
//! grows while it makes the same rules again and again and keeps them. Fails if that is more than it
//! may be.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::frame::Frame;
use attributed::genesys::UserId;
use attributed::genesys::names::Names;
use attributed::rules::{Context, Looked, RuleFile, Rules, Standing, Tables};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

/// How many frames are gone through in one run.
const FRAMES_A_RUN: usize = 600;
const RUNS: usize = 7;
const COUNTS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
/// Whose memory is measured.
const KEPT: usize = 10_000;
/// Bytes that a rule may take which has no expression.
const MOST: usize = 1_024;
/// What the program is asked by itself, together with the place of a shape.
const ASKS_MEMORY: &str = "--memory-of-shape";
/// In the order of the wire (FACTS 2.1).
const MEMBERS: [&str; 4] = ["topicName", "version", "eventBody", "metadata"];
const TOPIC_LAST: [&str; 4] = ["version", "eventBody", "metadata", "topicName"];
/// The queue that the sample call waited in.
const QUEUE: &str = "d81980df-75e7-5974-bb04-2d4ccfad9b5d";
/// How many queues, and values of an attribute, the rules of the second shape share.
const SHARED: usize = 100;

const CALL: [&str; 6] = [
    "voice-inbound-01-alerting.json",
    "voice-inbound-02-connected.json",
    "voice-inbound-03-held.json",
    "voice-inbound-04-attributes-updated.json",
    "voice-inbound-05-disconnected-acw.json",
    "voice-inbound-06-wrapup-complete.json",
];

/// How rules look.
#[derive(Clone, Copy)]
enum Shape {
    /// A queue of its own each.
    OwnQueues,
    /// Lists of three of a hundred queues and of a hundred values of an attribute, and one of three
    /// values of another: each value is named by many rules.
    SharedLists,
    /// A beginning of the customer's number, or how it ends.
    Prefixes,
    /// A queue of its own each, in an expression.
    When,
}

const SHAPES: [Shape; 4] = [Shape::OwnQueues, Shape::SharedLists, Shape::Prefixes, Shape::When];

/// A number of rules in one shape. So many of them are made to match; of shared lists others do, too.
struct Case {
    shape: Shape,
    count: usize,
    wanted: usize,
}

struct Events {
    name: &'static str,
    frames: Vec<String>,
    /// In so many of them customer and agent are there.
    live: usize,
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
    let asked = env::args().skip_while(|word| word != ASKS_MEMORY).nth(1);
    if let Some(shape) = asked.and_then(|place| SHAPES.get(place.parse::<usize>().ok()?)) {
        println!("{}", grown(*shape));
        return ExitCode::SUCCESS;
    }
    let call = || CALL.iter().map(|name| sample(name));
    let wire = call().map(|frame| text_of(&frame, &MEMBERS)).collect();
    let small = Events { name: "6 KB", frames: wire, live: 4 };
    let last = call().map(|frame| text_of(&frame, &TOPIC_LAST)).collect();
    let last = Events { name: "6 KB, last", frames: last, live: 4 };
    let large = text_of(&conference(sample(CALL[2])), &MEMBERS);
    let large = Events { name: "40 KB", frames: vec![large], live: 1 };
    println!(
        "{:<24} {:>10} {:>8} {:>8} {:>7} {:>7} {:>9} {:>7} {:>7} {:>6} {:>9} {:>9}",
        "rules",
        "event",
        "bytes",
        "matches",
        "floor",
        "read",
        "look",
        "whole",
        "ratio",
        "cost",
        "frames/s",
        "build ms"
    );
    let mut as_expected = true;
    for shape in SHAPES {
        for wanted in [0, 1, 10] {
            // What it costs that nothing or much matches is seen at one number of rules.
            let counts = if wanted == 1 { &COUNTS[..] } else { &COUNTS[3..4] };
            let mut least = Vec::new();
            for count in counts {
                let case = Case { shape, count: *count, wanted };
                as_expected &= case.run(&[&small, &last, &large], &mut least);
            }
        }
    }
    for (place, shape) in SHAPES.iter().enumerate() {
        as_expected &= keeps_little(place, *shape);
    }
    if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::OwnQueues => "own queues",
            Shape::SharedLists => "shared lists",
            Shape::Prefixes => "prefixes",
            Shape::When => "when",
        }
    }
}

impl Case {
    /// Builds the rules, checks what they find and measures. `least` is what the smallest number of
    /// rules cost for each kind of event, once that is known.
    fn run(&self, all: &[&Events], least: &mut Vec<f64>) -> bool {
        let (text, holding) = self.rules();
        let file = parsed(&text);
        let start = Instant::now();
        let rules = bound(&file);
        let built = start.elapsed();
        let mut as_expected = true;
        for (at, events) in all.iter().enumerate() {
            let matches = self.matches(&rules, events);
            let expected = holding * events.live;
            if expected != matches {
                println!("{} {}: {matches} matches, not {expected}", self.name(), events.name);
                as_expected = false;
            }
            let times = measure(&rules, &events.frames);
            let whole = median(&times.whole);
            if least.len() == at {
                least.push(whole);
            }
            let length: usize = events.frames.iter().map(String::len).sum();
            println!(
                "{:<24} {:>10} {:>8} {:>8.2} {:>7.1} {:>7.1} {:>9.2} {:>7.1} {:>7.2} {:>6.2} {:>9.0} {:>9.1}",
                self.name(),
                events.name,
                length / events.frames.len(),
                mean(matches, events),
                median(&times.floor),
                median(&times.snapshot),
                median(&times.look),
                whole,
                median(&times.floor) / whole,
                whole / least[at],
                1e6 / whole,
                built.as_secs_f64() * 1e3,
            );
        }
        as_expected
    }

    fn name(&self) -> String {
        format!("{} {}, {}", self.count, self.shape.name(), self.wanted)
    }

    /// Matches over all frames of one kind of events.
    fn matches(&self, rules: &Rules, events: &Events) -> usize {
        events.frames.iter().map(|text| look(rules, &snapshot(text)).held.len()).sum()
    }

    /// The rules, and how many of them hold where customer and agent are there.
    fn rules(&self) -> (String, usize) {
        let (mut text, mut holding) = (String::new(), 0);
        let mut random = Random(17);
        for at in 0..self.count {
            let made_to_match = at + self.wanted >= self.count;
            let (conditions, holds) = match self.shape {
                Shape::OwnQueues => (own_queue(at, made_to_match), made_to_match),
                Shape::SharedLists => shared_lists(&mut random, made_to_match, self.wanted > 0),
                Shape::Prefixes => (prefix(at, made_to_match), made_to_match),
                Shape::When => (when(at, made_to_match), made_to_match),
            };
            holding += usize::from(holds);
            text += &format!("[[rule]]\nname = \"r{at}\"\n{conditions}set.\"cc.{at}\" = \"x\"\n");
        }
        (text, holding)
    }
}

fn own_queue(at: usize, matches: bool) -> String {
    let queue = if matches { QUEUE.to_owned() } else { queue(at + 1) };
    format!(
        "match.participant.queue = \"{queue}\"\nmatch.participant.purpose = \"agent\"\n\
         match.participant.direction = \"inbound\"\n"
    )
}

/// Also whether it matches by chance; unless nothing is to match.
fn shared_lists(random: &mut Random, made_to_match: bool, some_match: bool) -> (String, bool) {
    let first = usize::from(!some_match);
    let mut list = || -> [usize; 3] { std::array::from_fn(|_| first + random.below(SHARED)) };
    let (mut queues, mut menus) = (list(), list());
    let mut priority = 5 + random.below(3);
    if made_to_match {
        (queues[0], menus[0], priority) = (0, 0, 5);
    }
    let holds = queues.contains(&0) && menus.contains(&0) && priority == 5;
    let menu = |at: usize| if at == 0 { "billing".to_owned() } else { format!("menu-{at}") };
    let (queues, menus) = (queues.map(queue), menus.map(menu));
    let text = format!(
        "match.participant.queue = {queues:?}\nmatch.participant.purpose = \"agent\"\n\
         match.customer.attributes.\"menu.choice\" = {menus:?}\n\
         match.customer.attributes.\"ivr.Priority\" = \"{priority}\"\n"
    );
    (text, holds)
}

fn prefix(at: usize, matches: bool) -> String {
    let pattern = match (matches, at % 2) {
        (true, 0) => "{ prefix = \"+1317555\" }".to_owned(),
        (true, _) => "{ glob = \"*5550142\" }".to_owned(),
        (false, 0) => format!("{{ prefix = \"+49{at:08}\" }}"),
        (false, _) => format!("{{ glob = \"*{at:07}9\" }}"),
    };
    format!("match.participant.purpose = \"customer\"\nmatch.participant.address = {pattern}\n")
}

fn when(at: usize, matches: bool) -> String {
    let queue = if matches { QUEUE.to_owned() } else { queue(at + 1) };
    format!(
        "match.participant.purpose = \"agent\"\n\
         when = 'participant.queue_id == \"{queue}\" && conversation.direction == \"inbound\"'\n"
    )
}

/// The first is the sample's.
fn queue(at: usize) -> String {
    if at == 0 { QUEUE.to_owned() } else { format!("00000000-0000-4000-8000-{at:012}") }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }
}

fn parsed(text: &str) -> RuleFile {
    let parsed = RuleFile::parse(Path::new("rules.toml"), text, &AllowedKeys::all());
    parsed.unwrap_or_else(|problems| panic!("{}", problems[0])).0
}

fn bound(file: &RuleFile) -> Rules {
    file.bind(Arc::new(Names::default()), &Tables::default()).0
}

/// Whether a rule of that shape takes no more than it may.
fn keeps_little(place: usize, shape: Shape) -> bool {
    let found = memory(place);
    println!("{}: {found} bytes for each of {KEPT} rules", shape.name());
    match shape {
        Shape::OwnQueues | Shape::SharedLists | Shape::Prefixes => {
            let little = found.parse().is_ok_and(|bytes: usize| bytes <= MOST);
            if !little {
                println!("{}: {MOST} bytes are what it may be", shape.name());
            }
            little
        }
        Shape::When => true,
    }
}

/// Bytes for each rule of that shape, as another process finds.
fn memory(shape: usize) -> String {
    let program = env::current_exe().expect("the program has a place");
    let answer = Command::new(program).arg(ASKS_MEMORY).arg(shape.to_string()).output();
    let answer = answer.expect("the program starts once more").stdout;
    String::from_utf8_lossy(&answer).trim().to_owned()
}

/// By how many bytes the process grows for a rule that is kept. What reading the file leaves behind
/// is used again, so that after some rounds only what is kept is new.
fn grown(shape: Shape) -> usize {
    const BEFORE: usize = 3;
    const ROUNDS: usize = 12;
    let case = Case { shape, count: KEPT, wanted: 1 };
    let (text, _) = case.rules();
    let mut kept: Vec<Rules> = Vec::new();
    let mut keep = |rounds| kept.extend((0..rounds).map(|_| bound(&parsed(&text))));
    keep(BEFORE);
    let before = resident();
    keep(ROUNDS);
    let grown = resident().saturating_sub(before) / (ROUNDS * KEPT);
    black_box(kept);
    grown
}

fn measure(rules: &Rules, frames: &[String]) -> Times {
    let snapshots: Vec<Conversation> = frames.iter().map(|text| snapshot(text)).collect();
    let mut times = Times::default();
    for _ in 0..RUNS {
        times.floor.push(timed(frames, |text| skip(text)));
        times.snapshot.push(timed(frames, |text| snapshot(text)));
        times.look.push(timed(&snapshots, |snapshot| look(rules, snapshot)));
        // All that the pipeline does with a frame before it knows what to wish.
        times.whole.push(timed(frames, |text| look(rules, &snapshot(text))));
    }
    times
}

fn skip(text: &str) -> IgnoredAny {
    serde_json::from_str(text).expect("the frame is JSON")
}

fn snapshot(text: &str) -> Conversation {
    let Frame::Conversation { conversation, .. } = Frame::read(text) else {
        panic!("the frame is not a conversation's");
    };
    *conversation.expect("the conversation has an id")
}

fn look(rules: &Rules, conversation: &Conversation) -> Looked {
    let watched: BTreeSet<UserId> = BTreeSet::new();
    let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
    rules.look(conversation, &context, &mut Standing::default())
}

/// Microseconds for each.
fn timed<T, R>(all: &[T], one: impl Fn(&T) -> R) -> f64 {
    let rounds = FRAMES_A_RUN / all.len();
    let start = Instant::now();
    for _ in 0..rounds {
        for each in all {
            black_box(one(black_box(each)));
        }
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = (rounds * all.len()) as f64;
    micros / count
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn mean(matches: usize, events: &Events) -> f64 {
    matches as f64 / events.frames.len() as f64
}

/// The memory of the process in bytes; nothing where the system does not tell.
fn resident() -> usize {
    const PAGE: usize = 4_096;
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * PAGE
}

fn sample(name: &str) -> Value {
    let path = root().join("tests/samples/events").join(name);
    let text = fs::read_to_string(path).expect("the sample is there");
    serde_json::from_str(&text).expect("the sample is JSON")
}

/// The frame, compact, with its members in that order.
fn text_of(frame: &Value, members: &[&str]) -> String {
    let members: Vec<String> =
        members.iter().map(|member| format!("\"{member}\":{}", frame[member])).collect();
    format!("{{{}}}", members.join(","))
}

/// The same call with thirty participants: its agent again and again, each with an id of its own.
fn conference(mut frame: Value) -> Value {
    let participants = frame["eventBody"]["participants"].as_array_mut().expect("an array");
    let agent = participants.last().expect("an agent").clone();
    for at in participants.len()..30 {
        let mut another = agent.clone();
        another["id"] = format!("00000000-0000-4000-8000-{at:012}").into();
        participants.push(another);
    }
    frame
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
