//! Keyed pseudonyms: the same text has the same one within a recording, and nobody without the key
//! can tell whose it is. The key is random, and gone when the recording ends.
//!
//! A pseudonym has the length and the look of what it stands for: letters for letters, digits for
//! digits, all else as it is. Of addresses it keeps the scheme and the domain, of telephone numbers
//! the first digits, so that rules on prefixes and domains see what they would have seen. A number
//! has one pseudonym, however it is written. Of other texts nothing is kept.

use ring::hmac::{self, Key};

/// Digits of a number that stay: the country, and for most the area.
const DIGITS_KEPT: usize = 4;
/// At least so many digits of a number do not.
const DIGITS_HIDDEN: usize = 4;
/// Fewer digits than this are no telephone number.
const SHORTEST_NUMBER: usize = 7;
/// What stands before an address.
const SCHEMES: [&str; 4] = ["tel:", "sip:", "sips:", "mailto:"];

/// See the [module](self).
pub(super) struct Pseudonyms {
    key: Key,
}

impl Pseudonyms {
    /// With a new key of their own.
    ///
    /// # Errors
    ///
    /// If the system gives no random numbers.
    pub(super) fn new() -> Result<Pseudonyms, ring::error::Unspecified> {
        let key = Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new())?;
        Ok(Pseudonyms { key })
    }

    #[cfg(test)]
    pub(super) fn with_key(key: &[u8]) -> Pseudonyms {
        Pseudonyms { key: Key::new(hmac::HMAC_SHA256, key) }
    }

    /// What stands for this text.
    pub(super) fn of(&self, text: &str) -> String {
        let scheme = SCHEMES.iter().find(|scheme| text.starts_with(**scheme));
        let scheme = scheme.copied().unwrap_or_default();
        let rest = &text[scheme.len()..];
        let (name, domain) = match rest.rsplit_once('@') {
            Some((name, domain)) if is_domain(domain) && !name.contains([' ', '@']) => {
                (name, &rest[name.len()..])
            }
            Some(_) | None => (rest, ""),
        };
        let name = if is_number(name) { self.of_number(name) } else { self.of_text(name) };
        format!("{scheme}{name}{domain}")
    }

    /// A number of as many digits.
    pub(super) fn of_integer(&self, number: i64) -> i64 {
        let digits = number.unsigned_abs().to_string();
        let mut stream = Stream::new(&self.key, digits.as_bytes());
        let hidden: String = digits.chars().map(|_| stream.digit()).collect();
        hidden.parse().unwrap_or_default()
    }

    fn of_number(&self, number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let kept = digits.len().saturating_sub(DIGITS_HIDDEN).min(DIGITS_KEPT);
        let mut stream = Stream::new(&self.key, digits.as_bytes());
        let mut seen = 0;
        let hide = |c: char| {
            if !c.is_ascii_digit() {
                return c;
            }
            seen += 1;
            if seen <= kept { c } else { stream.digit() }
        };
        number.chars().map(hide).collect()
    }

    fn of_text(&self, text: &str) -> String {
        let mut stream = Stream::new(&self.key, text.as_bytes());
        let hide = |c: char| match c {
            '0'..='9' => stream.digit(),
            _ if c.is_uppercase() => stream.letter().to_ascii_uppercase(),
            _ if c.is_alphanumeric() => stream.letter(),
            _ => c,
        };
        text.chars().map(hide).collect()
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let part = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '/');
    digits >= SHORTEST_NUMBER && text.chars().all(part)
}

fn is_domain(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    !text.is_empty() && text.chars().all(part)
}

/// As many characters as are wanted, made from the key and one text.
struct Stream<'k> {
    key: &'k Key,
    text: &'k [u8],
    block: Vec<u8>,
    number: u32,
}

impl<'k> Stream<'k> {
    fn new(key: &'k Key, text: &'k [u8]) -> Stream<'k> {
        Stream { key, text, block: Vec::new(), number: 0 }
    }

    fn letter(&mut self) -> char {
        char::from(b'a' + self.byte() % 26)
    }

    fn digit(&mut self) -> char {
        char::from(b'0' + self.byte() % 10)
    }

    fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.block.pop() {
                return byte;
            }
            let mut context = hmac::Context::with_key(self.key);
            context.update(&self.number.to_be_bytes());
            context.update(self.text);
            self.block = context.sign().as_ref().to_vec();
            self.number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn they_look_like_what_they_stand_for() {
        let pseudonyms = Pseudonyms::with_key(b"a key");
        let texts = [
            "tel:+13175550142",
            "+1 317 555-0142",
            "sip:+13175550142@10.0.0.1",
            "+4930123456",
            "0301234567",
            "casey@example.com",
            "mailto:Casey.Customer@example.com",
            "Casey Customer",
            "Invoice 17: ärgerlich",
            "write to casey@example.com, please",
            "gold",
            "",
            "guest-092dba5e",
        ];
        let shown: Vec<String> =
            texts.iter().map(|text| format!("{text} → {}", pseudonyms.of(text))).collect();
        expect![[r#"
            tel:+13175550142 → tel:+13172890064
            +1 317 555-0142 → +1 317 289-0064
            sip:+13175550142@10.0.0.1 → sip:+13172890064@10.0.0.1
            +4930123456 → +4930298804
            0301234567 → 0301335130
            casey@example.com → vyysh@example.com
            mailto:Casey.Customer@example.com → mailto:Lttdh.Hrlsevbg@example.com
            Casey Customer → Akfrg Ydrybegn
            Invoice 17: ärgerlich → Klccbup 21: atoxjrbuz
            write to casey@example.com, please → uhvdt co moyzb@afcztca.azv, ojvasy
            gold → gjvx
             → 
            guest-092dba5e → tised-922tro4y"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn the_same_has_the_same_and_another_key_another() {
        let (one, other) = (Pseudonyms::with_key(b"one"), Pseudonyms::with_key(b"other"));
        assert_eq!(one.of("Casey Customer"), one.of("Casey Customer"));
        assert_ne!(one.of("Casey Customer"), other.of("Casey Customer"));
        assert_ne!(one.of("Casey Customer"), one.of("Casey Customes"));
        assert_ne!(Pseudonyms::new().unwrap().of("Casey Customer"), one.of("Casey Customer"));
        let long = "x".repeat(1000);
        assert_eq!(one.of(&long).chars().count(), 1000);
        assert_eq!(one.of_integer(-1234567).to_string().len(), 7);
    }
}
