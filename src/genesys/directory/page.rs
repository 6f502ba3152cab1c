//! One page of a listing, as the directory sends it. Pure.
//!
//! Every listing looks alike from afar: an array of things with an id. What is missing, null or of an
//! unknown kind in one of them costs that one, never the page.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// Whether another page follows.
    pub(super) more: bool,
}

/// Reads the page of this number (from 1), which was asked for with this size.
///
/// # Errors
///
/// If it is no listing; the message does not quote it.
pub(super) fn read(body: &[u8], number: u32, size: usize) -> Result<Page, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "it is not JSON")?;
    // Searches have `results`, and leave it out when there are none.
    let array = match (body.get("entities"), body.get("results")) {
        (Some(Value::Array(array)), _) | (_, Some(Value::Array(array))) => array.as_slice(),
        _ if body.get("pageSize").is_some() || body.get("total").is_some() => &[],
        _ => return Err("it is not a listing"),
    };
    let filled = |key: &str| body.get(key).and_then(Value::as_str).is_some_and(|s| !s.is_empty());
    let more = match body.get("pageCount").and_then(Value::as_u64) {
        _ if array.is_empty() => false,
        Some(count) => u64::from(number) < count,
        None if filled("nextUri") || filled("nextPage") => true,
        // Neither is promised. A server that gives less than asked says how much.
        None => {
            let given = body.get("pageSize").and_then(Value::as_u64).unwrap_or(size as u64);
            body.get("nextUri").is_none()
                && body.get("total").is_none()
                && array.len() as u64 >= given.max(1)
        }
    };
    Ok(Page { entries: array.iter().filter_map(entry).collect(), more })
}

fn entry(value: &Value) -> Option<Entry> {
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.map(str::to_owned)
    };
    // A member of a queue has the user inside.
    let user = value.get("user").unwrap_or(&Value::Null);
    let state = text(value, "state").or_else(|| text(user, "state"));
    if state.is_some_and(|state| !state.eq_ignore_ascii_case("active")) {
        return None;
    }
    Some(Entry {
        id: text(value, "id").or_else(|| text(user, "id"))?,
        name: text(value, "name").or_else(|| text(user, "name")),
        email: text(value, "email").or_else(|| text(user, "email")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn more(body: &str) -> bool {
        read(body.as_bytes(), 1, 2).unwrap().more
    }

    #[test]
    fn the_end_is_found_by_whatever_is_there() {
        let two = r#""entities":[{"id":"a"},{"id":"b"}]"#;
        for (rest, expected) in [
            ("", true),
            (r#","pageSize":2"#, true),
            (r#","pageSize":25"#, false),
            (r#","pageCount":1"#, false),
            (r#","pageCount":2"#, true),
            (r#","nextUri":"/api/v2/users?pageNumber=2""#, true),
            (r#","nextUri":null"#, false),
        ] {
            assert_eq!(more(&format!("{{{two}{rest}}}")), expected, "{rest}");
        }
        assert!(!more(r#"{"entities":[],"pageCount":9}"#));
        assert!(!more(r#"{"total":0,"pageSize":25}"#));
    }

    #[test]
    fn odd_entries_cost_only_themselves() {
        let body = r#"{"entities":[null,7,{},{"id":""},{"id":"a","name":null},
            {"id":"b","state":"deleted"},{"id":"c","state":"ACTIVE","email":"C@x"},
            {"user":{"id":"d","name":"D"}}]}"#;
        let ids: Vec<String> =
            read(body.as_bytes(), 1, 100).unwrap().entries.into_iter().map(|e| e.id).collect();
        assert_eq!(ids, ["a", "c", "d"]);
        for bad in ["", "<html>", "[]", "{}", r#"{"entities":7}"#] {
            assert!(read(bad.as_bytes(), 1, 100).is_err(), "{bad}");
        }
    }
}
