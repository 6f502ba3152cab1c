//! Loops that end although they never should.
//!
//! Where nothing is lost by it they are begun anew, after a while ([`kept_up`]): what they hold is
//! kept elsewhere, or can be asked for again. Where something would be lost, the process ends with
//! the loop's name as its reason ([`named`]) and begins anew as a whole, from its journal.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Part;

/// After the first end; twice as long after each further one …
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// … up to this: what such a loop does can wait for a minute.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// A loop that ran so long is no loop that keeps failing.
const LASTED: Duration = Duration::from_secs(600);

/// Runs a loop until `stop`, and makes it anew whenever it ends before, by itself or by a panic.
///
/// # Cancel safety
///
/// Dropping the future drops the loop.
pub(super) async fn kept_up<L: Future<Output = ()>>(
    name: &'static str,
    stop: CancellationToken,
    mut make: impl FnMut() -> L,
) {
    let mut wait = FIRST_WAIT;
    loop {
        let began = Instant::now();
        // Whatever it left half done goes with it.
        let panicked = AssertUnwindSafe(make()).catch_unwind().await.is_err();
        if stop.is_cancelled() {
            return;
        }
        if began.elapsed() >= LASTED {
            wait = FIRST_WAIT;
        }
        let seconds = wait.as_secs();
        error!(name, panicked, seconds, "a loop has ended that never should, will begin it anew");
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            return;
        }
        wait = (wait * 2).min(MAX_WAIT);
    }
}

/// Runs a loop; should it panic, its name is what is known of it.
///
/// # Cancel safety
///
/// That of the loop.
pub(super) async fn named(name: &'static str, work: impl Future<Output = Part>) -> Part {
    // Nothing of it is used afterwards: the process ends.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Part::Panicked(name))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// When each life began, in seconds; a life lasts as long as it is told, and then fails.
    async fn lives(lasts: &[u64], stop_after: u64) -> Vec<u64> {
        let (start, begun) = (Instant::now(), Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let work = kept_up("lists", stop.clone(), || {
            let mut begun = begun.lock().unwrap();
            begun.push(start.elapsed().as_secs());
            let (count, lasts) = (begun.len(), lasts.get(begun.len() - 1).copied());
            let stop = stop.clone();
            async move {
                sleep(Duration::from_secs(lasts.unwrap_or(u64::MAX / 4))).await;
                assert!(stop.is_cancelled() || count % 2 == 0, "every other life ends in a panic");
            }
        });
        let _cut_off = tokio::time::timeout(Duration::from_secs(stop_after), work).await;
        begun.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_is_begun_anew_ever_later_unless_it_lasted() {
        assert_eq!(lives(&[0, 0, 0, 0], 60).await, [0, 1, 3, 7, 15]);
        assert_eq!(lives(&[0, 0, 0, 900, 0], 1000).await, [0, 1, 3, 7, 908, 910]);
        let many = lives(&[0; 12], 600).await;
        assert_eq!(many[6..], [63, 123, 183, 243, 303, 363, 423], "once a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_it_also_while_it_waits() {
        for after in [5, 15] {
            let stop = CancellationToken::new();
            let work = kept_up("lists", stop.clone(), || sleep(Duration::from_secs(10)));
            let told = async {
                sleep(Duration::from_secs(after)).await;
                stop.cancel();
            };
            let start = Instant::now();
            tokio::join!(work, told);
            assert!(start.elapsed() <= Duration::from_secs(22), "{after}: {:?}", start.elapsed());
        }
    }

    #[tokio::test]
    async fn a_panic_is_known_by_its_loop() {
        assert!(matches!(named("x", async { Part::Pipeline }).await, Part::Pipeline));
        assert!(matches!(named("x", async { panic!("as expected") }).await, Part::Panicked("x")));
    }
}
