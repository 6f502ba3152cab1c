//! The calls about notification channels (FACTS 1.5), typed.
//!
//! Answers are read tolerant of whatever is missing. Nothing here waits but for the answer: no
//! retry, no state. Who knows a channel's id can work out its address, so the id is treated as a
//! secret too: it shows in no log, error or `Debug`.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::{Answer, Api, Call, CallError, Class, Permit};
use super::outside::ChannelUri;

/// A channel's id, such as `streaming-0-…`; fit to stand in a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelId(String);

/// A channel as Genesys describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub uri: ChannelUri,
    /// 24 h after it was made or its topics were last set, as far as known.
    pub expires: Option<Timestamp>,
}

/// What became of one topic in a list of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTopic {
    pub id: String,
    pub state: TopicState,
    pub rejection_reason: Option<String>,
    pub missing_permissions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicState {
    Permitted,
    Rejected,
}

/// Makes a channel. The 21st of a user and app evicts the one that was used least recently, one
/// without a connection first.
///
/// # Cancel safety
///
/// Dropping the future can leave a channel behind that nobody knows.
pub async fn create(api: &dyn Api, permit: Permit) -> Result<Channel, CallError> {
    const OPERATION: &str = "create_channel";
    let call = call(OPERATION, Method::POST, CHANNELS.to_owned(), None);
    let answer = api.call_with(permit, call).await?;
    let made = read(&answer).and_then(|raw: RawChannel| {
        raw.checked().ok_or_else(|| "no usable id and connectUri".to_owned())
    });
    made.map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })
}

/// All channels of this OAuth client, whoever made them.
///
/// # Cancel safety
///
/// Safe: nothing changes.
pub async fn list(api: &dyn Api) -> Result<Vec<Channel>, CallError> {
    const OPERATION: &str = "list_channels";
    let path = format!("{CHANNELS}?includechannels=oauthclient");
    let answer = api.call(call(OPERATION, Method::GET, path, None)).await?;
    let listing: Listing<RawChannel> =
        read(&answer).map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })?;
    Ok(listing.into_iter().filter_map(RawChannel::checked).collect())
}

/// Returns true if and only if the channel lives.
///
/// # Cancel safety
///
/// Safe: nothing changes.
pub async fn lives(api: &dyn Api, id: &ChannelId) -> Result<bool, CallError> {
    let path = format!("{CHANNELS}/{}", id.0);
    match api.call(call("head_channel", Method::HEAD, path, None)).await {
        Ok(_) => Ok(true),
        Err(CallError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Replaces the channel's topics by these, which also extends its life. Refused topics do not hinder
/// the others: the answer tells of each.
///
/// # Cancel safety
///
/// Dropping the future leaves open which topics the channel has; set them again.
pub async fn subscribe(
    api: &dyn Api,
    id: &ChannelId,
    topics: &BTreeSet<String>,
) -> Result<Vec<ChannelTopic>, CallError> {
    const OPERATION: &str = "subscribe";
    let wanted: Vec<Wanted<'_>> = topics.iter().map(|id| Wanted { id }).collect();
    let body = serde_json::to_vec(&wanted).map_err(|error| {
        let reason = format!("the list of topics cannot be written: {error}");
        CallError::Unreadable { operation: OPERATION, reason }
    })?;
    let path = format!("{}?ignoreErrors=true", subscriptions(id));
    let answer = api.call(call(OPERATION, Method::PUT, path, Some(body.into()))).await?;
    topics_of(&answer).map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })
}

/// The channel's topics.
///
/// # Cancel safety
///
/// Safe: nothing changes.
pub async fn subscribed(api: &dyn Api, id: &ChannelId) -> Result<Vec<ChannelTopic>, CallError> {
    const OPERATION: &str = "get_subscriptions";
    let answer = api.call(call(OPERATION, Method::GET, subscriptions(id), None)).await?;
    topics_of(&answer).map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })
}

/// Takes all topics off the channel.
///
/// # Cancel safety
///
/// Dropping the future leaves open whether it happened.
pub async fn unsubscribe(api: &dyn Api, id: &ChannelId) -> Result<(), CallError> {
    api.call(call("unsubscribe", Method::DELETE, subscriptions(id), None)).await.map(|_| ())
}

const CHANNELS: &str = "/api/v2/notifications/channels";

fn subscriptions(id: &ChannelId) -> String {
    format!("{CHANNELS}/{}/subscriptions", id.0)
}

fn call(operation: &'static str, method: Method, path: String, body: Option<Bytes>) -> Call {
    Call { class: Class::Channel, operation, method, path, body }
}

impl ChannelId {
    /// `None` if the text could not stand in a path as it is.
    pub fn new(text: &str) -> Option<ChannelId> {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let dots = text.bytes().all(|byte| byte == b'.');
        (!dots && text.len() < 200 && text.bytes().all(fit)).then(|| ChannelId(text.to_owned()))
    }

    /// The id itself, for paths and for the state file (0600), and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelId(redacted)")
    }
}

#[derive(Serialize)]
struct Wanted<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct Listing<T> {
    entities: Option<Vec<Option<T>>>,
}

impl<T> Listing<T> {
    fn into_iter(self) -> impl Iterator<Item = T> {
        self.entities.unwrap_or_default().into_iter().flatten()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChannel {
    connect_uri: Option<String>,
    id: Option<String>,
    expires: Option<String>,
}

impl RawChannel {
    fn checked(self) -> Option<Channel> {
        let id = ChannelId::new(&self.id?)?;
        let uri = ChannelUri::new(self.connect_uri.filter(|uri| !uri.is_empty())?);
        let expires = self.expires.and_then(|text| text.parse().ok());
        Some(Channel { id, uri, expires })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTopic {
    id: Option<String>,
    state: Option<String>,
    rejection_reason: Option<String>,
    missing_permissions: Option<Vec<String>>,
}

impl RawTopic {
    /// A topic without a state is permitted unless it comes with a reason against it.
    fn checked(self) -> Option<ChannelTopic> {
        let missing_permissions = self.missing_permissions.unwrap_or_default();
        let rejected = match &self.state {
            Some(state) => state.eq_ignore_ascii_case("rejected"),
            None => self.rejection_reason.is_some() || !missing_permissions.is_empty(),
        };
        Some(ChannelTopic {
            id: self.id?,
            state: if rejected { TopicState::Rejected } else { TopicState::Permitted },
            rejection_reason: self.rejection_reason,
            missing_permissions,
        })
    }
}

/// The error says where the answer is wrong.
fn topics_of(answer: &Answer) -> Result<Vec<ChannelTopic>, String> {
    let listing: Listing<RawTopic> = read(answer)?;
    Ok(listing.into_iter().filter_map(RawTopic::checked).collect())
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, String> {
    // The error's own text can quote the address.
    serde_json::from_slice(&answer.body).map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        format!("{} bytes, wrong at {at}", answer.body.len())
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use http::StatusCode;

    use super::*;

    fn answer(body: &'static str) -> Answer {
        let body = Bytes::from_static(body.as_bytes());
        Answer { status: StatusCode::OK, correlation_id: None, date: None, body }
    }

    #[test]
    fn answers_are_read_tolerant_of_what_is_missing() {
        let topics = topics_of(&answer(
            r#"{"entities":[
                {"id":"a","state":"Permitted","selfUri":"/x"},
                {"id":"b","state":"Rejected","rejectionReason":"no","missingPermissions":["p"]},
                {"id":"c"}, {"id":"d","missingPermissions":["q"]}, {"id":"e","state":null},
                {"state":"Permitted"}, null, {"id":"f","state":"Novel","new":{}}]}"#,
        ));
        let told = |topic: &ChannelTopic| format!("{} {:?}", topic.id, topic.state);
        let told: Vec<String> = topics.unwrap().iter().map(told).collect();
        expect!["a Permitted, b Rejected, c Permitted, d Rejected, e Permitted, f Permitted"]
            .assert_eq(&told.join(", "));
        assert!(topics_of(&answer("{}")).unwrap().is_empty());
    }

    #[test]
    fn neither_errors_nor_debug_tell_where_the_channel_is() {
        let error = topics_of(&answer(r#"{"entities":"wss://secret/1"}"#));
        expect!["29 bytes, wrong at line 1 column 28"].assert_eq(&error.unwrap_err());
        let raw = r#"{"connectUri":"wss://secret/1","id":"streaming-1","expires":"junk"}"#;
        let channel: RawChannel = serde_json::from_str(raw).unwrap();
        let channel = channel.checked().unwrap();
        assert!(!format!("{channel:?}").contains("secret"));
        assert!(!format!("{channel:?}").contains("streaming"));
        assert_eq!(channel.expires, None);
    }

    #[test]
    fn an_id_that_would_change_the_path_is_no_id() {
        for text in ["", "..", "a/b", "a?b", "a b", "ü"] {
            assert_eq!(ChannelId::new(text), None, "{text}");
        }
        assert!(ChannelId::new("streaming-0-4.x_~").is_some());
    }
}
