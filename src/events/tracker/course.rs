//! The course of one conversation: which bodies were accepted, in order, and how far along it each
//! stream is.
//!
//! A body alone does not say whether it is late: a call that is held a second time can look as it
//! looked the first time. But a stream delivers in order, so a stream that has not yet shown an
//! accepted body is only catching up when it does, and one that stands at the newest body brings
//! what comes after it. Where a body was accepted more than once, a stream that shows it may stand
//! at any of these places; it is believed only what holds for all of them. And a stream of which
//! nothing is known is behind only as far as it can be: its channel brought nothing from before it
//! was there, and frames are not on their way for ever.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::StreamId;
use super::seldom::Seldom;
use crate::moment::Moment;

/// How many bodies are remembered: a conversation changes some dozens of times without progress at
/// most, and a stream is seconds behind, not minutes. What is forgotten counts as never seen.
const MAX_BODIES: usize = 64;

/// How many streams are remembered: every watched user and queue involved, once for each copy of the
/// topic. Of more, the one that is farthest behind is forgotten, which makes its next body doubtful.
const MAX_STREAMS: usize = 64;

/// How long a frame is on its way at most: one that comes later than this after a read, on a stream
/// that had shown what the read showed, was sent after it; and one of a stream of which nothing is
/// known is no copy of what came longer ago. Frames take well under a second; the rest is for Genesys' bad days. Nothing is known about it (FACTS 5).
const ON_THE_WAY: Duration = Duration::from_secs(30);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Course {
    /// The accepted bodies, the current one last. Never empty, and mostly a few.
    bodies: Box<[Body]>,
    /// When the current one was accepted.
    accepted_at: Moment,
    streams: Box<[Standing]>,
    doubt: Option<Box<Doubt>>,
}

/// An accepted body in eight bytes, because a flood leaves a dozen of them with each conversation: 48
/// bits of its hash, and for how many milliseconds it was the current one.
///
/// That a new body has those bits of one of the 64 happens once in four trillion; then it may be taken
/// for a copy.
#[derive(Clone, Copy, Debug)]
struct Body(u64);

/// Where a stream is, by places among the bodies from 1 on; 0 is before all that are remembered.
/// Flat, because every live conversation has some.
#[derive(Clone, Copy, Debug)]
struct Standing {
    topic: u64,
    channel: u32,
    earliest: u8,
    latest: u8,
}

/// What most conversations have nothing of.
#[derive(Debug, Default)]
struct Doubt {
    /// Until when no stream is believed to be up to date, although it has shown the current body.
    unsure_until: Option<Moment>,
    /// Hashes of bodies that were doubtful: those were seen too, accepted or not.
    bodies: Seldom<u64>,
}

/// What a stream's body is, whose progress decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It comes after the current one.
    Later,
    /// The stream shows what others have shown before.
    CatchingUp,
    /// A late repeat or a real return; or a body from a stream that has missed some.
    Doubtful,
}

impl Course {
    pub(super) fn new(body: u64, now: Instant) -> Course {
        Course {
            bodies: Box::new([Body::new(body)]),
            accepted_at: now.into(),
            streams: Box::default(),
            doubt: None,
        }
    }

    /// Adds the body that is the current one from now on.
    pub(super) fn accept(&mut self, body: u64, now: Instant) {
        if let Some(doubt) = &mut self.doubt {
            doubt.unsure_until = None;
        }
        let before = Instant::from(mem::replace(&mut self.accepted_at, now.into()));
        if let Some(last) = self.bodies.last_mut() {
            *last = last.lasted_for(now.saturating_duration_since(before));
        }
        if self.bodies.len() < MAX_BODIES {
            push(&mut self.bodies, Body::new(body));
            return;
        }
        self.bodies.rotate_left(1);
        if let Some(last) = self.bodies.last_mut() {
            *last = Body::new(body);
        }
        for standing in &mut self.streams {
            standing.earliest = standing.earliest.saturating_sub(1);
            standing.latest = standing.latest.saturating_sub(1);
        }
    }

    /// When the current body was accepted.
    pub(super) fn accepted_at(&self) -> Instant {
        self.accepted_at.into()
    }

    /// Notes that what was sent before the current body may still be on its way: it came from the
    /// API, or nobody knows whether it was late.
    pub(super) fn is_unsure(&mut self, now: Instant) {
        self.doubt.get_or_insert_default().unsure_until = Some((now + ON_THE_WAY).into());
    }

    /// Notes that it was a stream that brought the current body.
    pub(super) fn brought_by(&mut self, stream: StreamId) {
        let current = self.current_place();
        self.stand(Standing::new(stream, current, current));
    }

    /// Notes that a stream has shown a body, if that was ever accepted and not before all that the
    /// stream has shown already.
    pub(super) fn show(&mut self, stream: StreamId, body: u64) {
        let from = self.standing(stream).map_or(0, |standing| standing.earliest);
        let mut places = self.places(body).filter(|at| *at >= from);
        if let Some(earliest) = places.next() {
            let latest = places.last().unwrap_or(earliest);
            self.stand(Standing::new(stream, earliest, latest));
        }
    }

    /// Whether it is known of a stream that it has not come to the current body yet.
    pub(super) fn is_behind(&self, stream: StreamId) -> bool {
        let current = self.current_place();
        self.standing(stream).is_some_and(|standing| standing.latest < current)
    }

    /// Returns true if and only if it is remembered that the body was accepted once.
    pub(super) fn has_accepted(&self, body: u64) -> bool {
        self.places(body).next().is_some()
    }

    /// Judges a body that is not the current one, and notes how far the stream has come by it. Its
    /// channel brought something for the first time at `since`.
    pub(super) fn judge(
        &mut self,
        stream: StreamId,
        body: u64,
        since: Instant,
        now: Instant,
    ) -> Arrival {
        let standing = self.standing(stream);
        let current = self.current_place();
        let was_doubted = self.was_doubted(body);
        let is_unseen = !self.has_accepted(body) && !was_doubted;
        let is_up_to_date = standing.is_some_and(|standing| standing.earliest == current);
        if is_unseen && is_up_to_date && !self.is_unsure_at(now) {
            return Arrival::Later;
        }
        let is_behind = |place: u8| match standing {
            Some(standing) => place > standing.latest,
            None => self
                .accepted_lately(place)
                .is_some_and(|accepted| accepted >= since && now < accepted + ON_THE_WAY),
        };
        if self.places(body).any(is_behind) {
            self.show(stream, body);
            return Arrival::CatchingUp;
        }
        if !was_doubted {
            self.doubt.get_or_insert_default().bodies.push(body, MAX_BODIES);
        }
        Arrival::Doubtful
    }

    fn was_doubted(&self, body: u64) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| doubt.bodies.as_slice().contains(&body))
    }

    fn is_unsure_at(&self, now: Instant) -> bool {
        let until = self.doubt.as_ref().and_then(|doubt| doubt.unsure_until);
        until.is_some_and(|until| Moment::from(now) < until)
    }

    fn current_place(&self) -> u8 {
        place(self.bodies.len() - 1)
    }

    /// Where this body was accepted, the earliest first.
    fn places(&self, body: u64) -> impl Iterator<Item = u8> {
        let places = self.bodies.iter().enumerate();
        places.filter(move |(_, one)| one.is(body)).map(|(at, _)| place(at))
    }

    /// When the body at this place was accepted, or up to some milliseconds before; `None` if that is
    /// longer ago than anything is on its way.
    fn accepted_lately(&self, place: u8) -> Option<Instant> {
        let since = self.bodies.get(usize::from(place.checked_sub(1)?)..)?;
        let ago = since.iter().map(|body| body.lasted()).sum::<Option<Duration>>()?;
        self.accepted_at().checked_sub(ago)
    }

    fn standing(&self, stream: StreamId) -> Option<Standing> {
        self.streams.iter().find(|standing| standing.is_of(stream)).copied()
    }

    fn stand(&mut self, standing: Standing) {
        let stream = standing.stream();
        if let Some(known) = self.streams.iter_mut().find(|one| one.is_of(stream)) {
            *known = standing;
            return;
        }
        if self.streams.len() == MAX_STREAMS {
            if let Some(behind) = self.streams.iter_mut().min_by_key(|one| one.earliest) {
                *behind = standing;
            }
            return;
        }
        push(&mut self.streams, standing);
    }
}

/// Adds one, and no room to spare.
fn push<T>(items: &mut Box<[T]>, item: T) {
    let mut more = mem::take(items).into_vec();
    more.reserve_exact(1);
    more.push(item);
    *items = more.into_boxed_slice();
}

fn place(at: usize) -> u8 {
    u8::try_from(at + 1).unwrap_or(u8::MAX)
}

impl Body {
    /// So many bits are for the time; all of them are set where it was longer than they can tell.
    const TIME: u32 = 16;
    const LONGER: u64 = (1 << Body::TIME) - 1;
    const _TELLS_WHAT_COUNTS: () = assert!(ON_THE_WAY.as_secs() * 1_000 < Body::LONGER);

    fn new(hash: u64) -> Body {
        Body(hash << Body::TIME)
    }

    fn is(self, hash: u64) -> bool {
        self.0 >> Body::TIME == Body::new(hash).0 >> Body::TIME
    }

    fn lasted_for(self, time: Duration) -> Body {
        // Rounded up: who seems to have been accepted earlier than it was costs a read at most.
        let millis = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(Body::LONGER);
        Body(self.0 & !Body::LONGER | millis.min(Body::LONGER))
    }

    /// For how long it was the current one, and nothing for the one that still is; `None` if for
    /// longer than anything is on its way.
    fn lasted(self) -> Option<Duration> {
        let time = Duration::from_millis(self.0 & Body::LONGER);
        (time < ON_THE_WAY).then_some(time)
    }
}

impl Standing {
    fn new(StreamId { channel, topic }: StreamId, earliest: u8, latest: u8) -> Standing {
        Standing { topic, channel, earliest, latest }
    }

    fn stream(&self) -> StreamId {
        StreamId { channel: self.channel, topic: self.topic }
    }

    fn is_of(&self, stream: StreamId) -> bool {
        self.stream() == stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: StreamId = StreamId { channel: 1, topic: 1 };
    const OTHER: StreamId = StreamId { channel: 2, topic: 1 };

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut course = Course::new(0, now);
        for body in 1..1_000 {
            course.accept(body, now);
            course.brought_by(StreamId { channel: 1, topic: body });
            assert_eq!(course.judge(OTHER, 10_000 + body, now, now), Arrival::Doubtful);
        }
        let doubted = course.doubt.as_ref().map_or(0, |doubt| doubt.bodies.as_slice().len());
        let lengths = (course.bodies.len(), doubted, course.streams.len());
        assert_eq!(lengths, (MAX_BODIES, MAX_BODIES, MAX_STREAMS));
        let (bodies, standing) = (size_of_val(&*course.bodies), size_of::<Standing>());
        assert_eq!((bodies, standing), (8 * MAX_BODIES, 16));
        let newest = StreamId { channel: 1, topic: 999 };
        assert_eq!(course.judge(newest, 998, now, now), Arrival::Doubtful);
        assert_eq!(course.judge(newest, 5_000, now, now), Arrival::Later);
        assert_eq!(course.judge(OTHER, 998, now, now), Arrival::CatchingUp);
        assert_eq!(course.judge(OTHER, 5_001, now, now), Arrival::Doubtful);
    }

    #[test]
    fn a_body_that_was_accepted_twice_does_not_tell_where_a_stream_is() {
        let now = Instant::now();
        let mut course = Course::new(7, now);
        course.accept(8, now);
        course.accept(7, now);
        course.brought_by(ONE);
        course.show(OTHER, 7);
        // It may have been the first: then this comes before the second.
        assert_eq!(course.judge(OTHER, 9, now, now), Arrival::Doubtful);
        // It may have been the second: then this is a real return.
        assert_eq!(course.judge(OTHER, 8, now, now), Arrival::Doubtful);
        assert_eq!(course.judge(ONE, 10, now, now), Arrival::Later);
    }

    #[test]
    fn what_was_doubted_is_not_new_when_it_comes_again() {
        let now = Instant::now();
        let mut course = Course::new(7, now);
        assert_eq!(course.judge(ONE, 8, now, now), Arrival::Doubtful);
        course.show(ONE, 7);
        assert_eq!(course.judge(ONE, 8, now, now), Arrival::Doubtful);
        assert_eq!(course.judge(ONE, 9, now, now), Arrival::Later);
    }

    #[test]
    fn what_was_on_its_way_during_a_read_does_not_come_after_it() {
        let now = Instant::now();
        let mut course = Course::new(7, now);
        course.brought_by(ONE);
        course.is_unsure(now);
        assert_eq!(course.judge(ONE, 8, now, now + ON_THE_WAY / 2), Arrival::Doubtful);
        assert_eq!(course.judge(ONE, 9, now, now + ON_THE_WAY), Arrival::Later);
    }

    #[test]
    fn a_stream_that_is_new_is_behind_only_as_far_as_it_can_be() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut course = Course::new(7, at(0));
        course.accept(8, at(20));
        assert_eq!(course.judge(ONE, 7, at(0), at(21)), Arrival::CatchingUp);
        // What was before its channel does not come by it: it looks as it did once more.
        assert_eq!(course.judge(OTHER, 7, at(10), at(21)), Arrival::Doubtful);
        let mut course = Course::new(7, at(0));
        course.accept(8, at(20));
        assert_eq!(course.judge(ONE, 7, at(0), at(30)), Arrival::Doubtful);
    }

    #[test]
    fn how_long_ago_a_body_was_accepted_is_told_as_long_as_it_counts() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut course = Course::new(0, at(0));
        let times = [40_000, 50_000, 50_001, 60_500];
        (1..).zip(times).for_each(|(body, millis)| course.accept(body, at(millis)));
        let told: Vec<_> = (0..=5).map(|place| course.accepted_lately(place)).collect();
        let lately = times.map(|millis| Some(at(millis)));
        assert_eq!(told[..2], [None, None]);
        assert_eq!(told[2..], lately);
        // What is less than a millisecond counts as one.
        course.accept(9, at(60_500) + Duration::from_nanos(1));
        assert_eq!(course.accepted_lately(5), Some(at(60_499) + Duration::from_nanos(1)));
        // Too long for its bits, too.
        course.accept(10, at(1_000_000));
        assert_eq!((course.accepted_lately(6), course.accepted_at()), (None, at(1_000_000)));
    }
}
