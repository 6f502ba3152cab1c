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
    let Found { looked_at, changed, over, not_permitted, given_up, wishes } =
        found.try_recv().unwrap();
    assert_eq!((looked_at.len(), changed, over, not_permitted, given_up), (3, 1, 1, 1, 0));
    assert_eq!(wishes, 1);
}
