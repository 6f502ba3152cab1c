//! A local Genesys Cloud: OAuth, notification channels, the directory, conversations, the rate limit,
//! and what goes wrong with all of them.
//!
//! It promises that a client cannot tell: paths, bodies, codes, headers, limits and frames are those
//! of Genesys' public API (FACTS 1 to 3), and the three calls of the tutorial that the API does not
//! have. It keeps a request log and the budget's windows, and tells its oracle what was delivered,
//! read and written, so that a test can ask what the attributes should be.
//!
//! It does not know the program that it is for: conversations are the `world`'s business, right and
//! wrong the `oracle`'s.
//!
//! [`Simulator::serve`] listens on a socket, [`inside::InMemory`] is the same in one process without
//! any, on Tokio's clock alone, so that paused time works.
//!
//! # Control
//!
//! Under `/simulator/`, JSON, without a token, from this machine only:
//!
//! | request | body | does |
//! |---|---|---|
//! | `GET state` | | clock, channels, tokens, directory, what is on its way, who was hung up, overlapping writes |
//! | `GET truth` | | the oracle's verdict |
//! | `GET requests` | `?method=&path=&status=&conversation=&participant=&since=&limit=` | the request log; `path` is a part of the template, `since` a number |
//! | `POST requests` | `{"bodies": true}` | from now on record bodies too |
//! | `GET windows` | | the budget's windows, and the highest count |
//! | `POST rules` | the rules file as text | tells the oracle the rules in force |
//! | `POST conversations` | an event body in the generic shape | puts it into the world and sends it to its topics; the same id again: its next state |
//! | `POST frames` | `{"text" or "frame", "topics": [], "channels": [], "delay_ms", "sequence"}` | a raw frame to these channels and to those listening to these topics; with `sequence` its `eventBody` counts as a delivered snapshot of that place in the order |
//! | `POST attributes` | `{"conversation", "participant", "attributes"}` | another writer writes |
//! | `POST sockets` | `{"how": "drop"/"close"/"half-open"/"announce"/"evict", "channel"}` | to one channel, or to all of the client |
//! | `POST sockets/doors` | `{"doors": ["hang-up"/"half-open"/"refuse"]}` | how the next sockets are received |
//! | `POST tokens/revoke` | | ends all tokens |
//! | `POST clients` | a [`ClientChange`] | adds a client, or changes the secret, budget or permissions of one, or ends its tokens |
//! | `POST limits` | `{"allowed", "window_seconds", "spend", "channels", "topics", "token_seconds", "channel_seconds", "heartbeat_seconds", "index_lag_seconds"}` | sets those that are given; `spend`: requests of another program |
//! | `POST window/advance` | | begins the next window now |
//! | `POST faults` | a [`Scripted`], or a list of them | what the next requests meet |
//! | `DELETE faults` | | forgets those that wait |
//! | `POST faults/level` | `{"level": "none"/"light"/"heavy"}` | what goes wrong by itself |
//! | `POST permissions` | a [`Permissions`] | topics and operations that are forbidden to all clients; replaces what was |
//! | `POST world/advance` | `{"seconds"}` | plays the world so much further at once |
//! | `POST world/stop` | | no new conversations |
//! | `POST channels/foreign` | `{"count"}` | channels that another program of the client makes |

mod analytics;
mod answer;
mod book;
mod budget;
mod channels;
mod clients;
mod clock;
mod control;
mod conversations;
mod deliveries;
mod directory;
mod faults;
mod filters;
mod gate;
mod hands;
pub mod inside;
mod lives;
mod log;
mod media;
mod mint;
mod notifications;
mod oauth;
pub mod oracle;
mod organization;
mod overview;
mod paging;
mod script;
mod search;
mod server;
mod socket;
mod state;
mod system;
#[cfg(test)]
mod tests;
mod topics;
mod truth;
mod tutorial;
pub mod world;

/// Rules that fit the world and that the oracle can judge by: what the demo runs.
pub const RULES: &str = include_str!("rules.toml");

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::budget::Window;
pub use self::clients::ClientChange;
pub use self::faults::Faults;
pub use self::hands::{Toss, Treatment};
pub use self::log::Entry;
pub use self::script::Scripted;
pub use self::socket::Door;
pub use self::topics::Permissions;

use self::book::Book;
use self::clock::Clock;
use self::state::State;
use self::world::{Shape, World};

/// What kind of Genesys Cloud to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything comes from it: the world, ids, faults, the phase of the rate window.
    pub seed: u64,
    pub shape: Shape,
    pub faults: Faults,
    pub client_id: String,
    pub secret: String,
    /// Clients beside that one.
    pub more_clients: Vec<Credentials>,
    pub limits: Limits,
    /// What the calendar says at the start; from then on it follows Tokio's clock.
    pub base: Timestamp,
    /// Whether the request log keeps bodies, attribute values included.
    pub record_bodies: bool,
}

/// An OAuth client of the organisation.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub client_id: String,
    pub secret: String,
    /// Requests in a window, where it is not [`Limits::requests`].
    pub requests: Option<u64>,
}

/// Limits and times, Genesys' own unless a test has reasons.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests in a window (FACTS 3.1).
    pub requests: u64,
    pub window: Duration,
    /// When the first window ends; `None`: the seed decides.
    pub phase: Option<Duration>,
    /// Whether token requests count. They are never refused for it.
    pub count_tokens: bool,
    /// Channels of a client (FACTS 3.2).
    pub channels: usize,
    /// Topics on a channel (FACTS 3.2).
    pub topics: usize,
    /// Live tokens of a client; one more ends the oldest. The number is assumed (FACTS 1.4).
    pub tokens: usize,
    pub token_life: Duration,
    pub channel_life: Duration,
    pub heartbeat: Duration,
    /// From a change to its frame: the same for all, so that frames keep their order.
    pub frame_delay: Duration,
    /// How far the index behind the details query is behind. Assumed.
    pub index_lag: Duration,
}

/// The simulator, shared by all who serve it or look at it.
pub struct Simulator {
    clock: Clock,
    book: Book,
    state: Mutex<State>,
    /// Something may be due earlier than it was.
    woken: Notify,
    /// The sockets and connections.
    tasks: Mutex<JoinSet<()>>,
    stop: CancellationToken,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 0,
            shape: Shape::default(),
            faults: Faults::None,
            client_id: "demo".to_owned(),
            secret: "demo".to_owned(),
            more_clients: Vec::new(),
            limits: Limits::default(),
            base: Timestamp::now(),
            record_bodies: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests: 300,
            window: Duration::from_secs(60),
            phase: None,
            count_tokens: true,
            channels: 20,
            topics: 1_000,
            tokens: 20,
            token_life: Duration::from_secs(86_399),
            channel_life: Duration::from_secs(24 * 60 * 60),
            heartbeat: Duration::from_secs(30),
            frame_delay: Duration::from_millis(40),
            index_lag: Duration::from_secs(5),
        }
    }
}

impl Simulator {
    /// A simulator whose time begins now.
    pub fn new(options: Options) -> Arc<Simulator> {
        let clock = Clock::new(options.base);
        let world = World::new(options.seed, &options.shape, options.base);
        let book = Book::of(&world);
        let organization = book.organization.id.clone();
        Arc::new(Simulator {
            clock,
            book,
            state: Mutex::new(State::new(&options, clock, world, organization)),
            woken: Notify::new(),
            tasks: Mutex::new(JoinSet::new()),
            stop: CancellationToken::new(),
        })
    }

    /// The state, for as long as nothing waits.
    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic left behind is still the best there is: a test should see its own failure.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the driver to look again at what is due.
    fn wake(&self) {
        self.woken.notify_one();
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a connection of the simulator failed");
            }
        }
        tasks.spawn(task);
    }

    async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Plays the world, the faults and the channels' lives until `stop`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops the world; nothing is lost, it goes on when driven again.
    async fn drive(&self, stop: &CancellationToken) {
        loop {
            let due = self.state().next_due().map(|due| self.clock.instant(due));
            // A world that is always due must not take the machine for itself.
            let soonest = self.clock.instant(self.clock.elapsed() + Duration::from_millis(1));
            let rest = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.max(soonest)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.woken.notified() => {}
                () = rest => {}
            }
            self.state().tick();
        }
    }
}
