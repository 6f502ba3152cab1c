//! Users, queues, groups and wrap-up codes (FACTS 1.7).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, yes};
use super::book::{Book, Named, Person, Team};
use super::paging::Params;

/// `id` filters take so many (FACTS 1.7).
const MOST_IDS: usize = 100;

/// The largest page of users and queues.
pub(super) const LARGEST_PAGE: usize = 500;

/// The largest page of members.
const LARGEST_MEMBERS: usize = 100;

/// GET `/users`.
pub(super) async fn users(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    let page = params.page(LARGEST_PAGE)?;
    let ids = params.all("id");
    if ids.len() > MOST_IDS {
        let message = format!("The maximum number of user ids is {MOST_IDS}");
        return Err(Refusal::bad_request("max.user.ids", &message));
    }
    // Everybody here is active.
    let is_wanted = !matches!(params.get("state"), Some("inactive" | "deleted"));
    let chosen = |user: &&Person| is_wanted && (ids.is_empty() || ids.contains(&&*user.id));
    let found: Vec<Value> = simulator.book.users.iter().filter(chosen).map(user).collect();
    yes(page.listing("/api/v2/users", &found))
}

/// GET `/users/{userId}`.
pub(super) async fn one_user(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
) -> Answer {
    yes(user(simulator.book.user(&id).ok_or_else(|| no_user(&id))?))
}

/// GET `/users/{userId}/queues`.
pub(super) async fn queues_of_user(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    simulator.book.user(&id).ok_or_else(|| no_user(&id))?;
    let has = |team: &&Team| team.members.contains(&id);
    let joined = |team: &Team| {
        let mut queue = queue(team);
        queue["joined"] = true.into();
        queue
    };
    let found: Vec<Value> = simulator.book.queues.iter().filter(has).map(joined).collect();
    yes(params.page(LARGEST_PAGE)?.listing(&format!("/api/v2/users/{id}/queues"), &found))
}

/// GET `/routing/queues` and `/routing/queues/divisionviews/all`.
pub(super) async fn queues(
    State(simulator): State<Arc<Simulator>>,
    uri: Uri,
    params: Params,
) -> Answer {
    let ids = params.all("id");
    let chosen = |team: &&Team| {
        let is_named = params.get("name").is_none_or(|pattern| is_like(&team.name, pattern));
        is_named && (ids.is_empty() || ids.contains(&&*team.id))
    };
    let found: Vec<Value> = simulator.book.queues.iter().filter(chosen).map(queue).collect();
    yes(params.page(LARGEST_PAGE)?.listing(uri.path(), &found))
}

/// GET `/routing/queues/{queueId}`.
pub(super) async fn one_queue(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
) -> Answer {
    yes(queue(find(&simulator.book.queues, &id)?))
}

/// GET `/routing/queues/{queueId}/members`.
pub(super) async fn queue_members(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let page = params.page(LARGEST_MEMBERS)?;
    let team = find(&simulator.book.queues, &id)?;
    let member = |person: &Person| {
        json!({
            "id": person.id,
            "name": person.name,
            "user": user(person),
            "ringNumber": 1,
            "joined": true,
            "memberBy": "user",
            "routingStatus": { "userId": person.id, "status": "IDLE" },
            "selfUri": format!("/api/v2/routing/queues/{id}/members/{}", person.id),
        })
    };
    let found: Vec<Value> = members(&simulator.book, team).map(member).collect();
    let mut listing = page.listing(&format!("/api/v2/routing/queues/{id}/members"), &found);
    // This listing alone does not say how much there is.
    if let Some(listing) = listing.as_object_mut() {
        for name in ["total", "pageCount", "lastUri"] {
            listing.remove(name);
        }
    }
    yes(listing)
}

/// GET `/routing/wrapupcodes`.
pub(super) async fn wrapup_codes(
    State(simulator): State<Arc<Simulator>>,
    params: Params,
) -> Answer {
    listed(&simulator.book.wrapup_codes, "/api/v2/routing/wrapupcodes", &params)
}

/// GET `/routing/skills`.
pub(super) async fn skills(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    listed(&simulator.book.skills, "/api/v2/routing/skills", &params)
}

/// GET `/routing/languages`.
pub(super) async fn languages(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    listed(&simulator.book.languages, "/api/v2/routing/languages", &params)
}

/// GET `/authorization/divisions`.
pub(super) async fn divisions(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    listed(&simulator.book.divisions, "/api/v2/authorization/divisions", &params)
}

/// GET `/flows`.
pub(super) async fn flows(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    listed(&simulator.book.flows, "/api/v2/flows", &params)
}

fn listed(all: &[Named], path: &str, params: &Params) -> Answer {
    let chosen =
        |one: &&Named| params.get("name").is_none_or(|pattern| is_like(&one.name, pattern));
    let shown = |one: &Named| json!({ "id": one.id, "name": one.name, "selfUri": format!("{path}/{}", one.id) });
    let found: Vec<Value> = all.iter().filter(chosen).map(shown).collect();
    yes(params.page(LARGEST_PAGE)?.listing(path, &found))
}

/// GET `/groups`.
pub(super) async fn groups(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    let ids = params.all("id");
    let chosen = |team: &&Team| ids.is_empty() || ids.contains(&&*team.id);
    let found: Vec<Value> = simulator.book.groups.iter().filter(chosen).map(group).collect();
    yes(params.page(LARGEST_PAGE)?.listing("/api/v2/groups", &found))
}

/// GET `/groups/{groupId}/members`.
pub(super) async fn group_members(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let team = find(&simulator.book.groups, &id)?;
    let found: Vec<Value> = members(&simulator.book, team).map(user).collect();
    yes(params.page(LARGEST_MEMBERS)?.listing(&format!("/api/v2/groups/{id}/members"), &found))
}

/// GET `/groups/{groupId}/individuals`: all at once.
pub(super) async fn individuals(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
) -> Answer {
    let team = find(&simulator.book.groups, &id)?;
    let found: Vec<Value> = members(&simulator.book, team).map(user).collect();
    yes(json!({ "entities": found, "total": found.len() }))
}

pub(super) fn user(person: &Person) -> Value {
    json!({
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "username": person.email,
        "state": "active",
        "version": 1,
        "acdAutoAnswer": false,
        "selfUri": format!("/api/v2/users/{}", person.id),
    })
}

fn queue(team: &Team) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "memberCount": team.members.len(),
        "userMemberCount": team.members.len(),
        "joinedMemberCount": team.members.len(),
        "skillEvaluationMethod": "BEST",
        "selfUri": format!("/api/v2/routing/queues/{}", team.id),
    })
}

pub(super) fn group(team: &Team) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "memberCount": team.members.len(),
        "state": "active",
        "version": 1,
        "type": "official",
        "rulesVisible": true,
        "visibility": "public",
        "selfUri": format!("/api/v2/groups/{}", team.id),
    })
}

fn members<'a>(book: &'a Book, team: &'a Team) -> impl Iterator<Item = &'a Person> {
    team.members.iter().filter_map(|id| book.user(id))
}

fn find<'a>(teams: &'a [Team], id: &str) -> Result<&'a Team, Refusal> {
    teams.iter().find(|team| team.id == id).ok_or_else(Refusal::not_found)
}

fn no_user(id: &str) -> Refusal {
    let message = format!("Unable to find a user with that userId: {id}");
    Refusal::new(StatusCode::NOT_FOUND, "general.resource.not.found", &message)
}

/// Name filters: without regard to case, `*` at the beginning and the end.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
    let inner = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => name.contains(inner),
        (true, false) => name.ends_with(inner),
        (false, true) => name.starts_with(inner),
        (false, false) => name == inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filtered_with_stars_at_the_ends() {
        for (pattern, is_found) in [
            ("billing vip", true),
            ("Billing*", true),
            ("*VIP", true),
            ("*ing v*", true),
            ("*", true),
            ("Billing", false),
            ("*Billing", false),
        ] {
            assert_eq!(is_like("Billing VIP", pattern), is_found, "{pattern}");
        }
    }
}
