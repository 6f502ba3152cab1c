//! Keeps up to date whose conversations are wanted.
//!
//! One loop owns what the directory has said. It starts with what was kept from the last run, asks
//! the directory, and asks again every so often, and at once when what is wanted changes. It tells
//! the others only when something changed. Whatever fails, nobody who was watched is lost by it.
//!
//! It knows no topics: those are made of what it tells.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::config;
use crate::genesys::call::Api;
use crate::genesys::directory::{Cache, Failed, Known, Watching, refresh};
use crate::genesys::names::NamesWanted;
use crate::machine;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// The wait after a first round that failed in part; doubled each time, up to the refresh.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// What was kept serves for so long before the directory is asked at a start: until the first answer
/// requests go one by one, and those that bring the channels up shall not stand behind a listing.
const HEAD_START: Duration = Duration::from_secs(1);
/// Waits differ by so much, so that many daemons do not ask at the same moment.
const JITTER: f64 = 0.1;
/// Names that are logged one by one; beyond it a count does.
const LOGGED: usize = 20;

/// What is wanted: by the configuration, and by the rules.
pub type Wanted = (config::Watch, NamesWanted);

/// The loop, and what it needs.
pub struct Watcher {
    pub api: Arc<dyn Api>,
    pub cache: Cache,
    pub wanted: watch::Receiver<Wanted>,
    /// Asks for a refresh now.
    pub refresh_now: Arc<Notify>,
    pub out: watch::Sender<Arc<Watching>>,
    pub beat: Beat,
}

impl Watcher {
    /// Runs until told to stop. Before the first answer, and without anything kept, nothing is told.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as good as `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.go_round()).await;
        debug!("watching stopped");
    }

    async fn go_round(&mut self) {
        let loaded = beating(&self.beat, self.cache.load()).await;
        let mut known = loaded.unwrap_or_else(|error| {
            warn!(%error, "kept names cannot be used");
            Known::default()
        });
        let mut kept = known.clone();
        let (mut failures, mut starts) = (0, true);
        loop {
            let (watch, names) = self.wanted.borrow_and_update().clone();
            let starting = std::mem::replace(&mut starts, false);
            if !known.is_empty() {
                // What a change of the configuration removes need not wait for the directory.
                let mut watching = known.watching(&watch, &names);
                watching.failed = self.out.borrow().failed.clone();
                let nobody_is_missing = watching.complete;
                self.tell(watching, true);
                if starting && nobody_is_missing {
                    self.rest(HEAD_START).await;
                    continue;
                }
            }
            let api = Arc::clone(&self.api);
            let work = refresh(api.as_ref(), &watch, &names, &mut known);
            let failed = beating(&self.beat, work).await;
            let passing = failed.iter().any(|failed| failed.temporary);
            failures = if passing { failures + 1 } else { 0 };
            let mut watching = known.watching(&watch, &names);
            watching.failed = failed;
            self.tell(watching, passing);
            if known != kept {
                match beating(&self.beat, self.cache.store(&known)).await {
                    Ok(()) => kept = known.clone(),
                    Err(error) => warn!(%error, "resolved names cannot be kept"),
                }
            }
            self.rest(wait(watch.refresh, failures)).await;
        }
    }

    /// Tells the others if anything changed. While `unsettled`, nobody is dropped for not being
    /// known.
    fn tell(&self, mut watching: Watching, unsettled: bool) {
        let before = Arc::clone(&self.out.borrow());
        if unsettled && !watching.complete {
            watching.users.extend(before.users.iter().cloned());
            watching.queues.extend(before.queues.iter().cloned());
        }
        log_news(&before, &watching);
        self.out.send_if_modified(|current| {
            let changed = **current != watching;
            if changed {
                *current = Arc::new(watching);
            }
            changed
        });
    }

    /// Waits for the next round, or for a reason to begin it now.
    async fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        let Watcher { wanted, refresh_now, beat, .. } = self;
        let rest = async {
            tokio::select! {
                biased;
                () = sleep_until(until) => {}
                Ok(()) = wanted.changed() => {}
                () = refresh_now.notified() => {}
            }
        };
        beating(beat, rest).await;
    }
}

/// The wait between two rounds.
fn wait(refresh: Duration, failures: u32) -> Duration {
    let wait = match failures.checked_sub(1) {
        None => refresh,
        Some(doublings) => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(refresh),
    };
    wait.mul_f64(machine::random_range(1.0 - JITTER..=1.0 + JITTER))
}

/// Gives the beat while something takes its time: each call in it has a limit of its own, and a disk
/// that hangs is no reason to take the service for hung.
async fn beating<T>(beat: &Beat, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        beat.give();
        if let Ok(done) = timeout(IDLE_BEAT, &mut work).await {
            return done;
        }
    }
}

fn log_news(before: &Watching, now: &Watching) {
    let (users, queues) = (now.users.len(), now.queues.len());
    if (&before.users, &before.queues) != (&now.users, &now.queues) {
        let joined = now.users.difference(&before.users).count();
        let left = before.users.difference(&now.users).count();
        info!(users, queues, joined, left, "watching");
    }
    let unknown: Vec<_> = now.unknown.difference(&before.unknown).collect();
    for name in unknown.iter().take(LOGGED) {
        warn!(
            %name,
            "not in the directory: check the spelling, and that the client's role covers its division"
        );
    }
    if unknown.len() > LOGGED {
        warn!(more = unknown.len() - LOGGED, "and others are not in the directory");
    }
    for failed in &now.failed {
        let Failed { operation, temporary, .. } = failed;
        match temporary {
            true => warn!(operation, error = %failed, "the directory did not answer, will retry"),
            // Said once: it lasts until somebody does something.
            false if !before.failed.contains(failed) => {
                warn!(operation, error = %failed, "the directory refused, what it said before stays");
            }
            false => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::sync::atomic::{AtomicU16, Ordering};

    use serde_json::json;

    use super::*;
    use crate::config::Watch;
    use crate::genesys::directory::fake::Fake;
    use crate::status::pulse::Pulse;

    const MINUTE: Duration = Duration::from_secs(60);

    fn billing() -> Watch {
        Watch {
            users: vec![],
            members_of_queues: vec!["Billing".to_owned()],
            members_of_groups: vec![],
            all_users: false,
            queues: vec![],
            acd_only: false,
            refresh: 10 * MINUTE,
        }
    }

    /// A queue whose members, and whose answers' status, a test can change.
    struct Scene {
        members: Arc<AtomicU16>,
        status: Arc<AtomicU16>,
        wanted: watch::Sender<Wanted>,
        told: watch::Receiver<Arc<Watching>>,
        refresh_now: Arc<Notify>,
        pulse: Pulse,
        stop: CancellationToken,
        task: tokio::task::JoinSet<()>,
    }

    fn scene(dir: &Path, status: u16) -> Scene {
        let (members, status) = (Arc::new(AtomicU16::new(2)), Arc::new(AtomicU16::new(status)));
        let (count, answers) = (Arc::clone(&members), Arc::clone(&status));
        let api = Fake::new(move |call| {
            let users =
                (0..count.load(Ordering::Relaxed)).map(|n| json!({ "id": format!("u{n}") }));
            let body = match call.operation {
                "list_queues" => json!([{ "id": "q1", "name": "Billing" }]),
                "queue_members" => json!(users.collect::<Vec<_>>()),
                _ => json!([]),
            };
            (answers.load(Ordering::Relaxed), json!({ "entities": body, "pageCount": 1 }))
        });
        let (wanted, receiver) = watch::channel((billing(), NamesWanted::default()));
        let (out, told) = watch::channel(Arc::default());
        let refresh_now = Arc::new(Notify::new());
        let pulse = Pulse::default();
        let stop = CancellationToken::new();
        let watcher = Watcher {
            api: Arc::new(api),
            cache: Cache::new(dir),
            wanted: receiver,
            refresh_now: Arc::clone(&refresh_now),
            out,
            beat: pulse.add("watching"),
        };
        let mut task = tokio::task::JoinSet::new();
        task.spawn(watcher.run(stop.clone()));
        Scene { members, status, wanted, told, refresh_now, pulse, stop, task }
    }

    impl Scene {
        async fn news(&mut self) -> Arc<Watching> {
            timeout(60 * MINUTE, self.told.changed()).await.unwrap().unwrap();
            Arc::clone(&self.told.borrow_and_update())
        }

        async fn ends(mut self) {
            self.stop.cancel();
            self.task.join_next().await.unwrap().unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn joiners_and_leavers_are_told_and_silence_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let mut scene = scene(dir.path(), 200);
        assert_eq!(scene.news().await.users.len(), 2);
        tokio::time::sleep(35 * MINUTE).await;
        assert!(!scene.told.has_changed().unwrap());
        assert!(scene.pulse.silent(2 * IDLE_BEAT).is_empty());
        scene.members.store(3, Ordering::Relaxed);
        assert_eq!(scene.news().await.users.len(), 3);
        scene.members.store(1, Ordering::Relaxed);
        scene.refresh_now.notify_one();
        let before = Instant::now();
        assert_eq!(scene.news().await.users.len(), 1);
        assert!(before.elapsed() < MINUTE);
        scene.ends().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_removes_nobody_and_is_got_over_soon() {
        let dir = tempfile::tempdir().unwrap();
        let mut scene = scene(dir.path(), 503);
        let watching = scene.news().await;
        assert!(watching.is_unanswered() && !watching.failed.is_empty());
        tokio::time::sleep(MINUTE).await;
        assert!(!scene.told.has_changed().unwrap(), "nobody answers, still, so there is no news");
        scene.status.store(200, Ordering::Relaxed);
        assert_eq!(scene.news().await.users.len(), 2);
        for status in [503, 403] {
            scene.status.store(status, Ordering::Relaxed);
            let watching = scene.news().await;
            assert_eq!((watching.users.len(), watching.failed.is_empty()), (2, false));
        }
        scene.ends().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_does_not_need_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = scene(dir.path(), 200);
        first.news().await;
        // It is kept after it is told, by the disk's own clock.
        while !dir.path().join("names.json").exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.ends().await;
        let mut second = scene(dir.path(), 503);
        let watching = second.news().await;
        assert_eq!((watching.users.len(), watching.complete), (2, true));
        second.ends().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_what_is_wanted_takes_effect_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut scene = scene(dir.path(), 200);
        scene.news().await;
        let names =
            NamesWanted { queues: BTreeSet::from(["Sales".to_owned()]), ..Default::default() };
        scene.wanted.send_modify(|wanted| wanted.1 = names);
        let watching = scene.news().await;
        assert_eq!(watching.unknown.iter().next().unwrap().to_string(), "queue Sales");
        // Who moves from one list to another is not lost while the other is not known yet.
        scene.status.store(503, Ordering::Relaxed);
        scene.wanted.send_modify(|wanted| {
            wanted.0.members_of_queues.clear();
            wanted.0.users = vec!["jane@example.com".to_owned()];
        });
        assert_eq!(scene.news().await.users.len(), 2);
        scene.status.store(200, Ordering::Relaxed);
        while !scene.news().await.users.is_empty() {}
        scene.ends().await;
    }
}
