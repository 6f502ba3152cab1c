//! Rules that are compared, that come into force, and that ask for the event as it was sent.

use super::*;
use crate::genesys::UserId;

#[tokio::test(start_paused = true)]
async fn other_rules_are_compared_and_change_nothing() {
    let mut scene = Scene::new(0);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    assert_eq!(compare(&mut scene, RULES).await, [1, 0, 0]);
    let renamed = RULES.replace("set.tier", "set.level");
    assert_eq!(compare(&mut scene, &renamed).await, [1, 1, 1]);
    assert_eq!(
        compare(&mut scene, &RULES.replace("exists = true", "exists = false")).await,
        [1, 0, 1]
    );
    assert!(scene.is_quiet());
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "tier=silver");
}

#[tokio::test(start_paused = true)]
async fn new_rules_look_again_behind_live_events() {
    let mut scene = Scene::new(0);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.view.send_replace(view(&RULES.replace("set.tier", "set.level")));
    // No event of its own is needed.
    assert_eq!(scene.wishes().await, "level=gold");
}

#[tokio::test(start_paused = true)]
async fn who_is_watched_from_now_on_is_looked_at_again() {
    let mut scene = Scene::new(0);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let same = scene.view.borrow().clone();
    scene.view.send_replace(same.clone());
    sleep(Duration::from_millis(1)).await;
    assert!(scene.is_quiet());
    let watched = Arc::new([UserId::from("u")].into_iter().collect());
    scene.view.send_replace(View { watched, ..same });
    assert_eq!(scene.wishes().await, "tier=gold");
}

#[tokio::test(start_paused = true)]
async fn new_rules_settle_no_doubt() {
    let mut scene = Scene::new(1);
    scene.frames("a:gold b:silver").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.view.send_replace(view(&RULES.replace("set.tier", "set.level")));
    assert_eq!(scene.wishes().await, "level=gold");
    assert!(scene.is_quiet());
    assert_eq!(scene.doubts, 2, "what waits is held back after the look, too");
    scene.answer(Ok(body("c", "silver"))).await;
    assert_eq!(scene.wishes().await, "level=silver");
}

const AS_SENT: &str = r#"
[[rule]]
name = "held"
match.raw = [{ path = ["participants", "*", "calls", "*", "held"], is = true }]
target = "customer"
set.hold = "true"
otherwise.hold = "false"
"#;

#[tokio::test(start_paused = true)]
async fn a_kept_snapshot_is_looked_at_with_the_event_that_it_was_read_from() {
    let mut scene = Scene::new(0);
    scene.pipeline.as_mut().unwrap().view = view(AS_SENT);
    scene.frames("a:held").await;
    assert_eq!(scene.wishes().await, "hold=true");
    scene.asks.send(Ask::LookAgain("c".into())).await.unwrap();
    assert_eq!(scene.wishes().await, "hold=true");
    scene.view.send_replace(view(&AS_SENT.replace("\"true\"", "\"yes\"")));
    assert_eq!(scene.wishes().await, "hold=yes", "the rules changed");
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "hold=false");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_differs_only_in_what_raw_reaches_is_looked_at_where_rules_ask() {
    let mut scene = Scene::new(0);
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "");
    let raw = "[[rule]]\nname = 'r'\nmatch.raw = [{ path = ['x'], is = 1 }]\nset.x = 'y'\n";
    scene.view.send_replace(view(raw));
    assert_eq!(scene.wishes().await, "", "the new rules look again");
    let more = body("c", "plain").replacen('{', r#"{"x":1,"#, 1);
    scene.frames.send(frame("a", more)).await.unwrap();
    assert_eq!(scene.wishes().await, "x=y");
}
