//! Which channels carried each topic, and when. A time in which none did is a hole: there events
//! passed unseen.
//!
//! Pure interval arithmetic over spans of time. That a channel was dead is learnt late, and then it
//! was dead for a while already, so spans can be cut short afterwards; what they covered until then
//! is remembered. Each hole is found once, as soon as the topic is carried again behind it. It
//! promises that no moment after a topic was first carried is in neither a span nor a hole; where the
//! wall's clock was set back meanwhile, some may be in both.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::events::topic::Topic;

/// A time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    topics: BTreeMap<Topic, Record>,
}

/// What is known of one topic.
#[derive(Debug, Default)]
struct Record {
    /// The channels that carry it, with since when.
    carriers: Vec<(u32, Timestamp)>,
    /// What is settled: covered by channels that carry it no more, or a hole that was found. In
    /// order, and apart. A channel that drops again and again beside one that lives adds one each
    /// time, until [`Coverage::settle`] takes them away.
    past: Vec<Span>,
}

impl Coverage {
    /// A channel carries a topic from now on. Returns the holes that end by it; `None` if nobody ever
    /// carried the topic.
    pub(crate) fn carry(
        &mut self,
        topic: &Topic,
        channel: u32,
        at: Timestamp,
    ) -> Option<Vec<Span>> {
        let Some(record) = self.topics.get_mut(topic) else {
            let record = Record { carriers: vec![(channel, at)], past: Vec::new() };
            self.topics.insert(topic.clone(), record);
            return None;
        };
        if !record.carriers.iter().any(|(one, _)| *one == channel) {
            record.carriers.push((channel, at));
        }
        Some(record.find_holes())
    }

    /// A channel carries nothing more but what it `keeps`, and has not since that time. Returns the
    /// holes behind which others carry the topics, with these. What is later than `now` was told by a
    /// clock that has been set back, and covers nothing.
    pub(crate) fn lose(
        &mut self,
        channel: u32,
        since: Timestamp,
        now: Timestamp,
        keeps: impl Fn(&Topic) -> bool,
    ) -> BTreeMap<Span, Vec<Topic>> {
        let mut holes = BTreeMap::<Span, Vec<Topic>>::new();
        for (topic, record) in &mut self.topics {
            if !keeps(topic) && record.end(channel, since, now) {
                for hole in record.find_holes() {
                    holes.entry(hole).or_default().push(topic.clone());
                }
            }
        }
        holes
    }

    /// Forgets topics that nobody carries, so that they begin anew: those that nobody wants.
    pub(crate) fn keep(&mut self, wanted: &BTreeSet<Topic>) {
        self.topics.retain(|topic, record| !record.carriers.is_empty() || wanted.contains(topic));
    }

    /// The same for one that is not permitted any more.
    pub(crate) fn forget(&mut self, topic: &Topic) {
        if self.topics.get(topic).is_some_and(|record| record.carriers.is_empty()) {
            self.topics.remove(topic);
        }
    }

    /// Forgets what can make no difference any more. `sure` says up to when a channel has certainly
    /// carried its topics.
    pub(crate) fn settle(&mut self, sure: impl Fn(u32) -> Option<Timestamp>) {
        for record in self.topics.values_mut().filter(|record| record.past.len() > 1) {
            let firm =
                |(channel, since): &(u32, Timestamp)| sure(*channel).filter(|until| until > since);
            if let Some(firm) = record.carriers.iter().filter_map(firm).max() {
                record.past.retain(|span| span.until > firm);
            }
        }
    }

    pub(crate) fn is_carried(&self, topic: &Topic, channel: u32) -> bool {
        self.topics
            .get(topic)
            .is_some_and(|record| record.carriers.iter().any(|(one, _)| *one == channel))
    }

    /// Since when nobody carries a topic that was carried; of several, the one longest without.
    pub(crate) fn oldest_hole(&self) -> Option<Timestamp> {
        let open = self.topics.values().filter(|record| record.carriers.is_empty());
        open.filter_map(|record| record.past.last()).map(|span| span.until).min()
    }
}

impl Record {
    /// Returns true if the channel carried the topic.
    fn end(&mut self, channel: u32, until: Timestamp, now: Timestamp) -> bool {
        if self.is_later_than(now) {
            self.cut(channel, until, now);
        }
        let Some(at) = self.carriers.iter().position(|(one, _)| *one == channel) else {
            return false;
        };
        let (_, since) = self.carriers.swap_remove(at);
        // One that was lost before it began has covered nothing, but it ends what was before.
        self.past.push(Span { since, until: until.max(since) });
        true
    }

    fn is_later_than(&self, now: Timestamp) -> bool {
        let begun = self.carriers.iter().map(|(_, since)| *since);
        self.past.iter().map(|span| span.until).chain(begun).any(|time| time > now)
    }

    /// The clock was set back: what was told by it counts for as little as it may. What was settled
    /// ends with the channel that ends, and the others carry from now on, if they began later.
    fn cut(&mut self, channel: u32, until: Timestamp, now: Timestamp) {
        for (one, since) in &mut self.carriers {
            *since = (*since).min(if *one == channel { until } else { now });
        }
        for span in &mut self.past {
            *span = Span { since: until.min(span.since), until: until.min(span.until) };
        }
        self.join();
    }

    /// The times between two spans, which count as settled from now on.
    fn find_holes(&mut self) -> Vec<Span> {
        let open =
            self.carriers.iter().map(|(_, since)| Span { since: *since, until: Timestamp::MAX });
        let mut spans: Vec<Span> = self.past.iter().copied().chain(open).collect();
        spans.sort_unstable();
        let mut holes = Vec::new();
        let mut reached = spans.first().map_or(Timestamp::MAX, |first| first.since);
        for span in spans {
            if span.since > reached {
                holes.push(Span { since: reached, until: span.since });
            }
            reached = reached.max(span.until);
        }
        self.past.extend(&holes);
        self.join();
        holes
    }

    fn join(&mut self) {
        self.past.sort_unstable();
        self.past.dedup_by(|next, one| {
            let joined = next.since <= one.until;
            if joined {
                one.until = one.until.max(next.until);
            }
            joined
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::SignedDuration;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::genesys::UserId;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(4_000_000_000 + second).unwrap()
    }

    fn second(time: Timestamp) -> i64 {
        time.as_second() - 4_000_000_000
    }

    /// That a channel is lost is learnt so long after it was.
    const LEARNT_AFTER: SignedDuration = SignedDuration::from_secs(35);

    /// The holes that come to light when a channel is lost.
    fn lose(coverage: &mut Coverage, channel: u32, since: Timestamp) -> Vec<Span> {
        let learnt = since.checked_add(LEARNT_AFTER).unwrap();
        let holes = coverage.lose(channel, since, learnt, |_| false);
        holes.into_keys().collect()
    }

    fn topic() -> Topic {
        Topic::User(UserId::new("u"))
    }

    /// Plays a script: `a+10` is that channel a carries the topic from second 10 on, `a-10` that it
    /// has not since then; the answer is each step's holes.
    #[track_caller]
    fn check(script: &str, expected: Expect) {
        let mut coverage = Coverage::default();
        let answers = script.split(' ').map(|step| {
            let channel = u32::from(step.as_bytes()[0]);
            let at = time(step[2..].parse().unwrap());
            let holes = match &step[1..2] {
                "+" => coverage.carry(&topic(), channel, at),
                _ => Some(lose(&mut coverage, channel, at)),
            };
            let Some(holes) = holes else { return "new".to_owned() };
            let shown = |hole: &Span| format!("{}-{}", second(hole.since), second(hole.until));
            match &holes[..] {
                [] => ".".to_owned(),
                holes => holes.iter().map(shown).collect::<Vec<_>>().join(","),
            }
        });
        expected.assert_eq(&answers.collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn one_channel_leaves_a_hole_each_time() {
        check("a+0 a-10 a+20 a-30 a+31", expect!["new . 10-20 . 30-31"]);
    }

    #[test]
    fn a_second_copy_closes_the_hole_of_the_first() {
        check("a+0 b+0 a-10 a+20 b-30 b+40", expect!["new . . . . ."]);
        // Both at once: what neither carried, and no more.
        check("a+0 b+0 a-10 b-15 a+20 b+25", expect!["new . . . 15-20 ."]);
    }

    #[test]
    fn that_the_other_was_dead_too_may_be_learnt_late() {
        check("a+0 b+0 a-10 a+20 b-12 b+60", expect!["new . . . 12-20 ."]);
        check("a+0 b+0 a-10 a+20 a-30 a+40 b-12 b+60", expect!["new . . . . . 12-20,30-40 ."]);
        // Nobody is left: it is a hole once somebody is back.
        check("a+0 b+0 a-10 a+20 a-30 b-25 b+60", expect!["new . . . . . 30-60"]);
    }

    #[test]
    fn a_channel_that_was_lost_before_it_was_confirmed_covered_nothing() {
        check("a+0 a-10 a+20 a-19 a+30", expect!["new . 10-20 . 20-30"]);
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_hole() {
        check("a+100 a-20 a+60", expect!["new . 20-60"]);
        // A minute later it is as ever.
        check("a+100 a-110 a+120 a-20 a+60 a-90 a+91", expect!["new . 110-120 . 20-60 . 90-91"]);
        // Since when the other one carries is not known: no longer than it surely does.
        check("a+100 b+100 a-20 a+60 b-70 b+80", expect!["new . 20-55 . . ."]);
        check("a+100 b+100 a-20 b-25 a+60", expect!["new . 20-55 . 55-60"]);
        // By no more than a second.
        check("a+0 b+36 a-0", expect!["new . 0-35"]);
    }

    #[test]
    fn a_topic_that_moves_leaves_a_hole_only_where_nobody_had_it() {
        check("a+0 b+5 a-9", expect!["new . ."]);
        check("a+0 a-5 b+9", expect!["new . 5-9"]);
    }

    #[test]
    fn what_cannot_matter_any_more_is_forgotten() {
        let mut coverage = Coverage::default();
        coverage.carry(&topic(), 0, time(0));
        for n in 0..1000 {
            coverage.carry(&topic(), 1, time(10 * n));
            assert_eq!(lose(&mut coverage, 1, time(10 * n + 5)), []);
            coverage.settle(|channel| (channel == 0).then(|| time(10 * n - 30)));
            assert!(coverage.topics[&topic()].past.len() < 6);
        }
        assert_eq!(coverage.oldest_hole(), None);
        // Nothing is known of 0 in the last half minute.
        let holes = lose(&mut coverage, 0, time(9_970));
        assert_eq!(
            (holes, coverage.oldest_hole()),
            (
                vec![
                    Span { since: time(9_975), until: time(9_980) },
                    Span { since: time(9_985), until: time(9_990) },
                ],
                Some(time(9_995))
            )
        );
        coverage.keep(&BTreeSet::from([topic()]));
        assert_eq!(coverage.oldest_hole(), Some(time(9_995)));
        coverage.keep(&BTreeSet::new());
        assert_eq!(coverage.oldest_hole(), None);
    }

    /// Against a table of seconds, with ends that are learnt late.
    #[test]
    fn the_holes_are_the_seconds_that_nobody_covered() {
        const CHANNELS: usize = 3;
        for seed in 0..300 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut coverage = Coverage::default();
            let mut covered = [false; 400];
            let mut found = [false; 400];
            let mut up: [Option<i64>; CHANNELS] = [None; CHANNELS];
            let mut first = None;
            for now in 0..400 {
                let channel = random.random_range(0..CHANNELS);
                let number = u32::try_from(channel).unwrap();
                let holes = match up[channel] {
                    None => {
                        up[channel] = Some(now);
                        first = first.or(Some(now));
                        coverage.carry(&topic(), number, time(now)).unwrap_or_default()
                    }
                    Some(since) if random.random_bool(0.4) => {
                        up[channel] = None;
                        let end = (now - random.random_range(0..20)).max(since);
                        (since..end).for_each(|at| covered[usize::try_from(at).unwrap()] = true);
                        lose(&mut coverage, number, time(end))
                    }
                    Some(_) => continue,
                };
                for hole in holes {
                    for at in second(hole.since)..second(hole.until) {
                        let place = &mut found[usize::try_from(at).unwrap()];
                        assert!(!*place, "seed {seed}: second {at} was told twice");
                        *place = true;
                    }
                }
            }
            let last = up.iter().flatten().max().copied();
            for since in up.iter().flatten() {
                (*since..400).for_each(|at| covered[usize::try_from(at).unwrap()] = true);
            }
            let Some(last) = last else { continue };
            for at in first.unwrap()..last {
                let at = usize::try_from(at).unwrap();
                assert_eq!(found[at], !covered[at], "seed {seed}: second {at}");
            }
        }
    }
}
