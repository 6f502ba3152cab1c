//! Whose credentials these are: the organisation that the client belongs to.
//!
//! Attributes written into the wrong organisation cannot be taken back, so the name in the
//! configuration is held against what the API says before anything is subscribed.

use http::Method;
use serde_json::Value;

use super::call::{Api, Call, CallError, Class};
use super::directory::Asker;

/// The organisation of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub id: String,
    /// Empty if the API does not tell.
    pub name: String,
}

/// Why the organisation is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum OrganizationError {
    /// Try again, or do what the error says.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Refuse to start: somebody mixed up credentials or configuration.
    #[error(
        "the credentials belong to the organisation `{}` ({}), and `genesys.organization` says \
         `{wanted}`: mend whichever is wrong", .found.name, .found.id
    )]
    Other { wanted: String, found: Organization },
}

impl Organization {
    /// Returns true if and only if this is its name (in any case) or its id.
    pub fn is_called(&self, name_or_id: &str) -> bool {
        let wanted = name_or_id.trim().to_lowercase();
        self.name.trim().to_lowercase() == wanted || self.id.to_lowercase() == wanted
    }
}

/// Asks whose client this is.
///
/// # Errors
///
/// If there is no answer after a few tries, or none that tells.
///
/// # Cancel safety
///
/// Reads only.
pub async fn organization(api: &dyn Api) -> Result<Organization, CallError> {
    let operation = "organization";
    let path = "/api/v2/organizations/me".to_owned();
    let class = Class::Directory;
    let call = Call { class, operation, method: Method::GET, path, body: None };
    let answer = Asker { api }.call(call).await?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(id) = text("id") else {
        let reason = "it does not tell the organisation's id".to_owned();
        return Err(CallError::Unreadable { operation, reason });
    };
    Ok(Organization { id, name: text("name").unwrap_or_default() })
}

/// Reads whose client a token is from the answer about the token (`/tokens/me`, FACTS 1.4), which takes
/// no permission.
///
/// # Errors
///
/// What is missing in the answer.
pub(super) fn of_token(body: &[u8]) -> Result<Organization, String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body["organization"].get(key).and_then(Value::as_str).map(str::to_owned);
    let id = text("id").ok_or_else(|| "it does not tell the organisation's id".to_owned())?;
    Ok(Organization { id, name: text("name").unwrap_or_default() })
}

/// Holds the organisation against what the configuration says, if it says anything.
///
/// # Errors
///
/// If it is another one, or the question has no answer.
///
/// # Cancel safety
///
/// Reads only.
pub async fn check_organization(
    api: &dyn Api,
    wanted: Option<&str>,
) -> Result<Organization, OrganizationError> {
    let found = organization(api).await?;
    match wanted {
        Some(wanted) if !found.is_called(wanted) => {
            Err(OrganizationError::Other { wanted: wanted.to_owned(), found })
        }
        Some(_) | None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::genesys::directory::fake::Fake;

    #[tokio::test(start_paused = true)]
    async fn another_organisation_is_refused_by_both_names() {
        let mut failures = 2;
        let api = Fake::new(move |_| {
            if failures > 0 {
                failures -= 1;
                return (503, json!({}));
            }
            (200, json!({ "id": "O-1", "name": "Example Ltd", "features": {} }))
        });
        for wanted in [None, Some("example ltd"), Some("o-1")] {
            assert_eq!(check_organization(&api, wanted).await.unwrap().name, "Example Ltd");
        }
        let error = check_organization(&api, Some("Acme")).await.unwrap_err().to_string();
        assert!(error.contains("`Example Ltd` (O-1)") && error.contains("`Acme`"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_tell_is_an_error() {
        for (status, body) in [(200, json!({})), (200, json!(null)), (403, json!({}))] {
            let api = Fake::new(move |_| (status, body.clone()));
            assert!(matches!(
                check_organization(&api, None).await,
                Err(OrganizationError::Call(_))
            ));
        }
    }
}
