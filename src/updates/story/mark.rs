//! From values to marks. Pure, but for the dice at the start.

use sha2::{Digest as _, Sha256};

use super::Mark;
use crate::machine;

/// Makes marks of one process.
///
/// A mark is three bytes of a hash with a key that is thrown by dice at the start, and is never
/// written down: without it nobody can try out which value, such as which telephone number, has
/// this mark.
pub(super) struct Marker {
    key: [u8; 32],
}

impl Marker {
    pub(super) fn new() -> Marker {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            part.copy_from_slice(&machine::seed().to_le_bytes());
        }
        Marker { key }
    }

    pub(super) fn mark(&self, value: &str) -> Mark {
        let hash = Sha256::new().chain_update(self.key).chain_update(value).finalize();
        Mark(u32::from_be_bytes([0, hash[0], hash[1], hash[2]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_marks_in_one_process_only() {
        let (one, other) = (Marker::new(), Marker::new());
        assert_eq!(one.mark("+4930123"), one.mark("+4930123"));
        assert_ne!(one.mark("+4930123"), one.mark("+4930124"));
        let values: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let marks = |marker: &Marker| values.iter().map(|it| marker.mark(it)).collect::<Vec<_>>();
        assert_ne!(marks(&one), marks(&other));
        assert_eq!(Mark(0xab).to_string(), "#0000ab");
    }
}
