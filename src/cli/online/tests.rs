//! The questions, put to a small organisation.

use std::path::Path;

use expect_test::expect;
use serde_json::{Value, json};

use super::*;
use crate::genesys::call::Call;
use crate::genesys::directory::fake::Fake;

const RULES: &str = r#"
[[rule]]
name = "Billng"
match.participant.queue = ["Billing", "Billng"]
set."cc.a" = "1"

[[rule]]
name = "other"
# "Billng" in a comment
match.participant.queue = 'Billng'
match.participant.user = "gone@example.com"
set."cc.b" = "1"

[[rule]]
name = "sold"
match.participant.wrapup = ["sale", "Salle"]
set."cc.c" = "1"
"#;

fn config(more: &str) -> String {
    format!(
        "[genesys]\nregion = 'mypurecloud.de'\nclient_id = 'c'\nclient_secret_file = 's'\n\
         organization = 'Example Ltd'\n{more}"
    )
}

/// Two users in one queue.
fn answer(call: &Call) -> (u16, Value) {
    let path = call.path.split('?').next().unwrap().trim_start_matches("/api/v2/");
    let users: Vec<Value> = ["u1", "u2"].map(|id| json!({ "id": id, "name": id })).to_vec();
    let listing = |entities: Vec<Value>| json!({ "entities": entities, "pageCount": 1 });
    let topic = |id: &str| json!({ "id": id, "enforced": true, "requiresPermissions": ["conversation:communication:view"] });
    let body = match path {
        "organizations/me" => json!({ "id": "o1", "name": "Example Ltd" }),
        "routing/queues/divisionviews/all" => {
            listing(vec![json!({ "id": "q1", "name": "Billing" })])
        }
        "routing/queues/q1/members" | "users" => listing(users),
        "users/search" => json!({ "results": [], "total": 0 }),
        "routing/wrapupcodes" => listing(vec![json!({ "id": "w1", "name": "Sale" })]),
        "groups" => listing(Vec::new()),
        "notifications/availabletopics" => {
            json!({ "entities": [topic("v2.users.{id}.conversations"), topic("v2.Routing.Queues.{id}.conversations")] })
        }
        "analytics/conversations/details/query" => {
            json!({ "conversations": [{ "conversationId": "x" }] })
        }
        "conversations/x" => return (404, json!({})),
        _ => panic!("{path}"),
    };
    (200, body)
}

/// Every problem, then what was found.
async fn told(
    config_text: &str,
    rules_text: &str,
    answer: impl FnMut(&Call) -> (u16, Value) + Send + 'static,
) -> String {
    let path = Path::new("attributed.toml");
    let config = Config::parse(path, config_text, &|_| None).unwrap().0;
    let rules_path = Path::new("rules.toml");
    let rules = RuleFile::parse(rules_path, rules_text, &AllowedKeys::all()).unwrap().0;
    let api = Fake::new(answer);
    let mut notes = Notes {
        config: Problems::new(path, config_text),
        config_text,
        rules: Problems::new(rules_path, rules_text),
        rules_text,
        client: None,
    };
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let inquiry = Inquiry { api: &api, config: &config, rules: Some(&rules), now };
    let found = inquiry.run(Vec::new(), &mut notes).await;
    let problems = notes.config.into_found().into_iter().chain(notes.rules.into_found());
    let problems: String = problems.map(|problem| format!("{problem}\n")).collect();
    format!("{problems}{found}\n")
}

#[tokio::test(start_paused = true)]
async fn what_is_right_is_counted() {
    let text = config("[watch]\nmembers_of_queues = ['billing']\nqueues = ['Billing']\n");
    expect![[r#"
        Example Ltd, 2 users, 1 queue, 3 topics on 1 channel
            v2.routing.queues.{id}.conversations requires conversation:communication:view
            v2.users.{id}.conversations requires conversation:communication:view
    "#]]
    .assert_eq(&told(&text, "", answer).await);
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_errors_where_they_stand() {
    let text = config(
        "[watch]\nusers = [\"jane@example.com\"]\nmembers_of_groups = ['Team A']\nqueues = ['Billing', 'Sales']\n",
    );
    expect![[r#"
        error: Genesys Cloud knows no user "jane@example.com"
          --> attributed.toml:7:10
           |
         7 | users = ["jane@example.com"]
           |          ^^^^^^^^^^^^^^^^^^
           = write the e-mail address of an active user, or the id
        error: Genesys Cloud knows no group "Team A"
          --> attributed.toml:8:22
           |
         8 | members_of_groups = ['Team A']
           |                      ^^^^^^^^
           = see Admin for its name; a group that the roles of the OAuth client do not reach, by their divisions, is not seen either
        error: Genesys Cloud knows no queue "Sales"
          --> attributed.toml:9:22
           |
         9 | queues = ['Billing', 'Sales']
           |                      ^^^^^^^
           = see Admin for its name; a queue that the roles of the OAuth client do not reach, by their divisions, is not seen either
        error: Genesys Cloud knows no queue "Billng", which stands in rule Billng, rule other
          --> rules.toml:4:39
           |
         4 | match.participant.queue = ["Billing", "Billng"]
           |                                       ^^^^^^^^
           = did you mean "Billing"?
        error: Genesys Cloud knows no user "gone@example.com", which stands in rule other
          --> rules.toml:11:26
           |
        11 | match.participant.user = "gone@example.com"
           |                          ^^^^^^^^^^^^^^^^^^
           = write the e-mail address of an active user, or the id
        error: Genesys Cloud knows no wrap-up code "Salle", which stands in rule sold
          --> rules.toml:16:37
           |
        16 | match.participant.wrapup = ["sale", "Salle"]
           |                                     ^^^^^^^
           = did you mean "Sale"?
        Example Ltd, 0 users, 1 queue, 1 topic on 1 channel
            v2.routing.queues.{id}.conversations requires conversation:communication:view
    "#]].assert_eq(&told(&text, RULES, answer).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_named() {
    let text = config("[watch]\nmembers_of_queues = ['Billing']\n");
    let forbidding = |operations: &'static [&'static str]| {
        move |call: &Call| match operations.contains(&call.operation) {
            true => (403, json!({})),
            false => answer(call),
        }
    };
    let operations = &["organization", "queue_members", "available_topics"];
    expect![[r#"
        error: organization answered 403
          --> attributed.toml
           = give a role of the OAuth client the permission for it, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        error: members of the queue Billing: queue_members answered 403; give a role of the OAuth client routing:queue:view or routing:queue:readonly
          --> attributed.toml
        error: available_topics answered 403
          --> attributed.toml
           = give a role of the OAuth client the permission for it, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        0 users, 0 queues, 0 topics on 0 channels
    "#]].assert_eq(&told(&text, "", forbidding(operations)).await);
    let operations = &["query_conversations"];
    expect![[r#"
        error: query_conversations answered 403
          --> attributed.toml
           = give a role of the OAuth client the permission analytics:conversationDetail:view, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        Example Ltd, 2 users, 0 queues, 2 topics on 1 channel
            v2.users.{id}.conversations requires conversation:communication:view
    "#]].assert_eq(&told(&text, "", forbidding(operations)).await);
    let operations = &["get_conversation"];
    let told = told(&text, "", forbidding(operations)).await;
    assert!(told.contains("the permission conversation:communication:view"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn another_organisation_and_other_topics() {
    let text = config("[watch]\nall_users = true\n").replace("Example Ltd", "Acme");
    let odd = |call: &Call| match call.operation {
        "available_topics" => {
            let own = json!({ "id": "v2.users.{id}.conversations", "requiresCurrentUser": true });
            (200, json!({ "entities": [null, own] }))
        }
        _ => answer(call),
    };
    expect![[r#"
        error: v2.users.{id}.conversations is for users about themselves here
          --> attributed.toml
           = an OAuth client with Client Credentials is no user: ask Genesys
        error: the credentials belong to the organisation `Example Ltd` (o1), and `genesys.organization` says `Acme`: mend whichever is wrong
          --> attributed.toml:5:16
           |
         5 | organization = 'Acme'
           |                ^^^^^^
        2 users, 0 queues, 2 topics on 1 channel
    "#]].assert_eq(&told(&text, "", odd).await);
    let none = |call: &Call| match call.operation {
        "available_topics" => (200, json!({})),
        _ => answer(call),
    };
    let told = told(&text, "", none).await;
    assert!(told.contains("there is no topic v2.users.{id}.conversations here"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn too_many_topics_are_an_error() {
    let text = config("[watch]\nall_users = true\n[channels]\nmax = 3\ncopies = 2\n");
    let many = |call: &Call| match call.operation {
        "list_users" => {
            let users: Vec<Value> = (0..1001).map(|n| json!({ "id": format!("u{n}") })).collect();
            (200, json!({ "entities": users, "pageCount": 1 }))
        }
        _ => answer(call),
    };
    expect![[r#"
        error: 1,001 topics (2 copies of each) are wanted, and there is room for 1,000 topics
          --> attributed.toml
           = 3 channels less one to replace another with, of 1,000 topics each, by the copies, for 1 client: watch fewer users, have fewer channels.copies, or list more OAuth clients, each a [[genesys.client]]
        Example Ltd, 1,001 users, 0 queues, 1,001 topics on 2 channels
            v2.users.{id}.conversations requires conversation:communication:view
    "#]].assert_eq(&told(&text, "", many).await);
}

#[test]
fn a_smaller_budget_is_a_warning() {
    let text = config("[watch]\nall_users = true\n");
    let config = Config::parse(Path::new("attributed.toml"), &text, &|_| None).unwrap().0;
    for (allowed, warnings) in [(300, 0), (600, 0), (180, 1)] {
        let mut notes = Notes {
            config: Problems::new(&config.file, &text),
            config_text: &text,
            rules: Problems::new(&config.rules, ""),
            rules_text: "",
            client: None,
        };
        budget(&config, &config.genesys.clients[0], allowed, &mut notes);
        assert_eq!(notes.config.into_found().len(), warnings, "{allowed}");
    }
}
