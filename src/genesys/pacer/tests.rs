//! The pacer against a server that counts in fixed windows, over simulated hours.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::*;

fn pacer(requests_per_second: u32, requests_per_minute: u32) -> Pacer {
    let number = |n| NonZeroU32::new(n).unwrap();
    Pacer::new(Settings {
        requests_per_second: number(requests_per_second),
        requests_per_minute: number(requests_per_minute),
    })
}

/// Counts as Genesys Cloud does, with a phase of its own.
struct Server {
    start: Instant,
    phase: Duration,
    allowed: u32,
    rounds_up: bool,
    windows: BTreeMap<u64, u32>,
}

impl Server {
    fn take(&mut self) -> RateHeaders {
        let at = self.phase + self.start.elapsed();
        let window = at.as_secs() / 60;
        let count = self.windows.entry(window).or_default();
        *count += 1;
        let left = Duration::from_secs((window + 1) * 60) - at;
        let up = self.rounds_up && left.subsec_nanos() > 0;
        let reset = u32::try_from(left.as_secs()).unwrap() + u32::from(up);
        RateHeaders { count: Some(*count), allowed: Some(self.allowed), reset: Some(reset) }
    }
}

struct World {
    per_second: u32,
    setting: u32,
    allowed: u32,
    /// Milliseconds, each way, at most.
    latency: u64,
    workers: usize,
    /// Requests a minute of another program with the same client.
    others: u64,
}

impl World {
    /// Runs it for some minutes; returns the count of each whole window.
    async fn run(&self, seed: u64) -> Vec<u32> {
        let mut random = StdRng::seed_from_u64(seed);
        let server = Rc::new(RefCell::new(Server {
            start: Instant::now(),
            phase: Duration::from_millis(random.random_range(0..60_000)),
            allowed: self.allowed,
            rounds_up: seed.is_multiple_of(2),
            windows: BTreeMap::new(),
        }));
        let pacer = Rc::new(pacer(self.per_second, self.setting));
        let tasks = LocalSet::new();
        for worker in 0..self.workers {
            let (pacer, server) = (Rc::clone(&pacer), Rc::clone(&server));
            let (latency, mut random) = (self.latency, StdRng::seed_from_u64(random.random()));
            let class = if worker == 0 { Class::Channel } else { Class::Update };
            tasks.spawn_local(async move {
                loop {
                    // A channel asks now and then, and the updates all the time.
                    if class == Class::Channel {
                        sleep(Duration::from_millis(random.random_range(0..20_000))).await;
                    }
                    let _permit = pacer.permit(class).await;
                    let under_way = pacer.begin(class);
                    sleep(Duration::from_millis(random.random_range(0..=latency))).await;
                    let headers = server.borrow_mut().take();
                    sleep(Duration::from_millis(random.random_range(0..=latency))).await;
                    under_way.answered(headers);
                }
            });
        }
        if let Some(pause) = 60_000_u64.checked_div(self.others) {
            let server = Rc::clone(&server);
            tasks.spawn_local(async move {
                loop {
                    sleep(Duration::from_millis(pause)).await;
                    server.borrow_mut().take();
                }
            });
        }
        let minutes = Duration::from_secs(8 * 60);
        let ended = tokio::time::timeout(minutes, tasks.run_until(std::future::pending::<()>()));
        assert!(ended.await.is_err());
        drop(tasks);
        let windows: Vec<u32> = server.borrow().windows.values().copied().collect();
        // The first and the last are not whole, and the second pays for how little is known of the
        // first reset.
        assert!(self.others > 0 || windows[1] <= self.allowed, "{windows:?}");
        windows[2..windows.len() - 1].to_vec()
    }
}

fn all_used(windows: &[u32], allowed: u32) {
    let least = allowed * 98 / 100;
    assert!(windows.len() >= 5, "{windows:?}");
    assert!(windows.iter().all(|used| (least..=allowed).contains(used)), "{windows:?}");
}

#[tokio::test(start_paused = true)]
async fn the_whole_budget_and_never_more() {
    let world =
        World { per_second: 20, setting: 300, allowed: 300, latency: 200, workers: 8, others: 0 };
    for seed in 0..5 {
        all_used(&world.run(seed).await, 300);
    }
}

#[tokio::test(start_paused = true)]
async fn also_with_slow_answers_and_a_steady_bucket() {
    let slow =
        World { per_second: 20, setting: 300, allowed: 300, latency: 1500, workers: 30, others: 0 };
    let steady =
        World { per_second: 5, setting: 300, allowed: 300, latency: 100, workers: 4, others: 0 };
    for seed in 0..2 {
        all_used(&slow.run(seed).await, 300);
        all_used(&steady.run(seed).await, 300);
    }
}

#[tokio::test(start_paused = true)]
async fn the_headers_are_believed_over_the_setting() {
    for allowed in [180, 900] {
        let world =
            World { per_second: 20, setting: 300, allowed, latency: 200, workers: 9, others: 0 };
        for seed in 0..2 {
            all_used(&world.run(seed).await, allowed);
        }
    }
}

/// What another program takes is left to it; it does not wait for us, so a window that it fills at
/// its end can run over, by what it sends then.
#[tokio::test(start_paused = true)]
async fn others_with_the_same_client_are_seen() {
    let world =
        World { per_second: 20, setting: 300, allowed: 300, latency: 100, workers: 8, others: 60 };
    for seed in 0..2 {
        let windows = world.run(seed).await;
        assert!(windows.iter().all(|used| (280..=350).contains(used)), "{windows:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn classes_are_served_in_order_and_the_reserve_is_kept() {
    let pacer = pacer(1000, 20);
    let headers = RateHeaders { count: Some(18), allowed: Some(20), reset: Some(50) };
    pacer.note(headers, Instant::now());
    pacer.rest(Duration::from_secs(1));
    let start = Instant::now();
    let order = RefCell::new(Vec::new());
    let take = async |class| {
        let _permit = pacer.permit(class).await;
        drop(pacer.begin(class));
        order.borrow_mut().push((class, start.elapsed().as_secs()));
    };
    tokio::join!(
        take(Class::Directory),
        take(Class::Recovery),
        take(Class::Update),
        take(Class::Channel),
        take(Class::Token),
    );
    // The window ends between 49 and 51 s: the reserve of two is there at once, the others wait for
    // the next window, over which they are spread.
    let order: Vec<String> = order.borrow().iter().map(|(c, s)| format!("{c:?} {s}")).collect();
    expect_test::expect![[r#"
        [
            "Token 1",
            "Channel 1",
            "Update 51",
            "Recovery 54",
            "Directory 57",
        ]
    "#]]
    .assert_debug_eq(&order);
}

#[tokio::test(start_paused = true)]
async fn a_429_rests_everybody_and_a_dropped_wait_spends_nothing() {
    let pacer = pacer(20, 300);
    pacer.note(RateHeaders::default(), Instant::now());
    assert_eq!(pacer.throttled(Some(Duration::from_secs(17)), None), Duration::from_secs(17));
    let start = Instant::now();
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, pacer.permit(Class::Token)).await.is_err());
    assert_eq!(pacer.usage().used, 0);
    assert_eq!(pacer.usage().resting_for, Some(Duration::from_secs(16)));
    let _permit = pacer.permit(Class::Directory).await;
    assert_eq!(start.elapsed(), Duration::from_secs(17));
    assert_eq!(
        pacer.usage(),
        Usage { used: 1, foreign: 0, allowed: 300, window_ends_in: None, resting_for: None }
    );
    assert_eq!(pacer.throttled(None, None), REST, "nothing is known of the window");
}

#[tokio::test(start_paused = true)]
async fn a_429_that_ends_at_once_rests_everybody_all_the_same() {
    let pacer = pacer(20, 300);
    assert_eq!(pacer.throttled(Some(Duration::ZERO), None), SHORTEST_REST);
    assert_eq!(pacer.usage().resting_for, Some(SHORTEST_REST));
}

#[tokio::test(start_paused = true)]
async fn until_the_first_answer_requests_go_one_by_one() {
    let pacer = pacer(20, 300);
    let _permit = pacer.permit(Class::Channel).await;
    let under_way = pacer.begin(Class::Channel);
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, pacer.permit(Class::Update)).await.is_err());
    // The run before this one has used nearly everything.
    let headers = RateHeaders { count: Some(293), allowed: Some(300), reset: Some(30) };
    under_way.answered(headers);
    let _permit = pacer.permit(Class::Update).await;
    assert_eq!(pacer.usage().used, 294);
    assert!(tokio::time::timeout(second, pacer.permit(Class::Update)).await.is_err());
}
