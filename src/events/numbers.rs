//! Telephone numbers: the customer's, and who called whom.
//!
//! Only numbers in E.164 form are numbers here. Genesys normalises addresses itself and knows the
//! country; to guess one would put wrong numbers into attributes.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::conversation::{Communication, Conversation, Direction};

/// The digits that E.164 allows, the country's among them. Fewer than seven are short codes, which
/// mean nothing without their network.
const DIGITS: RangeInclusive<usize> = 7..=15;

impl Conversation {
    /// The customer's number, E.164, whatever the medium and the direction. `None` where it is not
    /// known or the customer has none, as in a web chat.
    ///
    /// It is the address of the [customer](Conversation::customer), else what the customer's
    /// communications say, else the number that a callback is to call.
    pub fn customer_number(&self) -> Option<Cow<'_, str>> {
        let known = self.customer().and_then(|customer| {
            let legs = || customer.communications.iter().rev();
            let of_participant = customer.address.as_deref().and_then(e164);
            of_participant
                .or_else(|| legs().find_map(Communication::callback_number))
                .or_else(|| legs().find_map(|leg| leg.other_address.as_deref().and_then(e164)))
        });
        let legs = || self.participants.iter().flat_map(|one| &one.communications);
        known.or_else(|| legs().find_map(Communication::callback_number))
    }
}

impl Communication {
    /// The address of who called or wrote first: the other side's if inbound, ours if outbound.
    pub fn ani(&self) -> Option<&str> {
        match self.direction? {
            Direction::Inbound => self.other_address.as_deref(),
            Direction::Outbound => self.self_address.as_deref(),
        }
    }

    /// The address that was called or written to.
    pub fn dnis(&self) -> Option<&str> {
        match self.direction? {
            Direction::Inbound => self.self_address.as_deref(),
            Direction::Outbound => self.other_address.as_deref(),
        }
    }

    fn callback_number(&self) -> Option<Cow<'_, str>> {
        self.callback_numbers.iter().find_map(|number| e164(number))
    }
}

/// The number in an address without scheme (`+13175550142`, `+1 317 555-0142`,
/// `+13175550142@10.0.0.1`), in E.164 form, or `None` if it holds none.
pub fn e164(address: &str) -> Option<Cow<'_, str>> {
    international(address, DIGITS)
}

/// The same for numbers of so many digits, the beginnings of numbers among them.
pub fn international(address: &str, allowed: RangeInclusive<usize>) -> Option<Cow<'_, str>> {
    let number = address.split('@').next().unwrap_or(address);
    let digits = number.strip_prefix('+')?;
    let is_separator = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
    if !digits.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
        return None;
    }
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    if !allowed.contains(&count) {
        None
    } else if count == digits.len() {
        Some(Cow::Borrowed(number))
    } else {
        Some(Cow::Owned(number.chars().filter(|c| !is_separator(*c)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::read_generic;
    use crate::events::samples::{self, CALL, THREAD};

    #[test]
    fn only_full_numbers_are_numbers() {
        for (address, expected) in [
            ("+13175550142", Some("+13175550142")),
            ("+1 (317) 555-0142", Some("+13175550142")),
            ("+13175550142@10.0.0.1", Some("+13175550142")),
            ("13175550142", None),
            ("1001", None),
            ("+112", None),
            ("+1234567890123456", None),
            ("+1317555O142", None),
            ("+", None),
            ("", None),
            ("casey@example.com", None),
            ("guest-092dba5e", None),
        ] {
            assert_eq!(e164(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn the_samples() {
        for conversation in samples::sequence(&CALL) {
            assert_eq!(conversation.customer_number().as_deref(), Some("+13175550142"));
            for leg in conversation.participants.iter().flat_map(|one| &one.communications) {
                assert_eq!(leg.ani(), Some("+13175550142"));
                assert_eq!(leg.dnis(), Some("+13175550100"));
            }
        }
        for conversation in samples::sequence(&THREAD) {
            assert_eq!(conversation.customer_number(), None);
        }
    }

    #[test]
    fn the_customers_number_whatever_the_medium_and_direction() {
        const ADDRESS: &str = r#"{"addressNormalized":"tel:+493012345678"}"#;
        const OURS: &str = r#"{"addressNormalized":"tel:+13175550100"}"#;
        for (participants, expected) in [
            (
                format!(r#"{{"id":"p","purpose":"customer","calls":[{{"direction":"outbound","self":{OURS},"other":{ADDRESS}}}]}}"#),
                Some("+493012345678"),
            ),
            (
                format!(r#"{{"id":"p","purpose":"customer","messages":[{{"direction":"outbound","fromAddress":{OURS},"toAddress":{ADDRESS}}}]}}"#),
                Some("+493012345678"),
            ),
            (
                r#"{"id":"p","purpose":"customer"},{"id":"q","purpose":"agent","callbacks":[{"callbackNumbers":["1001","+49 30 12345678"]}]}"#.to_owned(),
                Some("+493012345678"),
            ),
            (
                format!(r#"{{"id":"p","purpose":"external","address":"tel:+493012345678","calls":[{{"other":{OURS}}}]}}"#),
                Some("+493012345678"),
            ),
            (r#"{"id":"p","purpose":"customer","address":"mailto:casey@example.com"}"#.to_owned(), None),
            (format!(r#"{{"id":"p","purpose":"agent","calls":[{{"other":{ADDRESS}}}]}}"#), None),
        ] {
            let body = format!(r#"{{"id":"c","participants":[{participants}]}}"#);
            let conversation = read_generic(&body).unwrap();
            assert_eq!(conversation.customer_number().as_deref(), expected, "{participants}");
        }
    }
}
