//! A million prefixes of telephone numbers: how long the list takes to load, what a lookup costs,
//! and the memory of both.
//!
//! The list is made from a seed, with two columns, and read from the bytes of a CSV file as the
//! daemon does it. Fails if a lookup does not find what it should: every key finds its own row,
//! and what a search by length finds is found for numbers that begin with a key, and for numbers
//! that do not.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

use std::collections::HashMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

use attributed::rules::lists::{Keying, List, MAX_ENTRIES, Matching, Normalize, Row};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

const SEED: u64 = 7;
const LOOKUPS: usize = 1_000_000;
const RUNS: usize = 7;

fn main() -> ExitCode {
    println!("seed {SEED}");
    let (keys, text) = file();
    let before = resident();
    let keying =
        Keying { matching: Matching::Prefix, normalize: Normalize::Phone, ignore_case: false };
    let mut loads = Vec::new();
    let mut list = None;
    for _ in 0..3 {
        drop(list.take());
        let began = Instant::now();
        match List::read(Path::new("vip.csv"), text.as_bytes(), Some("phone"), keying) {
            Ok((read, _)) => list = Some(read),
            Err(problems) => println!("{:?}", problems.first()),
        }
        loads.push(began.elapsed());
    }
    let Some(list) = list else {
        println!("FAILED: the list cannot be read");
        return ExitCode::FAILURE;
    };
    loads.sort();
    println!(
        "{} entries of {} MB, load {:.2} s",
        list.len(),
        text.len() / 1_000_000,
        loads[1].as_secs_f64()
    );
    println!("{} MiB in the list", list.bytes() >> 20);
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("{} MiB more resident than before the load", after.saturating_sub(before) >> 10);
    }
    let found = [
        ("found, a key in 2 of 3", numbers(&keys, true)),
        ("found nowhere", numbers(&keys, false)),
    ]
    .map(|(what, numbers)| lookups(&list, &keys, what, &numbers));
    let every = keys.keys().all(|key| list.find(key).map(Row::key) == Some(key));
    if every && list.len() == MAX_ENTRIES && found == [true, true] {
        ExitCode::SUCCESS
    } else {
        println!("FAILED: lookups do not find what they should");
        ExitCode::FAILURE
    }
}

/// The keys with their rows, and the text of the file.
fn file() -> (HashMap<String, usize>, String) {
    let mut dice = StdRng::seed_from_u64(SEED);
    let (mut keys, mut text) = (HashMap::new(), "phone,segment,manager\n".to_owned());
    while keys.len() < MAX_ENTRIES {
        let digits = dice.random_range(6..=13);
        let number: u64 = dice.random_range(0..10_u64.pow(digits));
        let key = format!("+4{number:0width$}", width = digits as usize);
        if !keys.contains_key(&key) {
            let row = keys.len();
            let _written = writeln!(text, "{key},segment-{},manager-{}", row % 5, row % 977);
            keys.insert(key, row);
        }
    }
    (keys, text)
}

/// Whole numbers: of which two in three begin with a key, or which no key can be in.
fn numbers(keys: &HashMap<String, usize>, known: bool) -> Vec<String> {
    let mut dice = StdRng::seed_from_u64(SEED + 1);
    let mut begins: Vec<&String> = keys.keys().collect();
    begins.sort_unstable();
    let mut number = |at: usize| {
        let rest: u64 = dice.random_range(100_000..1_000_000);
        match (known, at % 3) {
            (false, _) => format!("+5{rest}{rest}"),
            (true, 0) => format!("+4{rest}{:06}", dice.random_range(0..1_000_000)),
            (true, _) => {
                let mut number = begins[dice.random_range(0..begins.len())].clone();
                number.push_str(&rest.to_string());
                number.truncate(16);
                number
            }
        }
    };
    (0..LOOKUPS).map(&mut number).collect()
}

/// Prints what a lookup costs; false if one does not find what a search by length does.
fn lookups(list: &List, keys: &HashMap<String, usize>, what: &str, numbers: &[String]) -> bool {
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        for number in numbers {
            black_box(list.find(black_box(number)));
        }
        times.push(began.elapsed().as_secs_f64() * 1e9 / numbers.len() as f64);
    }
    times.sort_by(f64::total_cmp);
    println!("{:.0} ns a lookup ({what})", times[RUNS / 2]);
    numbers.iter().all(|number| {
        let longest =
            (1..=number.len()).rev().find_map(|length| keys.get_key_value(&number[..length]));
        let row = list.find(number);
        match longest {
            None => row.is_none(),
            Some((key, at)) => row.is_some_and(|row| {
                row.key() == key
                    && row.get("segment") == Some(&format!("segment-{}", at % 5))
                    && row.get("manager") == Some(&format!("manager-{}", at % 977))
            }),
        }
    })
}

/// The memory of the process in KiB, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
