//! Why a command did not do what it was asked, in the words that a person needs: what happened, and
//! what to do next.
//!
//! Every failure has its exit code. What Genesys Cloud says is shown with its correlation id.

use std::fmt;

use super::exit::Exit;
use crate::config::Dialect;
use crate::genesys::call::{CallError, Refusal};
use crate::genesys::outside::SendError;

/// The end of a command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
    /// What to do next.
    pub(super) help: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), help: None }
    }

    /// The command line has to be changed.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// What is needed is not there.
    pub(super) fn missing(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Unavailable, message)
    }

    pub(super) fn help(self, help: impl Into<String>) -> Failure {
        Failure { help: Some(help.into()), ..self }
    }

    /// What a call that failed means.
    pub(super) fn of_call(error: &CallError, dialect: Dialect) -> Failure {
        let (exit, help) = match error {
            // It says itself what to check.
            CallError::Credentials(_) => return Failure::new(Exit::Refused, error.to_string()),
            CallError::Unauthorized(_) => (Exit::Refused, UNAUTHORIZED.to_owned()),
            CallError::Forbidden(refusal) => (Exit::Refused, forbidden(refusal)),
            CallError::NotFound(refusal) => (Exit::Unavailable, not_found(refusal, dialect)),
            CallError::Conflict(_) => (Exit::TryAgain, CONFLICT.to_owned()),
            CallError::Throttled(_, rest) => (
                Exit::TryAgain,
                format!(
                    "wait {} s and run it again; every program that uses this OAuth client spends \
                     the same budget",
                    rest.as_secs()
                ),
            ),
            CallError::Refused(refusal) if refusal.status == 405 => {
                (Exit::Failed, not_found(refusal, dialect))
            }
            CallError::Refused(_) => (Exit::Failed, REFUSED.to_owned()),
            CallError::Unavailable(_) => (Exit::TryAgain, UNAVAILABLE.to_owned()),
            CallError::NoAnswer { error, .. } => match error {
                SendError::Unreachable { .. } => (Exit::Unavailable, NETWORK.to_owned()),
                SendError::TimedOut { .. }
                | SendError::Broken { .. }
                | SendError::TooLarge { .. } => (Exit::TryAgain, UNAVAILABLE.to_owned()),
            },
            CallError::NoToken(_) => (Exit::Unavailable, NETWORK.to_owned()),
            CallError::Unreadable { .. } => (
                Exit::Unavailable,
                "see that genesys.api_url is Genesys Cloud, with nothing that answers in its place"
                    .to_owned(),
            ),
        };
        Failure::new(exit, error.to_string()).help(help)
    }
}

const UNAUTHORIZED: &str =
    "check that the OAuth client is active, and which IP addresses the organisation lets in";
const CONFLICT: &str = "something else changed it at the same moment: run it again";
/// The tutorial's calls are not in the public API (FACTS 0), and what is not there is a 404 as well.
pub(super) const NO_PUT: &str = "if every call says so, this API does not speak the put dialect: set genesys.dialect = \
     \"patch\"";
const REFUSED: &str = "the same request cannot succeed; the message says what to change, and Genesys' support can \
     find it by the correlation id";
const UNAVAILABLE: &str = "run it again in a while: what is there by then is not sent again";
const NETWORK: &str =
    "check genesys.region, and the way there: the network, [network] proxy and ca_file";

/// Which permission, as the server says, else as FACTS 1.3 and 1.7 have it.
fn forbidden(refusal: &Refusal) -> String {
    let named = match refusal.operation {
        "get_conversation" => Some("conversation:communication:view"),
        "query_conversations" => Some("analytics:conversationDetail:view"),
        "search_users" => Some("directory:user:view"),
        _ => None,
    };
    let wanted = match (&refusal.missing_permissions[..], named) {
        ([], Some(named)) => format!("the permission {named}"),
        ([], None) => "the permission for it".to_owned(),
        ([one], _) => format!("the permission {one}"),
        (several, _) => format!("the permissions {}", several.join(", ")),
    };
    format!(
        "give a role of the OAuth client {wanted}, for the divisions concerned; with Client \
         Credentials the roles decide, not the scopes"
    )
}

fn not_found(refusal: &Refusal, dialect: Dialect) -> String {
    let help = "the id is wrong, or the conversation is over: what has ended cannot be changed";
    match (dialect, refusal.operation) {
        (Dialect::Put, "get_participant" | "put_participant") => format!("{help}; {NO_PUT}"),
        (Dialect::Put | Dialect::Patch, _) => help.to_owned(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n   = {help}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::*;

    fn refusal(operation: &'static str, status: u16) -> Refusal {
        let correlation_id = Some("8e2a".to_owned());
        Refusal { operation, status, correlation_id, ..Refusal::default() }
    }

    #[test]
    fn each_failure_says_what_to_do_and_how_to_exit() {
        let permissions = vec!["conversation:participant:attributesedit".to_owned()];
        let named =
            Refusal { missing_permissions: permissions, ..refusal("patch_attributes", 403) };
        let network = SendError::Unreachable { reason: "dns error".to_owned() };
        let slow = SendError::TimedOut { limit: Duration::from_secs(30) };
        let operation = "get_conversation";
        let errors = [
            CallError::Credentials("client not found".to_owned()),
            CallError::Unauthorized(refusal(operation, 401)),
            CallError::Forbidden(named),
            CallError::Forbidden(refusal(operation, 403)),
            CallError::Forbidden(refusal("patch_attributes", 403)),
            CallError::NotFound(refusal(operation, 404)),
            CallError::NotFound(refusal("put_participant", 404)),
            CallError::Conflict(refusal(operation, 409)),
            CallError::Throttled(refusal(operation, 429), Duration::from_secs(3600)),
            CallError::Refused(refusal(operation, 400)),
            CallError::Refused(refusal("put_participant", 405)),
            CallError::Unavailable(refusal(operation, 503)),
            CallError::NoAnswer { operation, error: network },
            CallError::NoAnswer { operation, error: slow },
            CallError::NoToken("cannot connect".to_owned()),
            CallError::Unreadable { operation, reason: "it is no JSON".to_owned() },
        ];
        let told: Vec<String> = errors
            .iter()
            .map(|error| Failure::of_call(error, Dialect::Put))
            .map(|failure| format!("{} {failure}", failure.exit.code()))
            .collect();
        expect![[r#"
            77 error: the credentials are refused: client not found
            77 error: get_conversation answered 401 [correlation_id 8e2a]; the token was renewed and is refused all the same
               = check that the OAuth client is active, and which IP addresses the organisation lets in
            77 error: patch_attributes answered 403 (missing: conversation:participant:attributesedit) [correlation_id 8e2a]
               = give a role of the OAuth client the permission conversation:participant:attributesedit, for the divisions concerned; with Client Credentials the roles decide, not the scopes
            77 error: get_conversation answered 403 [correlation_id 8e2a]
               = give a role of the OAuth client the permission conversation:communication:view, for the divisions concerned; with Client Credentials the roles decide, not the scopes
            77 error: patch_attributes answered 403 [correlation_id 8e2a]
               = give a role of the OAuth client the permission for it, for the divisions concerned; with Client Credentials the roles decide, not the scopes
            69 error: get_conversation answered 404 [correlation_id 8e2a]
               = the id is wrong, or the conversation is over: what has ended cannot be changed
            69 error: put_participant answered 404 [correlation_id 8e2a]
               = the id is wrong, or the conversation is over: what has ended cannot be changed; if every call says so, this API does not speak the put dialect: set genesys.dialect = "patch"
            75 error: get_conversation answered 409 [correlation_id 8e2a]
               = something else changed it at the same moment: run it again
            75 error: get_conversation answered 429 [correlation_id 8e2a]; the account rests for 3600 s
               = wait 3600 s and run it again; every program that uses this OAuth client spends the same budget
            1 error: get_conversation answered 400 [correlation_id 8e2a]
               = the same request cannot succeed; the message says what to change, and Genesys' support can find it by the correlation id
            1 error: put_participant answered 405 [correlation_id 8e2a]
               = the id is wrong, or the conversation is over: what has ended cannot be changed; if every call says so, this API does not speak the put dialect: set genesys.dialect = "patch"
            75 error: get_conversation answered 503 [correlation_id 8e2a]
               = run it again in a while: what is there by then is not sent again
            69 error: get_conversation: cannot connect: dns error
               = check genesys.region, and the way there: the network, [network] proxy and ca_file
            75 error: get_conversation: no answer within 30 s
               = run it again in a while: what is there by then is not sent again
            69 error: no token: cannot connect
               = check genesys.region, and the way there: the network, [network] proxy and ca_file
            69 error: get_conversation: the answer cannot be read: it is no JSON
               = see that genesys.api_url is Genesys Cloud, with nothing that answers in its place"#]].assert_eq(&told.join("\n"));
    }
}
