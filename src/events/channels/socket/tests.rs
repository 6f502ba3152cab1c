//! Sockets over memory: what is read, what ends them, what is said.

use expect_test::expect;

use super::played::Do;
use super::*;
use crate::events::channels::rig::World;

fn settings() -> config::Channels {
    config::Channels {
        copies: 1,
        max: 20,
        ping_after: Duration::from_secs(15),
        dead_after: Duration::from_secs(40),
    }
}

async fn connect(world: &Arc<World>) -> Result<Socket, ConnectError> {
    let id = world.make_channel();
    let uri = world.uri(&id);
    let counts = Arc::new(Counts::default());
    Socket::connect(world.as_ref(), &uri, &settings(), counts).await
}

/// What comes of a socket on which the server does these things.
async fn after(commands: Vec<Do>) -> (Socket, Vec<String>) {
    let world = World::new();
    let mut socket = connect(&world).await.unwrap();
    let told = async {
        for command in commands {
            world.tell_all(command).await;
        }
    };
    let mut heard = Vec::new();
    let hear = async {
        loop {
            match timeout(Duration::from_secs(20), socket.next()).await {
                Ok(Ok(text)) => heard.push(text.as_str().to_owned()),
                Ok(Err(lost)) => break heard.push(lost.to_string()),
                Err(_) => break heard.push("no more".to_owned()),
            }
        }
    };
    tokio::join!(told, hear);
    (socket, heard)
}

#[tokio::test(start_paused = true)]
async fn texts_come_out_and_other_frames_do_not() {
    let commands = vec![
        Do::Say("one".to_owned()),
        Do::SayBinary(vec![1, 2, 3]),
        Do::Ping,
        Do::Say("two".to_owned()),
        Do::Close("going away".to_owned()),
    ];
    let (socket, heard) = after(commands).await;
    expect!["one | two | the server closed the connection (1001 going away)"]
        .assert_eq(&heard.join(" | "));
    assert_eq!(socket.counts.frames_unreadable.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_is_taken_without_waiting_and_nothing_behind_it_is_lost() {
    let world = World::new();
    let mut socket = connect(&world).await.unwrap();
    world.tell_all(Do::Ignore).await;
    for text in ["one", "two"] {
        world.tell_all(Do::Say(text.to_owned())).await;
    }
    world.tell_all(Do::SayBinary(vec![1])).await;
    world.tell_all(Do::Say("three".to_owned())).await;
    world.tell_all(Do::Close("going away".to_owned())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut heard = Vec::new();
    while let Some(text) = socket.next_come() {
        heard.push(text.as_str().to_owned());
    }
    assert!(socket.next_come().is_none(), "what is no text is left where it is");
    heard.push("|".to_owned());
    heard.push(socket.next().await.unwrap().as_str().to_owned());
    heard.push(socket.next().await.unwrap_err().to_string());
    expect!["one two | three the server closed the connection (1001 going away)"]
        .assert_eq(&heard.join(" "));
    assert_eq!(socket.counts.frames_unreadable.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_without_a_reason_is_told_by_its_code() {
    let (_, heard) = after(vec![Do::Close(String::new())]).await;
    expect!["the server closed the connection (1001)"].assert_eq(&heard.join(" | "));
}

#[tokio::test(start_paused = true)]
async fn a_close_reason_does_not_give_the_channel_away() {
    let (socket, heard) = after(vec![Do::Close("channel streaming-1 idle".to_owned())]).await;
    assert_eq!(socket.secret, "streaming-1");
    expect!["the server closed the connection (1001 (a reason that names the channel))"]
        .assert_eq(&heard.join(" | "));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_large_costs_the_connection() {
    let (socket, heard) = after(vec![Do::Say("x".repeat(MAX_TEXT + 1))]).await;
    expect!["a frame of 16777217 bytes came, and 16777216 are the limit"]
        .assert_eq(&heard.join(" | "));
    assert_eq!(socket.counts.frames_unreadable.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_dead_after_forty_seconds_and_a_pong_is_life() {
    let world = World::new();
    let mut socket = connect(&world).await.unwrap();
    let started = Instant::now();
    // Heartbeats and pongs keep it alive.
    while started.elapsed() < Duration::from_secs(600) {
        socket.next().await.unwrap();
    }
    world.tell_all(Do::FallSilent).await;
    let silent = Instant::now();
    // What was on its way still comes.
    let lost = loop {
        if let Err(lost) = socket.next().await {
            break lost;
        }
    };
    assert!(matches!(lost, Lost::Silent(_)), "{lost}");
    let took = silent.elapsed();
    assert!(took > Duration::from_secs(25) && took <= Duration::from_secs(40), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_held_up_hears_what_came_in_the_meantime() {
    let world = World::new();
    let mut socket = connect(&world).await.unwrap();
    world.tell_all(Do::Ignore).await;
    world.tell_all(Do::Say("early".to_owned())).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(socket.next().await.unwrap().as_str(), "early");
}

#[tokio::test(start_paused = true)]
async fn connecting_has_a_limit_and_its_errors_quote_nothing() {
    let world = World::new();
    let id = world.make_channel();
    let uri = world.uri(&id);
    let try_once = || async {
        let counts = Arc::new(Counts::default());
        match Socket::connect(world.as_ref(), &uri, &settings(), counts).await {
            Ok(_) => "connected".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    world.never_answer(true);
    expect!["no WebSocket within 15 s"].assert_eq(&try_once().await);
    world.never_answer(false);
    world.expire(&id);
    expect!["the WebSocket handshake was answered with 404"].assert_eq(&try_once().await);
    let counts = Arc::new(Counts::default());
    let odd = ChannelUri::new("wss://bad host/secret".to_owned());
    let error = match Socket::connect(world.as_ref(), &odd, &settings(), counts).await {
        Ok(_) => panic!("connected"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!error.contains("secret"), "{error}");
}
