//! The notification channels that we know at Genesys: those in use, and those to be used again.
//!
//! There is no call that deletes a channel, and a 21st of one client evicts another (FACTS 1.5). So
//! the pool promises two things: it never knows more than its limit, one more than the tasks that
//! hold one, and what was made once is used again, across restarts too (its owner keeps
//! [`known`](Pool::known) in a file). A third is for the time when somebody takes our channels away:
//! no more than so many are made in an hour. It knows nothing of sockets and topics.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::notifications::{self, Channel as Lease, ChannelId};

/// When we are cut off while a channel is being made, we wait so long to learn its id: it would be
/// lost otherwise, and count against the 20 until it expires.
pub(crate) const CREATE_GRACE: Duration = Duration::from_secs(2);

/// Channels made within an hour beyond those that there is room for. Each that is made takes one away
/// from another program where the client has 20, and that may take one of ours again: after so many
/// the two rest. A channel that dies by itself is made anew once a day.
const MADE_AGAIN: usize = 20;
const HOUR: Duration = Duration::from_secs(3600);

/// See the module.
pub(crate) struct Pool {
    inner: Mutex<Inner>,
    /// Shared with the pools of other clients, for whoever keeps all of them.
    changes: Arc<watch::Sender<u64>>,
}

struct Inner {
    /// With the number of who holds it.
    held: Vec<(u32, Lease)>,
    /// Whoever waited longest comes first.
    spare: VecDeque<Lease>,
    making: usize,
    limit: usize,
    /// When channels were made within the last hour, the oldest first.
    made: VecDeque<Instant>,
    is_resting: bool,
}

/// What to do for one who needs a channel.
enum Next<'a> {
    Use(Lease),
    Make(Making<'a>),
    Wait,
    /// Too many were made.
    Rest {
        until: Instant,
    },
}

/// Keeps a place for a channel that is being made.
struct Making<'a>(&'a Pool);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.change(|inner| inner.making -= 1);
    }
}

impl Pool {
    #[cfg(test)]
    pub(crate) fn new(kept: Vec<Lease>) -> Pool {
        Pool::telling(kept, Arc::new(watch::Sender::new(0)))
    }

    /// A pool with what was kept, which tells there whenever anything about it changes.
    pub(crate) fn telling(kept: Vec<Lease>, changes: Arc<watch::Sender<u64>>) -> Pool {
        let inner = Inner {
            held: Vec::new(),
            spare: kept.into(),
            making: 0,
            limit: 1,
            made: VecDeque::new(),
            is_resting: false,
        };
        Pool { inner: Mutex::new(inner), changes }
    }

    /// Takes a channel that lives, or makes one. `None` if it was cut off.
    ///
    /// The one to `avoid` is given only if there is no other and none may be made.
    ///
    /// # Cancel safety
    ///
    /// Not safe, end it by `cut`: a channel could be made that nobody knows.
    pub(crate) async fn obtain(
        &self,
        api: &dyn Api,
        holder: u32,
        avoid: Option<&ChannelId>,
        cut: &CancellationToken,
    ) -> Result<Option<Lease>, CallError> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            match self.next(holder, avoid) {
                Next::Use(lease) => {
                    match cut.run_until_cancelled(notifications::lives(api, &lease.id)).await {
                        Some(Ok(true)) => return Ok(Some(lease)),
                        // Not ours, or gone.
                        Some(Ok(false) | Err(CallError::Forbidden(_))) => self.forget(&lease.id),
                        Some(Err(error)) => {
                            self.give_back(&lease.id);
                            return Err(error);
                        }
                        None => {
                            self.give_back(&lease.id);
                            return Ok(None);
                        }
                    }
                }
                Next::Make(making) => {
                    let made = make(api, cut).await?;
                    if let Some(lease) = &made {
                        self.change(|inner| inner.held.push((holder, lease.clone())));
                    }
                    drop(making);
                    return Ok(made);
                }
                Next::Wait => {
                    if !matches!(cut.run_until_cancelled(changes.changed()).await, Some(Ok(()))) {
                        return Ok(None);
                    }
                }
                Next::Rest { until } => {
                    let rest = timeout_at(until, changes.changed());
                    if !matches!(cut.run_until_cancelled(rest).await, Some(Ok(Ok(())) | Err(_))) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn next(&self, holder: u32, avoid: Option<&ChannelId>) -> Next<'_> {
        let mut inner = self.lock();
        let other = inner.spare.iter().position(|lease| Some(&lease.id) != avoid);
        let full = inner.held.len() + inner.spare.len() + inner.making >= inner.limit;
        let spare = match other {
            Some(at) => inner.spare.remove(at),
            None if full => inner.spare.pop_front(),
            None => None,
        };
        let next = if let Some(lease) = spare {
            inner.held.push((holder, lease.clone()));
            Next::Use(lease)
        } else if full {
            // Nothing changed, and who waits for a change must not be woken by this.
            return Next::Wait;
        } else if let Some(until) = inner.rests_until(Instant::now()) {
            return Next::Rest { until };
        } else {
            inner.making += 1;
            inner.made.push_back(Instant::now());
            Next::Make(Making(self))
        };
        drop(inner);
        self.tell();
        next
    }

    /// It is not used any more, and may be by others.
    pub(crate) fn give_back(&self, id: &ChannelId) {
        self.change(|inner| {
            if let Some(at) = inner.held.iter().position(|(_, lease)| lease.id == *id) {
                let (_, lease) = inner.held.remove(at);
                inner.spare.push_back(lease);
            }
        });
    }

    /// Gives back whatever somebody held who is no more.
    pub(crate) fn give_back_all(&self, holder: u32) {
        self.change(|inner| {
            let (gone, held) = inner.held.drain(..).partition(|(who, _)| *who == holder);
            inner.held = held;
            let gone: Vec<(u32, Lease)> = gone;
            inner.spare.extend(gone.into_iter().map(|(_, lease)| lease));
        });
    }

    /// It is gone, or will be soon.
    pub(crate) fn forget(&self, id: &ChannelId) {
        self.change(|inner| {
            inner.held.retain(|(_, lease)| lease.id != *id);
            inner.spare.retain(|lease| lease.id != *id);
        });
    }

    pub(crate) fn extended(&self, id: &ChannelId, expires: Timestamp) {
        self.change(|inner| {
            for (_, lease) in inner.held.iter_mut().filter(|(_, lease)| lease.id == *id) {
                lease.expires = Some(expires);
            }
        });
    }

    /// How many channels may be known before one is made. A lower limit takes none away.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.change(|inner| inner.limit = limit);
    }

    /// All channels, those in use first.
    pub(crate) fn known(&self) -> Vec<Lease> {
        let inner = self.lock();
        inner.held.iter().map(|(_, lease)| lease).chain(&inner.spare).cloned().collect()
    }

    fn change(&self, act: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        act(&mut inner);
        drop(inner);
        self.tell();
    }

    fn tell(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Until when no channel is made; says so when a rest begins.
    fn rests_until(&mut self, now: Instant) -> Option<Instant> {
        while self.made.front().is_some_and(|at| now.duration_since(*at) >= HOUR) {
            self.made.pop_front();
        }
        let oldest = *self.made.front()?;
        let rests = self.made.len() >= self.limit + MADE_AGAIN;
        if rests && !self.is_resting {
            let made = self.made.len();
            let minutes = (oldest + HOUR).duration_since(now).as_secs() / 60;
            error!(
                made,
                minutes,
                "channels are taken from us again and again, making none for so many minutes: \
                another program of this OAuth client makes channels, give the daemon a client of \
                its own"
            );
        }
        self.is_resting = rests;
        rests.then(|| oldest + HOUR)
    }
}

async fn make(api: &dyn Api, cut: &CancellationToken) -> Result<Option<Lease>, CallError> {
    let Some(permit) = cut.run_until_cancelled(api.permit(Class::Channel)).await else {
        return Ok(None);
    };
    let too_late = async {
        cut.cancelled().await;
        sleep(CREATE_GRACE).await;
    };
    tokio::select! {
        biased;
        made = notifications::create(api, permit) => made.map(Some),
        () = too_late => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::channels::rig::World;

    async fn obtain(pool: &Pool, world: &Arc<World>, holder: u32) -> Option<ChannelId> {
        let cut = CancellationToken::new();
        let taking = pool.obtain(world.as_ref(), holder, None, &cut);
        let taken = tokio::time::timeout(Duration::from_secs(60), taking).await.ok()?;
        Some(taken.unwrap().unwrap().id)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_is_used_again_and_the_limit_holds() {
        let world = World::new();
        let pool = Pool::new(Vec::new());
        pool.set_limit(2);
        let first = obtain(&pool, &world, 0).await.unwrap();
        let second = obtain(&pool, &world, 1).await.unwrap();
        assert_eq!(obtain(&pool, &world, 2).await, None, "it waits");
        pool.give_back(&first);
        assert_eq!(obtain(&pool, &world, 2).await, Some(first.clone()));
        assert_eq!(world.count("create_channel"), 2);
        // One that is gone is replaced.
        pool.give_back(&first);
        world.expire(first.expose());
        assert_ne!(obtain(&pool, &world, 2).await, Some(first));
        pool.give_back_all(1);
        assert_eq!(obtain(&pool, &world, 3).await, Some(second));
    }

    #[tokio::test(start_paused = true)]
    async fn after_so_many_in_an_hour_none_is_made_and_what_there_is_is_used() {
        let world = World::new();
        let pool = Pool::new(Vec::new());
        pool.set_limit(2);
        let made = || world.count("create_channel");
        for n in 1..=2 + MADE_AGAIN {
            sleep(Duration::from_secs(60)).await;
            let id = obtain(&pool, &world, 0).await.unwrap();
            assert_eq!(made(), n);
            world.expire(id.expose());
            pool.forget(&id);
        }
        let before = Instant::now();
        let (mut last, mut waited) = (None, 0);
        while last.is_none() {
            last = obtain(&pool, &world, 0).await;
            waited += 1;
        }
        assert!(before.elapsed() >= HOUR - Duration::from_secs(60 * 22), "{waited}");
        assert_eq!(made(), 3 + MADE_AGAIN);
        // One that is there may be used all the while.
        let last = last.unwrap();
        pool.give_back(&last);
        assert_eq!(obtain(&pool, &world, 1).await, Some(last));
    }

    #[tokio::test(start_paused = true)]
    async fn one_to_avoid_is_the_last_resort() {
        let world = World::new();
        let pool = Pool::new(Vec::new());
        pool.set_limit(2);
        let bad = obtain(&pool, &world, 0).await.unwrap();
        pool.give_back(&bad);
        let cut = CancellationToken::new();
        let other = pool.obtain(world.as_ref(), 0, Some(&bad), &cut).await.unwrap().unwrap();
        assert_ne!(other.id, bad, "a second one may be made");
        let last = pool.obtain(world.as_ref(), 0, Some(&bad), &cut).await.unwrap().unwrap();
        assert_eq!(last.id, bad, "a third may not");
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_that_is_being_made_at_the_end_is_still_learnt() {
        let world = World::new();
        world.slow("create_channel", Duration::from_secs(1));
        let pool = Pool::new(Vec::new());
        let cut = CancellationToken::new();
        cut.cancel();
        let mut taking = Box::pin(pool.obtain(world.as_ref(), 0, None, &cut));
        // Leave is there at once, so that the call is on its way when the end comes.
        let taken = tokio::time::timeout(Duration::from_secs(5), &mut taking).await.unwrap();
        drop(taking);
        assert!(taken.unwrap().is_none(), "cut off before it had leave");
        assert_eq!(world.count("create_channel"), 0);

        let cut = CancellationToken::new();
        let taking = pool.obtain(world.as_ref(), 0, None, &cut);
        let end = async {
            sleep(Duration::from_millis(500)).await;
            cut.cancel();
        };
        let (taken, ()) = tokio::join!(taking, end);
        assert!(taken.unwrap().is_some());
        assert_eq!(pool.known().len(), 1);
    }
}
