//! The spellings of Genesys Cloud, made one.
//!
//! Words of enumerations are lower case here, whichever source wrote them, and addresses have no
//! scheme. Unknown words are kept: Genesys adds some without notice (FACTS 2.3).

use super::keys::{Keys, Print, print};
use crate::events::conversation::Direction;
use crate::events::words::{
    AFTER_CALL_WORK, DIRECTIONS, DISCONNECT_TYPES, MESSAGE_TYPES, PURPOSES, RECORDING_STATES,
    STATES,
};

/// Words that need no room of their own in a snapshot, because they are always the same.
const LISTS: [&[&str]; 7] = [
    PURPOSES,
    STATES,
    DISCONNECT_TYPES,
    MESSAGE_TYPES,
    DIRECTIONS,
    RECORDING_STATES,
    AFTER_CALL_WORK,
];

/// Each of them once.
const WORDS: [&str; distinct::<0>().1] = distinct().0;

/// The first so many of the words, each once; and how many there are.
const fn distinct<const N: usize>() -> ([&'static str; N], usize) {
    let (mut words, mut count, mut list) = ([""; N], 0, 0);
    while list < LISTS.len() {
        let mut at = 0;
        while at < LISTS[list].len() {
            if is_first(list, at) {
                if count < N {
                    words[count] = LISTS[list][at];
                }
                count += 1;
            }
            at += 1;
        }
        list += 1;
    }
    (words, count)
}

/// Whether the word in that place is in no list before.
const fn is_first(list: usize, at: usize) -> bool {
    let word = print(LISTS[list][at]);
    let mut before = 0;
    while before < list {
        let mut other = 0;
        while other < LISTS[before].len() {
            if print(LISTS[before][other]) == word {
                return false;
            }
            other += 1;
        }
        before += 1;
    }
    true
}

static KNOWN: Keys<{ WORDS.len() }> = Keys::new(WORDS);

/// How a word is spelt in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Known(&'static str),
    Other(String),
    AsItIs,
}

/// A word of an enumeration, in lower case.
pub(super) fn in_lower_case(text: &str) -> Spelling {
    if let Some(word) = known_text(text) {
        return Spelling::Known(word);
    }
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Spelling::AsItIs;
    }
    let text = text.to_ascii_lowercase();
    known_text(&text).map_or(Spelling::Other(text), Spelling::Known)
}

/// Why a communication ended, as events spell it: REST writes `endpoint.donotdisturb` where events
/// write `endpoint.dnd` (FACTS 2.3).
pub(super) fn disconnect_type(text: &str) -> Spelling {
    const OF_REST: &str = ".donotdisturb";
    let Some((which, end)) =
        text.len().checked_sub(OF_REST.len()).and_then(|at| text.split_at_checked(at))
    else {
        return in_lower_case(text);
    };
    if !end.eq_ignore_ascii_case(OF_REST) {
        return in_lower_case(text);
    }
    let text = format!("{}.dnd", which.to_ascii_lowercase());
    known_text(&text).map_or(Spelling::Other(text), Spelling::Known)
}

pub(super) fn direction(text: &str) -> Option<Direction> {
    if text.eq_ignore_ascii_case("inbound") {
        Some(Direction::Inbound)
    } else if text.eq_ignore_ascii_case("outbound") {
        Some(Direction::Outbound)
    } else {
        None
    }
}

/// The word of that name.
#[inline]
pub(super) fn known(name: Print) -> Option<&'static str> {
    WORDS.get(KNOWN.find(name)?).copied()
}

fn known_text(text: &str) -> Option<&'static str> {
    known(print(text))
}

/// Strips `tel:`, `sip:`, `sips:` or `mailto:`, and the parameters that such an address can carry:
/// what is left is a number, `user@host`, or an e-mail address. Other texts are only trimmed.
pub(super) fn without_scheme(text: &str) -> &str {
    let text = text.trim_ascii();
    // The longest scheme of these has six letters.
    let Some(colon) = text.bytes().take(7).position(|byte| byte == b':') else { return text };
    let (scheme, rest) = text.split_at(colon);
    let is = |one: &str| scheme.eq_ignore_ascii_case(one);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let mut bytes = rest.bytes();
    let end = if is("tel") {
        bytes.position(|byte| byte == b';')
    } else if is("sip") || is("sips") {
        bytes.position(|byte| matches!(byte, b';' | b'?'))
    } else if is("mailto") {
        bytes.position(|byte| byte == b'?')
    } else {
        return text;
    };
    rest[..end.unwrap_or(rest.len())].trim_ascii()
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
        for (given, expected) in [
            ("endpoint.doNotDisturb", Spelling::Known("endpoint.dnd")),
            ("transfer.donotdisturb", Spelling::Known("transfer.dnd")),
            ("new.donotdisturb", Spelling::Other("new.dnd".to_owned())),
            ("PEER", Spelling::Known("peer")),
            ("peer", Spelling::Known("peer")),
            ("Novel", Spelling::Other("novel".to_owned())),
            ("novel.thing.of.tomorrow", Spelling::AsItIs),
            ("", Spelling::AsItIs),
        ] {
            assert_eq!(disconnect_type(given), expected, "{given}");
        }
    }
}
