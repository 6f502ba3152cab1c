//! From the text of an event to the rules that hold, beside the floor: what `serde_json` needs only
//! to skip through the same text.
//!
//! Prints one line for each number of rules; fails if a run matches another number of rules than it
//! should. Runs are interleaved and the median of seven counts, because machines are shared.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use attributed::config::fence::AllowedKeys;
use attributed::events::read_generic;
use attributed::genesys::UserId;
use attributed::genesys::names::Names;
use attributed::rules::{Context, RuleFile, Rules, Standing};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::time::Instant;

/// The size of a frame in the field (generic topic, a call with three participants).
const EVENT_BYTES: usize = 6_000;
const EVENTS: usize = 500;
const RUNS: usize = 7;
const RULES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    println!("{:>6}  {:>10}  {:>10}  {:>5}", "rules", "events/s", "floor/s", "ratio");
    for count in RULES {
        let rules = rules(count);
        let events: Vec<String> = (0..EVENTS).map(|at| event(at * 7 % count)).collect();
        let (mut matching, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            matching.push(timed(&events, |text| matches(&rules, text)));
            floor.push(timed(&events, skip));
        }
        let (matching, floor) = (median(matching), median(floor));
        println!("{count:>6}  {matching:>10.0}  {floor:>10.0}  {:>5.2}", matching / floor);
    }
}

/// The whole way; every event matches exactly one rule.
fn matches(rules: &Rules, text: &str) -> u32 {
    let conversation = read_generic(text).expect("the event is whole");
    let watched: BTreeSet<UserId> = BTreeSet::new();
    let looked =
        rules.look(&conversation, &Context { watched: &watched }, &mut Standing::default());
    assert_eq!(looked.wishes.len(), 1, "one wish for the one rule");
    looked.matches
}

fn skip(text: &str) -> u32 {
    let skipped: IgnoredAny = serde_json::from_str(text).expect("the event is JSON");
    black_box(skipped);
    1
}

/// Events in a second.
fn timed(events: &[String], one: impl Fn(&str) -> u32) -> f64 {
    let start = Instant::now();
    let matches: u32 = events.iter().map(|text| one(black_box(text))).sum();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(usize::try_from(matches), Ok(events.len()), "the wrong number of matches");
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let count = events.len() as f64;
    count / seconds
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Rules with a queue of their own each.
fn rules(count: usize) -> Rules {
    let text: String = (0..count)
        .map(|at| {
            format!(
                "[[rule]]\nname = \"rule-{at}\"\nmatch.participant.queue = \"{}\"\n\
                 match.participant.purpose = \"agent\"\nmatch.participant.direction = \"inbound\"\n\
                 set.\"cc.rule\" = \"{at}\"\n",
                queue(at)
            )
        })
        .collect();
    let parsed = RuleFile::parse(Path::new("bench.toml"), &text, &AllowedKeys::all());
    let (file, _) = parsed.expect("the rules are right");
    file.bind(Arc::new(Names::default())).0
}

fn queue(at: usize) -> String {
    format!("00000000-0000-4000-8000-{at:012}")
}

/// An answered call in that queue, filled up to size with what real frames carry besides.
fn event(queue_at: usize) -> String {
    let queue = queue(queue_at);
    let mut event = json!({
        "id": "0cfda4f3-f47d-5604-b1b0-9d2ba81aa010",
        "recordingState": "active",
        "participants": [
            party("customer", None, json!({ "account.number": "AC-10042", "menu.choice": "billing" })),
            party("acd", Some(&queue), json!({})),
            party("agent", Some(&queue), json!({})),
        ],
    });
    let missing = EVENT_BYTES.saturating_sub(event.to_string().len());
    let filler: Vec<Value> = (0..missing / 50)
        .map(|at| json!({ "type": "q850", "code": at, "phrase": "Normal clearing" }))
        .collect();
    event["accessAttributes"] = Value::Array(filler);
    event.to_string()
}

fn party(purpose: &str, queue: Option<&str>, attributes: Value) -> Value {
    let address = json!({
        "name": "Main Line",
        "nameRaw": "Main Line",
        "addressNormalized": "tel:+13175550100",
        "addressRaw": "sip:+13175550100@10.0.0.1",
        "addressDisplayable": "+13175550100",
    });
    json!({
        "id": format!("{purpose}-5c02f952-9a6a-59c1-bf69-6a7791864c8c"),
        "connectedTime": "2026-11-20T14:00:33.000Z",
        "name": "Casey",
        "purpose": purpose,
        "queueId": queue,
        "wrapupRequired": false,
        "attributes": attributes,
        "calls": [{
            "id": format!("{purpose}-f21089dc-529c-55c4-9a56-9032e9db24ed"),
            "state": "connected",
            "initialState": "alerting",
            "direction": "inbound",
            "recording": true,
            "recordingState": "active",
            "muted": false,
            "held": false,
            "provider": "Edge",
            "self": address,
            "other": address,
            "connectedTime": "2026-11-20T14:00:33.000Z",
        }],
    })
}
