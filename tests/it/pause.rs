//! Pausing and resuming, all or one rule, also over a restart.

use crate::command::says;
use crate::reload::say;
use crate::world_at::{ANSWERED, WorldAt};

const SECOND: &str = r#"
[[rule]]
name = "second"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.second" = "yes"
"#;

#[test]
fn a_pause_outlives_a_restart_and_nothing_is_lost_meanwhile() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    says(&say(&setup, &["pause"]), 0, &["paused: all since 20", "0 participants wait"]);
    daemon.wait_log("paused: what is to be pushed waits");
    world.call("c1", 0);
    let what = "a participant that waits in a pause";
    daemon.wait_status_that(what, |it| it.contains("PAUSED since 20") && it.contains("1 waiting"));
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(75), "{}", daemon.log_text());
    drop(daemon);

    let daemon = setup.start();
    assert_eq!(daemon.wait_log("still paused")["level"], "WARN");
    daemon.wait_ready();
    world.call("c2", 1);
    daemon.wait_status_that(what, |it| it.contains("PAUSED since 20") && it.contains("2 waiting"));
    assert!(world.writes("c1").is_empty() && world.writes("c2").is_empty());
    let said = say(&setup, &["resume", "--output", "json"]);
    says(&said, 0, &["\"answer\": \"pauses\"", "\"changed\": true", "\"all\": null"]);
    for conversation in ["c1", "c2"] {
        assert_eq!(world.wait_written(&daemon, conversation).len(), 1);
    }
    daemon.wait_status_that("no pause", |it| !it.contains("PAUSED") && it.contains("2 pushed"));
    says(&say(&setup, &["resume"]), 0, &["there is nothing to resume", "nothing is paused"]);
}

#[test]
fn one_rule_is_paused_and_the_others_go_on() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&format!("{ANSWERED}{SECOND}"), "");
    let daemon = setup.start();
    daemon.wait_ready();
    says(&say(&setup, &["pause", "--rule", "secnd"]), 1, &["no rule `secnd`", "mean `second`?"]);
    says(&say(&setup, &["resume", "--rule", "second"]), 1, &["`second` is not paused"]);
    says(&say(&setup, &["pause", "--rule", "second"]), 0, &["paused: rule second since 20"]);
    world.call("c1", 0);
    let writes = world.wait_written(&daemon, "c1");
    assert_eq!(writes[0].keys, ["cc.answered"]);
    // The pause of all is another, and ends by itself.
    says(&say(&setup, &["pause", "--for", "1s"]), 0, &["paused: all since 20", "; rule second"]);
    daemon.wait_log("its time is over");
    world.call("c2", 1);
    assert_eq!(world.wait_written(&daemon, "c2")[0].keys, ["cc.answered"]);
    daemon.wait_status("rule second PAUSED since 20");
    let still = ["nothing is paused"];
    says(&say(&setup, &["resume", "--rule", "second"]), 0, &still);
    for conversation in ["c1", "c2"] {
        daemon.wait("what was paused", || {
            let writes = world.writes(conversation);
            writes.iter().any(|write| write.keys == ["cc.second"]).then_some(())
        });
    }
    says(&say(&setup, &["pause", "--for", "soon"]), 2, &["--for"]);
}
