//! How much of the account's budget is used, and whether it is ever exceeded: ten simulated minutes of a
//! full outbox against the simulator's windows, a thousand times and in virtual time. A run's window,
//! phase, skew, rounding, latency and restart come from its seed.
//!
//! Fails when a bound is missed, or when the simulator's books do not agree with what the client was
//! told. `BUDGET_RUNS=50` plays fewer, `BUDGET_SEED=17` that one of each scenario and shows its
//! windows.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

#[path = "budget/mod.rs"]
mod minutes;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use minutes::{Conditions, Scenario, Settings, Tally, play};

/// Of a thousand runs, so many of each.
const SCENARIOS: [(Scenario, u64); 7] = [
    (Scenario::Alone, 1_000),
    (Scenario::Shared, 500),
    (Scenario::SharedShort, 100),
    (Scenario::Raised, 200),
    (Scenario::Lowered, 200),
    (Scenario::Idle, 500),
    (Scenario::Start, 500),
];

fn main() -> ExitCode {
    let settings = Settings::new();
    if let Some(seed) = number("BUDGET_SEED") {
        for (scenario, _) in SCENARIOS {
            let conditions = Conditions::draw(scenario, seed);
            let outcome = play(&settings, &conditions);
            println!("{conditions:?}");
            for window in &outcome.windows {
                println!("  {:>3}: {} of {}", window.number, window.count, window.allowed);
            }
        }
        return ExitCode::SUCCESS;
    }
    let thousand = number("BUDGET_RUNS").unwrap_or(1_000);
    println!("ten minutes of a full outbox, seeds from 0 on");
    println!("{:<26} {:>5} {:>9} {:>9} {:>9} (seed)", "", "runs", "requests", "used", "least");
    let mut as_it_should = true;
    for (scenario, of_a_thousand) in SCENARIOS {
        let runs = (thousand * of_a_thousand / 1_000).max(1);
        let tally = many(&settings, scenario, runs);
        let verdict = if tally.is_right() { "" } else { "   MISSED" };
        println!("{tally}{verdict}");
        as_it_should &= tally.is_right() && tally.runs == runs;
    }
    if as_it_should { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// On all cores: each run has a time of its own.
fn many(settings: &Settings, scenario: Scenario, runs: u64) -> Tally {
    let (tally, next) = (Mutex::new(Tally::new(scenario)), AtomicU64::new(0));
    let play_on = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= runs {
            break;
        }
        let outcome = play(settings, &Conditions::draw(scenario, seed));
        tally.lock().unwrap().add(&outcome);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(play_on);
        }
    });
    tally.into_inner().unwrap()
}
