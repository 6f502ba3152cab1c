//! Frames that are about the channel and not about a conversation (FACTS 2.2), and the envelope.

use serde_json::{Value, json};

/// Whom system messages name.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) organization: String,
    pub(super) client: String,
}

pub(super) fn heartbeat() -> String {
    r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#.to_owned()
}

pub(super) fn pong() -> String {
    r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#.to_owned()
}

pub(super) fn socket_closing(correlation_id: &str) -> String {
    let body = json!({ "message": "The socket will close in about a minute" });
    enveloped("v2.system.socket_closing", &body.to_string(), correlation_id)
}

pub(super) fn no_longer_subscribed(party: &Party, channel: &str, correlation_id: &str) -> String {
    let reason = ("no_longer_subscribed", "another_channel_subscribed");
    system_message(party, channel, correlation_id, reason)
}

pub(super) fn token_revoked(party: &Party, channel: &str, correlation_id: &str) -> String {
    system_message(party, channel, correlation_id, ("token_revoked", "user_tokens_revoked"))
}

fn system_message(
    party: &Party,
    channel: &str,
    correlation_id: &str,
    (kind, reason): (&str, &str),
) -> String {
    let body: Value = json!({
        "channelId": channel,
        "systemTopicType": kind,
        "correlationId": correlation_id,
        "organizationId": party.organization,
        "oauthClientId": party.client,
        "oauthClientOrgId": party.organization,
        "reason": reason,
        "message": "",
        "data": {},
    });
    enveloped(&format!("v2.system.{kind}.{channel}"), &body.to_string(), correlation_id)
}

/// An event as it goes over the socket. The body is JSON already, and a correlation id has nothing
/// to escape.
pub(super) fn enveloped(topic: &str, body: &str, correlation_id: &str) -> String {
    let topic = Value::from(topic);
    format!(
        r#"{{"topicName":{topic},"version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation_id}"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_json() {
        let party = Party { organization: "o".to_owned(), client: "c".to_owned() };
        for (frame, topic) in [
            (heartbeat(), "channel.metadata"),
            (pong(), "channel.metadata"),
            (socket_closing("x"), "v2.system.socket_closing"),
            (no_longer_subscribed(&party, "ch", "x"), "v2.system.no_longer_subscribed.ch"),
            (token_revoked(&party, "ch", "x"), "v2.system.token_revoked.ch"),
        ] {
            let value: Value = serde_json::from_str(&frame).unwrap();
            assert_eq!(value["topicName"], topic);
        }
    }
}
