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
    /// Hashes of the accepted bodies, each with when it was accepted, the current one last. Never
    /// empty, and mostly a few.
    bodies: Vec<(u64, Moment)>,
    /// The place of the first of them: places count all bodies that were ever accepted.
    first: u32,
    /// Until when no stream is believed to be up to date, although it has shown the current body.
    unsure_until: Option<Moment>,
    /// Hashes of bodies that were doubtful: those were seen too, accepted or not.
    doubted: Seldom<u64>,
    streams: Vec<Standing>,
}

/// Where a stream is. Flat, because every live conversation has some.
#[derive(Clone, Copy, Debug)]
struct Standing {
    topic: u64,
    channel: u32,
    earliest: u32,
    latest: u32,
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
            bodies: vec![(body, now.into())],
            first: 0,
            unsure_until: None,
            doubted: Seldom::default(),
            streams: Vec::new(),
        }
    }

    /// Adds the body that is the current one from now on.
    pub(super) fn accept(&mut self, body: u64, now: Instant) {
        self.unsure_until = None;
        if self.bodies.len() == MAX_BODIES {
            self.bodies.remove(0);
            self.first = self.first.saturating_add(1);
        }
        self.bodies.reserve_exact(1);
        self.bodies.push((body, now.into()));
    }

    /// When the current body was accepted.
    pub(super) fn accepted_at(&self) -> Option<Instant> {
        self.bodies.last().map(|(_, at)| Instant::from(*at))
    }

    /// Notes that what was sent before the current body may still be on its way: it came from the
    /// API, or nobody knows whether it was late.
    pub(super) fn is_unsure(&mut self, now: Instant) {
        self.unsure_until = Some((now + ON_THE_WAY).into());
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
        let was_doubted = self.doubted.as_slice().contains(&body);
        let is_unseen = !self.has_accepted(body) && !was_doubted;
        let is_up_to_date = standing.is_some_and(|standing| standing.earliest == current);
        if is_unseen && is_up_to_date && self.unsure_until.is_none_or(|until| until <= now.into()) {
            return Arrival::Later;
        }
        let is_behind = |(at, accepted): (u32, Instant)| match standing {
            Some(standing) => at > standing.latest,
            None => accepted >= since && now < accepted + ON_THE_WAY,
        };
        if self.accepted(body).any(is_behind) {
            self.show(stream, body);
            return Arrival::CatchingUp;
        }
        if !was_doubted {
            self.doubted.push(body, MAX_BODIES);
        }
        Arrival::Doubtful
    }

    fn current_place(&self) -> u32 {
        self.place(self.bodies.len() - 1)
    }

    fn place(&self, at: usize) -> u32 {
        self.first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Where this body was accepted, the earliest first.
    fn places(&self, body: u64) -> impl Iterator<Item = u32> {
        self.accepted(body).map(|(at, _)| at)
    }

    /// Likewise, with when.
    fn accepted(&self, body: u64) -> impl Iterator<Item = (u32, Instant)> {
        let places = self.bodies.iter().enumerate();
        places
            .filter(move |(_, (one, _))| *one == body)
            .map(|(at, (_, accepted))| (self.place(at), Instant::from(*accepted)))
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
            let behind = (0..self.streams.len()).min_by_key(|at| self.streams[*at].earliest);
            if let Some(at) = behind {
                self.streams.swap_remove(at);
            }
        }
        self.streams.reserve_exact(1);
        self.streams.push(standing);
    }
}

impl Standing {
    fn new(StreamId { channel, topic }: StreamId, earliest: u32, latest: u32) -> Standing {
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
        let lengths = (course.bodies.len(), course.doubted.as_slice().len(), course.streams.len());
        assert_eq!(lengths, (MAX_BODIES, MAX_BODIES, MAX_STREAMS));
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
}
