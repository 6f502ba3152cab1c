//! Against an organisation of four users, three queues and a group, on pages of two.

use std::os::unix::fs::PermissionsExt as _;

use expect_test::expect;
use serde_json::{Value, json};

use super::fake::Fake;
use super::*;
use crate::config::Watch;
use crate::genesys::ListedId;
use crate::genesys::call::Call;
use crate::genesys::names::{ListedWanted, NamesWanted};

const JANE: &str = "10000000-0000-0000-0000-000000000001";
const JOHN: &str = "10000000-0000-0000-0000-000000000002";
const MARY: &str = "10000000-0000-0000-0000-000000000003";
const GONE: &str = "10000000-0000-0000-0000-000000000009";
const BILLING: &str = "20000000-0000-0000-0000-000000000001";
const TEAM: &str = "30000000-0000-0000-0000-000000000001";

fn watch() -> Watch {
    Watch {
        users: vec![],
        members_of_queues: vec![],
        members_of_groups: vec![],
        all_users: false,
        queues: vec![],
        acd_only: false,
        refresh: std::time::Duration::from_secs(600),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn listed(names: &[&str]) -> ListedWanted {
    ListedWanted { names: texts(names).into_iter().collect(), shown: false }
}

fn users() -> Vec<Value> {
    let user =
        |id: &str, name: &str, email: &str| json!({ "id": id, "name": name, "email": email });
    vec![
        user(JANE, "Jane Doe", "Jane@Example.com"),
        user(JOHN, "John Roe", "john@example.com"),
        user(MARY, "Mary Major", "mary@example.com"),
    ]
}

/// The organisation's answer to a call.
fn answer(call: &Call) -> (u16, Value) {
    let queues = || {
        vec![
            json!({ "id": BILLING, "name": "Billing" }),
            json!({ "id": "q2", "name": "billing" }),
            json!({ "id": "q3", "name": "Sales" }),
        ]
    };
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let asked = |key: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == key)
    };
    let entries = match path.trim_start_matches("/api/v2/") {
        "users" if query.contains("id=") && query.contains(GONE) && query.contains(JANE) => {
            return (404, json!({}));
        }
        "users" if query.contains("id=") => {
            users().into_iter().filter(|u| query.contains(u["id"].as_str().unwrap())).collect()
        }
        "users" => users(),
        "users/search" => {
            let body: Value = serde_json::from_slice(call.body.as_ref().unwrap()).unwrap();
            let field = body["query"][0]["fields"][0].as_str().unwrap().to_owned();
            let values = body["query"][0]["values"].to_string().to_lowercase();
            let is = |user: &Value| values.contains(&user[&field].to_string().to_lowercase());
            let found: Vec<Value> = users().into_iter().filter(is).collect();
            return (200, json!({ "results": found, "pageCount": 1, "total": 1 }));
        }
        "routing/queues/divisionviews/all" => queues(),
        "routing/queues" => {
            let (_, name) = asked("name").unwrap();
            let is = |q: &Value| q["name"].as_str().unwrap().eq_ignore_ascii_case(name);
            queues().into_iter().filter(is).collect()
        }
        "routing/queues/20000000-0000-0000-0000-000000000001/members" => users()
            .into_iter()
            .map(|user| json!({ "id": user["id"], "name": user["name"], "user": user }))
            .collect(),
        "routing/queues/q2/members" => vec![],
        "routing/wrapupcodes" => vec![json!({ "id": "w1", "name": "Sale" })],
        "routing/skills" => vec![json!({ "id": "s1", "name": "German" })],
        "routing/languages" => vec![json!({ "id": "l1", "name": "Deutsch" })],
        "authorization/divisions" => vec![json!({ "id": "d1", "name": "Home" })],
        "groups" => vec![json!({ "id": TEAM, "name": "Team A" })],
        "groups/30000000-0000-0000-0000-000000000001/members" => users().split_off(2),
        _ => return (404, json!({})),
    };
    let number: usize = asked("pageNumber").unwrap().1.parse().unwrap();
    let page: Vec<&Value> = entries.chunks(2).nth(number - 1).into_iter().flatten().collect();
    (200, json!({ "entities": page, "pageSize": 2, "pageCount": entries.len().div_ceil(2) }))
}

async fn ask(api: &Fake, watch: &Watch, known: &mut Known) -> Watching {
    let wanted = NamesWanted::default();
    let failed = refresh(api, watch, &wanted, known).await;
    Watching { failed, ..known.watching(watch, &wanted) }
}

fn ids(watching: &Watching) -> Vec<&str> {
    watching.users.iter().map(UserId::as_str).collect()
}

fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string() + "\n").collect()
}

#[tokio::test(start_paused = true)]
async fn names_of_every_kind_are_resolved() {
    let api = Fake::new(answer);
    let watch = Watch {
        users: texts(&["JANE@example.com", JOHN, "nobody@example.com", GONE]),
        members_of_groups: texts(&["team a", "Team B"]),
        queues: texts(&["BILLING", "Nowhere"]),
        ..watch()
    };
    let wanted = NamesWanted {
        queues: ["Sales".to_owned()].into(),
        users: ["mary major".to_owned()].into(),
        listed: [
            (Listed::WrapupCode, listed(&["SALE", "Slae"])),
            (Listed::Skill, listed(&["german", "Klingon"])),
            (Listed::Language, ListedWanted { shown: true, ..ListedWanted::default() }),
            (Listed::Division, listed(&["Home"])),
        ]
        .into(),
    };
    let mut known = Known::default();
    assert_eq!(refresh(&api, &watch, &wanted, &mut known).await, []);
    let watching = known.watching(&watch, &wanted);
    assert!(watching.complete);
    assert_eq!(ids(&watching), [JANE, JOHN, MARY]);
    assert_eq!(watching.queues.len(), 2, "two queues of one name are both meant");
    let names = &watching.names;
    assert_eq!(names.user("jane doe"), names.user("jane@example.com"));
    assert_eq!(names.user("Mary Major").len(), 1);
    assert_eq!(names.user_names[&UserId::new(JOHN)], "John Roe");
    assert_eq!(names.queue("sales").len(), 1);
    assert_eq!(names.queue_names[&QueueId::new(BILLING)], "Billing");
    assert_eq!(names.group("TEAM A").len(), 1);
    assert_eq!(names.listed(Listed::WrapupCode, "Sale"), [ListedId::new("w1")].into());
    assert_eq!(names.listed_name(Listed::WrapupCode, "w1"), Some("Sale"));
    assert_eq!(names.listed(Listed::Skill, "German"), [ListedId::new("s1")].into());
    assert_eq!(names.listed_name(Listed::Language, "l1"), Some("Deutsch"));
    assert_eq!(names.listed(Listed::Division, "home"), [ListedId::new("d1")].into());
    assert_eq!(names.listed_name(Listed::Flow, "f1"), None, "nobody wants flows");
    expect![[r#"
        user 10000000-0000-0000-0000-000000000009
        user n…@example.com
        queue Nowhere
        group Team B
        wrap-up code Slae
        skill Klingon
    "#]]
    .assert_eq(&lines(&watching.unknown));
    expect![[r#"
        GET /api/v2/routing/queues/divisionviews/all?pageSize=500&pageNumber=1
        GET /api/v2/routing/queues/divisionviews/all?pageSize=500&pageNumber=2
        GET /api/v2/routing/wrapupcodes?pageSize=100&pageNumber=1
        GET /api/v2/routing/skills?pageSize=100&pageNumber=1
        GET /api/v2/routing/languages?pageSize=100&pageNumber=1
        GET /api/v2/authorization/divisions?pageSize=100&pageNumber=1
        GET /api/v2/groups?pageSize=100&pageNumber=1
        GET /api/v2/groups/30000000-0000-0000-0000-000000000001/members?pageSize=100&pageNumber=1
        GET /api/v2/users?id=10000000-0000-0000-0000-000000000002&id=10000000-0000-0000-0000-000000000009&pageSize=100&pageNumber=1
        POST /api/v2/users/search {"pageNumber":1,"pageSize":100,"query":[{"fields":["email"],"type":"EXACT","values":["JANE@example.com","nobody@example.com"]}]}
        POST /api/v2/users/search {"pageNumber":1,"pageSize":100,"query":[{"fields":["name"],"type":"EXACT","values":["mary major"]}]}
    "#]]
    .assert_eq(&lines(api.asked()));
}

#[tokio::test(start_paused = true)]
async fn members_and_all_users_come_in_pages() {
    let api = Fake::new(answer);
    let all = Watch { all_users: true, ..watch() };
    assert_eq!(ids(&ask(&api, &all, &mut Known::default()).await), [JANE, JOHN, MARY]);
    let members = Watch { members_of_queues: texts(&["Billing", GONE]), ..watch() };
    let watching = ask(&api, &members, &mut Known::default()).await;
    assert_eq!(ids(&watching), [JANE, JOHN, MARY]);
    assert_eq!(lines(&watching.unknown), format!("queue {GONE}\n"));
}

#[tokio::test(start_paused = true)]
async fn one_id_that_is_gone_does_not_hide_the_others() {
    let api = Fake::new(answer);
    let watch = Watch { users: texts(&[JANE, JOHN, GONE]), ..watch() };
    let watching = ask(&api, &watch, &mut Known::default()).await;
    assert_eq!(ids(&watching), [JANE, JOHN]);
    assert_eq!(lines(&watching.unknown), format!("user {GONE}\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_stops_nothing_else() {
    let forbidden = |operations: &'static [&str]| {
        Fake::new(move |call| match operations.contains(&call.operation) {
            true => (403, json!({})),
            false => answer(call),
        })
    };
    let watch = Watch {
        users: texts(&["jane@example.com", JOHN]),
        members_of_groups: texts(&["Team A"]),
        queues: texts(&["Sales"]),
        ..watch()
    };
    // Another permission does for names.
    let watching = ask(&forbidden(&["list_queues"]), &watch, &mut Known::default()).await;
    assert_eq!((watching.failed.len(), watching.queues.len()), (0, 1));

    let api = forbidden(&["list_queues", "find_queue", "search_users"]);
    let watching = ask(&api, &watch, &mut Known::default()).await;
    assert_eq!(ids(&watching), [JOHN, MARY]);
    expect![[r"
        queues by name: find_queue answered 403; give a role of the OAuth client routing:queue:search or routing:queue:view
        users by email: search_users answered 403; give a role of the OAuth client directory:user:view
    "]]
    .assert_eq(&lines(&watching.failed));
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_midst_of_the_pages_removes_nobody() {
    let watch = Watch { members_of_queues: texts(&[BILLING]), ..watch() };
    let mut known = Known::default();
    ask(&Fake::new(answer), &watch, &mut known).await;
    for status in [503, 403, 400] {
        let api = Fake::new(move |call| match call.path.ends_with("pageNumber=2") {
            true => (status, json!({})),
            false => answer(call),
        });
        let watching = ask(&api, &watch, &mut known).await;
        assert_eq!(ids(&watching), [JANE, JOHN, MARY]);
        let members = watching.failed.iter().find(|f| f.operation == "queue_members").unwrap();
        assert_eq!(members.temporary, status == 503);
    }
    // One bad answer among many is not even a failure.
    let mut calls = 0;
    let api = Fake::new(move |call| {
        calls += 1;
        if calls % 3 == 1 { (503, json!({})) } else { answer(call) }
    });
    assert_eq!(ask(&api, &watch, &mut Known::default()).await.failed, []);
}

#[tokio::test(start_paused = true)]
async fn many_names_go_in_few_searches() {
    let api = Fake::new(answer);
    let users = (0..120).map(|n| format!("user{n}@example.com")).collect();
    ask(&api, &Watch { users, ..watch() }, &mut Known::default()).await;
    assert_eq!(api.asked().iter().filter(|line| line.starts_with("POST")).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_any_more_is_forgotten() {
    let api = Fake::new(answer);
    let mut known = Known::default();
    let much = Watch { all_users: true, members_of_queues: texts(&["Billing"]), ..watch() };
    ask(&api, &much, &mut known).await;
    let little = Watch { users: texts(&[JANE]), ..watch() };
    let watching = ask(&api, &little, &mut known).await;
    assert_eq!(ids(&watching), [JANE]);
    assert_eq!(watching.names.user_names.len(), 1);
    assert!(known.queue_members.is_empty() && known.all_users.is_none());
}

#[tokio::test]
async fn what_is_kept_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path());
    assert!(cache.load().await.unwrap().is_empty());
    let watch = Watch { members_of_queues: texts(&["Billing"]), all_users: true, ..watch() };
    let mut known = Known::default();
    ask(&Fake::new(answer), &watch, &mut known).await;
    for _ in 0..2 {
        cache.store(&known).await.unwrap();
        assert_eq!(cache.load().await.unwrap(), known);
    }
    let file = dir.path().join("names.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for damaged in ["", "{\"version\":1,\"known\":{\"people\":7}}", "{\"version\":9,\"known\":{}}"]
    {
        std::fs::write(&file, damaged).unwrap();
        assert!(matches!(cache.load().await, Err(CacheError::Damaged { .. })), "{damaged}");
    }
    let nowhere = Cache::new(&dir.path().join("missing"));
    assert!(matches!(nowhere.store(&known).await, Err(CacheError::Disk { .. })));
}
