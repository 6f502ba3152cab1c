//! All channels together, against a small Genesys that misbehaves.

mod clients;
mod copies;
mod faults;
mod life;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Channels;
use super::notice::{ChannelsState, Notice, Received};
use super::rig::World;
use super::socket::played::Do;
use crate::config;
use crate::events::topic::Topic;
use crate::genesys::UserId;
use crate::genesys::clients::{Bound, Standing};
use crate::genesys::outside::Outside;
use crate::status::counts::Counts;
use crate::status::pulse::Pulse;

/// The daemon's channels, running.
struct Trial {
    topics: watch::Sender<Arc<BTreeSet<Topic>>>,
    frames: mpsc::Receiver<Received>,
    notices: mpsc::Receiver<Notice>,
    state: watch::Receiver<ChannelsState>,
    counts: Arc<Counts>,
    pulse: Pulse,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

fn users(range: std::ops::Range<usize>) -> Arc<BTreeSet<Topic>> {
    Arc::new(range.map(|n| Topic::User(UserId::new(&format!("u{n:05}")))).collect())
}

fn conversation(n: usize) -> Do {
    Do::Say(format!(
        r#"{{"topicName":"v2.users.u00000.conversations","eventBody":{{"id":"{n}"}}}}"#
    ))
}

fn system(topic: &str) -> Do {
    Do::Say(format!(r#"{{"topicName":"v2.system.{topic}","eventBody":{{}}}}"#))
}

fn settings(copies: usize, max: usize) -> config::Channels {
    let (ping_after, dead_after) = (Duration::from_secs(15), Duration::from_secs(40));
    config::Channels { copies, max, ping_after, dead_after }
}

impl Trial {
    fn start(world: &Arc<World>, topics: Arc<BTreeSet<Topic>>) -> Trial {
        Trial::start_with(world, topics, None, 4096)
    }

    fn start_with(
        world: &Arc<World>,
        topics: Arc<BTreeSet<Topic>>,
        state_file: Option<PathBuf>,
        queue: usize,
    ) -> Trial {
        Trial::start_as(world, topics, state_file, queue, settings(1, 20))
    }

    fn start_as(
        world: &Arc<World>,
        topics: Arc<BTreeSet<Topic>>,
        state_file: Option<PathBuf>,
        queue: usize,
        settings: config::Channels,
    ) -> Trial {
        let clients = Bound::alone(Arc::<World>::clone(world));
        let standings = watch::channel(vec![Standing::Well]).1;
        Trial::start_by(
            clients,
            standings,
            Arc::<World>::clone(world),
            topics,
            (state_file, queue),
            settings,
        )
    }

    fn start_by(
        clients: Vec<Bound>,
        standings: watch::Receiver<Vec<Standing>>,
        outside: Arc<dyn Outside>,
        topics: Arc<BTreeSet<Topic>>,
        (state_file, queue): (Option<PathBuf>, usize),
        settings: config::Channels,
    ) -> Trial {
        let (frames, frames_out) = mpsc::channel(queue);
        let (notices, notices_out) = mpsc::channel(64);
        let (topics, topics_out) = watch::channel(topics);
        let (state, state_out) = watch::channel(ChannelsState::default());
        let counts = Arc::new(Counts::default());
        let pulse = Pulse::default();
        let channels = Channels {
            clients,
            standings,
            outside,
            settings,
            state_file,
            frames,
            whole_texts: false,
            notices,
            state,
            counts: Arc::clone(&counts),
            beat: pulse.add("channels"),
        };
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(channels.run(topics_out, stop.clone()));
        Trial {
            topics,
            frames: frames_out,
            notices: notices_out,
            state: state_out,
            counts,
            pulse,
            stop,
            tasks,
        }
    }

    /// Waits until so many channels are connected.
    async fn up(&mut self, channels: usize) {
        let up = self.state.wait_for(|state| state.connected == channels);
        timeout(Duration::from_secs(600), up).await.unwrap().unwrap();
    }

    /// Waits until so many are left.
    async fn down_to(&mut self, channels: usize) {
        self.up(channels).await;
    }

    /// Waits until none is.
    async fn down(&mut self) {
        self.up(0).await;
    }

    /// The ids of the conversations that came, and on which stream.
    fn received(&mut self) -> Vec<(u32, usize)> {
        let mut all = Vec::new();
        while let Ok(frame) = self.frames.try_recv() {
            let body: serde_json::Value = serde_json::from_str(frame.body()).unwrap();
            all.push((frame.channel, body["id"].as_str().unwrap().parse().unwrap()));
        }
        all
    }

    fn told(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }

    /// The gaps that were told, as their length in topics.
    fn gaps(&mut self) -> Vec<usize> {
        let gaps = self.told().into_iter().filter_map(|notice| match notice {
            Notice::Gap { since, until, topics, .. } => {
                assert!(since < until);
                Some(topics.len())
            }
            Notice::Ready { .. }
            | Notice::TokenRevoked { .. }
            | Notice::Rejected { .. }
            | Notice::NoneAllowed { .. } => None,
        });
        gaps.collect()
    }

    /// Stops, and says how long that took.
    async fn stop(mut self) -> Duration {
        self.end().await
    }

    async fn end(&mut self) -> Duration {
        let started = Instant::now();
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        started.elapsed()
    }
}

async fn minutes(n: u64) {
    sleep(Duration::from_secs(60 * n)).await;
}

async fn seconds(n: u64) {
    sleep(Duration::from_secs(n)).await;
}
