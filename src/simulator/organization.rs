//! The organisation and its limits (FACTS 3.1).

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, yes};
use super::book::Named;
use super::directory::LARGEST_PAGE;
use super::paging::Params;

/// GET `/organizations/me`.
pub(super) async fn me(State(simulator): State<Arc<Simulator>>) -> Answer {
    let Named { id, name } = &simulator.book.organization;
    yes(json!({
        "id": id,
        "name": name,
        "defaultLanguage": "en-us",
        "domain": "simulated",
        "version": 1,
        "state": "active",
        "productPlatform": "GenesysCloud",
        "selfUri": "/api/v2/organizations/me",
    }))
}

/// GET `/organizations/limits/namespaces/{namespaceName}`, and its defaults.
pub(super) async fn limits(
    State(simulator): State<Arc<Simulator>>,
    Path(namespace): Path<String>,
) -> Answer {
    let limits = simulator.state().limits.clone();
    let known: &[(&str, u64)] = match namespace.as_str() {
        "platform.api" => &[
            ("client.credentials.token.rate.per.minute", limits.requests),
            ("token.rate.per.minute", limits.requests),
            ("request.bytes.max", 512_000),
        ],
        "notifications" | "conversation" => &[],
        _ => return Err(Refusal::not_found()),
    };
    let entity =
        |(key, value): &(&str, u64)| json!({ "key": key, "namespace": namespace, "value": value });
    yes(json!({ "entities": known.iter().map(entity).collect::<Vec<_>>() }))
}

/// GET `/organizations/limits/namespaces`.
pub(super) async fn namespaces(params: Params) -> Answer {
    let all = ["conversation", "notifications", "platform.api"].map(Value::from);
    yes(params.page(LARGEST_PAGE)?.listing("/api/v2/organizations/limits/namespaces", &all))
}

/// GET `/organizations/limits/docs`.
pub(super) async fn limits_docs() -> Answer {
    yes(json!({ "url": "https://developer.genesys.cloud/organization/organization/limits" }))
}
