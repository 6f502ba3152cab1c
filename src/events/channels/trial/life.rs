//! What channels go through when all is well: start, topics that change, renewal, stop.

use super::*;

#[tokio::test(start_paused = true)]
async fn twelve_hundred_topics_take_two_channels_and_the_first_frames_come() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..1200));
    trial.up(2).await;
    assert_eq!(world.subscriptions(), [1000, 200]);
    for id in world.connected() {
        world.tell(&id, conversation(7)).await;
    }
    minutes(10).await;
    let received = trial.received();
    assert_eq!(received.len(), 2);
    assert_ne!(received[0].0, received[1].0, "two streams");
    let calls = ["create_channel", "subscribe", "head_channel"].map(|one| world.count(one));
    assert_eq!(calls, [2, 2, 0]);
    assert_eq!(trial.pulse.silent(Duration::from_secs(6)), [""; 0]);
    let state = trial.state.borrow().clone();
    assert_eq!((state.topics_wanted, state.topics_permitted, state.oldest_gap), (1200, 1200, None));
    let ready = trial.told().into_iter().map(|notice| {
        let Notice::Ready { permitted, rejected, fresh, .. } = notice else { panic!() };
        (permitted, rejected, fresh.len())
    });
    assert_eq!(ready.collect::<BTreeSet<_>>(), [(200, 0, 200), (1000, 0, 1000)].into());
    assert_eq!(trial.counts.channels_connected.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_topics_touches_one_channel_and_no_socket() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..1200));
    trial.up(2).await;
    trial.told();
    world.forget_calls();
    for (topics, expected) in [(0..1201, [1000, 201]), (1..1201, [999, 201]), (1..1202, [999, 202])]
    {
        trial.topics.send_replace(users(topics));
        seconds(5).await;
        assert_eq!(world.subscriptions(), expected);
    }
    assert_eq!(world.calls(), ["subscribe"; 3]);
    let fresh = trial.told().into_iter().map(|notice| {
        let Notice::Ready { fresh, .. } = notice else { panic!() };
        fresh.len()
    });
    assert_eq!(fresh.collect::<Vec<_>>(), [1, 0, 1]);
    // A channel without topics goes, and its place is there for the next.
    trial.topics.send_replace(users(1..900));
    seconds(10).await;
    assert_eq!((world.subscriptions(), world.connected().len()), (vec![899], 1));
    trial.topics.send_replace(users(1..1202));
    trial.up(2).await;
    assert_eq!((world.subscriptions(), world.channels()), (vec![1000, 201], 2));
    assert_eq!(world.connects().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn topics_that_change_while_the_api_rests_are_set_when_it_is_back() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..10));
    trial.up(1).await;
    world.slow("subscribe", Duration::from_secs(300));
    trial.topics.send_replace(users(0..11));
    seconds(10).await;
    trial.topics.send_replace(users(0..12));
    world.slow("subscribe", Duration::ZERO);
    // Frames come all the while.
    world.tell_all(conversation(1)).await;
    seconds(1).await;
    assert_eq!(trial.received().len(), 1);
    minutes(6).await;
    assert_eq!(world.subscriptions(), [12]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_renewed_at_half_life_without_touching_its_socket() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    world.forget_calls();
    minutes(60 * 11).await;
    assert_eq!(world.calls(), [""; 0]);
    minutes(60 * 2).await;
    assert_eq!(world.calls(), ["subscribe", "list_channels"]);
    minutes(60 * 24 * 3).await;
    assert_eq!((world.connects().len(), world.channels(), trial.gaps()), (1, 1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_life_is_not_extended_is_replaced_without_a_gap() {
    let world = World::new();
    world.extend_no_life();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    minutes(60 * 13).await;
    assert_eq!((world.connects().len(), world.channels()), (2, 2));
    assert_eq!(world.connected().len(), 1);
    assert_eq!((trial.gaps(), trial.counts.drops.get()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_the_topics_off_and_the_next_start_uses_the_channel_again() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("channels.json");
    // Others with the same client have all but two, which we need.
    for _ in 0..18 {
        world.make_channel();
    }
    for run in 0..50 {
        let mut trial = Trial::start_with(&world, users(0..1200), Some(file.clone()), 64);
        trial.up(2).await;
        assert!(trial.state.borrow().kept);
        // Every third is killed and says nothing.
        if run % 3 == 2 {
            drop(trial);
            continue;
        }
        assert!(trial.stop().await < Duration::from_secs(5));
        assert_eq!((world.subscriptions(), world.connected()), (vec![], vec![]));
    }
    assert_eq!(world.count("create_channel"), 2);
    assert_eq!((world.evicted(), world.channels()), (vec![], 20));
}

#[tokio::test(start_paused = true)]
async fn a_state_directory_that_cannot_be_written_hinders_nothing() {
    let world = World::new();
    let file = PathBuf::from("/nonexistent/channels.json");
    let mut trial = Trial::start_with(&world, users(0..3), Some(file), 64);
    trial.up(1).await;
    assert!(!trial.state.borrow().kept);
    trial.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_topics_than_room_are_told() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..19_001));
    trial.up(19).await;
    let state = trial.state.borrow().clone();
    assert_eq!(
        (state.channels, state.topics_permitted, state.topics_without_room),
        (19, 19_000, 1)
    );
    assert_eq!(world.channels(), 19);
}

#[tokio::test(start_paused = true)]
async fn channels_end_when_nobody_takes_frames_any_more() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    trial.frames.close();
    let ended = timeout(Duration::from_secs(10), trial.tasks.join_next()).await;
    ended.unwrap().unwrap().unwrap();
    assert_eq!((world.subscriptions(), world.connected()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_reached_the_socket_before_the_goodbye_is_passed_on() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    // While the topics are being taken off, the server still sends.
    world.slow("unsubscribe", Duration::from_secs(1));
    trial.stop.cancel();
    for n in 0..5 {
        world.tell_all(conversation(n)).await;
    }
    assert!(trial.end().await < Duration::from_secs(8));
    let received: Vec<usize> = trial.received().into_iter().map(|(_, id)| id).collect();
    assert_eq!(received, [0, 1, 2, 3, 4]);
}
