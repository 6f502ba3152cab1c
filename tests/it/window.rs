//! The whole budget, never more: what the simulator counts while there is always something to do.

use std::time::Duration;

use attributed::simulator::{Limits, Options, Window};

use super::daemon::{PATIENCE, Setup, wait, wait_within};
use super::simulated::{Agent, Simulated, call, quiet};

const RULES: &str = r#"
[[rule]]
name = "handled-by"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.handled_by" = "{{ participant.user_id }}"

[[rule]]
name = "desk"
match.participant.purpose = "agent"
target = "participant"
set."cc.desk" = "service"
"#;
const ALLOWED: u64 = 300;
/// Nine tenths of it have to be used.
const USED: u64 = ALLOWED * 9 / 10;
/// Of the second window, what another program takes.
const TAKEN: u64 = 60;
/// The first window ends so soon, so that the test need not wait for a whole one.
const PHASE: Duration = Duration::from_secs(20);
/// Each is two participants; more than three windows can take.
const CONVERSATIONS: usize = 500;

#[test]
fn the_whole_budget_is_used_and_never_more() {
    let limits = Limits { requests: ALLOWED, phase: Some(PHASE), ..Limits::default() };
    let simulated = Simulated::start(Options { limits, ..quiet(10) });
    let more = "[updates]\nrequests_per_second = 60\nconfirm_after = \"10m\"\n";
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, more);
    let daemon = setup.start();
    daemon.wait_ready();
    for n in 0..CONVERSATIONS {
        let user = simulated.user(n % 10);
        let agents = [Agent::talking("agent", &user, 1)];
        simulated.inject(call(&format!("call-{n}"), &[], &agents));
    }

    // The first window, of which the start has taken its part.
    wait_window(&simulated, 0, USED);
    // In the second another program takes a part when some of it is used already.
    wait_within(2 * PATIENCE, "the second window", || (count(&simulated, 1) >= 100).then_some(()));
    simulated.spend(TAKEN);
    wait_window(&simulated, 1, USED);
    // And the beginning of the third, in case that the second was overrun at its end.
    wait_within(2 * PATIENCE, "the third window", || (count(&simulated, 2) >= 100).then_some(()));

    let windows = simulated.windows();
    println!("{windows:#?}");
    for window in &windows {
        assert!(window.count <= ALLOWED, "{window:?}");
        // The other program's part was seen in the next answer, well before the limit.
        assert_eq!(window.refused, 0, "{window:?}");
    }
    assert!(windows[..2].iter().all(|window| window.count >= USED), "{windows:?}");
    assert_eq!(simulated.overlaps(), []);
    let refused = simulated.requests().into_iter().filter(|entry| entry.status == Some(429));
    assert_eq!(refused.count(), 0);
    // One request for each participant: nothing of the budget was wasted.
    let writes = simulated.accepted().len() as u64;
    assert!(writes < 2 * CONVERSATIONS as u64, "there was not always something to do");
    let total: u64 = windows.iter().map(|window| window.count).sum();
    assert!(writes + TAKEN + 15 > total, "{writes} writes of {total} requests");
}

fn count(simulated: &Simulated, number: u64) -> u64 {
    let windows = simulated.windows();
    windows.iter().find(|window| window.number == number).map_or(0, |window| window.count)
}

fn wait_window(simulated: &Simulated, number: u64, used: u64) {
    let full = |window: &Window| window.number == number && window.count >= used;
    wait(&format!("window {number} to be used"), || {
        simulated.windows().iter().any(full).then_some(())
    });
}
