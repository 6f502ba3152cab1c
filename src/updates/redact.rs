//! Takes our own values out of what a server says, before it is logged or kept.
//!
//! A server that refuses a request likes to quote it; attribute values reach no log (DESIGN 4).

use super::outbox::Out;
use crate::genesys::call::CallError;
use crate::genesys::quoted::without;

/// Returns the error as text without any of the values that were sent.
pub(crate) fn describe(error: &CallError, sent: &Out) -> String {
    let values = || sent.values().map(|waiting| &*waiting.value);
    let mut error = error.clone();
    match error.refusal_mut() {
        Some(refusal) => {
            refusal.message = without(&refusal.message, values());
            error.to_string()
        }
        None => without(&error.to_string(), values()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::call::Refusal;

    #[test]
    fn what_an_error_adds_to_the_servers_words_stays() {
        let refusal = Refusal { operation: "patch_attributes", status: 401, ..Refusal::default() };
        let said = describe(&CallError::Unauthorized(refusal), &Out::default());
        assert!(said.contains("the token was renewed"), "{said}");
    }
}
