//! Ids, tokens and correlation ids, all from the seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// So that ids and the world's own numbers do not come from one stream.
const STREAM: u64 = 0x6d69_6e74;

#[derive(Debug)]
pub(super) struct Mint {
    rng: StdRng,
}

impl Mint {
    pub(super) fn new(seed: u64) -> Mint {
        Mint { rng: StdRng::seed_from_u64(seed ^ STREAM) }
    }

    pub(super) fn uuid(&mut self) -> String {
        let mut text = String::with_capacity(36);
        for (at, digit) in self.hex(32).chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(match at {
                12 => '4',
                16 => 'a',
                _ => digit,
            });
        }
        text
    }

    /// `streaming-4-58bc4bed0ade558b99d0b52bd8`: no UUID (FACTS 1.5).
    pub(super) fn channel(&mut self) -> String {
        let shard = self.rng.random_range(0..8_u8);
        format!("streaming-{shard}-{}", self.hex(26))
    }

    pub(super) fn token(&mut self) -> String {
        self.hex(64)
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.rng.random_range(0..16)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::names::looks_like_id;

    #[test]
    fn the_same_seed_mints_the_same_ids() {
        let (mut one, mut other) = (Mint::new(7), Mint::new(7));
        let id = one.uuid();
        assert!(looks_like_id(&id), "{id}");
        assert_eq!(id, other.uuid());
        assert_eq!(one.channel(), other.channel());
        assert_ne!(one.token(), Mint::new(8).token());
    }
}
