//! The requests of the month while everything runs: kept, foreseen, and said when they may not do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::state_file::StateFile;
use crate::genesys::call::Api;
use crate::genesys::month::{Kept, Ledger, Monthly};
use crate::machine;
use crate::status::counts::Counts;

const FILE: &str = "month.json";
/// A crash forgets the requests of a minute at most.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// See the [module](self).
pub(super) struct Month {
    monthly: Arc<Monthly>,
    counts: Arc<Counts>,
    file: StateFile,
    kept: Option<Kept>,
    keep_at: Instant,
    /// It is said that there are none left, or that they cannot be kept.
    told_used_up: bool,
    told_not_kept: bool,
}

impl Month {
    /// Goes on where an earlier process ended. A file that cannot be read is said and passed over.
    pub(super) fn new(
        state_dir: &Path,
        api: Arc<dyn Api>,
        counts: &Arc<Counts>,
        limit: Option<u64>,
    ) -> Month {
        let file = StateFile::new(state_dir, FILE);
        let kept: Option<Kept> = file.load().unwrap_or_else(|error| {
            warn!(
                file = %file.path().display(), %error,
                "the month's requests cannot be read: they are counted from now on"
            );
            None
        });
        let ledger = Ledger::new(kept.as_ref(), machine::now());
        let monthly = Monthly::new(api, Arc::clone(counts), ledger, limit);
        let (counts, keep_at) = (Arc::clone(counts), Instant::now() + KEEP_EVERY);
        let (told_used_up, told_not_kept) = (false, false);
        Month { monthly, counts, file, kept, keep_at, told_used_up, told_not_kept }
    }

    /// The API by which the month's requests are kept to.
    pub(super) fn api(&self) -> Arc<dyn Api> {
        Arc::clone(&self.monthly) as Arc<dyn Api>
    }

    pub(super) fn limit_to(&self, limit: Option<u64>) {
        self.monthly.limit_to(limit);
    }

    /// Looks at the calendar and at what is used.
    pub(super) fn look(&mut self, now: Instant) {
        let (limit, today) = (self.monthly.limit(), machine::now());
        let (requests, forecast, turned, warns, next) = self.monthly.with(|ledger, made| {
            let turned = ledger.turn(made, today);
            let warns = limit.is_some_and(|limit| ledger.warns(made, limit, today));
            (ledger.requests(made), ledger.forecast(made, today), turned, warns, ledger.next())
        });
        self.counts.month_requests.set(requests);
        self.counts.month_forecast.set(forecast.unwrap_or_default());
        self.counts.month_limit.set(limit.unwrap_or_default());
        let used_up = self.monthly.is_used_up();
        if warns {
            warn!(
                requests,
                forecast,
                requests_per_month = limit,
                "the month's requests may not suffice: raise updates.requests_per_month, or let \
                 the rules write less"
            );
        }
        if used_up && !self.told_used_up {
            error!(
                requests, requests_per_month = limit, until = %next,
                "the month's requests are used up: nothing is pushed or read until the next month, \
                 or until updates.requests_per_month is raised (and reloaded)"
            );
        } else if self.told_used_up && !used_up {
            info!(requests, "there are requests again for this month");
        }
        self.told_used_up = used_up;
        if turned || warns || now >= self.keep_at {
            self.keep(now);
        }
    }

    /// Keeps it for the next process. Blocks for a moment.
    pub(super) fn keep(&mut self, now: Instant) {
        self.keep_at = now + KEEP_EVERY;
        let kept = self.monthly.with(|ledger, made| ledger.kept(made));
        if self.kept.as_ref() == Some(&kept) {
            return;
        }
        match self.file.save(&kept) {
            Ok(()) => (self.kept, self.told_not_kept) = (Some(kept), false),
            Err(_) if self.told_not_kept => {}
            Err(error) => {
                self.told_not_kept = true;
                warn!(%error, "the month's requests cannot be kept: a restart would count anew");
            }
        }
    }

    /// For the line of status, where there is a limit.
    pub(super) fn in_words(&self) -> Option<String> {
        let limit = self.monthly.limit()?;
        let requests = self.counts.month_requests.get();
        if self.monthly.is_used_up() {
            let next = self.monthly.with(|ledger, _| ledger.next());
            return Some(format!("MONTH'S REQUESTS USED UP, nothing is pushed before {next}"));
        }
        let forecast = match self.counts.month_forecast.get() {
            forecast if forecast > limit => format!(" (forecast {forecast})"),
            _ => String::new(),
        };
        Some(format!("month {requests}/{limit}{forecast}"))
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;
    use crate::genesys::call::{Answer, Call, CallError, Class, Permit};

    struct Nobody;

    impl Api for Nobody {
        fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
            Box::pin(async move { Permit::of(class) })
        }

        fn call_with(&self, _: Permit, _: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
            unreachable!("nothing is called")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_kept_once_a_minute_and_at_the_end_and_go_on_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let start: jiff::Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let _playing = machine::play(1, start);
        let counts = Arc::new(Counts::default());
        let api = || Arc::new(Nobody) as Arc<dyn Api>;
        let mut month = Month::new(dir.path(), api(), &counts, Some(10));
        (0..7).for_each(|_| counts.request("patch_attributes", 202, Duration::ZERO));
        month.look(Instant::now());
        assert_eq!(month.in_words().unwrap(), "month 7/10");
        assert!(!dir.path().join(FILE).exists());
        tokio::time::advance(KEEP_EVERY).await;
        month.look(Instant::now());
        counts.request("patch_attributes", 202, Duration::ZERO);
        month.keep(Instant::now());

        let counts = Arc::new(Counts::default());
        let mut month = Month::new(dir.path(), api(), &counts, Some(10));
        counts.request("patch_attributes", 202, Duration::ZERO);
        counts.request("patch_attributes", 202, Duration::ZERO);
        month.look(Instant::now());
        let words = month.in_words().unwrap();
        assert_eq!(words, "MONTH'S REQUESTS USED UP, nothing is pushed before 2026-12-01");
        tokio::time::advance(Duration::from_secs(2 * 24 * 3600)).await;
        month.look(Instant::now());
        assert_eq!(month.in_words().unwrap(), "month 0/10");
        month.limit_to(None);
        assert_eq!(month.in_words(), None);
    }
}
