//! What counts as going round: not that the loop lives, but that it gets on.

use super::*;

async fn take_for(taken: &mut mpsc::Receiver<Input>, time: Duration) {
    let all = async { while taken.recv().await.is_some() {} };
    assert!(timeout(time, all).await.is_err(), "the pipeline has ended");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_nobody_takes_observations_of_does_not_beat() {
    let limit = Duration::from_secs(30);
    let mut scene = Scene::new(0);
    let pulse = Pulse::default();
    let (observations, mut taken) = mpsc::channel(1);
    let joints = &mut scene.pipeline.as_mut().unwrap().joints;
    (joints.observations, joints.beat) = (observations, pulse.add("pipeline"));
    scene.frames("a:1").await;
    take_for(&mut taken, 10 * limit).await;
    assert!(pulse.silent(limit).is_empty(), "with nothing to do it looks, and beats");
    scene.frames("a:2 a:3 a:4").await;
    sleep(limit / 2).await;
    assert!(pulse.silent(limit).is_empty());
    sleep(limit).await;
    assert_eq!(pulse.silent(limit), ["pipeline"]);
    take_for(&mut taken, 2 * IDLE_BEAT).await;
    assert!(pulse.silent(limit).is_empty(), "it goes on where it stood");
}
