//! POST `/users/search` and `/groups/search`: criteria, of which all must hold (FACTS 1.7).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, body, yes};
use super::book::{Person, Team};
use super::directory::{LARGEST_PAGE, group, user};
use super::paging::Page;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    page_size: Option<usize>,
    page_number: Option<usize>,
    #[serde(default)]
    query: Vec<Criterion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Criterion {
    r#type: String,
    #[serde(default)]
    fields: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// POST `/users/search`.
pub(super) async fn users(State(simulator): State<Arc<Simulator>>, bytes: Bytes) -> Answer {
    let search: Search = body(&bytes)?;
    let field = |person: &Person, name: &str| match name {
        "id" => Some(person.id.clone()),
        "name" => Some(person.name.clone()),
        "email" | "username" => Some(person.email.clone()),
        "state" => Some("active".to_owned()),
        _ => None,
    };
    let found = search.among(&simulator.book.users, field)?;
    search.results(&found.into_iter().map(user).collect::<Vec<_>>(), "users")
}

/// POST `/groups/search`.
pub(super) async fn groups(State(simulator): State<Arc<Simulator>>, bytes: Bytes) -> Answer {
    let search: Search = body(&bytes)?;
    let field = |team: &Team, name: &str| match name {
        "id" => Some(team.id.clone()),
        "name" => Some(team.name.clone()),
        "state" => Some("active".to_owned()),
        _ => None,
    };
    let found = search.among(&simulator.book.groups, field)?;
    search.results(&found.into_iter().map(group).collect::<Vec<_>>(), "groups")
}

impl Search {
    /// Those for whom all criteria hold.
    fn among<'a, T>(
        &self,
        all: &'a [T],
        field: impl Fn(&T, &str) -> Option<String>,
    ) -> Result<Vec<&'a T>, Refusal> {
        if let Some(unknown) = self.query.iter().find(|criterion| !criterion.is_known()) {
            let message = format!("Search type [{}] is not supported here", unknown.r#type);
            return Err(Refusal::bad_request("invalid.value", &message));
        }
        let holds = |one: &&T| {
            self.query.iter().all(|criterion| {
                let mut fields = criterion.fields.iter().filter_map(|name| field(one, name));
                fields.any(|value| criterion.holds(&value))
            })
        };
        Ok(all.iter().filter(holds).collect())
    }

    fn results(&self, found: &[Value], kind: &str) -> Answer {
        let (size, number) = (self.page_size.unwrap_or(25), self.page_number.unwrap_or(1));
        let page = Page::checked(size, number, LARGEST_PAGE)?;
        yes(json!({
            "total": found.len(),
            "pageCount": page.count(found.len()),
            "pageSize": size,
            "pageNumber": number,
            "types": [kind],
            "results": page.of(found),
        }))
    }
}

impl Criterion {
    fn is_known(&self) -> bool {
        matches!(self.r#type.as_str(), "EXACT" | "STARTS_WITH" | "CONTAINS" | "TERM" | "TERMS")
    }

    fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.value.iter().chain(&self.values).any(|wanted| {
            let wanted = wanted.to_lowercase();
            match self.r#type.as_str() {
                "STARTS_WITH" => text.starts_with(&wanted),
                "CONTAINS" => text.contains(&wanted),
                _ => text == wanted,
            }
        })
    }
}
