//! Events that tests of rules give in a few words are events as Genesys sends them.

use std::collections::BTreeSet;
use std::path::Path;

use attributed::rules::cases::Suite;

use crate::bodies::Check;
use crate::published::Published;

#[test]
fn every_event_drawn_for_a_case_is_valid() {
    let Some(published) = Published::find("every_event_drawn_for_a_case_is_valid") else { return };
    let mut check = Check::new(&published);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/rules.test.toml");
    let text = std::fs::read_to_string(&path).expect("the sample");
    let load = |path: &Path| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let (suite, _) = Suite::parse(&path, &text, &load).expect("a test file without mistakes");
    let mut arrays = BTreeSet::new();
    for event in suite.cases.iter().flat_map(|case| &case.steps).filter_map(|s| s.event.as_ref()) {
        check.event("v2.users.u.conversations", &event.body);
        for media in ["calls", "callbacks", "emails", "messages"] {
            let participants = event.body["participants"].as_array().expect("participants");
            if participants.iter().any(|participant| participant.get(media).is_some()) {
                arrays.insert(media);
            }
        }
    }
    assert!(check.problems.is_empty(), "{}", check.problems.join("\n"));
    assert_eq!(arrays.len(), 4, "only {arrays:?} were drawn");
}
