//! The facts in a body that never go away again, by which one snapshot is told to be older than
//! another (SEMANTICS 2).

use std::collections::BTreeSet;

use serde_json::Value;

/// What never goes away, once it is there.
const STAYS: [&str; 7] =
    ["id", "connectedTime", "disconnectedTime", "endTime", "startAcwTime", "endAcwTime", "wrapup"];

/// Each fact as the path to it, arrays by the ids of what is in them.
pub(super) fn facts(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(body, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(members) = value.as_object() {
        for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
            let path = format!("{path}/{name}");
            if STAYS.contains(&name.as_str()) {
                let text = member.as_str().unwrap_or_default();
                found.insert(format!("{path} {text}"));
            } else {
                collect(member, &path, found);
            }
        }
    }
    for element in value.as_array().into_iter().flatten() {
        let id = element["id"].as_str().unwrap_or_default();
        collect(element, &format!("{path}/{id}"), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_and_goes_is_no_fact() {
        let body =
            |call: Value| json!({ "id": "c", "participants": [{ "id": "p", "calls": [call] }] });
        let held = facts(&body(json!({ "id": "l", "held": true, "startHoldTime": "1" })));
        assert_eq!(held, facts(&body(json!({ "id": "l", "held": false, "endTime": null }))));
        assert_ne!(held, facts(&body(json!({ "id": "l", "disconnectedTime": "2" }))));
    }
}
