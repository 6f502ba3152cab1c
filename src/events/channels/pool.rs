//! The notification channels that we know at Genesys: those in use, and those to be used again.
//!
//! There is no call that deletes a channel, and a 21st of one client evicts another (FACTS 1.5). So
//! the pool promises two things: it never knows more than its limit, one more than the tasks that
//! hold one, and what was made once is used again, across restarts too (its owner keeps
//! [`known`](Pool::known) in a file). It knows nothing of sockets and topics.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::notifications::{self, Channel as Lease, ChannelId};

/// When we are cut off while a channel is being made, we wait so long to learn its id: it would be
/// lost otherwise, and count against the 20 until it expires.
pub(crate) const CREATE_GRACE: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Pool {
    inner: Mutex<Inner>,
    changes: watch::Sender<u64>,
}

struct Inner {
    /// With the number of who holds it.
    held: Vec<(u32, Lease)>,
    /// Whoever waited longest comes first.
    spare: VecDeque<Lease>,
    making: usize,
    limit: usize,
}

/// What to do for one who needs a channel.
enum Next<'a> {
    Use(Lease),
    Make(Making<'a>),
    Wait,
}

/// Keeps a place for a channel that is being made.
struct Making<'a>(&'a Pool);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.change(|inner| inner.making -= 1);
    }
}

impl Pool {
    pub(crate) fn new(kept: Vec<Lease>) -> Pool {
        let inner = Inner { held: Vec::new(), spare: kept.into(), making: 0, limit: 1 };
        Pool { inner: Mutex::new(inner), changes: watch::Sender::new(0) }
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
        } else {
            inner.making += 1;
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

    /// Changes whenever anything about the pool does.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
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
    use std::sync::Arc;

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
