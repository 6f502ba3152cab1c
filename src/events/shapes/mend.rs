//! Mends the one fault of JSON texts that is known to come from honest writers: half of a surrogate
//! pair.
//!
//! A program that cuts a text to a length can cut an emoji in two. The escape that is left
//! (`\ud83d`) names no character, and a strict reader refuses the whole body for it; a conversation
//! with such a subject would go without attributes to its end.

/// Replaces each half of a surrogate pair by U+FFFD. Returns `None` if there was none, and so
/// nothing is gained by reading again.
pub(super) fn mended(body: &str) -> Option<String> {
    let bytes = body.as_bytes();
    let mut mended: Option<String> = None;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\\')) {
        at += found;
        at += match escape(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(escape(bytes, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                // Both are six bytes of ASCII, so places stay what they are.
                mended.get_or_insert_with(|| body.to_owned()).replace_range(at..at + 6, "\\ufffd");
                6
            }
            Some(_) => 6,
            None => 2,
        };
    }
    mended
}

/// The code unit that an escape `\uXXXX` at this place stands for.
fn escape(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0_u16, |unit, digit| {
        let digit = u16::try_from(char::from(*digit).to_digit(16)?).ok()?;
        Some(unit << 4 | digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_halves_are_replaced() {
        for (given, expected) in [
            (r#"{"a":"x"}"#, None),
            (r#"{"a":"\ud83d\ude00"}"#, None),
            (r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#)),
            (r#"{"a":"\ude00 \ud83d\ud83d\ude00"}"#, Some(r#"{"a":"\ufffd \ufffd\ud83d\ude00"}"#)),
            (r#"{"a":"\\ud83d"}"#, None),
            (r#"{"a":"ü\"\u00e9\ud83d"#, Some(r#"{"a":"ü\"\u00e9\ufffd"#)),
            ("\\", None),
            ("\\u12", None),
        ] {
            assert_eq!(mended(given).as_deref(), expected, "{given}");
        }
    }
}
