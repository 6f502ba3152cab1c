//! The spellings of Genesys Cloud, made one.
//!
//! Words of enumerations are lower case here, whichever source wrote them, and addresses have no
//! scheme. Unknown words are kept: Genesys adds some without notice (FACTS 2.3).

use super::lenient::Scalar;
use crate::events::conversation::Direction;

/// A word of an enumeration, in lower case.
pub(super) struct Word(pub(super) String);

/// Why a communication ended, as events spell it.
pub(super) struct DisconnectType(pub(super) String);

/// An address without its scheme. See [`without_scheme`].
pub(super) struct Address(pub(super) String);

impl Scalar for Word {
    fn from_text(text: &str) -> Option<Word> {
        if text.is_empty() { None } else { Some(Word(text.to_ascii_lowercase())) }
    }
}

impl Scalar for DisconnectType {
    fn from_text(text: &str) -> Option<DisconnectType> {
        let Word(mut word) = Word::from_text(text)?;
        // REST writes `endpoint.donotdisturb` where events write `endpoint.dnd` (FACTS 2.3).
        if let Some(which) = word.strip_suffix(".donotdisturb") {
            word = format!("{which}.dnd");
        }
        Some(DisconnectType(word))
    }
}

impl Scalar for Address {
    fn from_text(text: &str) -> Option<Address> {
        let address = without_scheme(text);
        if address.is_empty() { None } else { Some(Address(address.to_owned())) }
    }
}

impl Scalar for Direction {
    fn from_text(text: &str) -> Option<Direction> {
        if text.eq_ignore_ascii_case("inbound") {
            Some(Direction::Inbound)
        } else if text.eq_ignore_ascii_case("outbound") {
            Some(Direction::Outbound)
        } else {
            None
        }
    }
}

/// Strips `tel:`, `sip:`, `sips:` or `mailto:`, and the parameters that such an address can carry:
/// what is left is a number, `user@host`, or an e-mail address. Other texts are only trimmed.
fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once(':') else { return text };
    let parameters: &[char] = match scheme.to_ascii_lowercase().as_str() {
        "tel" => &[';'],
        "sip" | "sips" => &[';', '?'],
        "mailto" => &['?'],
        _ => return text,
    };
    rest.split(parameters).next().unwrap_or(rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_scheme_and_parameters() {
        for (given, expected) in [
            ("tel:+13175550142", "+13175550142"),
            ("TEL:+13175550142;ext=5", "+13175550142"),
            ("sip:+13175550142@10.0.0.1;transport=tcp?x=y", "+13175550142@10.0.0.1"),
            ("sips:kim@example.com", "kim@example.com"),
            ("mailto:casey@example.com?subject=Hi", "casey@example.com"),
            ("guest-092dba5e", "guest-092dba5e"),
            ("whatsapp:x;y", "whatsapp:x;y"),
            (" +49 30 1 ", "+49 30 1"),
            ("tel:", ""),
        ] {
            assert_eq!(without_scheme(given), expected, "{given}");
        }
    }

    #[test]
    fn rest_spellings_become_those_of_events() {
        let spelt = |text| DisconnectType::from_text(text).map(|word| word.0);
        assert_eq!(spelt("endpoint.donotdisturb").as_deref(), Some("endpoint.dnd"));
        assert_eq!(spelt("transfer.donotdisturb").as_deref(), Some("transfer.dnd"));
        assert_eq!(spelt("PEER").as_deref(), Some("peer"));
        assert_eq!(spelt(""), None);
    }
}
