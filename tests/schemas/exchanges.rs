//! Requests and answers, held against the API's description: path, method, query, bodies, codes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::published::{Exceptions, Published};

/// One request, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) request: Option<Value>,
    pub(crate) status: u16,
    pub(crate) answer: Option<Value>,
}

/// An exchange that the description does not have, and why it is made nevertheless.
pub(crate) struct Exemption {
    /// Empty: every one.
    pub(crate) method: &'static str,
    /// The path begins so.
    pub(crate) path: &'static str,
    /// `None`: whatever the answer.
    pub(crate) status: Option<u16>,
    pub(crate) why: &'static str,
}

/// Everything in a log of requests that the published description does not know. An exemption that
/// no exchange needs is a problem too.
pub(crate) fn problems<'a>(
    published: &Published,
    log: impl IntoIterator<Item = &'a Exchange>,
    exemptions: &[Exemption],
) -> Vec<String> {
    let mut needed = BTreeSet::new();
    let mut problems = Vec::new();
    for exchange in log {
        let found = check(published, exchange);
        if found.is_empty() {
            continue;
        }
        let exempt = exemptions.iter().position(|exemption| {
            (exemption.method.is_empty() || exemption.method == exchange.method)
                && exchange.path.starts_with(exemption.path)
                && exemption.status.is_none_or(|status| status == exchange.status)
        });
        match exempt {
            Some(n) => {
                needed.insert(n);
            }
            None => problems.extend(found),
        }
    }
    for (n, exemption) in exemptions.iter().enumerate().filter(|(n, _)| !needed.contains(n)) {
        let Exemption { method, path, why, .. } = exemption;
        problems.push(format!("exemption {n} is not needed: {method} {path} ({why})"));
    }
    problems
}

fn check(published: &Published, exchange: &Exchange) -> Vec<String> {
    let place = format!("{} {} {}", exchange.method, exchange.path, exchange.status);
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let Some(operation) = operation(published, path, &exchange.method) else {
        return vec![format!("{place}: no such operation")];
    };
    let mut problems = Vec::new();
    let parameters: Vec<&Value> =
        operation["parameters"].as_array().into_iter().flatten().collect();
    for name in
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
    {
        if !parameters.iter().any(|known| known["in"] == "query" && known["name"] == name) {
            problems.push(format!("{place}: no query parameter {name}"));
        }
    }
    let body = parameters.iter().find(|known| known["in"] == "body");
    match (body, &exchange.request) {
        (Some(known), Some(body)) => {
            compare(published, &known["schema"], body, &format!("{place} request"), &mut problems);
        }
        (Some(known), None) if known["required"] == true => {
            problems.push(format!("{place}: no body"));
        }
        (None, Some(_)) => problems.push(format!("{place}: a body that nobody asked for")),
        (Some(_) | None, None) => {}
    }
    let responses = &operation["responses"];
    let mut declared = &responses[exchange.status.to_string()];
    if declared.is_null() && (200..300).contains(&exchange.status) {
        // What is described as the default is the yes.
        declared = &responses["default"];
    }
    let declared = resolved(published, declared);
    match (declared.is_null(), declared.get("schema"), &exchange.answer) {
        (true, ..) => problems.push(format!("{place}: no such code")),
        (false, Some(schema), Some(answer)) => {
            compare(published, schema, answer, &format!("{place} answer"), &mut problems);
        }
        (false, None, Some(_)) => {
            problems.push(format!("{place}: an answer where none is declared"));
        }
        (false, Some(_), None) if exchange.method != "HEAD" => {
            problems.push(format!("{place}: no answer"));
        }
        (false, Some(_) | None, None) => {}
    }
    problems
}

fn compare(
    published: &Published,
    schema: &Value,
    body: &Value,
    place: &str,
    problems: &mut Vec<String>,
) {
    let body = Exceptions::default().smooth(body);
    let validator = published.of_api(schema);
    problems.extend(
        validator
            .iter_errors(&body)
            .map(|error| format!("{place}{}: {error}", error.instance_path())),
    );
}

fn resolved<'a>(published: &'a Published, value: &'a Value) -> &'a Value {
    let name = value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/responses/"));
    name.map_or(value, |name| &published.api()["responses"][name])
}

/// The operation whose path fits best: literal segments before parameters.
fn operation<'a>(published: &'a Published, path: &str, method: &str) -> Option<&'a Value> {
    let wanted: Vec<&str> = path.split('/').collect();
    let paths = published.api()["paths"].as_object()?.iter();
    let fitting = paths.filter(|(template, operations)| {
        let known: Vec<&str> = template.split('/').collect();
        known.len() == wanted.len()
            && known.iter().zip(&wanted).all(|(k, w)| k.starts_with('{') || k == w)
            && operations.get(method.to_lowercase()).is_some()
    });
    let (_, operations) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    operations.get(method.to_lowercase())
}

/// Whatever of the published HTTP samples names a path.
fn sampled(published: &Published) -> Vec<Exchange> {
    let samples = published.http_samples();
    let samples = samples.as_array().into_iter().flatten();
    let given = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
    samples
        .filter_map(|sample| {
            let (request, answer) = (&sample["request"], &sample["response"]);
            Some(Exchange {
                method: request["method"].as_str()?.to_owned(),
                path: request["path"].as_str().or_else(|| request["url"].as_str())?.to_owned(),
                request: given(&request["body"]),
                status: answer["status"].as_u64().and_then(|status| u16::try_from(status).ok())?,
                answer: given(&answer["body"]),
            })
        })
        .collect()
}

#[test]
fn the_published_exchanges_conform() {
    let Some(published) = Published::find("the_published_exchanges_conform") else { return };
    let token = Exemption {
        method: "POST",
        path: "https://login.mypurecloud.com/oauth/token",
        status: None,
        why: "tokens come from the login host, which the description leaves out",
    };
    let shortened = Exemption {
        method: "PUT",
        path: "/api/v2/notifications/channels/streaming-4-58bc4bed0ade558b99d0b52bd8/subscriptions?ignoreErrors",
        status: Some(200),
        why: "the sample leaves its request body out",
    };
    let log = sampled(&published);
    assert!(log.len() >= 7, "{}", log.len());
    assert_eq!(problems(&published, &log, &[token, shortened]), Vec::<String>::new());
}

type Spoil = fn(&mut Exchange);

#[test]
fn what_does_not_conform_is_found_and_so_is_a_needless_exemption() {
    let Some(published) = Published::find("what_does_not_conform_is_found") else { return };
    let good = sampled(&published).into_iter().find(|sample| sample.path.ends_with("/attributes"));
    let good = good.expect("a sample of a PATCH");
    let spoil: [(&str, Spoil); 6] = [
        ("no such operation", |exchange| exchange.method = "PUT".to_owned()),
        ("no query parameter", |exchange| exchange.path.push_str("?status=x")),
        ("no body", |exchange| exchange.request = None),
        ("request", |exchange| {
            exchange.request = Some(serde_json::json!({ "attributes": { "a": 1 } }));
        }),
        ("no such code", |exchange| exchange.status = 502),
        ("an answer where none", |exchange| exchange.answer = Some(serde_json::json!({}))),
    ];
    for (expected, spoil) in spoil {
        let mut bad = good.clone();
        spoil(&mut bad);
        let found = problems(&published, [&bad], &[]);
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
    }
    let needless = Exemption { method: "PATCH", path: "/api", status: None, why: "none" };
    assert!(problems(&published, [&good], &[needless])[0].contains("not needed"));
}
