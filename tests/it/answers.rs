//! What the daemon makes of every kind of answer to a write: what it does, what it logs and how
//! loudly, and how often it asks.

use std::collections::BTreeMap;

use attributed::simulator::Scripted;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Setup, message};
use crate::world_at::{WorldAt, customer};

const WRITE: &str = "PATCH /attributes";
const VALUE: &str = "a-value-that-no-log-shows";

/// Two rules, so that a refusal can be a matter of one of them.
fn rules() -> String {
    let rule = |name: &str, held: bool| {
        format!(
            "[[rule]]\nname = \"{name}\"\nmatch.participant.purpose = \"agent\"\nmatch.participant.held = {held}\nset.\"cc.{name}\" = \"{VALUE}\"\n\n"
        )
    };
    [rule("first", false), rule("second", false), rule("third", true)].concat()
}

struct Scene {
    world: WorldAt,
    _setup: Setup,
    daemon: Daemon,
}

fn scene() -> Scene {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&rules(), "[updates]\nconfirm_after = \"5s\"\n");
    let daemon = setup.start();
    daemon.wait_ready();
    Scene { world, _setup: setup, daemon }
}

impl Scene {
    fn script(&self, faults: impl IntoIterator<Item = Scripted>) {
        assert!(self.world.simulator.script(faults));
    }

    /// The daemon's lines about a conversation, and how loud each is.
    fn said(&self, conversation: &str) -> Vec<Value> {
        self.daemon.lines_that(|line| line["conversation_id"] == conversation)
    }

    fn wait_said(&self, conversation: &str, what: &str) -> Value {
        self.daemon.wait(&format!("{what:?} about {conversation}"), || {
            self.said(conversation).into_iter().find(|line| message(line).contains(what))
        })
    }

    fn statuses(&self, conversation: &str) -> Vec<u16> {
        let writes = self.world.writes(conversation);
        writes.iter().map(|write| write.status.unwrap_or(0)).collect()
    }
}

fn answer(status: u16) -> Scripted {
    Scripted { operation: WRITE.to_owned(), status: Some(status), ..Scripted::default() }
}

/// Every line about a push that went wrong says these, and no value.
fn check_fields(line: &Value, level: &str, status: u16) {
    assert_eq!(line["level"], level, "{line}");
    assert_eq!(line["status"].as_u64().unwrap_or(0), u64::from(status), "{line}");
    assert!(line["conversation_id"].is_string(), "{line}");
    assert_eq!(line["participant_id"], customer(line["conversation_id"].as_str().unwrap()));
    assert!(line["keys"].as_str().unwrap().contains("cc.first"), "{line}");
    let rules = line["rules"].as_str().or(line["rule"].as_str()).unwrap();
    assert!(rules.contains("first"), "{line}");
}

#[test]
fn what_passes_is_tried_again_until_it_is_accepted() {
    let scene = scene();
    let html = json!("<html><head><title>502 Bad Gateway</title></head></html>");
    let table = [
        ("c408", answer(408), "408 client.timeout"),
        ("c409", answer(409), "409 request.conflict"),
        ("c500", answer(500), "500 internal.server.error"),
        ("c502", Scripted { body: Some(html), ..answer(502) }, "502: 502 Bad Gateway"),
        ("c503", answer(503), "503 service.unavailable"),
        ("c504", answer(504), "504 request.timeout"),
        // The server acts, and its answer is lost: what was sent is sent once more.
        ("c504-acted", Scripted { act: true, ..answer(504) }, "504"),
        ("c-reset", Scripted { status: None, reset: true, ..answer(0) }, "patch_attributes: "),
    ];
    for (id, fault, error) in table {
        let status = fault.status.unwrap_or(0);
        scene.script([fault]);
        scene.world.call(id, 0);
        scene.world.wait_written(&scene.daemon, id);
        assert_eq!(scene.statuses(id), [status, 202], "{id}");
        let line = scene.wait_said(id, "push failed, will retry");
        check_fields(&line, "WARN", status);
        assert!(line["error"].as_str().unwrap().contains(error), "{line}");
        let traced = line["correlation_id"].is_string();
        assert_eq!(traced, status != 0, "the correlation id belongs in the line: {line}");
        let pushed = scene.wait_said(id, "pushed");
        assert_eq!((&pushed["level"], &pushed["attempt"]), (&"INFO".into(), &2.into()));
        assert!(pushed["correlation_id"].is_string(), "{pushed}");
        let keys = scene.world.writes(id).pop().unwrap().keys;
        assert_eq!(keys, ["cc.first", "cc.second"]);
    }
    assert!(!scene.daemon.log_text().contains(VALUE));
    assert_eq!(scene.daemon.log_count("update given up"), 0);
}

#[test]
fn what_is_refused_for_good_becomes_a_dead_letter() {
    let scene = scene();
    let quoting = |status: u16| {
        let body = json!({
            "message": format!("The value [{VALUE}] is not good"), "code": "bad.request",
            "status": status, "contextId": "the-correlation-id",
        });
        Scripted { body: Some(body), ..answer(status) }
    };
    for (id, status, reason, requests) in [
        // The request of both rules, then one of each: only who is to blame is given up.
        ("c400", 400, "refused", 3),
        ("c413", 413, "refused", 3),
        ("c404", 404, "participant-gone", 1),
    ] {
        scene.script(vec![quoting(status); requests]);
        scene.world.call(id, 0);
        let given_up = || {
            let mut lines = scene.said(id);
            lines.retain(|line| message(line).contains("update given up"));
            (lines.len() == 2).then_some(lines)
        };
        let lines = scene.daemon.wait(&format!("two dead letters of {id}"), given_up);
        assert_eq!(scene.statuses(id), vec![status; requests], "{id}");
        for line in &lines {
            assert_eq!((&line["level"], &line["reason"]), (&"ERROR".into(), &reason.into()));
            assert_eq!(line["status"], status, "{line}");
            assert!(line["correlation_id"].is_string(), "{line}");
            assert!(line["answer"].as_str().unwrap().contains("bad.request"), "{line}");
        }
        let rules: Vec<&str> = lines.iter().map(|line| line["rule"].as_str().unwrap()).collect();
        assert!(rules.contains(&"first") && rules.contains(&"second"), "{rules:?}");
        if requests == 3 {
            check_fields(
                &scene.wait_said(id, "each rule's keys will be pushed apart"),
                "WARN",
                status,
            );
        }
        // Refused is remembered: the same wish in the next snapshot costs no request.
        scene.world.call(id, 0);
    }
    // One bad key does not take the other with it.
    scene.script([quoting(400), quoting(400)]);
    scene.world.call("c-half", 1);
    let writes = scene.world.wait_written(&scene.daemon, "c-half");
    assert_eq!(scene.statuses("c-half"), [400, 400, 202]);
    assert_eq!(writes.last().unwrap().keys.len(), 1);
    // A new value is a new wish, also of a participant that was refused.
    scene.world.simulator.inject(scene.world.body("c400", 0, true));
    let writes = scene.world.wait_written(&scene.daemon, "c400");
    assert_eq!(writes.last().unwrap().keys, ["cc.third"]);
    assert_eq!(scene.statuses("c400"), [400, 400, 400, 202]);
    assert_eq!(scene.statuses("c404"), [404]);
    scene.daemon.wait_status("dead letters");
    assert!(!scene.daemon.log_text().contains(VALUE));
}

#[test]
fn conflicts_that_do_not_end_are_given_up() {
    let scene = scene();
    scene.script(vec![answer(409); 9]);
    scene.world.call("c1", 0);
    let line = scene.wait_said("c1", "update given up");
    assert_eq!((&line["reason"], &line["status"]), (&"conflict".into(), &409.into()));
    assert_eq!(scene.statuses("c1"), [409; 4]);
    assert!(scene.world.asked("GET", "/conversations/{conversationId}") >= 1, "it looks again");
}

#[test]
fn a_revoked_token_is_renewed_once_and_nothing_is_lost() {
    let scene = scene();
    assert_eq!(scene.world.asked("POST", "/oauth/token"), 1);
    assert_eq!(scene.world.simulator.revoke_tokens(), 1);
    for id in ["c1", "c2", "c3"] {
        scene.world.call(id, 0);
    }
    for id in ["c1", "c2", "c3"] {
        scene.world.wait_written(&scene.daemon, id);
    }
    // The pushes, the subscription and the reads meet it at the same time, and share one renewal.
    let tokens = scene.world.asked("POST", "/oauth/token");
    assert!(tokens <= 3, "{tokens} tokens for one that was revoked");
    assert_eq!(scene.daemon.wait_log("token revoked")["level"], "WARN");
    assert_eq!(scene.daemon.lines_that(|line| line["level"] == "ERROR"), Vec::<Value>::new());
}

#[test]
fn a_token_that_is_never_accepted_is_not_renewed_in_a_loop() {
    let scene = scene();
    scene.script(vec![answer(401); 6]);
    scene.world.call("c1", 0);
    scene.world.wait_written(&scene.daemon, "c1");
    let tokens = scene.world.asked("POST", "/oauth/token");
    assert!(tokens <= 4, "{tokens} tokens: those of others are invalidated by that");
    let line = scene.wait_said("c1", "push failed, will retry");
    check_fields(&line, "WARN", 401);
    assert!(line["error"].as_str().unwrap().contains("the token was renewed"), "{line}");
}

#[test]
fn a_forbidden_write_names_the_permission_and_does_not_spend_the_budget() {
    let scene = scene();
    let permissions = json!({
        "operations": [WRITE], "permission": "conversation:participant:attributes:edit",
    });
    scene.world.simulator.permit(serde_json::from_value(permissions).unwrap());
    let ids: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
    for id in &ids {
        scene.world.call(id, 0);
    }
    let line = scene.daemon.wait_log("forbidden: grant the permission");
    assert_eq!((&line["level"], &line["status"]), (&"ERROR".into(), &403.into()));
    assert_eq!(line["operation"], "patch_attributes");
    assert!(line["correlation_id"].is_string());
    let permission = line["error"].as_str().unwrap();
    assert!(permission.contains("conversation:participant:attributes:edit"), "{line}");
    // With the breaker open, what waits is still there, and said in the line of status.
    scene.daemon.wait_status("12 waiting");
    let beats = |daemon: &Daemon| {
        daemon.notified().iter().filter(|text| text.contains("WATCHDOG=1")).count()
    };
    let since = beats(&scene.daemon);
    scene.daemon.wait("five beats", || (beats(&scene.daemon) >= since + 5).then_some(()));
    let asked: usize = ids.iter().map(|id| scene.statuses(id).len()).sum();
    // Three in a row open it; as many as there are workers may be under way by then.
    assert!((3..=12).contains(&asked), "{asked} requests to be refused");
    assert_eq!(scene.daemon.log_count("forbidden: grant the permission"), 1);
    assert_eq!(scene.daemon.log_count("update given up"), 0);
}

#[test]
fn a_rest_of_a_second_is_kept_and_then_all_goes_on() {
    let scene = scene();
    let headers = BTreeMap::from([("retry-after".to_owned(), "1".to_owned())]);
    scene.script([Scripted { headers, ..answer(429) }]);
    scene.world.call("c1", 0);
    let writes = scene.world.wait_written(&scene.daemon, "c1");
    assert_eq!(scene.statuses("c1"), [429, 202]);
    let rested = writes[1].started_us - writes[0].ended_us.unwrap();
    assert!(rested >= 900_000, "it came back after {rested} µs");
    check_fields(&scene.wait_said("c1", "push failed, will retry"), "WARN", 429);
    assert_eq!(scene.daemon.wait_log("throttled, the account rests")["level"], "WARN");
}

#[test]
fn a_rest_of_hours_is_said_and_a_stop_does_not_wait_for_it() {
    let mut scene = scene();
    let headers = BTreeMap::from([("retry-after".to_owned(), "7200".to_owned())]);
    scene.script([Scripted { headers, ..answer(429) }]);
    scene.world.call("c1", 0);
    let line = scene.daemon.wait_log("throttled for unusually long");
    assert_eq!((&line["level"], &line["seconds"]), (&"ERROR".into(), &7200.into()));
    scene.daemon.wait_status("account rests for 7");
    // What comes meanwhile waits too.
    scene.world.call("c2", 1);
    scene.daemon.wait_status("2 waiting");
    scene.daemon.signal("TERM");
    assert_eq!(scene.daemon.wait_exit().code(), Some(75));
    assert_eq!(scene.statuses("c1"), [429]);
    assert_eq!(scene.statuses("c2"), Vec::<u16>::new());
    for id in ["c1", "c2"] {
        let left = scene.wait_said(id, "not pushed");
        assert_eq!((&left["level"], &left["keys"]), (&"INFO".into(), &"cc.first cc.second".into()));
    }
    let last = scene.daemon.wait_log("2 participants were not pushed in time: kept");
    assert_eq!((&last["level"], &last["exit"]), (&"WARN".into(), &75.into()));
}
