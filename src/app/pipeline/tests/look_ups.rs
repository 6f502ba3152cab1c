//! Look-ups in, reads out, and what came of them back to whoever asked.

use super::*;
use crate::app::pipeline::{Found, Which};

#[tokio::test(start_paused = true)]
async fn who_has_something_looked_up_is_told_what_came_of_it() {
    let mut scene = Scene::new(3);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let before = Instant::now();
    // What there is news of since is not read: one of the four here.
    scene.frames("a:silver").await;
    assert_eq!(scene.wishes().await, "tier=silver");
    let ids = ["c", "new", "gone", "secret"].map(ConversationId::from).to_vec();
    let (done, mut found) = oneshot::channel();
    let which = Which::These(ids, before);
    scene.look_ups.send(LookUp { which, done }).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    scene.answer(Ok(body("new", "bronze"))).await;
    assert_eq!(scene.wishes().await, "tier=bronze");
    scene.answer(Err(404)).await;
    assert!(scene.next().await.over);
    assert!(found.try_recv().is_err());
    scene.answer(Err(403)).await;
    let Found { conversations, changed, over, not_permitted, given_up, wishes } =
        found.try_recv().unwrap();
    assert_eq!((conversations.len(), changed, over, not_permitted, given_up), (3, 1, 1, 1, 0));
    assert_eq!(wishes, 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_one_that_always_fails_and_it_is_read_once_it_can_be() {
    // At once and every five seconds for five minutes, the other one, and the last.
    let mut scene = Scene::new(61 + 1 + 1);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let ids = ["bad", "good"].map(ConversationId::from).to_vec();
    let (done, mut found) = oneshot::channel();
    let which = Which::These(ids, Instant::now());
    scene.look_ups.send(LookUp { which, done }).await.unwrap();
    scene.answer(Err(503)).await;
    scene.answer(Ok(body("good", "gold"))).await;
    assert_eq!(scene.wishes().await, "tier=gold");
    for _ in 0..60 {
        scene.answer(Err(503)).await;
    }
    sleep(Duration::from_secs(295)).await;
    assert!(found.try_recv().is_err() && scene.has_told_through());
    sleep(Duration::from_secs(6)).await;
    let Found { changed, given_up, .. } = found.try_recv().unwrap();
    assert_eq!((changed, given_up), (1, 1));
    assert!(scene.is_quiet());
    sleep(Duration::from_secs(50)).await;
    assert!(!scene.has_told_through(), "a start after a crash has to look for it still");
    scene.answer(Ok(body("bad", "silver"))).await;
    assert_eq!(scene.wishes().await, "tier=silver");
    sleep(Duration::from_secs(50)).await;
    assert!(scene.has_told_through());
}

#[tokio::test(start_paused = true)]
async fn all_that_live_are_looked_at_when_too_many_found_no_room() {
    let mut scene = Scene::new(0);
    scene.frames("a:gold").await;
    for id in ["d", "e"] {
        scene.frames.send(frame("a", body(id, "silver"))).await.unwrap();
    }
    scene.frames.send(frame("a", body("e", "over"))).await.unwrap();
    for _ in 0..4 {
        scene.next().await;
    }
    scene.asks.send(Ask::LookAtAll).await.unwrap();
    let mut looked_at = Vec::new();
    for _ in 0..2 {
        looked_at.push(scene.next().await.conversation.to_string());
    }
    assert_eq!(looked_at, ["c", "d"]);
    sleep(Duration::from_secs(1)).await;
    assert!(scene.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn an_open_gap_holds_back_until_when_all_was_taken() {
    let mut scene = Scene::new(0);
    scene.gaps_open.send_replace(1);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    sleep(Duration::from_secs(60)).await;
    assert!(scene.observations.try_recv().is_err());
    scene.gaps_open.send_replace(0);
    sleep(Duration::from_secs(10)).await;
    let Ok(Input::Through(through)) = scene.observations.try_recv() else { panic!("it is told") };
    assert!(through.elapsed() < Duration::from_secs(20));
}
