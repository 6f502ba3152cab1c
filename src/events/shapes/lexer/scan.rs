//! Finds where a text ends, eight bytes at a time.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes come before the next quotation mark, backslash or control character.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let special = specials(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + first(special);
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// Which of eight bytes are quotation marks, backslashes or control characters: of the lowest one
/// the highest bit is set; above it a borrow can set others.
#[inline]
pub(super) fn specials(word: u64) -> u64 {
    let is = |byte: u8| {
        let differs = word ^ (LOW * u64::from(byte));
        differs.wrapping_sub(LOW) & !differs
    };
    let is_control = word.wrapping_sub(LOW * 0x20) & !word;
    (is(b'"') | is(b'\\') | is_control) & HIGH
}

#[inline]
pub(super) fn first(special: u64) -> usize {
    special.trailing_zeros() as usize / 8
}
