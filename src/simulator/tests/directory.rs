//! The directory: pages, filters and searches.

use serde_json::{Value, json};

use super::client::{Client, quiet};

#[tokio::test(start_paused = true)]
async fn users_are_paged_filtered_and_found() {
    let client = Client::new(quiet()).await;
    let first = client.get("/users").await.body;
    assert_eq!((&first["total"], &first["pageCount"]), (&json!(30), &json!(2)));
    let next = first["nextUri"].as_str().unwrap().strip_prefix("/api/v2").unwrap();
    let second = client.get(next).await.body;
    assert_eq!(second["entities"].as_array().unwrap().len(), 5);
    assert_eq!(second.get("nextUri"), None);

    let ids = [client.user(3), client.user(20)];
    let found = client.get(&format!("/users?id={}&id={}", ids[0], ids[1])).await.body;
    assert_eq!(found["total"], 2);
    let many = vec!["x"; 101].join(",");
    assert_eq!(client.get(&format!("/users?id={many}")).await.body["code"], "max.user.ids");
    assert_eq!(client.get("/users/nobody").await.body["code"], "general.resource.not.found");

    let email = found["entities"][0]["email"].as_str().unwrap().to_uppercase();
    let search = json!({ "query": [{ "type": "EXACT", "fields": ["email"], "value": email }] });
    let found = client.call("POST", "/users/search", search).await.body;
    assert_eq!((&found["total"], &found["results"][0]["id"]), (&json!(1), &json!(ids[0])));
    let odd = json!({ "query": [{ "type": "REGEX", "fields": ["name"], "value": ".*" }] });
    assert_eq!(client.call("POST", "/users/search", odd).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn queues_and_groups_have_members() {
    let client = Client::new(quiet()).await;
    let queues = client.get("/routing/queues?name=bill*").await.body;
    let queue = queues["entities"][0]["id"].as_str().unwrap();
    assert_eq!(queues["entities"][0]["name"], "Billing");
    let members = client.get(&format!("/routing/queues/{queue}/members?pageSize=2")).await.body;
    assert_eq!(members["entities"].as_array().unwrap().len(), 2);
    assert!(members["entities"][0]["user"]["email"].is_string());
    assert!(members["nextUri"].is_string() && members.get("total").is_none());
    let all = client.get("/routing/queues/divisionviews/all?pageSize=500").await.body;
    assert_eq!(all["total"], 5);

    let groups = client.get("/groups").await.body;
    let group = groups["entities"][0]["id"].as_str().unwrap();
    let individuals = client.get(&format!("/groups/{group}/individuals")).await.body;
    let members = client.get(&format!("/groups/{group}/members?pageSize=100")).await.body;
    assert_eq!(individuals["entities"], members["entities"]);
    assert_eq!(client.get("/groups/none/members").await.status, 404);
    assert_eq!(client.get("/routing/wrapupcodes").await.status, 200);
    for (path, name) in [
        ("/routing/skills", "German"),
        ("/routing/languages", "Deutsch"),
        ("/authorization/divisions", "Home"),
        ("/flows", "Main menu"),
    ] {
        let listing = client.get(path).await.body;
        assert_eq!(listing["entities"][0]["name"], name, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_organisation_tells_its_limits() {
    let client = Client::new(quiet()).await;
    let limits = client.get("/organizations/limits/namespaces/platform.api").await.body;
    assert_eq!(limits["entities"][0]["value"], 300);
    assert_eq!(client.get("/organizations/limits/namespaces/nonsense").await.status, 404);
    let organization = client.get("/organizations/me").await.body;
    assert_eq!(organization["id"], client.get("/tokens/me").await.body["organization"]["id"]);
    assert_eq!(client.call("POST", "/organizations/me", Value::Null).await.status, 405);
}
