//! Restarts leave the client's other channels alone.

use super::daemon::Setup;
use super::simulated::{Simulated, UNLIMITED, quiet};

const RULES: &str = r#"
[[rule]]
name = "agent"
match.participant.purpose = "agent"
set."cc.agent" = "{{ participant.user_name }}"
"#;
const RESTARTS: usize = 50;

#[test]
fn fifty_restarts_evict_nobodys_channel() {
    let simulated = Simulated::start(quiet(5));
    let foreign = simulated.foreign_channel();
    let more = format!("[updates]\n{UNLIMITED}");
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, &more);
    for restart in 0..RESTARTS {
        let mut daemon = setup.start();
        daemon.wait_ready();
        daemon.signal("TERM");
        let status = daemon.wait_exit();
        assert_eq!(status.code(), Some(0), "restart {restart}\n{}", daemon.log_text());
    }
    let overview = simulated.overview();
    let channels = overview["channels"].as_array().unwrap();
    let ours = channels.iter().filter(|channel| channel["foreign"] == false).count();
    assert!((1..=2).contains(&ours), "{channels:#?}");
    let still_there = channels.iter().any(|channel| channel["id"] == foreign.as_str());
    assert!(still_there, "the foreign channel was evicted: {channels:#?}");
    let requests = simulated.requests();
    let made = requests
        .iter()
        .filter(|entry| entry.method == "POST" && entry.path.ends_with("/notifications/channels"))
        .count();
    assert!(made <= 2, "{made} channels were made");
    let left = requests
        .iter()
        .filter(|entry| entry.method == "DELETE" && entry.path.ends_with("/subscriptions"))
        .count();
    assert_eq!(left, RESTARTS, "each stop ends its subscriptions");
}
