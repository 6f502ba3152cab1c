//! `/api/v2/analytics/conversations/details`: which conversations there are, without attributes.
//!
//! As the real one it returns conversations that *started on a day the interval touches*, and it
//! lags: what began or ended a moment ago is not in its index yet (SEMANTICS 7).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, body, yes};
use super::clock::written;
use super::filters::Filter;
use super::paging::{Page, Params};
use super::state::State as Inner;
use super::world::OpenConversation;

/// The longest interval of one query.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

const LARGEST_PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    interval: String,
    #[serde(default)]
    conversation_filters: Vec<Filter>,
    #[serde(default)]
    segment_filters: Vec<Filter>,
    order: Option<String>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paging {
    page_size: usize,
    page_number: usize,
}

/// POST `/analytics/conversations/details/query`.
pub(super) async fn query(State(simulator): State<Arc<Simulator>>, bytes: Bytes) -> Answer {
    let query: Query = body(&bytes)?;
    let (from, to) = interval(&query.interval)?;
    let (size, number) = query.paging.as_ref().map_or((25, 1), |p| (p.page_size, p.page_number));
    let page = Page::checked(size, number, LARGEST_PAGE)?;
    for filter in query.conversation_filters.iter().chain(&query.segment_filters) {
        filter.check()?;
    }
    let mut found = simulator.state().indexed();
    found.retain(|open| {
        let mut both = query.conversation_filters.iter().chain(&query.segment_filters);
        (day(from)..=day(to)).contains(&day(open.started)) && both.all(|filter| filter.holds(open))
    });
    found.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    if query.order.as_deref() == Some("desc") {
        found.reverse();
    }
    let mut answer = json!({ "totalHits": found.len() });
    let shown: Vec<Value> = page.of(&found).iter().map(shown).collect();
    // A page without any has no such list.
    if !shown.is_empty() {
        answer["conversations"] = shown.into();
    }
    yes(answer)
}

/// GET `/analytics/conversations/{conversationId}/details`.
pub(super) async fn one(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>) -> Answer {
    let indexed = simulator.state().indexed();
    let found = indexed.iter().find(|open| open.id == id);
    yes(shown(found.ok_or_else(Refusal::not_found)?))
}

/// GET `/analytics/conversations/details?id=…`.
pub(super) async fn several(State(simulator): State<Arc<Simulator>>, params: Params) -> Answer {
    let ids = params.all("id");
    let indexed = simulator.state().indexed();
    let found: Vec<Value> =
        indexed.iter().filter(|open| ids.contains(&&*open.id)).map(shown).collect();
    yes(json!({ "conversations": found }))
}

impl Inner {
    /// The conversations as the index has them, a little behind.
    fn indexed(&self) -> Vec<OpenConversation> {
        let lag = self.limits.index_lag;
        let seen = self.world_now().checked_sub(lag).unwrap_or(Timestamp::MIN);
        let mut all = self.world.open_conversations();
        all.retain(|open| open.started <= seen);
        for open in &mut all {
            open.ended = open.ended.filter(|ended| *ended <= seen);
        }
        all
    }
}

fn interval(text: &str) -> Result<(Timestamp, Timestamp), Refusal> {
    let refused = |why: &str| {
        let message = format!("Value [{text}] is not a valid interval: {why}");
        Refusal::bad_request("bad.request", &message)
    };
    let (from, to) = text.split_once('/').ok_or_else(|| refused("no slash"))?;
    let time = |text: &str| text.parse::<Timestamp>().map_err(|_| refused("no ISO-8601 time"));
    let (from, to) = (time(from)?, time(to)?);
    if to < from {
        return Err(refused("the end is before the start"));
    }
    if Duration::try_from(to.duration_since(from)).is_ok_and(|length| length > LONGEST) {
        return Err(refused("longer than 31 days"));
    }
    Ok((from, to))
}

fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn shown(open: &OpenConversation) -> Value {
    let segment = |queue: Option<&String>| {
        let mut segment =
            json!({ "segmentStart": written(open.started), "segmentType": "interact" });
        if let Some(queue) = queue {
            segment["queueId"] = queue.as_str().into();
        }
        json!([{ "segments": [segment] }])
    };
    let queues = open
        .queues
        .iter()
        .map(|queue| json!({ "purpose": "acd", "sessions": segment(Some(queue)) }));
    let users = open.users.iter().map(|user| {
        json!({ "purpose": "agent", "userId": user, "sessions": segment(open.queues.last()) })
    });
    let mut shown = json!({
        "conversationId": open.id,
        "conversationStart": written(open.started),
        "participants": queues.chain(users).collect::<Vec<_>>(),
    });
    if let Some(ended) = open.ended {
        shown["conversationEnd"] = written(ended).into();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_checked() {
        for (text, is_good) in [
            ("2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z", true),
            ("2026-11-20T00:00:00Z/2026-11-20T00:00:00Z", true),
            ("2026-11-21T00:00:00Z/2026-11-20T00:00:00Z", false),
            ("2026-09-01T00:00:00Z/2026-11-20T00:00:00Z", false),
            ("2026-11-20/2026-11-21", false),
            ("yesterday", false),
        ] {
            assert_eq!(interval(text).is_ok(), is_good, "{text}");
        }
    }
}
