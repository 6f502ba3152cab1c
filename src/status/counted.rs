//! Numbers with what is counted, as people write them: `1 rule`, `1,203 topics`.

use std::fmt::Display;

/// `noun` is the word for one.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {}", either(count, noun, &many(noun)))
}

/// The first for one of it, else the second: `waits` or `wait`.
pub fn either<'w, N: PartialEq + From<u8>>(count: N, one: &'w str, more: &'w str) -> &'w str {
    if count == N::from(1) { one } else { more }
}

fn many(noun: &str) -> String {
    let hisses = ["s", "x", "sh", "ch"].iter().any(|end| noun.ends_with(end));
    format!("{noun}{}", if hisses { "es" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_easy_to_read() {
        for (count, text) in [
            (0, "0 topics"),
            (1, "1 topic"),
            (999, "999 topics"),
            (1203, "1,203 topics"),
            (1_000_000, "1,000,000 topics"),
        ] {
            assert_eq!(counted::<u64>(count, "topic"), text);
        }
        assert_eq!(counted(2_u32, "wish"), "2 wishes");
        assert_eq!(
            (either(1_u64, "waits", "wait"), either(0_u64, "waits", "wait")),
            ("waits", "wait")
        );
    }
}
