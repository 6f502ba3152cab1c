//! What channels go through when the server or the network does not do its part.

use super::*;
use crate::genesys::call::{CallError, Refusal};
use crate::machine;

#[tokio::test(start_paused = true)]
async fn a_dropped_socket_comes_back_on_the_same_channel_and_the_gap_is_told() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    minutes(5).await;
    let [id] = &world.connected()[..] else { panic!() };
    world.tell(id, conversation(1)).await;
    seconds(1).await;
    world.drop_socket(id);
    trial.down().await;
    trial.up(1).await;
    assert_eq!(world.connects(), [id.clone(), id.clone()]);
    world.tell(id, conversation(2)).await;
    seconds(1).await;
    // What comes now does not follow on what came before.
    assert_eq!(trial.received(), [(0, 1), (1, 2)]);
    assert_eq!((world.count("create_channel"), world.count("subscribe")), (1, 2));
    seconds(1).await;
    assert_eq!(trial.gaps(), [3]);
    assert_eq!(trial.counts.drops.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_is_not_called_in_a_busy_loop() {
    let world = World::new();
    world.hang_up(true);
    let trial = Trial::start(&world, users(0..3));
    minutes(10).await;
    let attempts = world.connects().len();
    assert!((20..100).contains(&attempts), "{attempts}");
    // It tries another channel, and no third.
    assert_eq!(world.count("create_channel"), 2);
    let others = world.connects().into_iter().collect::<BTreeSet<_>>();
    assert_eq!(others.len(), 2);
    assert!(world.calls().len() < 200, "{}", world.calls().len());
    assert!(trial.stop().await < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_half_open_socket_is_noticed_within_forty_seconds() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    minutes(5).await;
    world.tell_all(Do::FallSilent).await;
    let silent = Instant::now();
    trial.down().await;
    assert!(silent.elapsed() <= Duration::from_secs(40), "{:?}", silent.elapsed());
    trial.up(1).await;
    seconds(1).await;
    assert_eq!(trial.gaps(), [3]);
}

#[tokio::test(start_paused = true)]
async fn an_old_socket_that_was_silent_when_the_new_one_took_over_leaves_a_gap() {
    let _playing = machine::play(1, "2026-03-02T08:00:00Z".parse().unwrap());
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    minutes(5).await;
    let [old] = &world.connected()[..] else { panic!() };
    world.slow("create_channel", Duration::from_secs(5));
    world.tell(old, system("socket_closing")).await;
    seconds(1).await;
    let silent = machine::now();
    world.tell(old, Do::FallSilent).await;
    minutes(1).await;
    assert_eq!((world.connects().len(), trial.counts.drops.get()), (2, 0));
    let told = trial.told();
    let gap = told.iter().find_map(|notice| match notice {
        Notice::Gap { since, until, .. } => Some((*since, *until)),
        Notice::Ready { .. }
        | Notice::TokenRevoked { .. }
        | Notice::Rejected { .. }
        | Notice::NoneAllowed { .. } => None,
    });
    let (since, until) = gap.unwrap();
    let seconds = |span: jiff::SignedDuration| span.as_secs();
    assert!(since <= silent, "{since} {silent}");
    // Until the new one carried the topics, and not until that was known.
    assert_eq!(seconds(until.duration_since(silent)), 4);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_will_close_is_replaced_first_and_no_frame_is_lost() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let [old] = &world.connected()[..] else { panic!() };
    world.slow("create_channel", Duration::from_secs(5));
    world.tell(old, conversation(1)).await;
    world.tell(old, system("socket_closing")).await;
    world.tell(old, conversation(2)).await;
    seconds(3).await;
    world.tell(old, conversation(3)).await;
    while world.connected().len() < 2 {
        sleep(Duration::from_millis(50)).await;
    }
    let new = world.connected().into_iter().find(|id| id != old).unwrap();
    world.tell(&new, conversation(4)).await;
    world.tell(old, conversation(5)).await;
    seconds(30).await;
    let streams = trial.received();
    let mut received: Vec<usize> = streams.iter().map(|(_, n)| *n).collect();
    received.sort_unstable();
    assert_eq!(received, [1, 2, 3, 4, 5]);
    assert!(streams.iter().all(|(stream, n)| (*n == 4) == (*stream == 1)), "{streams:?}");
    assert_eq!(world.connected()[..], [&*new]);
    // The next time the old channel is taken again; its stream is a new one all the same.
    world.tell(&new, system("socket_closing")).await;
    seconds(60).await;
    assert_eq!(world.connected()[..], [&**old]);
    world.tell(old, conversation(6)).await;
    seconds(1).await;
    assert_eq!(trial.received(), [(2, 6)]);
    assert_eq!((world.channels(), world.count("create_channel")), (2, 2));
    assert_eq!((trial.gaps(), trial.counts.drops.get()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_always_says_it_will_close_is_not_followed_in_a_busy_loop() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    for _ in 0..200 {
        trial.up(1).await;
        for id in world.connected() {
            world.tell(&id, system("socket_closing")).await;
        }
        seconds(3).await;
    }
    assert!(world.connects().len() < 80, "{}", world.connects().len());
    assert_eq!(world.channels(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_socket_that_goes_before_the_new_one_is_there_comes_back() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let [old] = &world.connected()[..] else { panic!() };
    // The API rests for hours; the socket needs no API.
    world.slow("create_channel", Duration::from_secs(7200));
    minutes(2).await;
    world.tell(old, system("socket_closing")).await;
    minutes(1).await;
    world.drop_socket(old);
    seconds(20).await;
    assert_eq!(world.connected()[..], [&**old]);
    assert_eq!(trial.gaps(), [3]);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_channel_is_replaced_and_eviction_is_not_fought() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let started = Instant::now();
    let mut evictions = 0;
    while started.elapsed() < Duration::from_secs(600) {
        for id in world.connected() {
            let text = r#"{"topicName":"v2.system.no_longer_subscribed.x","eventBody":{"reason":"another_channel_subscribed"}}"#;
            world.tell(&id, Do::Say(text.to_owned())).await;
            evictions += 1;
            seconds(1).await;
            world.expire(&id);
        }
        seconds(1).await;
    }
    assert!((5..30).contains(&evictions), "{evictions}");
    trial.up(1).await;
    minutes(2).await;
    assert!(trial.gaps().len() > 4);
    assert_eq!(world.channels(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_gone_is_made_anew() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let [old] = &world.connected()[..] else { panic!() };
    minutes(2).await;
    world.expire(old);
    trial.down().await;
    trial.up(1).await;
    assert_ne!(world.connected()[..], [&**old]);
    assert_eq!(world.subscriptions(), [3]);
    seconds(1).await;
    assert_eq!(trial.gaps(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_told_and_the_topics_are_set_again() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    trial.told();
    world.forget_calls();
    world.tell_all(system("token_revoked.x")).await;
    seconds(5).await;
    assert_eq!(world.calls(), ["subscribe"]);
    let told = trial.told();
    assert!(matches!(
        told[..],
        [Notice::TokenRevoked { .. }, Notice::Gap { .. }, Notice::Ready { .. }]
    ));
    assert_eq!(world.connects().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_topics_are_named_and_none_permitted_is_said() {
    let world = World::new();
    world.reject("v2.users.u00001.conversations");
    let mut trial = Trial::start(&world, users(0..2));
    trial.up(1).await;
    seconds(1).await;
    let told = trial.told();
    let [Notice::Rejected { topics, .. }, Notice::Ready { permitted: 1, rejected: 1, .. }] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(topics[0].missing_permissions, ["p"]);
    world.reject("v2.users.u00000.conversations");
    trial.topics.send_replace(users(0..1));
    seconds(5).await;
    assert!(matches!(trial.told().last(), Some(Notice::NoneAllowed { .. })));

    let world = World::new();
    let refusal = Refusal { operation: "create_channel", status: 403, ..Refusal::default() };
    world.fail("create_channel", vec![CallError::Forbidden(refusal)]);
    let mut trial = Trial::start(&world, users(0..2));
    trial.up(1).await;
    assert!(trial.told().iter().any(|one| matches!(one, Notice::NoneAllowed { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_is_asked_again_with_backoff() {
    let world = World::new();
    let refusal = || Refusal { operation: "subscribe", status: 503, ..Refusal::default() };
    let throttled = CallError::Throttled(refusal(), Duration::from_secs(3));
    let mut errors = vec![CallError::Unavailable(refusal()); 5];
    errors.extend([throttled, CallError::Refused(refusal())]);
    world.fail("subscribe", errors);
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let calls = (world.count("subscribe"), world.count("create_channel"), world.channels());
    assert_eq!(calls, (8, 1, 1));
    assert_eq!(trial.gaps(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn garbage_and_oversized_frames_end_nothing() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    for text in ["", "junk", "[]", "{\"topicName\":1}", "{\"topicName\":\"v2.users.a.presence\"}"] {
        world.tell_all(Do::Say(text.to_owned())).await;
    }
    world.tell_all(conversation(1)).await;
    seconds(1).await;
    assert_eq!(trial.received(), [(0, 1)]);
    assert_eq!(trial.counts.frames_unreadable.get(), 4);
    world.tell_all(Do::Say("x".repeat(17 << 20))).await;
    trial.down().await;
    trial.up(1).await;
    world.tell_all(conversation(2)).await;
    seconds(1).await;
    assert_eq!(trial.received(), [(1, 2)]);
    assert_eq!((trial.counts.frames_unreadable.get(), trial.gaps()), (5, vec![3]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_nobody_takes_frames() {
    let world = World::new();
    let mut trial = Trial::start_with(&world, users(0..3), None, 4);
    trial.up(1).await;
    for n in 0..100 {
        world.tell_all(conversation(n)).await;
    }
    seconds(120).await;
    let mut received = Vec::new();
    for _ in 0..100 {
        received.extend(trial.received().into_iter().map(|(_, n)| n));
        seconds(1).await;
    }
    assert_eq!(received, (0..100).collect::<Vec<_>>());
    assert_eq!(trial.counts.drops.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_task_fails_is_started_anew_with_its_gap() {
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    seconds(90).await;
    world.panic_once("subscribe");
    trial.topics.send_replace(users(0..4));
    trial.down().await;
    trial.up(1).await;
    seconds(5).await;
    assert_eq!((world.channels(), world.subscriptions()), (1, vec![4]));
    // The fourth is new, and has missed nothing.
    assert_eq!(trial.gaps(), [3]);
    assert!(trial.stop().await < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_prompt_whatever_is_under_way() {
    let limit = Duration::from_secs(6);
    let world = World::new();
    world.never_answer(true);
    let trial = Trial::start(&world, users(0..3));
    seconds(5).await;
    assert!(trial.stop().await < limit, "connecting");

    let world = World::new();
    world.hang_up(true);
    let trial = Trial::start(&world, users(0..3));
    minutes(5).await;
    assert!(trial.stop().await < limit, "backing off");

    let world = World::new();
    for operation in ["create_channel", "subscribe", "unsubscribe"] {
        world.slow(operation, Duration::from_secs(3600));
    }
    let trial = Trial::start(&world, users(0..3));
    seconds(5).await;
    assert!(trial.stop().await < limit, "waiting for the API");

    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    world.tell_all(Do::FallSilent).await;
    world.slow("unsubscribe", Duration::from_secs(3600));
    assert!(trial.stop().await < limit, "saying goodbye");
}
