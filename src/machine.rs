//! What the daemon takes from the machine it runs on, beside Tokio's clock: the calendar, chance,
//! threads for files, who may read them, and what it does with a process that crashes.
//!
//! Ordinarily these are the wall's clock, the system's randomness and Tokio's blocking threads.
//! While a machine is [`play`]ed on a thread, everything on that thread follows from a seed: the
//! calendar goes with Tokio's clock, which tests pause, chance comes from the seed, and files are
//! read and written in place, so that no other thread decides an order. As Tokio's clock, it is
//! around all and handed to nobody. It promises nothing for runtimes of several threads.

use std::cell::RefCell;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use rand::distr::uniform::{SampleRange, SampleUniform};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

thread_local! {
    static PLAYED: RefCell<Option<Played>> = const { RefCell::new(None) };
}

struct Played {
    base: Timestamp,
    started: Instant,
    dice: StdRng,
}

/// Whether every user of this machine may read what this tells of: no place for a secret.
pub(crate) fn is_everybodys(found: &Metadata) -> bool {
    found.permissions().mode() & 0o004 != 0
}

/// Lets nothing of this process' memory, in which secrets are, be written to a file when it crashes.
/// For good: what it starts cannot undo it.
///
/// # Errors
///
/// If the system does not permit it.
pub fn forbid_core_dumps() -> io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    Ok(setrlimit(Resource::Core, none)?)
}

/// Ends when dropped: the thread has its real machine again.
#[must_use]
pub struct Playing(());

/// Plays a machine on this thread: its calendar says `base` now, and all chance comes from `seed`.
///
/// To be called where Tokio's clock is the one that is paused.
pub fn play(seed: u64, base: Timestamp) -> Playing {
    let dice = StdRng::seed_from_u64(seed);
    PLAYED.set(Some(Played { base, started: Instant::now(), dice }));
    Playing(())
}

impl Drop for Playing {
    fn drop(&mut self) {
        PLAYED.set(None);
    }
}

/// What the calendar says.
pub fn now() -> Timestamp {
    PLAYED.with_borrow(|played| match played {
        Some(played) => played.base.checked_add(played.started.elapsed()).unwrap_or(Timestamp::MAX),
        None => Timestamp::now(),
    })
}

/// A number in the range, by chance.
pub fn random_range<T: SampleUniform>(range: impl SampleRange<T>) -> T {
    PLAYED.with_borrow_mut(|played| match played {
        Some(played) => played.dice.random_range(range),
        None => rand::random_range(range),
    })
}

/// A seed for dice of one's own.
pub fn seed() -> u64 {
    random_range(0..=u64::MAX)
}

/// Work on another thread that brought no result. It does not say what a panic said: that may quote
/// anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    #[error("it panicked")]
    Panicked,
    #[error("it was cut off by the end of the process")]
    CutOff,
}

impl From<JoinError> for Unfinished {
    fn from(error: JoinError) -> Unfinished {
        if error.is_panic() { Unfinished::Panicked } else { Unfinished::CutOff }
    }
}

/// Does work that may block on a thread for such work; in place where the machine is played.
///
/// # Errors
///
/// If the work panicked, or its runtime is going down.
///
/// # Cancel safety
///
/// Dropping the future does not end work that has begun.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    if PLAYED.with_borrow(Option::is_some) {
        return Ok(work());
    }
    Ok(spawn_blocking(work).await?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_panicked_does_not_say_what_it_said() {
        let value = String::from("Jane Winterbottom");
        let failed = blocking(move || assert!(value.is_empty(), "{value} is not empty")).await;
        assert_eq!(failed.unwrap_err().to_string(), "it panicked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_played_machine_follows_from_its_seed_and_ends() {
        let base = Timestamp::from_second(1_000_000_000).unwrap();
        let dice = || [seed(), seed(), u64::from(random_range(0..1_000_000_u32))];
        let first = {
            let _playing = play(7, base);
            tokio::time::sleep(Duration::from_secs(90)).await;
            assert_eq!(now(), base + Duration::from_secs(90));
            assert_eq!(
                blocking(std::thread::current).await.unwrap().id(),
                std::thread::current().id()
            );
            dice()
        };
        assert!(now() > base + Duration::from_secs(100_000_000));
        let again = {
            let _playing = play(7, base);
            dice()
        };
        assert_eq!(first, again);
    }
}
