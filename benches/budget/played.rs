//! One run.

use std::collections::BTreeMap;
use std::fs;
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attributed::config::Config;
use attributed::genesys::account::{Account, WindowEnds};
use attributed::genesys::call::{Api as _, Call, CallError, Class};
use attributed::machine;
use attributed::simulator::inside::InMemory;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Limits, Simulator};
use attributed::status::counts::Counts;
use bytes::Bytes;
use futures::future::{join, join_all};
use http::Method;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep, timeout};

use super::conditions::{Conditions, LENGTH, Scenario};
use super::judged::Outcome;
use super::way::Way;

/// What the calendar says at the beginning.
const BEGINS: &str = "2026-03-02T08:00:00Z";
/// How long there is nothing to do in the idle scenario.
const IDLE: Duration = Duration::from_secs(60);
/// And how many updates there are then.
const BURST: u64 = 200;
/// How many wait for a program that starts.
const AT_START: u64 = 60;
/// A process that is killed has kept last so long before when windows end, at most.
const KEPT_BEFORE: Duration = Duration::from_secs(60);
/// Of the allowance, what the other program takes.
const OTHERS: f64 = 1.0 / 3.0;

/// The daemon's own, but for where Genesys Cloud is; the same for all runs.
pub(crate) struct Settings {
    config: Config,
    _folder: TempDir,
}

impl Settings {
    pub(crate) fn new() -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("rules.toml"), "").unwrap();
        fs::write(path("client-secret"), "demo\n").unwrap();
        fs::set_permissions(path("client-secret"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = "rules = \"rules.toml\"\n[genesys]\nlogin_url = \"http://127.0.0.1:1\"\n\
                    api_url = \"http://127.0.0.1:1\"\nclient_id = \"demo\"\n\
                    client_secret_file = \"client-secret\"\n[watch]\nall_users = true\n\
                    [state]\ndir = \"state\"\n";
        fs::write(path("attributed.toml"), text).unwrap();
        let (config, ..) = Config::load(Some(&path("attributed.toml")), &|_| None).unwrap();
        Settings { config, _folder: folder }
    }
}

/// Plays a run in virtual time.
pub(crate) fn play(settings: &Settings, conditions: &Conditions) -> Outcome {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(run(settings, conditions))
}

async fn run(settings: &Settings, conditions: &Conditions) -> Outcome {
    let base: Timestamp = BEGINS.parse().unwrap();
    let _playing = machine::play(conditions.seed, base);
    let simulator = Simulator::new(simulator::Options {
        seed: conditions.seed,
        shape: Shape { users: 1, generate: false, other_writer: false, ..Shape::default() },
        limits: Limits {
            requests: conditions.allowed,
            window: conditions.window,
            phase: Some(conditions.phase),
            ..Limits::default()
        },
        base,
        ..simulator::Options::default()
    });
    simulator.inject(conversation());
    let way = Way::new(InMemory::start(Arc::clone(&simulator)), conditions.clone());
    let work = Work { settings, way: &way, accepted: AtomicU64::new(0) };
    let other = Other { simulator: &simulator, conditions, spent: Mutex::default() };
    let story = async {
        match conditions.scenario {
            Scenario::Idle => Some(work.burst().await),
            Scenario::Start => Some(work.all_at_once(&work.account(), AT_START).await),
            Scenario::Alone
            | Scenario::Shared
            | Scenario::SharedShort
            | Scenario::Raised
            | Scenario::Lowered => {
                work.until_the_end(conditions).await;
                None
            }
        }
    };
    let burst = tokio::select! {
        biased;
        burst = story => burst,
        () = other.meddle() => None,
    };
    let spent = other.spent.into_inner().unwrap();
    let accepted = work.accepted.into_inner();
    Outcome::new(conditions, &simulator, &spent, accepted, way.careless(), burst)
}

/// A call of one customer, whose attributes are written.
fn conversation() -> serde_json::Value {
    let call = json!({ "id": "call", "state": "connected", "direction": "inbound",
                       "connectedTime": "2026-03-02T08:00:00.000Z" });
    let customer = json!({ "id": "customer", "purpose": "customer", "calls": [call],
                           "connectedTime": "2026-03-02T08:00:00.000Z" });
    json!({ "id": "c1", "participants": [customer] })
}

fn update(number: u64) -> Call {
    let body = json!({ "attributes": { "cc.number": number.to_string() } }).to_string();
    Call {
        class: Class::Update,
        operation: "patch_attributes",
        method: Method::PATCH,
        path: "/api/v2/conversations/c1/participants/customer/attributes".to_owned(),
        body: Some(Bytes::from(body)),
    }
}

/// The process, and what it got done.
struct Work<'a> {
    settings: &'a Settings,
    way: &'a Arc<Way>,
    accepted: AtomicU64,
}

impl Work<'_> {
    /// Of a process, with what the one before it left.
    fn account_after(&self, left: Option<WindowEnds>) -> Arc<Account> {
        let config = &self.settings.config;
        let (way, counts) = (Arc::clone(self.way), Arc::new(Counts::default()));
        let account = Account::new(&config.genesys, &config.updates, way, counts);
        left.into_iter().for_each(|ends| account.expect(ends, machine::now()));
        account
    }

    fn account(&self) -> Arc<Account> {
        self.account_after(None)
    }

    /// So many workers deliver updates as long as there are any; what was throttled is tried again.
    async fn deliver(&self, account: &Account, updates: u64) {
        let left = AtomicU64::new(updates);
        let next = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        let worker = async || {
            while let Ok(number) = next() {
                loop {
                    match account.call(update(number)).await {
                        Ok(_) => break,
                        Err(CallError::Throttled(..)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                self.accepted.fetch_add(1, Ordering::Relaxed);
            }
        };
        let workers = (0..self.settings.config.updates.workers).map(|_| worker());
        join_all(workers).await;
    }

    /// A full outbox, and a restart if there is one. The requests under way at the end are lost.
    async fn until_the_end(&self, conditions: &Conditions) {
        let start = Instant::now();
        let mut known = None;
        if let Some((at, down)) = conditions.restart {
            let account = self.account();
            let keep = async {
                sleep(at.saturating_sub(KEPT_BEFORE)).await;
                known = account.window_ends(machine::now());
                pending::<()>().await;
            };
            let work = async { join(self.deliver(&account, u64::MAX), keep).await };
            let killed = timeout(at, work).await;
            assert!(killed.is_err(), "the outbox was never empty");
            sleep(down).await;
        }
        let left = LENGTH - start.elapsed();
        let account = self.account_after(known);
        let ended = timeout(left, self.deliver(&account, u64::MAX)).await;
        assert!(ended.is_err(), "the outbox was never empty");
    }

    /// How long many updates take after an idle minute.
    async fn burst(&self) -> Duration {
        let account = self.account();
        self.deliver(&account, 5).await;
        sleep(IDLE).await;
        self.all_at_once(&account, BURST).await
    }

    async fn all_at_once(&self, account: &Account, updates: u64) -> Duration {
        let start = Instant::now();
        self.deliver(account, updates).await;
        start.elapsed()
    }
}

/// The rest of the world.
struct Other<'a> {
    simulator: &'a Simulator,
    conditions: &'a Conditions,
    /// Requests in each window.
    spent: Mutex<BTreeMap<u64, u64>>,
}

impl Other<'_> {
    async fn meddle(&self) {
        if let Some((at, requests)) = self.conditions.change {
            sleep(at).await;
            self.simulator.set_limits(Limits { requests, ..self.simulator.limits() });
        }
        match self.conditions.scenario {
            Scenario::Shared | Scenario::SharedShort => self.take().await,
            Scenario::Alone
            | Scenario::Raised
            | Scenario::Lowered
            | Scenario::Idle
            | Scenario::Start => {
                pending::<()>().await;
            }
        }
    }

    /// Makes requests at random: the time between two is exponential.
    async fn take(&self) {
        let mut random = StdRng::seed_from_u64(self.conditions.seed ^ 0x6f74_6865);
        let Conditions { allowed, window, .. } = *self.conditions;
        let mean = window.as_secs_f64() / (f64::from(u32::try_from(allowed).unwrap()) * OTHERS);
        loop {
            let chance: f64 = random.random();
            sleep(Duration::from_secs_f64(-mean * (1.0 - chance).ln())).await;
            self.simulator.spend(1);
            let window = self.simulator.windows().last().map_or(0, |window| window.number);
            *self.spent.lock().unwrap().entry(window).or_default() += 1;
        }
    }
}
