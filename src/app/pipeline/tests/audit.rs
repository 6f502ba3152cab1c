//! Conversations that are read because nothing was heard of them for long.

use super::*;
use crate::app::pipeline::audit::{AT_ONCE, EVERY, GRACE};
use crate::app::pipeline::{LookUp, Which};

/// Mismatches so far, of how many that were audited.
fn counted(scene: &Scene) -> (u64, u64) {
    (scene.counts.audit_mismatches.get(), scene.counts.audited.get())
}

/// A conversation that was heard of once, and is audited now.
async fn audited(answer: Given) -> Scene {
    let mut scene = Scene::new(1);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    sleep(EVERY).await;
    scene.answer(answer).await;
    assert_eq!(counted(&scene), (0, 1));
    scene
}

#[tokio::test(start_paused = true)]
async fn what_no_event_tells_of_is_made_good_and_counted() {
    let mut scene = audited(Ok(body("c", "silver"))).await;
    assert_eq!(scene.wishes().await, "tier=silver");
    sleep(GRACE - Duration::from_secs(10)).await;
    assert_eq!(counted(&scene), (0, 1));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(counted(&scene), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_over_unheard_is_counted_and_let_go() {
    let mut scene = audited(Err(404)).await;
    assert!(scene.next().await.over);
    sleep(GRACE * 2).await;
    assert_eq!(counted(&scene), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_was_heard_is_none() {
    let mut scene = audited(Ok(body("c", "gold"))).await;
    assert_eq!(scene.wishes().await, "tier=gold");
    sleep(GRACE * 2).await;
    assert_eq!(counted(&scene), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_late_is_no_silence() {
    let mut scene = audited(Ok(body("c", "silver"))).await;
    sleep(GRACE / 2).await;
    scene.frames("a:silver").await;
    sleep(GRACE * 2).await;
    assert_eq!(counted(&scene), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_gap_explains_what_was_not_heard() {
    let mut scene = Scene::new(1);
    let topic = Topic::User("u".into());
    let mut changed = view(RULES);
    changed.watched = Arc::new(["u".into()].into());
    scene.view.send_replace(changed);
    let of_user = |says| body("c", says).replacen(r#""id":"p""#, r#""id":"p","userId":"u""#, 1);
    scene.frames("a:gold").await;
    scene.frames.send(frame("u", of_user("gold"))).await.unwrap();
    sleep(EVERY).await;
    scene.answer(Ok(of_user("silver"))).await;
    let (done, _found) = oneshot::channel();
    let which = Which::KnownOf([topic].into());
    scene.look_ups.send(LookUp { which, done }).await.unwrap();
    sleep(GRACE * 2).await;
    assert_eq!(counted(&scene), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_few_at_a_time_and_those_longest_without_news() {
    let mut scene = Scene::new(2 * AT_ONCE);
    scene.frames("a:gold").await;
    for n in 0..AT_ONCE {
        scene.frames.send(frame("a", body(&n.to_string(), "gold"))).await.unwrap();
    }
    scene.frames("b:gold").await;
    sleep(EVERY).await;
    // The one of which there were news last is not among them: it would be overtaken here.
    for n in 0..AT_ONCE {
        scene.answer(Ok(body(&n.to_string(), "gold"))).await;
    }
    assert_eq!(counted(&scene), (0, 5));
    sleep(EVERY).await;
    scene.answer(Ok(body("c", "gold"))).await;
    assert_eq!(counted(&scene), (0, 6));
}
