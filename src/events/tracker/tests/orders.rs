//! Many orders of the same frames, against the truth.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::*;

#[test]
fn the_samples_shuffled_end_with_the_last() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        for names in [&CALL[..], &THREAD] {
            let mut steps = samples::sequence(names);
            let last = steps[steps.len() - 1].clone();
            steps.shuffle(&mut random);
            let mut tracker = Tracker::new(Limits::default());
            let mut newest = None;
            for step in steps {
                let stream = StreamId { channel: random.random_range(0..2), topic: 1 };
                if let News::Newer(conversation) = tracker.take(stream, step, Instant::now()) {
                    newest = Some(conversation);
                }
            }
            assert_eq!(newest.as_deref(), Some(&last), "seed {seed}");
        }
    }
}

/// A server that sends a sequence on three streams, which lag, repeat and drop; a read answers with
/// what is true when it is answered. Nothing older than what was accepted may ever be accepted, and
/// if nothing is dropped the end is the truth. (Where frames are dropped and the conversation looks
/// as it did before, a stream that lags can seem to be up to date: that is not played.)
#[test]
fn no_order_makes_it_go_back() {
    let call = samples::sequence(&CALL);
    let [plain, held] = [call[2].clone(), call[3].clone()];
    let mut marked = held.clone();
    marked.participants[0].attributes = [("a", "b")].into_iter().collect();
    let flicker: Vec<Conversation> = [&plain, &held, &plain, &held, &marked, &plain, &held, &plain]
        .map(Conversation::clone)
        .to_vec();
    for seed in 0..150 {
        for steps in [&call[..6], &samples::sequence(&THREAD)[..4]] {
            play(steps, seed, false);
            play(steps, seed, true);
        }
        play(&flicker, seed, false);
    }
}

fn play(steps: &[Conversation], seed: u64, drops: bool) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut tracker = Tracker::new(Limits::default());
    let mut now = Instant::now();
    let mut sent = 0;
    let mut next = [0_usize; 3];
    let mut shown = [const { Vec::new() }; 3];
    let mut newest = 0;
    let mut read = None;
    while sent < steps.len() || next.iter().any(|next| *next < sent) || read.is_some() {
        now += Duration::from_millis(500);
        let stream = random.random_range(0..next.len());
        let id = StreamId { channel: 1, topic: stream as u64 };
        let step = match random.random_range(0..10) {
            0 | 1 if sent < steps.len() => {
                sent += 1;
                continue;
            }
            2 | 3 => {
                let Some(ticket) = read.take() else { continue };
                let truth = steps[sent - 1].clone();
                match tracker.take_read(ticket, truth, now) {
                    News::Newer(_) | News::Duplicate | News::Confirmed(_) => newest = sent - 1,
                    News::Overtaken { read_again: true } => {
                        read = tracker.begin_read(&steps[0].id);
                    }
                    News::Overtaken { .. } => {}
                    other @ (News::Older | News::Partial | News::Doubtful { .. }) => {
                        panic!("seed {seed}: the read was {other:?}")
                    }
                }
                continue;
            }
            4 if !shown[stream].is_empty() => {
                shown[stream][random.random_range(0..shown[stream].len())]
            }
            _ if next[stream] < sent => {
                next[stream] += 1;
                if drops && random.random_bool(0.2) {
                    continue;
                }
                shown[stream].push(next[stream] - 1);
                next[stream] - 1
            }
            _ => continue,
        };
        match tracker.take(id, steps[step].clone(), now) {
            News::Newer(_) => {
                assert!(step >= newest, "seed {seed}: went back from {newest} to {step}");
                newest = step;
            }
            News::Doubtful { .. } => read = read.or(tracker.begin_read(&steps[0].id)),
            News::Duplicate | News::Confirmed(_) | News::Older => {}
            other @ (News::Partial | News::Overtaken { .. }) => panic!("seed {seed}: {other:?}"),
        }
    }
    if !drops {
        let end = tracker.current(&steps[0].id).map(|current| current.as_ref());
        assert_eq!(end, steps.last(), "seed {seed}");
    }
}
