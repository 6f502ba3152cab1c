//! The requests of this month, against how many there may be: Genesys bills API requests beyond what
//! an organisation's licences include.
//!
//! The [`Ledger`] counts and foresees, and is a value. [`Monthly`] keeps to it: once a month has seen
//! as many requests as it may, nothing but tokens and channels gets leave until the next. It may pass
//! by the few requests that had leave already. Months are those of UTC; which day Genesys bills from
//! is not known (FACTS 5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::call::{Answer, Api, Call, CallError, Class, Permit};
use crate::status::counts::Counts;

/// Sooner a forecast would take a morning for a month.
const FORECAST_AFTER_SECONDS: i64 = 24 * 3600;

/// What outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Such as `2026-11`.
    pub month: String,
    /// Since when its requests have been counted: seconds since 1970.
    pub since: i64,
    pub requests: u64,
    /// That they may not suffice was said already.
    pub warned: bool,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Ledger {
    first_day: Date,
    since: i64,
    /// Of this month, by earlier processes.
    before: u64,
    /// What this process had made when it began to count for the month.
    made_before: u64,
    warned: bool,
}

impl Ledger {
    /// Goes on with what was kept, if it is of this month.
    pub fn new(kept: Option<&Kept>, now: Timestamp) -> Ledger {
        let mut ledger = Ledger::of_month(now, 0);
        if let Some(kept) = kept.filter(|kept| kept.month == ledger.month()) {
            ledger.since = kept.since.min(ledger.since);
            (ledger.before, ledger.warned) = (kept.requests, kept.warned);
        }
        ledger
    }

    fn of_month(now: Timestamp, made_before: u64) -> Ledger {
        let first_day = now.to_zoned(TimeZone::UTC).date().first_of_month();
        Ledger { first_day, since: now.as_second(), before: 0, made_before, warned: false }
    }

    pub fn month(&self) -> String {
        self.first_day.strftime("%Y-%m").to_string()
    }

    /// The first day of the next.
    pub fn next(&self) -> Date {
        self.first_day.last_of_month().tomorrow().unwrap_or(Date::MAX)
    }

    /// Requests of this month; `made` are those of this process.
    pub fn requests(&self, made: u64) -> u64 {
        self.before + made.saturating_sub(self.made_before)
    }

    /// Begins anew if another month has come: returns true.
    pub fn turn(&mut self, made: u64, now: Timestamp) -> bool {
        let turned = now.to_zoned(TimeZone::UTC).date() >= self.next();
        if turned {
            *self = Ledger::of_month(now, made);
        }
        turned
    }

    /// How many there will be at the end of the month, at the pace so far; `None` as long as there
    /// is too little to go by.
    pub fn forecast(&self, made: u64, now: Timestamp) -> Option<u64> {
        let counted = now.as_second() - self.since;
        if counted < FORECAST_AFTER_SECONDS {
            return None;
        }
        let end = self.next().to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        let (counted, left) =
            (u128::try_from(counted).ok()?, u128::try_from(end - now.as_second()));
        let requests = self.requests(made);
        let more = u128::from(requests) * left.unwrap_or(0) / counted;
        Some(requests.saturating_add(u64::try_from(more).unwrap_or(u64::MAX)))
    }

    /// Whether it is time to say that so many may not suffice: once a month, when the forecast says
    /// so or four fifths are used.
    pub fn warns(&mut self, made: u64, limit: u64, now: Timestamp) -> bool {
        let most = self.requests(made).saturating_mul(5) >= limit.saturating_mul(4);
        let warns = most || self.forecast(made, now).is_some_and(|forecast| forecast > limit);
        warns && !std::mem::replace(&mut self.warned, true)
    }

    pub fn kept(&self, made: u64) -> Kept {
        let (month, requests) = (self.month(), self.requests(made));
        Kept { month, since: self.since, requests, warned: self.warned }
    }
}

/// The API, as far as the month has requests left.
pub struct Monthly {
    api: Arc<dyn Api>,
    counts: Arc<Counts>,
    state: Mutex<State>,
    /// There may be room again.
    changed: Notify,
}

struct State {
    ledger: Ledger,
    limit: Option<u64>,
}

impl Monthly {
    pub fn new(
        api: Arc<dyn Api>,
        counts: Arc<Counts>,
        ledger: Ledger,
        limit: Option<u64>,
    ) -> Arc<Monthly> {
        let state = Mutex::new(State { ledger, limit });
        Arc::new(Monthly { api, counts, state, changed: Notify::new() })
    }

    /// So many requests a month from now on; `None` for any number.
    pub fn limit_to(&self, limit: Option<u64>) {
        self.state().limit = limit;
        self.changed.notify_waiters();
    }

    pub fn limit(&self) -> Option<u64> {
        self.state().limit
    }

    /// Asks or changes the ledger; whoever waits looks again.
    pub fn with<T>(&self, work: impl FnOnce(&mut Ledger, u64) -> T) -> T {
        let made = self.counts.requests_made.get();
        let done = work(&mut self.state().ledger, made);
        self.changed.notify_waiters();
        done
    }

    /// Whether the month has no requests left.
    pub fn is_used_up(&self) -> bool {
        let State { ledger, limit } = &*self.state();
        limit.is_some_and(|limit| ledger.requests(self.counts.requests_made.get()) >= limit)
    }

    async fn room_for(&self, class: Class) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From before the look on, so that nothing is missed between the two.
            changed.as_mut().enable();
            if matches!(class, Class::Token | Class::Channel) || !self.is_used_up() {
                return;
            }
            changed.await;
        }
    }

    /// The state is whole between any two calls, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api for Monthly {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(async move {
            self.room_for(class).await;
            self.api.permit(class).await
        })
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        self.api.call_with(permit, call)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_goes_on_after_a_restart_and_ends_with_the_calendar() {
        let mut ledger = Ledger::new(None, at("2026-11-29T12:00:00Z"));
        assert_eq!((ledger.month(), ledger.requests(7)), ("2026-11".to_owned(), 7));
        let kept = ledger.kept(7);
        let mut again = Ledger::new(Some(&kept), at("2026-11-30T23:59:59Z"));
        assert_eq!(again.requests(3), 10);
        assert_eq!(again.kept(3).since, kept.since);
        assert!(!again.turn(4, at("2026-11-30T23:59:59Z")));
        assert!(again.turn(5, at("2026-12-01T00:00:00Z")));
        assert_eq!(
            (again.month(), again.requests(5), again.requests(9)),
            ("2026-12".to_owned(), 0, 4)
        );
        assert_eq!(Ledger::new(Some(&kept), at("2026-12-05T00:00:00Z")).requests(2), 2);
        assert!(ledger.turn(7, at("2028-02-29T00:00:00Z")));
        assert_eq!(ledger.next().to_string(), "2028-03-01");
    }

    #[test]
    fn a_forecast_takes_a_day_and_a_warning_comes_once_a_month() {
        let mut ledger = Ledger::new(None, at("2026-11-01T00:00:00Z"));
        assert_eq!(ledger.forecast(900, at("2026-11-01T23:00:00Z")), None);
        assert_eq!(ledger.forecast(1_000, at("2026-11-03T00:00:00Z")), Some(15_000));
        assert!(!ledger.warns(1_000, 15_000, at("2026-11-03T00:00:00Z")));
        assert!(ledger.warns(1_000, 14_999, at("2026-11-03T00:00:00Z")));
        assert!(!ledger.warns(9_000, 10_000, at("2026-11-04T00:00:00Z")), "said already");
        assert!(ledger.turn(9_000, at("2026-12-01T00:00:00Z")));
        assert!(!ledger.warns(9_799, 1_000, at("2026-12-01T01:00:00Z")));
        assert!(ledger.warns(9_800, 1_000, at("2026-12-01T01:00:00Z")), "four fifths, in an hour");
        assert!(ledger.kept(9_800).warned);
    }

    struct Willing;

    impl Api for Willing {
        fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
            Box::pin(async move { Permit::of(class) })
        }

        fn call_with(&self, _: Permit, _: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
            unreachable!("nothing is called")
        }
    }

    #[tokio::test]
    async fn a_month_that_is_used_up_spares_tokens_and_channels_and_ends_by_itself() {
        let (counts, start) = (Arc::new(Counts::default()), at("2026-11-29T12:00:00Z"));
        let ledger = Ledger::new(None, start);
        let monthly = Monthly::new(Arc::new(Willing), Arc::clone(&counts), ledger, Some(2));
        let gets = |class| monthly.permit(class).now_or_never().is_some();
        counts.request("patch_attributes", 202, std::time::Duration::ZERO);
        assert!(gets(Class::Update) && !monthly.is_used_up());
        counts.request("patch_attributes", 202, std::time::Duration::ZERO);
        assert!(monthly.is_used_up());
        let rest = [Class::Update, Class::Recovery, Class::Directory];
        assert!(!rest.into_iter().any(gets));
        assert!(gets(Class::Token) && gets(Class::Channel));
        // Somebody waits, and the month ends.
        let turns = async {
            tokio::task::yield_now().await;
            assert!(monthly.with(|ledger, made| ledger.turn(made, at("2026-12-01T00:00:00Z"))));
        };
        let (_permit, ()) = tokio::join!(monthly.permit(Class::Update), turns);
        monthly.limit_to(Some(0));
        assert!(!gets(Class::Update));
        monthly.limit_to(None);
        assert!(gets(Class::Update));
    }
}
