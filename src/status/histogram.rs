//! How long things took, counted in buckets.
//!
//! Noting costs a search among twenty bounds and two additions to atomics: it may be done anywhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Upper bounds in seconds: from what a local disk takes to a budget that is long used up.
pub const BOUNDS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    120.0, 300.0, 900.0,
];

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Histogram {
    /// The last is for what is above all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// What is in each bucket alone; the last is above all [`BOUNDS`].
    pub buckets: Vec<u64>,
    pub count: u64,
    /// In seconds.
    pub sum: f64,
}

impl Histogram {
    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a hundred years of microseconds are below 2^52"
    )]
    pub fn noted(&self) -> Noted {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<u64> = counts.collect();
        let count = buckets.iter().sum();
        Noted { buckets, count, sum: self.microseconds.load(Ordering::Relaxed) as f64 / 1e6 }
    }
}

impl Noted {
    /// Each upper bound with what is in its bucket alone; the last is infinite. All of them also
    /// where nothing was noted yet.
    pub fn bounded(&self) -> Vec<(f64, u64)> {
        let counts = self.buckets.iter().copied().chain(std::iter::repeat(0));
        BOUNDS.into_iter().chain([f64::INFINITY]).zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_falls_into_the_bucket_of_its_upper_bound() {
        let histogram = Histogram::default();
        for ms in [0, 1, 2, 50, 51, 900_000, 900_001] {
            histogram.note(Duration::from_millis(ms));
        }
        let noted = histogram.noted();
        let full: Vec<_> = noted.bounded().into_iter().filter(|(_, count)| *count > 0).collect();
        let expected =
            [(0.001, 2), (0.0025, 1), (0.05, 1), (0.1, 1), (900.0, 1), (f64::INFINITY, 1)];
        assert_eq!(full, expected);
        assert_eq!((noted.count, noted.sum), (7, 1800.105));
        assert_eq!(Noted::default().bounded(), Histogram::default().noted().bounded());
    }
}
