//! What a person is told when it does not work, and the exit code for scripts.

use expect_test::expect;
use serde_json::{Value, json};

use super::world::{JANE, World};
use super::{Dialect, Output, Played, patch, put, run};

fn refusing(operation: &'static str, status: u16, body: Value) -> World {
    World::new()
        .with_fault(move |call| (call.operation == operation).then(|| (status, body.clone())))
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_to_do() {
    let line = "--conversation c1 --purpose agent --yes cc.segment=vip";
    let nobody = Played::default;
    let missing = json!({ "code": "missing.permissions", "missing": "conversation:x:edit" });
    patch(&refusing("patch_attributes", 403, missing), line, nobody(), expect![[r#"
        conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
          cc.segment  "gold" -> "vip"
        ! error: patch_attributes answered 403 missing.permissions (missing: conversation:x:edit) [correlation_id 8e2a]
        !    = give a role of the OAuth client the permission conversation:x:edit, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        exit 77
    "#]]).await;
    patch(
        &refusing("patch_attributes", 404, json!({})),
        line,
        nobody(),
        expect![[r#"
        conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
          cc.segment  "gold" -> "vip"
        ! error: patch_attributes answered 404 [correlation_id 8e2a]
        !    = the id is wrong, or the conversation is over: what has ended cannot be changed
        exit 69
    "#]],
    )
    .await;
    patch(&refusing("get_conversation", 403, json!({})), line, nobody(), expect![[r#"
        ! error: get_conversation answered 403 [correlation_id 8e2a]
        !    = give a role of the OAuth client the permission conversation:communication:view, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        exit 77
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_found_is_explained() {
    let nobody = Played::default;
    let user = format!("--user {JANE} --yes cc.a=b");
    patch(&refusing("get_conversation", 403, json!({})), &user, nobody(), expect![[r#"
        ! error: get_conversation answered 403 [correlation_id 8e2a]
        !    = give a role of the OAuth client the permission conversation:communication:view, for the divisions concerned; with Client Credentials the roles decide, not the scopes
        exit 77
    "#]]).await;
    patch(
        &refusing("get_conversation", 404, json!({})),
        &user,
        nobody(),
        expect![[r#"
            ! error: 10000000-0000-0000-0000-000000000001 is in no conversation now
            !    = one that has just begun is found only after a while: name it with --conversation ID, or run it again in a minute
            exit 69
        "#]],
    )
    .await;
    let denied = refusing("search_users", 403, json!({}));
    patch(&denied, "--user jane@example.com --yes cc.a=b", nobody(), expect![[r#"
        ! error: users by email: search_users answered 403; give a role of the OAuth client directory:user:view
        !    = or give the user's id instead of the name
        exit 77
    "#]]).await;
    patch(
        &World::new(),
        "--user x@example.com --yes cc.a=b",
        nobody(),
        expect![[r#"
        ! error: Genesys Cloud knows no user x@example.com
        !    = give the e-mail address or the id of an active user, as People shows it
        exit 69
    "#]],
    )
    .await;
    let gateway = refusing("get_user_conversations", 404, json!({}));
    put(&gateway, &user, expect![[r#"
        ! error: 10000000-0000-0000-0000-000000000001 is in no conversation now
        !    = if every call says so, this API does not speak the put dialect: set genesys.dialect = "patch"
        exit 69
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_the_conversation_is_said() {
    for (line, message) in [
        ("--conversation c3 --purpose agent --yes cc.a=b", "the conversation c3 is over"),
        ("--conversation c9 --purpose agent --yes cc.a=b", "get_conversation answered 404"),
        ("--conversation c1 --purpose ivr --yes cc.a=b", "who are there: 1 agent, 1 customer"),
        ("--conversation c1 --participant p9 --yes cc.a=b", "no participant p9"),
    ] {
        let world = World::new();
        let said = run(&world, Dialect::Patch, Output::Text, line, Played::default()).await;
        assert!(said.contains(message) && said.ends_with("exit 69\n"), "{said}");
    }
}
