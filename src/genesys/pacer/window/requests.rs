//! The requests for which leave was taken, as long as the server may count them where we do not
//! know.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Wait;
use crate::genesys::call::Class;

/// Leave that was taken and has not been used by then never will be: the put dialect holds one
/// permit while it waits for another, for a minute at most.
const UNUSED: Duration = Duration::from_secs(120);
/// As long as nothing has been heard of the budget, unused leave holds others up for so long.
const UNUSED_PROBE: Duration = Duration::from_secs(5);
/// Nothing older touches the current window or the sliding minute.
const KEPT: Duration = Duration::from_secs(150);

/// In the order in which leave was taken.
#[derive(Debug, Default)]
pub(super) struct Requests {
    list: VecDeque<Request>,
    /// The number of the first.
    first: u64,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    class: Class,
    granted: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Granted,
    UnderWay(Instant),
    /// Nobody said in which window it is.
    Ended(Instant),
    /// An answer told its window, and is in that one's count.
    Told,
    /// Leave that was not needed: the server never saw it.
    Unused,
}

impl Requests {
    pub(super) fn grant(&mut self, now: Instant, class: Class) {
        self.list.push_back(Request { class, granted: now, stage: Stage::Granted });
    }

    /// Leave that was taken is not needed after all.
    pub(super) fn give_back(&mut self, class: Class) {
        let waits =
            |request: &&mut Request| request.class == class && request.stage == Stage::Granted;
        if let Some(request) = self.list.iter_mut().rfind(waits) {
            request.stage = Stage::Unused;
        }
    }

    /// A request goes out for which leave was taken. Returns its number; `None` if there was no
    /// leave.
    pub(super) fn begin(&mut self, now: Instant, class: Class) -> Option<u64> {
        let waits = |request: &Request| request.class == class && request.stage == Stage::Granted;
        let at = self.list.iter().position(waits)?;
        self.list[at].stage = Stage::UnderWay(now);
        Some(self.first + at as u64)
    }

    /// It is answered without a word about the budget, or given up.
    pub(super) fn end(&mut self, now: Instant, number: u64) {
        if let Some(request) = self.get(number)
            && request.stage != Stage::Told
        {
            request.stage = Stage::Ended(now);
        }
    }

    /// When it was sent, if it is still under way.
    pub(super) fn sent_at(&mut self, number: u64) -> Option<Instant> {
        match self.get(number)?.stage {
            Stage::UnderWay(sent_at) => Some(sent_at),
            Stage::Granted | Stage::Ended(_) | Stage::Told | Stage::Unused => None,
        }
    }

    /// Its answer tells in which window it is, and is in that one's count.
    pub(super) fn told(&mut self, number: u64) {
        if let Some(request) = self.get(number) {
            request.stage = Stage::Told;
        }
    }

    fn get(&mut self, number: u64) -> Option<&mut Request> {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok())?;
        self.list.get_mut(at)
    }

    /// How many the server may have counted at `from` or later, without a word about it.
    pub(super) fn touching(&self, from: Instant) -> u32 {
        self.number(|stage| match stage {
            Stage::Granted | Stage::UnderWay(_) => true,
            Stage::Ended(ended) => ended >= from,
            Stage::Told | Stage::Unused => false,
        })
    }

    /// How many the server may have counted in a period that ends now, where nothing is ever told.
    pub(super) fn within(&self, period: Duration, now: Instant) -> u32 {
        self.number(|stage| match stage {
            Stage::Granted | Stage::UnderWay(_) => true,
            Stage::Ended(ended) => ended + period > now,
            Stage::Told | Stage::Unused => false,
        })
    }

    fn number(&self, of: impl Fn(Stage) -> bool) -> u32 {
        let number = self.list.iter().filter(|request| of(request.stage)).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// When there will be fewer in the period; `None` if that takes the end of one under way.
    pub(super) fn fewer_within(&self, period: Duration, now: Instant) -> Option<Instant> {
        let frees = self.list.iter().filter_map(|request| match request.stage {
            Stage::Ended(ended) => Some(ended + period).filter(|at| *at > now),
            // Nothing is heard of leave that nobody uses.
            Stage::Granted => Some(request.granted + UNUSED),
            Stage::UnderWay(_) | Stage::Told | Stage::Unused => None,
        });
        frees.min()
    }

    /// What must be waited for before another may go, where they go one by one.
    pub(super) fn alone(&self, now: Instant) -> Result<(), Wait> {
        let waits = |request: &Request| match request.stage {
            Stage::UnderWay(_) => Some(Wait::News),
            Stage::Granted => {
                Some(request.granted + UNUSED_PROBE).filter(|end| *end > now).map(Wait::Until)
            }
            Stage::Ended(_) | Stage::Told | Stage::Unused => None,
        };
        let others = self.list.iter().filter(|request| request.class != Class::Token);
        others.filter_map(waits).next().map_or(Ok(()), Err)
    }

    /// Forgets what cannot matter any more.
    pub(super) fn forget(&mut self, now: Instant) {
        for request in &mut self.list {
            if request.stage == Stage::Granted && request.granted + UNUSED <= now {
                request.stage = Stage::Unused;
            }
        }
        while self.list.front().is_some_and(|request| match request.stage {
            Stage::Granted | Stage::UnderWay(_) => false,
            Stage::Ended(ended) => ended + KEPT <= now,
            Stage::Told | Stage::Unused => true,
        }) {
            self.list.pop_front();
            self.first += 1;
        }
    }
}
