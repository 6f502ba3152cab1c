//! What is in doubt, how it is settled, and what is known of matches that held.

use super::*;
use crate::updates::journal::{Memory, Recovered};

#[tokio::test(start_paused = true)]
async fn what_comes_into_doubt_during_a_read_is_not_settled_by_it() {
    let mut scene = Scene::new(2);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    scene.frames("b:silver").await;
    scene.frames("b:bronze").await;
    scene.answer(Ok(body("c", "silver"))).await;
    assert!(scene.is_quiet(), "the answer may be older than what came meanwhile");
    scene.answer(Ok(body("c", "bronze"))).await;
    assert_eq!(scene.wishes().await, "tier=bronze");
    assert_eq!(scene.doubts, 2, "what waits was held back");
}

#[tokio::test(start_paused = true)]
async fn what_held_in_a_doubtful_snapshot_is_followed_by_otherwise() {
    let mut scene = Scene::new(1);
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "");
    // Held, and not any more when it is read.
    scene.frames("b:held").await;
    scene.answer(Ok(body("c", "plain"))).await;
    assert_eq!(scene.wishes().await, "hold=false");
}

#[tokio::test(start_paused = true)]
async fn what_only_a_doubtful_snapshot_wishes_is_passed_on() {
    let mut scene = Scene::new(3);
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "");
    scene.frames("b:gold").await;
    // Gone when it is read, and nothing else was ever wished.
    scene.answer(Ok(body("c", "plain"))).await;
    assert_eq!(scene.wishes().await, "");
    assert_eq!((scene.doubts, &scene.perhaps[..]), (1, &["tier=gold".to_owned()][..]));
    // What is held wishes another value, if only because it has ceased to hold.
    scene.frames("b:held").await;
    scene.answer(Ok(body("c", "silver"))).await;
    assert_eq!(scene.wishes().await, "hold=false tier=silver");
    scene.frames("b:bronze").await;
    scene.answer(Ok(body("c", "bronze"))).await;
    assert_eq!(scene.wishes().await, "hold=false tier=bronze");
    assert_eq!((scene.doubts, scene.perhaps.len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_doubtful_snapshot_wishes_by_other_rules_is_passed_on_when_they_come() {
    let mut scene = Scene::new(1);
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "");
    scene.frames("b:gold").await;
    scene.view.send_replace(view(&RULES.replace("set.tier", "set.level")));
    assert_eq!(scene.wishes().await, "");
    assert!(scene.is_quiet());
    assert_eq!(scene.perhaps, ["tier=gold", "level=gold"]);
    // It is settled: nothing is left of it.
    scene.answer(Ok(body("c", "plain"))).await;
    assert_eq!(scene.wishes().await, "");
    scene.view.send_replace(view(RULES));
    assert_eq!(scene.wishes().await, "");
    assert!(scene.is_quiet() && scene.perhaps.len() == 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_wrote_is_followed_by_otherwise() {
    let written: Memory = serde_json::from_str(
        r#"{"keys":{"hold":{"value":"true","rule":"hold","digest":0,"accepted_at":0,
            "fate":"confirmed","met":null,"earlier":[],"doubt":false,"rewrites":0}}}"#,
    )
    .unwrap();
    let memory = vec![(("c".into(), "p".into()), written)];
    let mut scene = Scene::new(0);
    if let Some(pipeline) = &mut scene.pipeline {
        pipeline.standings = Standings::left_by(&Recovered { memory, ..Recovered::default() });
    }
    scene.frames("a:plain").await;
    assert_eq!(scene.wishes().await, "hold=false");
}

#[tokio::test(start_paused = true)]
async fn a_doubt_whose_read_is_refused_writes_nothing() {
    let mut scene = Scene::new(1);
    scene.frames("a:gold b:silver").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    assert!(scene.is_quiet() && scene.doubts_given_up == 0);
    scene.answer(Err(403)).await;
    assert!(scene.is_quiet() && scene.doubts_given_up == 1, "nobody waits for nothing");
    scene.frames("a:over").await;
    assert!(scene.next().await.over);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_lasts_until_a_read_has_an_answer() {
    let mut scene = Scene::new(2);
    scene.frames("a:gold b:silver").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    sleep(Duration::from_secs(30)).await;
    scene.answer(Err(503)).await;
    sleep(Duration::from_secs(30)).await;
    assert!(scene.is_quiet() && (scene.doubts, scene.doubts_given_up) == (1, 0));
    scene.answer(Ok(body("c", "silver"))).await;
    assert_eq!(scene.wishes().await, "tier=silver");
}
