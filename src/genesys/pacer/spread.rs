//! How requests are spread over a window.
//!
//! While requests are short, they are spent evenly over what is left of the window: whoever is served
//! first never waits for long, the last requests wait for the answers that tell what is left, and
//! the next window is not opened with a burst that follows the last one's. Time in which nobody waited earns
//! credit, with which a burst goes as fast as the token bucket lets it, so that what happens after a
//! quiet minute is dealt with at once. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The part of the allowance that may go in one burst: what two thirds of a minute earn.
const BURST: f64 = 0.7;
/// The part of it with which a program starts, that does not know yet with whom it shares.
const FIRST: f64 = 0.5;
/// The part of the allowance after which nothing goes in bursts any more.
const TAIL: f64 = 0.7;
/// What was missed is made up for at up to this many times the even pace.
const CATCH_UP: f64 = 2.0;

/// What a window has to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Requests that a window may have.
    pub(super) allowed: u32,
    /// Requests of it that are used, or may be.
    pub(super) used: u32,
    /// Requests that are left for whom this is about.
    pub(super) left: f64,
    /// Over which time.
    pub(super) time: Duration,
    /// The allowance as requests a second.
    pub(super) rate: f64,
}

#[derive(Debug)]
pub(super) struct Spread {
    /// Requests that may go in a burst.
    credit: f64,
    /// When that was so; `None`: since then somebody waits, which earns nothing.
    earning_since: Option<Instant>,
    /// When leave was last taken.
    last: Option<Instant>,
    /// Windows in which nothing goes in bursts.
    careful: u32,
}

impl Spread {
    /// Nothing was used yet of so many requests.
    pub(super) fn new(allowed: u32) -> Spread {
        let credit = f64::from(allowed) * FIRST;
        Spread { credit, earning_since: None, last: None, careful: 0 }
    }

    /// Says whether the next request may be made now, or when.
    pub(super) fn ask(&self, now: Instant, room: Room) -> Result<(), Instant> {
        let in_tail = f64::from(room.used) >= f64::from(room.allowed) * TAIL;
        if self.credit >= 1.0 && self.careful == 0 && !in_tail {
            return Ok(());
        }
        let Some(last) = self.last else { return Ok(()) };
        let even = room.time.as_secs_f64() / room.left.max(1.0);
        let next = last + Duration::from_secs_f64(even.max(1.0 / (room.rate * CATCH_UP)));
        if now >= next { Ok(()) } else { Err(next) }
    }

    /// Leave was taken.
    pub(super) fn took(&mut self, now: Instant) {
        self.spend(1);
        self.last = Some(now);
    }

    /// So many requests were made, by others.
    pub(super) fn spend(&mut self, requests: u32) {
        self.credit = (self.credit - f64::from(requests)).max(0.0);
    }

    /// Credit is never more than what is left of a burst, when so many requests are used already.
    pub(super) fn bound(&mut self, allowed: u32, used: u32) {
        let most = f64::from(allowed) * BURST - f64::from(used);
        self.credit = self.credit.min(most.max(0.0));
    }

    /// From now on somebody waits, or nobody does. What was earned until now is earned at this many
    /// requests a second.
    pub(super) fn waiting(&mut self, now: Instant, somebody: bool, allowed: u32, rate: f64) {
        if let Some(since) = self.earning_since {
            let time = now.saturating_duration_since(since);
            let earned = self.credit + time.as_secs_f64() * rate;
            self.credit = earned.min(f64::from(allowed) * BURST);
        }
        self.earning_since = (!somebody).then_some(now);
    }

    /// For so many windows nothing goes in bursts.
    pub(super) fn be_careful(&mut self, windows: u32) {
        self.careful = windows;
    }

    pub(super) fn window_began(&mut self) {
        self.careful = self.careful.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: u32 = 300;

    /// Lets someone who always waits take leave for so many seconds of a window that lasts a minute, from
    /// `used` on; returns how many each second had.
    fn serve(spread: &mut Spread, start: Instant, mut used: u32) -> Vec<u32> {
        let mut seconds = vec![0; 60];
        spread.waiting(start, true, ALLOWED, 5.0);
        for millis in (0..60_000).step_by(50) {
            let now = start + Duration::from_millis(millis);
            let room = Room {
                allowed: ALLOWED,
                used,
                left: f64::from(ALLOWED - used),
                time: Duration::from_millis(60_000 - millis),
                rate: 5.0,
            };
            if used < ALLOWED && spread.ask(now, room).is_ok() {
                spread.took(now);
                used += 1;
                seconds[usize::try_from(millis / 1000).unwrap()] += 1;
            }
        }
        assert_eq!(used, ALLOWED);
        spread.waiting(start + Duration::from_secs(60), false, ALLOWED, 5.0);
        seconds
    }

    #[test]
    fn a_burst_is_not_followed_by_another() {
        let (mut spread, start) = (Spread::new(ALLOWED), Instant::now());
        let first = serve(&mut spread, start, 0);
        assert_eq!(first[..8].iter().sum::<u32>(), 151, "half at once");
        assert!(first[9..].iter().all(|second| (2..=4).contains(second)), "{first:?}");
        // Nothing was earned, so the next window is opened evenly.
        let second = serve(&mut spread, start + Duration::from_secs(60), 0);
        assert!(second.iter().all(|second| (4..=6).contains(second)), "{second:?}");
    }

    #[test]
    fn quiet_time_earns_a_burst() {
        let (mut spread, start) = (Spread::new(ALLOWED), Instant::now());
        spread.bound(ALLOWED, ALLOWED);
        spread.waiting(start, false, ALLOWED, 5.0);
        let seconds = serve(&mut spread, start + Duration::from_secs(60), 0);
        assert!(seconds[..12].iter().sum::<u32>() >= 200, "{seconds:?}");
        assert!(seconds[12..].iter().all(|second| (1..=3).contains(second)), "{seconds:?}");
    }

    #[test]
    fn who_is_careful_does_without() {
        let (mut spread, start) = (Spread::new(ALLOWED), Instant::now());
        spread.be_careful(1);
        let seconds = serve(&mut spread, start, 0);
        assert!(seconds.iter().all(|second| (4..=6).contains(second)), "{seconds:?}");
        spread.window_began();
        spread.waiting(start + Duration::from_secs(120), true, ALLOWED, 5.0);
        assert!(serve(&mut spread, start + Duration::from_secs(120), 0)[0] > 10);
    }
}
