//! What began while nobody listened: the API is asked for it.

use attributed::simulator::{Permissions, Treatment};

use crate::world_at::{ANSWERED, WorldAt};

/// Short times, so that silence is noticed while somebody waits, and the index is asked again.
const QUICK: &str = "[channels]\nping_after = \"300ms\"\ndead_after = \"900ms\"\n\
                     [recovery]\nindex_lag = \"6s\"\n";

#[test]
fn a_conversation_that_began_in_a_gap_is_found() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, QUICK).start();
    daemon.wait_ready();
    let before = daemon.logged();
    assert_eq!(world.simulator.treat(Treatment::HalfOpen, None), 1);
    world.call("c1", 0);
    daemon.wait_log_from(before, "connected again");
    // The index lags by five seconds: only the second question finds it.
    world.wait_written(&daemon, "c1");
    let line = daemon.wait_log_from(before, "gap looked into");
    daemon.wait("what it costs to be said", || {
        let begun = daemon.lines_that(|line| {
            line["message"].as_str().is_some_and(|said| said.starts_with("looking into a gap"))
                && line["seconds"].is_number()
        });
        begun.iter().any(|line| line["users"] == 2).then_some(())
    });
    let found =
        daemon.lines_that(|line| line["message"] == "gap looked into" && line["changed"] == 1);
    // On a slow machine the start's second question may find it, too.
    assert!(found.iter().any(|found| found["wishes"] == 1), "{line}, {found:?}");
}

#[test]
fn what_is_under_way_at_the_start_is_found() {
    let world = WorldAt::quiet(2);
    world.call("c1", 0);
    let daemon = world.setup(ANSWERED, QUICK).start();
    daemon.wait_ready();
    world.wait_written(&daemon, "c1");
}

#[test]
fn without_the_permission_it_is_said_and_the_service_goes_on() {
    let world = WorldAt::quiet(2);
    world.simulator.permit(Permissions {
        operations: vec!["POST /analytics/conversations/details/query".to_owned()],
        ..Permissions::default()
    });
    let daemon = world.setup(ANSWERED, QUICK).start();
    daemon.wait_ready();
    let line = daemon.wait_log("open conversations may not be asked for");
    assert_eq!(line["level"], "ERROR");
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
}
