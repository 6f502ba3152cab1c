//! What is read out of the samples, and what a spoilt body does to it.

use expect_test::{Expect, expect};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::*;
use crate::events::samples::{self, CALL, THREAD};

#[test]
fn the_samples_are_read_whole() {
    let held = read_generic(&samples::body("voice-inbound-03-held.json")).unwrap();
    check(
        &held,
        expect![[r#"
            0cfda4f3 +13175550100 recording=active divisions=1
            customer Casey Customer 14:00:00/- +13175550142 4 attributes | call connected Inbound 14:00:00/- +13175550100<+13175550142
            ivr Main Menu 14:00:00/14:00:21 - 0 attributes flow=da84ed45 | call disconnected Inbound 14:00:00/14:00:21 +13175550100<+13175550142 transfer
            acd Support 14:00:21/14:00:33 - 4 attributes priority=5 skills=1 | call disconnected Inbound 14:00:21/14:00:33 +13175550100<+13175550142 transfer
            agent Avery Agent 14:00:33/- - 0 attributes priority=0 skills=0 | call connected Inbound 14:00:33/- +13175550100<+13175550142 held=14:01:00
        "#]],
    );
    let thread = read_generic(&samples::body("message-web-05-wrapup-complete.json")).unwrap();
    check(
        &thread,
        expect![[r#"
            f45dfeeb - recording=none divisions=1
            customer Casey Customer 14:33:20/14:40:00 guest-092dba5e 2 attributes | message disconnected Inbound 14:33:20/14:40:00 3955e83b-8f5b-5614-81fb-b2a1853e9633<guest-092dba5e peer 2 messages
            workflow Inbound Message Flow 14:33:20/14:33:23 - 0 attributes flow=522932ae | message disconnected Inbound 14:33:20/14:33:23 3955e83b-8f5b-5614-81fb-b2a1853e9633<guest-092dba5e transfer
            acd Support 14:33:23/14:33:30 - 2 attributes priority=5 skills=1 | message disconnected Inbound 14:33:23/14:33:30 3955e83b-8f5b-5614-81fb-b2a1853e9633<guest-092dba5e transfer
            agent Avery Agent 14:33:30/14:40:12 - 0 attributes priority=0 skills=0 | message disconnected Inbound 14:33:30/14:40:00 3955e83b-8f5b-5614-81fb-b2a1853e9633<guest-092dba5e client acw=complete/14:40:12 1 messages wrapup=a7576aad
        "#]],
    );
}

#[test]
fn what_makes_no_sense_is_left_out() {
    let body = json!({
        "id": "c", "externalTag": 7, "securePause": "true", "recordingState": "NONE",
        "recentTransfers": [{"id": "t", "state": "complete"}, null, 3], "additionalProperties": {},
        "participants": [null, 5, {"name": "nobody"}, {
            "id": "p", "purpose": "Customer", "name": "", "userId": {"id": "u"}, "queueId": null,
            "connectedTime": "yesterday", "endTime": 1700000000, "attributes": {
                "text": "x", "empty": "", "null": null, "number": 5, "fraction": 1.5, "flag": true,
                "list": [1], "object": {"a": 1},
            },
            "calls": {"state": "connected"}, "videos": "none",
            "messages": [7, {"state": ["x"], "direction": "sideways", "type": "pigeon", "messages": [
                {"messageId": "m1"}, {"messageId": null, "message": {"id": "m2"}}, {}, "m3",
            ]}],
        }],
    });
    let read = read_generic(&body.to_string()).unwrap();
    assert_eq!((read.external_tag, read.secure_pause, read.recent_transfers), (None, None, 1));
    assert_eq!(read.recording_state.as_deref(), Some("none"));
    let [participant] = &read.participants[..] else { panic!("{:?}", read.participants) };
    assert_eq!(participant.purpose.as_deref(), Some("customer"));
    assert_eq!((&participant.name, &participant.user_id), (&None, &None));
    assert_eq!((participant.connected_time, participant.end_time), (None, None));
    let attributes: Vec<_> =
        participant.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(attributes.join(" "), "empty= flag=true fraction=1.5 number=5 text=x");
    let [message] = &participant.communications[..] else { panic!("one message") };
    assert_eq!((message.state.as_deref(), message.direction), (None, None));
    assert_eq!(message.message_type.as_deref(), Some("pigeon"));
    assert_eq!(message.message_ids, ["m1", "m2"]);
}

#[test]
fn what_is_no_conversation_is_refused_without_a_word_of_it() {
    for (body, expected) in [
        ("", "the body is not JSON: it ends too early at line 1, column 0"),
        (
            "<html>",
            "the body is not JSON: a character or number that does not belong there at line 1, column 1",
        ),
        (
            "{\"id\":\"secret\",\n!}",
            "the body is not JSON: a character or number that does not belong there at line 2, column 1",
        ),
        (
            "{\"id\":\"a\",\"id\":\"b\"}",
            "the body is not JSON: an object names a field twice at line 1, column 14",
        ),
        ("[]", "the body is JSON, but not an object"),
        ("null", "the body is JSON, but not an object"),
        ("\"secret\"", "the body is JSON, but not an object"),
        ("{\"id\":{}}", "the body has no conversation id"),
        ("{\"id\":\"\"}", "the body has no conversation id"),
        ("{}", "the body has no conversation id"),
    ] {
        let error = read_generic(body).unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    }
}

#[test]
fn half_an_emoji_costs_one_character_and_not_the_conversation() {
    let body = r#"{"id":"c","externalTag":"cut \ud83d","address":"tel:+1\ud83d\ude00"}"#;
    let read = read_generic(body).unwrap();
    assert_eq!(read.external_tag.as_deref(), Some("cut \u{fffd}"));
    assert_eq!(read.address.as_deref(), Some("+1\u{1f600}"));
}

#[test]
fn sides_of_a_message_depend_on_its_direction() {
    for (direction, ours, other) in
        [("\"outbound\"", "from", "to"), ("\"inbound\"", "to", "from"), ("null", "to", "from")]
    {
        let sides = r#""toAddress":{"addressNormalized":"to"},"fromAddress":{"addressRaw":"from"}"#;
        let message = format!(r#"{{"direction":{direction},{sides}}}"#);
        let body = format!(r#"{{"id":"c","participants":[{{"id":"p","messages":[{message}]}}]}}"#);
        let read = read_generic(&body).unwrap();
        let leg = &read.participants[0].communications[0];
        assert_eq!(leg.self_address.as_deref(), Some(ours), "{direction}");
        assert_eq!(leg.other_address.as_deref(), Some(other), "{direction}");
    }
}

#[test]
fn any_one_value_may_be_of_any_type() {
    for name in [CALL[3], THREAD[4]] {
        let original: Value = serde_json::from_str(&samples::body(name)).unwrap();
        let mut pointers = Vec::new();
        collect_pointers(&original, "", &mut pointers);
        assert!(pointers.len() > 150);
        for pointer in pointers.iter().filter(|pointer| *pointer != "/id") {
            for other in [json!(null), json!(7), json!("x"), json!([[1]]), json!({"id": 3})] {
                let mut spoilt = original.clone();
                *spoilt.pointer_mut(pointer).unwrap() = other;
                let read = read_generic(&spoilt.to_string());
                assert!(read.is_ok(), "{name} {pointer}: {read:?}");
            }
        }
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut random = StdRng::seed_from_u64(7);
    for name in CALL.iter().chain(&THREAD) {
        let body = samples::body(name);
        for _ in 0..200 {
            let mut bytes = body.clone().into_bytes();
            bytes.truncate(random.random_range(0..=bytes.len()));
            for _ in 0..random.random_range(0..5) {
                if !bytes.is_empty() {
                    let at = random.random_range(0..bytes.len());
                    bytes[at] = random.random();
                }
            }
            if let Ok(read) = read_generic(&String::from_utf8_lossy(&bytes)) {
                assert!(!read.id.as_str().is_empty());
                assert!(!read.is_over() || !read.participants.is_empty());
            }
        }
    }
}

fn collect_pointers(value: &Value, at: &str, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (key, child) in children {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        collect_pointers(child, &pointer, pointers);
        pointers.push(pointer);
    }
}

#[track_caller]
fn check(conversation: &Conversation, expected: Expect) {
    let word = |text: &Option<Text>| text.clone().unwrap_or(Text::known("-"));
    let mut lines = vec![format!(
        "{} {} recording={} divisions={}",
        &conversation.id.as_str()[..8],
        word(&conversation.address),
        word(&conversation.recording_state),
        conversation.division_ids.len(),
    )];
    lines.extend(conversation.participants.iter().map(show));
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

fn show(participant: &Participant) -> String {
    let word = |text: &Option<Text>| text.clone().unwrap_or(Text::known("-"));
    let time =
        |time: Option<Timestamp>| time.map_or("-".to_owned(), |t| t.strftime("%T").to_string());
    let mut line = format!(
        "{} {} {}/{} {} {} attributes",
        word(&participant.purpose),
        word(&participant.name),
        time(participant.connected_time),
        time(participant.end_time),
        word(&participant.address),
        participant.attributes.len(),
    );
    if let Some(flow) = &participant.flow_id {
        line += &format!(" flow={}", &flow[..8]);
    }
    if let Some(priority) = participant.routing.priority {
        line += &format!(" priority={priority} skills={}", participant.routing.skill_ids.len());
    }
    for leg in &participant.communications {
        line += &format!(
            " | {} {} {} {}/{} {}<{}",
            format!("{:?}", leg.media).to_lowercase(),
            word(&leg.state),
            leg.direction.map_or("-".to_owned(), |direction| format!("{direction:?}")),
            time(leg.connected_time),
            time(leg.disconnected_time),
            word(&leg.self_address),
            word(&leg.other_address),
        );
        if let Some(since) = leg.start_hold_time {
            line += &format!(" held={}", time(Some(since)));
        }
        if let Some(kind) = &leg.disconnect_type {
            line += &format!(" {kind}");
        }
        if let Some(state) = &leg.after_call_work {
            line += &format!(" acw={state}/{}", time(leg.after_call_work_ended));
        }
        if !leg.message_ids.is_empty() {
            line += &format!(" {} messages", leg.message_ids.len());
        }
    }
    if let Some(code) = &participant.wrapup_code {
        line += &format!(" wrapup={}", &code[..8]);
    }
    line
}
