//! The account: token, budget, and every request.

use std::collections::BTreeMap;
use std::fmt;

use super::sheet::Sheet;
use crate::status::counts::Counts;
use crate::status::overview::{Account, Overview, seconds};

/// Every operation of the daemon, so that its series are there before it is first asked for: an alert
/// on an increase would not see the first. `tests/it/metrics.rs` holds the list to the source.
const OPERATIONS: [&str; 28] = [
    "token",
    "token_me",
    "create_channel",
    "list_channels",
    "head_channel",
    "subscribe",
    "get_subscriptions",
    "unsubscribe",
    "patch_attributes",
    "get_participant",
    "put_participant",
    "get_conversation",
    "get_user_conversations",
    "query_conversations",
    "organization",
    "list_queues",
    "find_queue",
    "queue_members",
    "list_groups",
    "group_members",
    "list_users",
    "search_users",
    "users_by_id",
    "list_wrapup_codes",
    "list_skills",
    "list_languages",
    "list_divisions",
    "list_flows",
];

/// The answers that are worth an alert, and those of a good day; 0 is none at all.
const CODES: [u16; 17] =
    [200, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 429, 500, 502, 503, 504, 0];

pub(super) fn write(sheet: &mut Sheet<'_>, overview: &Overview, counts: &Counts) -> fmt::Result {
    // The first is there before it has logged in.
    let none = [Account { client: "main".to_owned(), ..Account::default() }];
    let accounts = if overview.accounts.is_empty() { &none } else { &*overview.accounts };
    token(sheet, accounts, counts)?;
    budget(sheet, accounts, counts)?;
    requests(sheet, counts)
}

fn token(sheet: &mut Sheet<'_>, accounts: &[Account], counts: &Counts) -> fmt::Result {
    let each = |of: fn(&Account) -> f64| {
        accounts.iter().map(move |it| ([("client", it.client.as_str())], of(it)))
    };
    sheet.gauges(
        "token_expiry_timestamp_seconds",
        "When the token ends; 0 while there is none.",
        each(|account| seconds(account.token_expires_at.unwrap_or(0))),
    )?;
    sheet.gauges(
        "token_failing",
        "1 from a token that could not be obtained to the next one that could.",
        each(|account| f64::from(u8::from(account.token_problem.is_some()))),
    )?;
    let failures = counts.token_failures.get();
    sheet.counter("token_failures", "Tokens that could not be obtained.", failures)
}

fn budget(sheet: &mut Sheet<'_>, accounts: &[Account], counts: &Counts) -> fmt::Result {
    let mut each = |name: &str, help: &str, of: fn(&Account) -> f64| {
        let each = accounts.iter().map(|it| ([("client", it.client.as_str())], of(it)));
        sheet.gauges(name, help, each)
    };
    each("budget_allowed_requests", "Requests that a minute may have.", |account| {
        f64::from(account.allowed)
    })?;
    each(
        "budget_used_requests",
        "Requests in this minute, those of others included.",
        |account| f64::from(account.used),
    )?;
    each("budget_foreign_requests", "Of these, those of others, as far as known.", |account| {
        f64::from(account.foreign)
    })?;
    each("budget_resting_seconds", "How long the account still rests after a 429.", |account| {
        account.resting_for.unwrap_or(0.0)
    })?;
    sheet.histogram(
        "budget_wait_seconds",
        "How long requests waited for leave.",
        &counts.waits.noted(),
    )?;
    let throttled = [("local", &counts.held_back), ("server", &counts.throttled)];
    let throttled = throttled.map(|(source, count)| ([("source", source)], count.get()));
    sheet.counters(
        "throttled",
        "Requests that had to wait for leave (local), and answers 429 (server).",
        throttled,
    )
}

fn requests(sheet: &mut Sheet<'_>, counts: &Counts) -> fmt::Result {
    let declared = OPERATIONS.into_iter().flat_map(|of| CODES.map(|code| ((of, code), 0)));
    let mut requests: BTreeMap<(&str, u16), u64> = declared.collect();
    requests.extend(counts.requests());
    let requests: Vec<(&str, String, u64)> = requests
        .into_iter()
        .map(|((operation, code), count)| (operation, word(code), count))
        .collect();
    let each = requests.iter().map(|(operation, code, count)| {
        ([("operation", *operation), ("code", code.as_str())], *count)
    });
    sheet.counters("requests", "Requests to Genesys Cloud, by their answer.", each)?;
    let declared = OPERATIONS.into_iter().map(|operation| (operation, None));
    let mut durations: BTreeMap<&str, Option<_>> = declared.collect();
    durations.extend(counts.durations().into_iter().map(|(of, took)| (of, Some(took))));
    let each = durations.into_iter().map(|(operation, took)| {
        let noted = took.map(|took| took.noted()).unwrap_or_default();
        ([("operation", operation)], noted)
    });
    sheet.histograms("request_duration_seconds", "From a request to its answer.", each)
}

fn word(code: u16) -> String {
    if code == 0 { "none".to_owned() } else { code.to_string() }
}
