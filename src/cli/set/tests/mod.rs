//! The command played against a small world, with a person or without one.

mod refusals;
mod world;

use std::path::Path;

use clap::Parser;
use expect_test::{Expect, expect};
use serde_json::json;

use self::world::{JANE, World};
use super::*;
use crate::cli::terminal::Played;

/// The command line as clap reads it.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    set: SetArguments,
}

fn config(dialect: Dialect) -> Config {
    let text = format!(
        "[genesys]\nregion = 'mypurecloud.de'\nclient_id = 'c'\nclient_secret_file = 's'\n\
         dialect = '{}'\n[watch]\nall_users = true\n[updates]\nallowed_keys = ['cc.*']\n\
         max_value_length = 20\n",
        dialect.word()
    );
    Config::parse(Path::new("attributed.toml"), &text, &|_| None).unwrap().0
}

fn request(line: &str, dialect: Dialect, interactive: bool) -> Result<Request, Failure> {
    let line = Line::parse_from(["set"].into_iter().chain(line.split_whitespace()));
    Request::new(&line.set, &config(dialect), interactive)
}

/// One run: what was said, and how it ended.
async fn run(
    world: &World,
    dialect: Dialect,
    output: Output,
    line: &str,
    mut person: Played,
) -> String {
    let now = "2026-11-20T14:10:00Z".parse().unwrap();
    let ended = match request(line, dialect, person.is_interactive()) {
        Ok(request) => Errand { api: world, dialect, output, now }.run(&request, &mut person).await,
        Err(failure) => Err(failure),
    };
    let exit = ended.unwrap_or_else(|failure| {
        person.note(&failure.to_string());
        failure.exit
    });
    format!("{}exit {}\n", person.said, exit.code())
}

async fn patch(world: &World, line: &str, person: Played, expected: Expect) {
    expected.assert_eq(&run(world, Dialect::Patch, Output::Text, line, person).await);
}

async fn put(world: &World, line: &str, expected: Expect) {
    let said = run(world, Dialect::Put, Output::Text, line, Played::default()).await;
    expected.assert_eq(&said);
}

#[tokio::test(start_paused = true)]
async fn a_person_chooses_looks_and_agrees() {
    let world = World::new().with_lag(2);
    let person = Played::answering(&["3", "1", "y"]);
    patch(
        &world,
        "--user jane@example.com cc.segment=vip cc.tier=1 cc.new=x",
        person,
        expect![[r#"
            !   1) conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
            !   2) conversation c2 participant p3 (agent, call alerting, since 2026-11-20T14:00:00Z)
            ! Which one? [1-2] 3
            ! Which one? [1-2] 1
            conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
              cc.new      (none) -> "x"
              cc.segment  "gold" -> "vip"
              cc.tier     "1", as wanted
            ! Write this? [y/N] y
            Written and read back (correlation id 8e2a):
              cc.new = "x"
              cc.segment = "vip"
              cc.tier = "1"
            exit 0
        "#]],
    )
    .await;
    expect![[r#"
        POST /api/v2/analytics/conversations/details/query {"conversationFilters":[{"predicates":[{"dimension":"conversationEnd","operator":"notExists"}],"type":"and"}],"interval":"2026-10-20T14:10:00Z/2026-11-20T14:10:00Z","order":"asc","orderBy":"conversationStart","paging":{"pageNumber":1,"pageSize":100},"segmentFilters":[{"predicates":[{"dimension":"userId","operator":"matches","value":"10000000-0000-0000-0000-000000000001"}],"type":"or"}]}
        GET /api/v2/conversations/c1
        GET /api/v2/conversations/c2
        GET /api/v2/conversations/c3
        PATCH /api/v2/conversations/c1/participants/p2/attributes {"attributes":{"cc.new":"x","cc.segment":"vip"}}
        GET /api/v2/conversations/c1
        GET /api/v2/conversations/c1
        GET /api/v2/conversations/c1"#]].assert_eq(&world.asked());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_without_a_yes() {
    for answers in [&["n"][..], &[""], &[], &["yes please"]] {
        let world = World::new();
        let line = "--conversation c1 --purpose agent cc.segment=vip";
        let said =
            run(&world, Dialect::Patch, Output::Text, line, Played::answering(answers)).await;
        assert!(said.ends_with("! error: nothing was written\nexit 1\n"), "{said}");
        assert!(!world.asked().contains("PATCH"));
    }
    let said = run(
        &World::new(),
        Dialect::Patch,
        Output::Text,
        "--user jane@example.com cc.a=b",
        Played::answering(&["9", "x", "-1"]),
    )
    .await;
    assert!(said.contains("none was chosen"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_script_is_told_what_to_decide() {
    let world = World::new();
    let nobody = Played::default;
    patch(
        &world,
        "--user jane@example.com --yes cc.a=b",
        nobody(),
        expect![[r#"
        ! error: 2 participants are possible:
        !   conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
        !   conversation c2 participant p3 (agent, call alerting, since 2026-11-20T14:00:00Z)
        !    = say which with --conversation ID
        exit 2
    "#]],
    )
    .await;
    patch(
        &world,
        "--user jane@example.com cc.a=b",
        nobody(),
        expect![[r#"
        ! error: nobody is there to be asked whether to write
        !    = add --yes to write without asking, or --dry-run to see what would change
        exit 2
    "#]],
    )
    .await;
    patch(
        &world,
        "--conversation c1 --yes cc.a=b",
        nobody(),
        expect![[r#"
        ! error: whose attributes of that conversation is not said
        !    = add --purpose customer (or agent, acd, …), or --participant ID
        exit 2
    "#]],
    )
    .await;
    assert!(!world.asked().contains("PATCH"));
}

#[tokio::test(start_paused = true)]
async fn a_script_writes_and_reads_an_object() {
    let world = World::new();
    let line = "--conversation c1 --purpose customer --yes cc.segment=vip";
    let said = run(&world, Dialect::Patch, Output::Json, line, Played::default()).await;
    expect![[r#"
        {
          "after": {
            "cc.segment": "vip"
          },
          "before": {
            "cc.segment": null
          },
          "confirmed": true,
          "conversation": "c1",
          "correlation_id": "8e2a",
          "participant": "p1"
        }
        exit 0
    "#]]
    .assert_eq(&said);
    // Once more: it is there already.
    let said = run(&world, Dialect::Patch, Output::Json, line, Played::default()).await;
    assert!(said.contains("\"confirmed\": true") && said.ends_with("exit 0\n"), "{said}");
    assert_eq!(world.asked().matches("PATCH").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_would_change_is_shown() {
    let world = World::new();
    let line = "--conversation c1 --participant p2 --dry-run cc.segment=vip cc.gone=";
    patch(
        &world,
        line,
        Played::default(),
        expect![[r#"
        conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
          cc.gone     (none), as wanted
          cc.segment  "gold" -> "vip"
        Dry run: nothing was written.
        exit 0
    "#]],
    )
    .await;
    let line = "--conversation c1 --participant p2 --yes cc.segment=gold cc.gone=";
    patch(
        &world,
        line,
        Played::default(),
        expect![[r#"
        conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
          cc.gone     (none), as wanted
          cc.segment  "gold", as wanted
        Nothing was sent: every key has its value already.
        exit 0
    "#]],
    )
    .await;
    assert!(!world.asked().contains("PATCH"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_is_said() {
    let line = format!("--user {JANE} --conversation c1 --yes cc.segment=vip");
    patch(
        &World::new().with_lag(99),
        &line,
        Played::default(),
        expect![[r#"
        conversation c1 participant p2 (agent, call connected, since 2026-11-20T14:00:00Z)
          cc.segment  "gold" -> "vip"
        Accepted, and not seen yet: look again in a while (correlation id 8e2a); what is there now:
          cc.segment = "gold"
        exit 75
    "#]],
    )
    .await;
    // Another value each time it is read.
    let values = std::sync::atomic::AtomicUsize::new(0);
    let world = World::new().with_fault(move |call| {
        let value = values.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let one = json!({ "id": "p2", "purpose": "agent", "userId": JANE,
            "attributes": { "cc.segment": format!("other\u{1b}[31m{value}") } });
        let body = json!({ "id": "c1", "participants": [one] });
        (call.operation == "get_conversation").then_some((200, body))
    });
    patch(&world, &line, Played::default(), expect![[r#"
        conversation c1 participant p2 (agent)
          cc.segment  "other\u{1b}[31m0" -> "vip"
        Accepted, and somebody else has written cc.segment since: look for a rule, flow or script that sets it (correlation id 8e2a); what is there now:
          cc.segment = "other\u{1b}[31m2"
        exit 1
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn the_tutorials_way() {
    let world = World::new();
    put(
        &world,
        &format!("--user {JANE} --yes cc.segment=vip"),
        expect![[r#"
        conversation c1 participant p2 (connected)
          cc.segment  "gold" -> "vip"
        Written and read back (correlation id 8e2a):
          cc.segment = "vip"
        exit 0
    "#]],
    )
    .await;
    put(
        &world,
        "--conversation c1 --participant p2 --yes --status queued",
        expect![[r#"
        conversation c1 participant p2
          status -> "queued"
        Written and read back (correlation id 8e2a):
          status = "queued", accepted
        exit 0
    "#]],
    )
    .await;
    put(&world, "--conversation c1 --participant p2 --yes --status connected", expect![[r#"
        conversation c1 participant p2
          status -> "connected"
        ! error: put_participant answered 409 request.conflict [correlation_id 8e2a]
        !    = the participant's state does not allow the status "connected" (who is connected cannot be connected again, who has left cannot come back); nothing was written: look at its state, or leave --status out
        exit 1
    "#]])
        .await;
    put(
        &world,
        &format!("--user {JANE} --purpose customer --dry-run cc.a=b"),
        expect![[r#"
        conversation c1 participant p1 (customer, call connected, since 2026-11-20T14:00:00Z)
          cc.a  (none) -> "b"
        Dry run: nothing was written.
        exit 0
    "#]],
    )
    .await;
    expect![[r#"
        GET /api/v2/conversations/users/10000000-0000-0000-0000-000000000001
        GET /api/v2/conversations/c1/participants/p2
        GET /api/v2/conversations/c1/participants/p2
        PUT /api/v2/conversations/c1/participants/p2 {"attributes":{"cc.segment":"vip","cc.tier":"1"}}
        GET /api/v2/conversations/c1/participants/p2
        GET /api/v2/conversations/c1/participants/p2
        GET /api/v2/conversations/c1/participants/p2
        PUT /api/v2/conversations/c1/participants/p2 {"attributes":{"cc.segment":"vip","cc.tier":"1"},"status":"queued"}
        GET /api/v2/conversations/c1/participants/p2
        GET /api/v2/conversations/c1/participants/p2
        GET /api/v2/conversations/c1/participants/p2
        PUT /api/v2/conversations/c1/participants/p2 {"attributes":{"cc.segment":"vip","cc.tier":"1"},"status":"connected"}
        GET /api/v2/conversations/users/10000000-0000-0000-0000-000000000001
        GET /api/v2/conversations/c1"#]].assert_eq(&world.asked());
}

#[test]
fn the_command_line_is_checked_before_anything_is_sent() {
    let told = |line: &str, dialect| match request(line, dialect, false) {
        Ok(request) => format!("fine, {} warnings", request.warnings.len()),
        Err(failure) => format!("{} {failure}", failure.exit.code()),
    };
    let whom = "--conversation c --participant p --yes";
    let lines = [
        format!("{whom} cc.a=b=c cc.b="),
        format!("{whom} cc.a =b other=1 cc.a=2 cc.long=123456789012345678901"),
        format!("{whom} --status connected cc.a=b"),
        "--conversation c cc.a=b".to_owned(),
    ];
    let told: Vec<String> = lines.iter().map(|line| told(line, Dialect::Patch)).collect();
    expect![[r#"
        fine, 0 warnings
        2 error: "cc.a" is not KEY=VALUE
               "=b" is not KEY=VALUE
               "other" is outside of updates.allowed_keys (cc.*)
               the value of "cc.long" has 21 characters, updates.max_value_length is 20
        2 error: --status is there in the put dialect only
           = in Genesys Cloud's public API the field that looks like it ends calls, so it is not offered; set attributes without it
        2 error: whose attributes of that conversation is not said
           = add --purpose customer (or agent, acd, …), or --participant ID"#]].assert_eq(&told.join("\n"));
    let request = request(&format!("{whom} cc.a=b=c"), Dialect::Patch, false).unwrap();
    assert_eq!(request.values["cc.a"].as_ref(), "b=c");
    for line in ["cc.a=b", "--user u", "--user u --participant p --purpose agent a=b"] {
        let words = ["set"].into_iter().chain(line.split_whitespace());
        assert!(Line::try_parse_from(words).is_err(), "{line}");
    }
}
