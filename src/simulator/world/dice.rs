//! Draws from the seed: numbers, ids, names.
//!
//! Every draw of the world comes through here, so that one seed makes one world. It knows nothing
//! of conversations.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A stream of draws of its own; two with one seed give the same.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(StdRng::seed_from_u64(seed))
    }

    /// A stream that depends on this one's next draw and on nothing drawn later.
    pub(super) fn fork(&mut self) -> Dice {
        Dice::new(self.0.random())
    }

    /// A stream for one moment of one thing, whatever was drawn before.
    pub(super) fn of(seed: u64, name: &str, version: u64) -> Dice {
        // FNV-1a: fixed for ever, which `DefaultHasher` is not.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        for byte in name.bytes().chain(version.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Dice::new(hash)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A place in a list of that length; 0 for an empty one.
    pub(super) fn place(&mut self, length: usize) -> usize {
        if length == 0 { 0 } else { self.0.random_range(0..length) }
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.place(of.len()))
    }

    pub(super) fn word(&mut self, of: &[&'static str]) -> &'static str {
        self.pick(of).copied().unwrap_or_default()
    }

    /// An id in the form of a version 4 UUID.
    pub(super) fn id(&mut self) -> String {
        let bits: u128 = self.0.random();
        let hex = format!("{bits:032x}");
        let variant = ["8", "9", "a", "b"][self.place(4)];
        format!(
            "{}-{}-4{}-{variant}{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }

    /// Milliseconds until the next of `rate` happenings a second, as chance has it (exponential).
    pub(super) fn gap(&mut self, rate: f64) -> i64 {
        let uniform: f64 = self.0.random_range(f64::EPSILON..1.0);
        let millis = (-uniform.ln() / rate * 1000.0).clamp(1.0, 3_600_000.0);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to an hour")]
        let millis = millis as i64;
        millis
    }

    pub(super) fn person(&mut self) -> String {
        format!("{} {}", self.word(&FIRST), self.word(&LAST))
    }

    /// An E.164 number with its scheme: mostly Germany, beside its neighbours and the United
    /// States; all in ranges set aside for fiction, or near them.
    pub(super) fn number(&mut self) -> String {
        let prefix =
            self.word(&["+4930239", "+4989996", "+49152281", "+4320239", "+1317555", "+4420794"]);
        format!("tel:{prefix}{:04}", self.between(0, 9999))
    }

    pub(super) fn mailbox(&mut self, person: &str) -> String {
        let domain = self.word(&["example.com", "example.com", "example.org", "partner.example"]);
        format!("{}{}@{domain}", person.to_lowercase().replace(' ', "."), self.between(1, 99))
    }
}

pub(super) const FIRST: [&str; 20] = [
    "Avery", "Blake", "Casey", "Dana", "Eike", "Flora", "Gerrit", "Hanna", "Ilse", "Jona", "Kim",
    "Lena", "Mika", "Nika", "Ole", "Pia", "Robin", "Sascha", "Toni", "Ulla",
];
pub(super) const LAST: [&str; 20] = [
    "Abel", "Brandt", "Conrad", "Dietz", "Ebert", "Falk", "Gross", "Hahn", "Iversen", "Jung",
    "Kern", "Lorenz", "Marx", "Noll", "Otto", "Pohl", "Roth", "Seidel", "Thiel", "Vogel",
];
