//! Reading conversations, in either dialect (DESIGN 5).
//!
//! Which reads are made, and when, is gap recovery's business; here is how each is asked, and how
//! its answer is read. Bodies of conversations are handed on as they came, for whoever reads events.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Api, Call, CallError, Class, Permit};
use super::ids::{ConversationId, ParticipantId, QueueId, UserId};

/// Conversations on a page of the details query. The default is 25 (FACTS 1.3); 100 is what the
/// other listings allow.
const PAGE: usize = 100;
/// Pages of one query: 100,000 conversations, which is hours of any budget.
const MAX_PAGES: usize = 1000;
/// Predicates of one filter. No limit is documented; a hundred ids are 10 kB of the 512 kB that a
/// request may have (FACTS 3.1).
const MAX_PREDICATES: usize = 100;
/// The longest interval of one query.
const SLICE: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What stands for itself in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as a part of a path, or any text as a value in a query.
pub(super) fn encoded(text: &str) -> Cow<'_, str> {
    // As ids are: the encoder takes ten times as long to find that out.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Cow::Borrowed(text);
    }
    // These two would be resolved as steps.
    match text {
        "." => Cow::Borrowed("%2E"),
        ".." => Cow::Borrowed("%2E%2E"),
        text => utf8_percent_encode(text, PATH).into(),
    }
}

/// Reads one conversation as it is now, with its attributes; the body as it came.
///
/// # Errors
///
/// As [`Api::call`].
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn conversation(
    api: &dyn Api,
    class: Class,
    id: &ConversationId,
) -> Result<Answer, CallError> {
    conversation_by(api, api.permit(class).await, id).await
}

/// The same, where leave has been taken.
///
/// # Errors
///
/// As [`Api::call_with`].
///
/// # Cancel safety
///
/// Dropping the future abandons the request.
pub async fn conversation_by(
    api: &dyn Api,
    permit: Permit,
    id: &ConversationId,
) -> Result<Answer, CallError> {
    let path = format!("/api/v2/conversations/{}", encoded(id.as_str()));
    let call = get(permit.class, "get_conversation", path);
    api.call_with(permit, call).await
}

/// A user's conversation, in the tutorial's shape.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserConversation {
    pub conversation_id: ConversationId,
    #[serde(default)]
    pub participants: Vec<UserParticipant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserParticipant {
    pub participant_id: ParticipantId,
    pub user_id: Option<UserId>,
    pub purpose: Option<String>,
    pub status: Option<String>,
}

/// Reads the conversations that a user is in; `put` dialect only. A user without any is no error,
/// whether the server says so with an empty list or with a 404.
///
/// # Errors
///
/// As [`Api::call`]; [`CallError::Unreadable`] if the answer has another shape.
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn user_conversations(
    api: &dyn Api,
    class: Class,
    user: &UserId,
) -> Result<Vec<UserConversation>, CallError> {
    #[derive(Deserialize)]
    struct Listing {
        #[serde(default)]
        conversations: Vec<UserConversation>,
    }
    let operation = "get_user_conversations";
    let path = format!("/api/v2/conversations/users/{}", encoded(user.as_str()));
    match api.call(get(class, operation, path)).await {
        Ok(answer) => Ok(read::<Listing>(operation, &answer.body)?.conversations),
        Err(CallError::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whose conversations a query is about. A conversation is found if it has any of them; without
/// any, nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    pub users: BTreeSet<UserId>,
    pub queues: BTreeSet<QueueId>,
}

/// Finds the conversations that have not ended, by details queries; `patch` dialect only.
///
/// The service finds those that *started* on a day which the interval touches (FACTS 5), and knows
/// of a conversation only after a while. Each page is a request of its own.
///
/// # Errors
///
/// As [`Api::call`]; [`CallError::Unreadable`] if an answer has another shape.
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn open_conversations(
    api: &dyn Api,
    class: Class,
    whose: &Whose,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeSet<ConversationId>, CallError> {
    let mut found = BTreeSet::new();
    for filter in filters(whose) {
        let mut start = from;
        while start < to {
            let end = start.checked_add(SLICE).map_or(to, |end| end.min(to));
            let query = Query { end: "notExists", filter: &filter, from: start, to: end };
            query.run(api, class, |one| found.extend([one.conversation_id])).await?;
            start = end;
        }
    }
    Ok(found)
}

/// How many requests [`open_conversations`] takes, as long as a page holds what each query finds.
pub fn queries(whose: &Whose, from: Timestamp, to: Timestamp) -> usize {
    let slices = to.duration_since(from).as_secs().max(0).unsigned_abs();
    let slices = slices.div_ceil(SLICE.as_secs().unsigned_abs());
    let filters = (whose.users.len() + whose.queues.len()).div_ceil(MAX_PREDICATES);
    filters.saturating_mul(usize::try_from(slices).unwrap_or(usize::MAX))
}

/// Counts the conversations that ended within an interval of at most 31 days, of those that started
/// on a day which it touches; `patch` dialect only.
///
/// # Errors
///
/// As [`open_conversations`].
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn ended_conversations(
    api: &dyn Api,
    class: Class,
    whose: &Whose,
    from: Timestamp,
    to: Timestamp,
) -> Result<usize, CallError> {
    let mut ended = BTreeSet::new();
    for filter in filters(whose) {
        let query = Query { end: "exists", filter: &filter, from, to };
        let note = |one: FoundConversation| {
            let end = one.conversation_end.and_then(|end| end.parse::<Timestamp>().ok());
            if end.is_some_and(|end| from <= end && end <= to) {
                ended.insert(one.conversation_id);
            }
        };
        query.run(api, class, note).await?;
    }
    Ok(ended.len())
}

/// A details query, whatever it finds.
struct Query<'q> {
    /// What has to be true of `conversationEnd`.
    end: &'static str,
    filter: &'q [Value],
    from: Timestamp,
    to: Timestamp,
}

impl Query<'_> {
    async fn run(
        &self,
        api: &dyn Api,
        class: Class,
        mut found: impl FnMut(FoundConversation),
    ) -> Result<(), CallError> {
        let operation = "query_conversations";
        for page in 1..=MAX_PAGES {
            let call = Call {
                class,
                operation,
                method: Method::POST,
                path: "/api/v2/analytics/conversations/details/query".to_owned(),
                body: Some(Bytes::from(self.body(page).to_string())),
            };
            let answer = api.call(call).await?;
            let listing: Found = read(operation, &answer.body)?;
            let conversations = listing.conversations.unwrap_or_default();
            let full = conversations.len() >= PAGE;
            conversations.into_iter().for_each(&mut found);
            if !full {
                return Ok(());
            }
        }
        let reason = format!("there are more than {} conversations in it", PAGE * MAX_PAGES);
        Err(CallError::Unreadable { operation, reason })
    }

    fn body(&self, page: usize) -> Value {
        let end = json!({ "dimension": "conversationEnd", "operator": self.end });
        json!({
            "interval": format!("{}/{}", self.from, self.to),
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": { "pageSize": PAGE, "pageNumber": page },
            "conversationFilters": [{ "type": "and", "predicates": [end] }],
            "segmentFilters": [{ "type": "or", "predicates": self.filter }],
        })
    }
}

/// Absent when nothing is found.
#[derive(Deserialize)]
struct Found {
    conversations: Option<Vec<FoundConversation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundConversation {
    conversation_id: ConversationId,
    conversation_end: Option<String>,
}

/// In as few filters as a query takes.
fn filters(whose: &Whose) -> Vec<Vec<Value>> {
    let is = |dimension: &str, id: &str| json!({ "dimension": dimension, "operator": "matches", "value": id });
    let users = whose.users.iter().map(|id| is("userId", id.as_str()));
    let queues = whose.queues.iter().map(|id| is("queueId", id.as_str()));
    let all: Vec<Value> = users.chain(queues).collect();
    all.chunks(MAX_PREDICATES).map(<[Value]>::to_vec).collect()
}

fn get(class: Class, operation: &'static str, path: String) -> Call {
    Call { class, operation, method: Method::GET, path, body: None }
}

/// What is wrong is told without what was there, which may be anybody's name or number.
fn read<T: serde::de::DeserializeOwned>(
    operation: &'static str,
    body: &[u8],
) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| {
        let reason = format!("unexpected at line {} column {}", error.line(), error.column());
        CallError::Unreadable { operation, reason }
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::fake::FakeApi;
    use super::*;

    #[tokio::test]
    async fn ids_are_parts_of_a_path_and_nothing_else() {
        for (id, path) in [
            ("0cfda4f3-f47d", "0cfda4f3-f47d"),
            ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"),
            ("..", "%2E%2E"),
            ("é %", "%C3%A9%20%25"),
        ] {
            let api = FakeApi::new([(200, "{}")]);
            conversation(&api, Class::Recovery, &ConversationId::new(id)).await.unwrap();
            assert_eq!(api.seen(), format!("GET /api/v2/conversations/{path}\n"));
        }
    }

    #[tokio::test]
    async fn the_tutorials_listing() {
        let body = r#"{"conversations":[{"conversationId":"c1","participants":[
            {"participantId":"p1","userId":"u1","status":"connected","new":1},
            {"participantId":"p2"}]}]}"#;
        let api =
            FakeApi::new([(200, body), (404, ""), (200, "{}"), (200, r#"{"conversations":3}"#)]);
        let user = UserId::new("u1");
        let found = user_conversations(&api, Class::Recovery, &user).await.unwrap();
        assert_eq!(found[0].conversation_id.as_str(), "c1");
        assert_eq!(found[0].participants[0].user_id, Some(user.clone()));
        assert_eq!(found[0].participants[1].user_id, None);
        for _ in 0..2 {
            assert!(user_conversations(&api, Class::Recovery, &user).await.unwrap().is_empty());
        }
        let error = user_conversations(&api, Class::Recovery, &user).await.unwrap_err();
        assert!(matches!(error, CallError::Unreadable { .. }));
    }

    #[tokio::test]
    async fn open_conversations_are_paged() {
        let page = |from: usize, to: usize| {
            let all: Vec<Value> =
                (from..to).map(|n| json!({ "conversationId": format!("c{n}") })).collect();
            json!({ "conversations": all, "totalHits": 120 }).to_string()
        };
        let (first, second) = (page(0, 100), page(95, 120));
        let api = FakeApi::new([(200, first.as_str()), (200, second.as_str()), (200, "{}")]);
        let whose = Whose {
            users: BTreeSet::from([UserId::new("u1")]),
            queues: BTreeSet::from([QueueId::new("q1")]),
        };
        let (from, to) = ("2026-10-01T00:00:00Z".parse(), "2026-11-20T12:00:00Z".parse());
        let found =
            open_conversations(&api, Class::Recovery, &whose, from.unwrap(), to.unwrap()).await;
        assert_eq!(found.unwrap().len(), 120);
        expect![[r#"
            POST /api/v2/analytics/conversations/details/query {"conversationFilters":[{"predicates":[{"dimension":"conversationEnd","operator":"notExists"}],"type":"and"}],"interval":"2026-10-01T00:00:00Z/2026-11-01T00:00:00Z","order":"asc","orderBy":"conversationStart","paging":{"pageNumber":1,"pageSize":100},"segmentFilters":[{"predicates":[{"dimension":"userId","operator":"matches","value":"u1"},{"dimension":"queueId","operator":"matches","value":"q1"}],"type":"or"}]}
            POST /api/v2/analytics/conversations/details/query {"conversationFilters":[{"predicates":[{"dimension":"conversationEnd","operator":"notExists"}],"type":"and"}],"interval":"2026-10-01T00:00:00Z/2026-11-01T00:00:00Z","order":"asc","orderBy":"conversationStart","paging":{"pageNumber":2,"pageSize":100},"segmentFilters":[{"predicates":[{"dimension":"userId","operator":"matches","value":"u1"},{"dimension":"queueId","operator":"matches","value":"q1"}],"type":"or"}]}
            POST /api/v2/analytics/conversations/details/query {"conversationFilters":[{"predicates":[{"dimension":"conversationEnd","operator":"notExists"}],"type":"and"}],"interval":"2026-11-01T00:00:00Z/2026-11-20T12:00:00Z","order":"asc","orderBy":"conversationStart","paging":{"pageNumber":1,"pageSize":100},"segmentFilters":[{"predicates":[{"dimension":"userId","operator":"matches","value":"u1"},{"dimension":"queueId","operator":"matches","value":"q1"}],"type":"or"}]}
        "#]].assert_eq(&api.seen());
    }

    #[tokio::test]
    async fn what_ended_in_between_is_counted() {
        let ended = |id: &str, end: &str| json!({ "conversationId": id, "conversationEnd": end });
        let page = json!({ "conversations": [
            ended("before", "2026-11-20T09:59:59.000Z"),
            ended("within", "2026-11-20T10:00:30.000Z"),
            ended("after", "2026-11-20T10:01:01.000Z"),
        ]});
        let page = page.to_string();
        let api = FakeApi::new([(200, page.as_str())]);
        let whose = Whose { users: BTreeSet::from([UserId::new("u1")]), ..Whose::default() };
        let (from, to) = ("2026-11-20T10:00:00Z".parse(), "2026-11-20T10:01:00Z".parse());
        let ended =
            ended_conversations(&api, Class::Recovery, &whose, from.unwrap(), to.unwrap()).await;
        assert_eq!(ended.unwrap(), 1);
        assert!(api.seen().contains(r#""operator":"exists""#));
    }

    #[test]
    fn nobody_is_no_query_and_many_are_few() {
        assert!(filters(&Whose::default()).is_empty());
        let (from, to) =
            ("2026-10-01T00:00:00Z".parse().unwrap(), "2026-11-20T10:01:00Z".parse().unwrap());
        assert_eq!(queries(&Whose::default(), from, to), 0);
        let users = (0..250).map(|n| UserId::new(&n.to_string())).collect();
        let whose = Whose { users, ..Whose::default() };
        let sizes: Vec<usize> = filters(&whose).iter().map(Vec::len).collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(queries(&whose, from, to), 3 * 2);
    }
}
