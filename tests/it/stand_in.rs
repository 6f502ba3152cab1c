//! What stands in at a start for a list that cannot be used.

use std::fs;

use crate::bad_input::{run, says};
use crate::world_at::WorldAt;

/// With a list, `who.csv`, of purposes and marks.
pub(crate) const RULES: &str = r#"
[lists.who]
file = "who.csv"
key = "purpose"

[[rule]]
name = "listed"
match.participant.purpose = { in_list = "who" }
match.participant.state = "connected"
set."cc.listed" = "{{ lists.who.mark }}"
target = "participant"
"#;

#[test]
fn a_list_that_cannot_be_used_at_a_start_gives_way_to_the_last_good_one() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(RULES, "");
    let list = setup.path("who.csv");
    let good = "purpose,mark\nagent,yes\n";
    // Nothing stands in where there was never a good one.
    says(&run(&setup, &[]), 78, &["the list `who` cannot be read", "there are no earlier ones"]);
    fs::write(&list, good).unwrap();
    let mut daemon = setup.start();
    daemon.wait_ready();
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());

    fs::remove_file(&list).unwrap();
    says(&run(&setup, &["--strict"]), 78, &["the list `who` cannot be read", "--strict"]);
    let mut daemon = setup.start();
    daemon.wait_ready();
    let stood_in = daemon.wait_log("started with the last good one");
    assert_eq!((&stood_in["level"], &stood_in["lists"]), (&"ERROR".into(), &"who".into()));
    daemon.wait_status("list who REFUSED, the earlier one in force");
    world.call("c1", 0);
    assert_eq!(world.wait_written(&daemon, "c1")[0].keys, ["cc.listed"]);
    // Once the file is good again it counts, without anybody asking.
    fs::write(&list, "purpose,mark\nagent,no\n").unwrap();
    daemon.wait_log("rules reloaded");
    daemon.wait_status_that("the list counts", |status| !status.contains("REFUSED"));
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());

    // Rules that were not good themselves give way with their list.
    fs::write(&list, "\n").unwrap();
    setup.write_rules(&RULES.replace("key = \"purpose\"", "key = \"purposes\""));
    let daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_log("started with the last good rules");
    daemon.wait_status("rules file REFUSED, earlier rules in force");
}
