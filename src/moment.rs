//! A moment and a span of time in half the room of [`Instant`] and [`Duration`], for what is kept a
//! hundred thousand times.
//!
//! Exact to the nanosecond, as they are, and ordered like them, for three centuries around the first
//! moment that a process asks about. Nothing is reckoned with these: they are what is kept.

use std::num::NonZeroI64;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

/// What all moments are counted from.
static FIRST: OnceLock<Instant> = OnceLock::new();

/// An [`Instant`], kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroI64);

/// A [`Duration`], kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(u64);

impl From<Instant> for Moment {
    fn from(at: Instant) -> Moment {
        let first = *FIRST.get_or_init(|| at);
        let after = i64::try_from(at.saturating_duration_since(first).as_nanos());
        let before = i64::try_from(first.saturating_duration_since(at).as_nanos());
        let nanos = after.unwrap_or(i64::MAX) - before.unwrap_or(i64::MAX);
        // There is no 0, so that none costs no room: the first moment is 1.
        let counted = if nanos < 0 { nanos } else { nanos.saturating_add(1) };
        Moment(NonZeroI64::new(counted).unwrap_or(NonZeroI64::MIN))
    }
}

impl From<Moment> for Instant {
    fn from(moment: Moment) -> Instant {
        let counted = moment.0.get();
        let nanos = if counted < 0 { counted } else { counted - 1 };
        let (first, distance) =
            (*FIRST.get_or_init(Instant::now), Duration::from_nanos(nanos.unsigned_abs()));
        let instant =
            if nanos < 0 { first.checked_sub(distance) } else { first.checked_add(distance) };
        instant.unwrap_or(first)
    }
}

impl From<Duration> for Span {
    fn from(span: Duration) -> Span {
        Span(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        Duration::from_nanos(span.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_and_in_its_order() {
        let now = Instant::now();
        let spans =
            [0, 1, 999_999_999, 1_000_000_000, 86_400_000_000_001].map(Duration::from_nanos);
        let instants: Vec<Instant> = spans
            .iter()
            .rev()
            .filter_map(|span| now.checked_sub(*span))
            .chain(spans.iter().skip(1).map(|span| now + *span))
            .collect();
        let moments: Vec<Moment> = instants.iter().copied().map(Moment::from).collect();
        assert!(moments.is_sorted() && moments.windows(2).all(|two| two[0] != two[1]));
        assert!(moments.iter().zip(&instants).all(|(kept, was)| Instant::from(*kept) == *was));
        assert!(spans.iter().all(|span| Duration::from(Span::from(*span)) == *span));
        assert_eq!((size_of::<Option<Moment>>(), size_of::<Span>()), (8, 8));
    }
}
