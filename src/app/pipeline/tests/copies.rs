//! Bodies that come a second time, on another channel.

use super::*;

async fn send(scene: &Scene, received: Received) {
    scene.frames.send(received).await.unwrap();
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_is_not_read_unless_the_conversation_has_moved_on() {
    let mut scene = Scene::new(1);
    scene.frames("a:gold").await;
    assert_eq!(scene.wishes().await, "tier=gold");
    let copy = |stream: &str, says: &str| Received {
        conversation: Err(Unread::Repeat("c".into())),
        ..frame(stream, body("c", says))
    };
    send(&scene, copy("b", "gold")).await;
    assert_eq!((scene.counts.snapshots_duplicate.get(), scene.is_quiet()), (1, true));
    // Its stream is as far as the other, and may lead.
    scene.frames("b:silver").await;
    assert_eq!(scene.wishes().await, "tier=silver");
    // What is late is late as a copy too.
    send(&scene, copy("d", "gold")).await;
    send(&scene, copy("d", "silver")).await;
    assert!(scene.is_quiet());
    let duplicates = scene.counts.snapshots_duplicate.get();
    assert_eq!((duplicates, scene.counts.snapshots_doubtful.get()), (2, 0));
    // It is read where nothing is known of its conversation.
    let lost =
        Received { conversation: Err(Unread::Repeat("d".into())), ..frame("a", body("d", "gold")) };
    send(&scene, lost).await;
    assert_eq!(scene.wishes().await, "tier=gold");
}
