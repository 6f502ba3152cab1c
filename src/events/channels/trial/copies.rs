//! Topics on two channels, topics that move between channels, and channels that others take: what
//! was missed, and what was not. The calendar is played, so that gaps have their true lengths.

use jiff::Timestamp;

use super::*;
use crate::events::frame::Unread;
use crate::machine::{self, Playing};

fn played() -> Playing {
    machine::play(1, "2026-11-22T12:00:00Z".parse().unwrap())
}

async fn two_copies(world: &Arc<World>, topics: usize) -> Trial {
    let mut trial = Trial::start_as(world, users(0..topics), None, 4096, settings(2, 20));
    trial.up(2).await;
    seconds(1).await;
    trial.told();
    trial
}

fn gaps(trial: &mut Trial) -> Vec<(Timestamp, Timestamp, usize)> {
    let gaps = trial.told().into_iter().filter_map(|notice| match notice {
        Notice::Gap { since, until, topics, .. } => Some((since, until, topics.len())),
        Notice::Ready { .. }
        | Notice::TokenRevoked { .. }
        | Notice::Rejected { .. }
        | Notice::NoneAllowed { .. } => None,
    });
    gaps.collect()
}

fn evicted(id: &str) -> Do {
    Do::Say(format!(
        r#"{{"topicName":"v2.system.no_longer_subscribed.{id}","eventBody":{{"reason":"another_channel_subscribed"}}}}"#
    ))
}

#[tokio::test(start_paused = true)]
async fn any_single_drop_opens_no_gap_with_two_copies() {
    let _playing = played();
    let world = World::new();
    let mut trial = two_copies(&world, 3).await;
    assert_eq!(world.subscriptions(), [3, 3]);
    for round in 1..=6 {
        minutes(2).await;
        let id = world.connected()[round % 2].clone();
        match round {
            1 | 2 => world.drop_socket(&id),
            3 | 4 => world.tell(&id, Do::FallSilent).await,
            _ => {
                world.tell(&id, evicted(&id)).await;
                world.expire(&id);
            }
        }
        trial.up(1).await;
        assert_eq!(trial.state.borrow().oldest_gap, None);
        trial.up(2).await;
        seconds(1).await;
        assert_eq!(gaps(&mut trial), [], "round {round}");
    }
    assert_eq!(trial.counts.drops.get(), 4);
    // With both down there is one, and it is as long as both were.
    minutes(2).await;
    let before = machine::now();
    world.hang_up(true);
    world.connected().iter().for_each(|id| world.drop_socket(id));
    trial.down().await;
    minutes(1).await;
    world.hang_up(false);
    trial.up(2).await;
    seconds(1).await;
    let found = gaps(&mut trial);
    let (since, until) = (found[0].0, found[found.len() - 1].1);
    assert!(since <= before && until >= before + Duration::from_secs(60), "{found:?}");
    assert!(found.iter().all(|(.., topics)| *topics == 3));
}

#[tokio::test(start_paused = true)]
async fn with_one_copy_a_drop_opens_a_gap_from_the_last_frame_on() {
    let _playing = played();
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    minutes(5).await;
    world.tell_all(conversation(1)).await;
    seconds(1).await;
    let heard = machine::now();
    world.tell_all(Do::FallSilent).await;
    trial.down().await;
    trial.up(1).await;
    seconds(1).await;
    let [(since, until, 3)] = gaps(&mut trial)[..] else { panic!() };
    // The margin, and a second of ours.
    assert_eq!(heard.duration_since(since).as_secs(), 3);
    assert!(until.duration_since(since).as_secs() >= 40);
}

#[tokio::test(start_paused = true)]
async fn that_the_other_copy_was_dead_too_is_found_out_later() {
    let _playing = played();
    let world = World::new();
    let mut trial = two_copies(&world, 3).await;
    minutes(2).await;
    let [one, other] = &world.connected()[..] else { panic!() };
    world.tell(other, Do::FallSilent).await;
    seconds(5).await;
    let before = machine::now();
    world.drop_socket(one);
    trial.up(1).await;
    trial.up(2).await;
    assert_eq!(gaps(&mut trial), [], "the other seems to live");
    minutes(1).await;
    let [(since, until, 3)] = gaps(&mut trial)[..] else { panic!() };
    assert!(since <= before && until >= before, "{since} to {until}");
    assert!(until.duration_since(since).as_secs() < 40);
    assert_eq!((trial.state.borrow().connected, trial.state.borrow().oldest_gap), (2, None));
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_that_was_held_up_cannot_know_of_is_in_the_gap() {
    let _playing = played();
    let world = World::new();
    let mut trial = Trial::start_with(&world, users(0..3), None, 4);
    trial.up(1).await;
    minutes(1).await;
    let before = machine::now();
    for n in 0..6 {
        world.tell_all(conversation(n)).await;
    }
    seconds(1).await;
    // While nobody reads, the server hangs up.
    world.connected().iter().for_each(|id| world.drop_socket(id));
    minutes(10).await;
    assert_eq!(trial.received().len(), 4);
    trial.down().await;
    trial.up(1).await;
    seconds(1).await;
    assert_eq!(trial.received().len(), 2);
    let [(since, until, 3)] = gaps(&mut trial)[..] else { panic!() };
    assert!(since <= before + Duration::from_secs(1), "from {since}, sent at {before}");
    assert!(until >= before + Duration::from_secs(600));
}

#[tokio::test(start_paused = true)]
async fn the_second_copy_of_a_body_is_not_read() {
    let world = World::new();
    let mut trial = two_copies(&world, 3).await;
    let text = |n: usize| {
        let body = format!(r#"{{"id":"{n:064}","participants":[]}}"#);
        format!(r#"{{"topicName":"v2.users.u00000.conversations","eventBody":{body}}}"#)
    };
    for n in 0..5 {
        for id in world.connected() {
            world.tell(&id, Do::Say(text(n))).await;
            seconds(1).await;
        }
    }
    let mut read = Vec::new();
    let mut channels = BTreeSet::new();
    while let Ok(frame) = trial.frames.try_recv() {
        channels.insert(frame.channel);
        let text = text(read.len() / 2);
        assert_eq!(frame.body(), &text[frame.body.clone()]);
        // What is not read has to come with its text.
        assert_eq!(frame.text.is_some(), frame.conversation.is_err());
        read.push(match frame.conversation {
            Ok(_) => "read",
            Err(Unread::Repeat(_)) => "repeat",
            Err(Unread::Unreadable(_)) => "unreadable",
        });
    }
    assert_eq!((read, channels.len()), (["read", "repeat"].repeat(5), 2));
}

#[tokio::test(start_paused = true)]
async fn both_copies_are_replaced_before_their_sockets_close() {
    let _playing = played();
    let world = World::new();
    let mut trial = two_copies(&world, 3).await;
    minutes(2).await;
    let old = world.connected();
    for id in &old {
        world.tell(id, system("socket_closing")).await;
    }
    minutes(1).await;
    for id in old.iter().filter(|id| world.connected().contains(id)) {
        world.drop_socket(id);
    }
    minutes(1).await;
    assert_eq!((gaps(&mut trial), world.subscriptions()[..2].to_vec()), (vec![], vec![3, 3]));
    assert!(world.channels() <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_moves_is_taken_before_it_is_left() {
    let _playing = played();
    let world = World::new();
    // Three channels, and room for just these.
    let mut trial = Trial::start_as(&world, users(0..1500), None, 4096, settings(2, 4));
    trial.up(3).await;
    seconds(1).await;
    trial.told();
    world.slow("subscribe", Duration::from_secs(10));
    // The first that comes takes the places of two that go so that the second finds room twice on
    // one channel, and nowhere else.
    let mut wanted: BTreeSet<Topic> = (*users(0..1500)).clone();
    for gone in [600..601, 1200..1201] {
        wanted.retain(|topic| !users(gone.clone()).contains(topic));
    }
    for new in [20_000, 20_001] {
        let before = wanted.clone();
        wanted.extend(users(new..new + 1).iter().cloned());
        world.forget_calls();
        trial.topics.send_replace(Arc::new(wanted.clone()));
        for _ in 0..120 {
            seconds(1).await;
            assert!(world.least_copies(&before) >= 2);
        }
        assert_eq!(world.least_copies(&wanted), 2);
        assert_eq!(gaps(&mut trial), []);
    }
    // One channel took the second and the one that made room for it, and that one's left it after.
    assert_eq!((world.count("subscribe"), world.subscriptions()), (2, vec![1000; 3]));
    assert_eq!(trial.state.borrow().topics_short_of_copies, 0);
}

#[tokio::test(start_paused = true)]
async fn who_takes_our_channels_again_and_again_is_named_and_left_in_peace() {
    let _playing = played();
    let world = World::new();
    let mut trial = Trial::start(&world, users(0..3));
    trial.up(1).await;
    let mut made = world.count("create_channel");
    for hour in 1..=6 {
        for _ in 0..720 {
            for id in world.connected() {
                // Without a word: the channel is gone, and its socket with it.
                world.expire(&id);
            }
            seconds(5).await;
        }
        let now = world.count("create_channel");
        assert!((2..=22).contains(&(now - made)), "{} in hour {hour}", now - made);
        made = now;
    }
    // They end, and so does it.
    let up = trial.state.wait_for(|state| state.connected == 1);
    timeout(Duration::from_secs(3700), up).await.unwrap().unwrap();
    minutes(1).await;
    assert_eq!(world.subscriptions(), [3]);
}
