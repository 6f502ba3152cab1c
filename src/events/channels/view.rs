//! How the channels stand, seen together: what each report means for the whole.
//!
//! Pure. Two things can only be told from all channels at once: that no topic at all is permitted,
//! and that a topic was carried by no channel for a while. A channel that drops opens no gap for the
//! topics that another carried all the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::coverage::{Coverage, Span};
use super::notice::{ChannelsState, Notice, Rejection};
use super::subscription::Subscription;
use crate::events::topic::Topic;

#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) wanted: Arc<BTreeSet<Topic>>,
    pub(crate) without_room: usize,
    pub(crate) short_of_copies: usize,
    pub(crate) kept: bool,
    channels: BTreeMap<u32, One>,
    coverage: Coverage,
    /// Whether it was said that nothing is permitted.
    none_told: bool,
}

#[derive(Debug, Default)]
struct One {
    is_up: bool,
    /// The last answer.
    subscription: Option<Subscription>,
}

impl View {
    pub(crate) fn add(&mut self, channel: u32) {
        self.channels.insert(channel, One::default());
    }

    /// A channel goes. Returns what is to be told.
    pub(crate) fn remove(&mut self, channel: u32, at: Timestamp) -> Vec<Notice> {
        self.channels.remove(&channel);
        gaps(channel, self.coverage.lose(channel, at, at, |_| false))
    }

    /// Others are wanted now than before.
    pub(crate) fn want(&mut self, wanted: &Arc<BTreeSet<Topic>>) {
        self.wanted = Arc::clone(wanted);
        self.coverage.keep(wanted);
    }

    /// A channel has carried nothing since then. Returns what is to be told: that it was dead may be
    /// learnt after another is back that was trusted to be covered by it.
    pub(crate) fn lost(&mut self, channel: u32, since: Timestamp, now: Timestamp) -> Vec<Notice> {
        let Some(one) = self.channels.get_mut(&channel) else { return Vec::new() };
        one.is_up = false;
        gaps(channel, self.coverage.lose(channel, since, now, |_| false))
    }

    /// A channel's topics are confirmed, at that time; it had carried none since `lost`, if that is
    /// given. Returns what is to be told.
    pub(crate) fn subscribed(
        &mut self,
        channel: u32,
        subscription: Subscription,
        lost: Option<Timestamp>,
        at: Timestamp,
        now: Timestamp,
    ) -> Vec<Notice> {
        let mut notices = lost.map_or_else(Vec::new, |since| self.lost(channel, since, now));
        let Some(one) = self.channels.get_mut(&channel) else { return notices };
        one.is_up = true;
        let before = one.subscription.replace(subscription.clone()).unwrap_or_default();
        let mut fresh = Vec::new();
        let mut holes =
            self.coverage.lose(channel, at, now, |topic| subscription.is_permitted(topic));
        for topic in subscription.permitted() {
            match self.coverage.carry(topic, channel, at) {
                None => fresh.push(topic.clone()),
                Some(found) => {
                    for hole in found {
                        holes.entry(hole).or_default().push(topic.clone());
                    }
                }
            }
        }
        subscription.rejected.keys().for_each(|topic| self.coverage.forget(topic));
        self.coverage.keep(&self.wanted);
        let rejected = subscription.rejected.len();
        let permitted = subscription.wanted.len() - rejected;
        notices.extend(rejections(channel, &before, &subscription));
        notices.extend(gaps(channel, holes));
        notices.push(Notice::Ready { channel, permitted, rejected, fresh });
        notices
    }

    /// Up to when each channel has certainly carried its topics.
    pub(crate) fn settle(&mut self, sure: impl Fn(u32) -> Option<Timestamp>) {
        self.coverage.settle(sure);
    }

    /// Whether the channel carries the topic, or Genesys said that it may not.
    pub(crate) fn has_answer(&self, channel: u32, topic: &Topic) -> bool {
        let refused = |subscription: &Subscription| subscription.rejected.contains_key(topic);
        let answer = self.channels.get(&channel).and_then(|one| one.subscription.as_ref());
        self.coverage.is_carried(topic, channel) || answer.is_some_and(refused)
    }

    /// A channel's whole list was refused. Returns what is to be told.
    pub(crate) fn refused(&mut self, channel: u32, subscription: Subscription) -> Vec<Notice> {
        let Some(one) = self.channels.get_mut(&channel) else { return Vec::new() };
        let before = one.subscription.take().unwrap_or_default();
        let notices = rejections(channel, &before, &subscription).into_iter().collect();
        one.subscription = Some(subscription);
        notices
    }

    /// Whether a channel of which this is true carries the topic.
    pub(crate) fn is_carried_by(&self, topic: &Topic, is: impl Fn(u32) -> bool) -> bool {
        self.channels
            .keys()
            .any(|channel| is(*channel) && self.coverage.is_carried(topic, *channel))
    }

    /// Once all channels have had an answer and none of it permits anything. Asked for after every
    /// answer, when those that another client is to be asked for have a channel there.
    pub(crate) fn none_allowed(&mut self) -> Option<Notice> {
        let answers = || self.channels.values().filter_map(|one| one.subscription.as_ref());
        let all_answered = answers().count() == self.channels.len();
        let any_permitted = answers().any(|answer| answer.permitted().next().is_some());
        let none = all_answered && !any_permitted && !self.wanted.is_empty();
        let tell = none && !self.none_told;
        let missing_permissions = answers()
            .flat_map(|answer| answer.rejected.values())
            .flat_map(|rejection| rejection.missing_permissions.iter().cloned())
            .collect();
        self.none_told = none;
        tell.then_some(Notice::NoneAllowed { missing_permissions })
    }

    pub(crate) fn state(&self) -> ChannelsState {
        let answers = || self.channels.values().filter_map(|one| one.subscription.as_ref());
        let permitted: BTreeSet<&Topic> = answers().flat_map(Subscription::permitted).collect();
        let rejected: BTreeSet<&Topic> = answers().flat_map(|one| one.rejected.keys()).collect();
        ChannelsState {
            channels: self.channels.len(),
            connected: self.channels.values().filter(|one| one.is_up).count(),
            topics_wanted: self.wanted.len(),
            topics_permitted: permitted.len(),
            topics_rejected: rejected.difference(&permitted).count(),
            topics_without_room: self.without_room,
            topics_short_of_copies: self.short_of_copies,
            oldest_gap: self.coverage.oldest_hole(),
            kept: self.kept,
        }
    }
}

fn gaps(channel: u32, holes: BTreeMap<Span, Vec<Topic>>) -> Vec<Notice> {
    let gap = |(Span { since, until }, topics)| Notice::Gap { channel, since, until, topics };
    holes.into_iter().map(gap).collect()
}

fn rejections(channel: u32, before: &Subscription, now: &Subscription) -> Option<Notice> {
    let new = now.rejected.values().filter(|one| before.rejected.get(&one.topic) != Some(*one));
    let topics: Vec<Rejection> = new.cloned().collect();
    (!topics.is_empty()).then_some(Notice::Rejected { channel, topics })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::UserId;

    fn user(id: &str) -> Topic {
        Topic::User(UserId::new(id))
    }

    fn subscription(permitted: &[&str], rejected: &[&str]) -> Subscription {
        let topics = |ids: &[&str]| -> BTreeSet<Topic> { ids.iter().map(|id| user(id)).collect() };
        let rejection = |topic: Topic| Rejection {
            topic,
            reason: None,
            missing_permissions: vec!["conversation:view".to_owned()],
        };
        let rejected = topics(rejected);
        let wanted = Arc::new(topics(permitted).union(&rejected).cloned().collect());
        let rejected =
            rejected.into_iter().map(|topic| (topic.clone(), rejection(topic))).collect();
        Subscription { wanted, rejected, unmentioned: 0 }
    }

    fn view(channels: u32) -> View {
        let wanted = Arc::new(BTreeSet::from(["a", "b"].map(user)));
        let mut view = View { wanted, ..View::default() };
        (0..channels).for_each(|number| view.add(number));
        view
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(4_000_000_000 + second).unwrap()
    }

    fn gap_topics(notices: &[Notice]) -> Vec<Topic> {
        let gaps = notices.iter().filter_map(|notice| match notice {
            Notice::Gap { topics, .. } => Some(topics.clone()),
            Notice::Ready { .. }
            | Notice::TokenRevoked { .. }
            | Notice::Rejected { .. }
            | Notice::NoneAllowed { .. } => None,
        });
        gaps.flatten().collect()
    }

    #[test]
    fn a_gap_that_another_channel_covered_is_none() {
        let mut view = view(2);
        view.subscribed(0, subscription(&["a", "b"], &[]), None, time(0), time(60));
        view.subscribed(1, subscription(&["a"], &[]), None, time(0), time(60));
        view.lost(0, time(10), time(20));
        assert_eq!(view.state().oldest_gap, Some(time(10)));
        let notices =
            view.subscribed(0, subscription(&["a", "b"], &[]), Some(time(10)), time(20), time(60));
        assert_eq!(gap_topics(&notices), [user("b")]);
        // The other one is found to have been dead since a time when this one was down: nobody saw.
        let notices = view.lost(1, time(15), time(22));
        assert_eq!(
            notices,
            [Notice::Gap { channel: 1, since: time(15), until: time(20), topics: vec![user("a")] }]
        );
        let notices =
            view.subscribed(1, subscription(&["a"], &[]), Some(time(15)), time(25), time(60));
        assert_eq!((gap_topics(&notices), view.state().oldest_gap), (vec![], None));
    }

    #[test]
    fn a_task_that_failed_after_its_last_words_leaves_its_gap() {
        let mut view = view(1);
        view.subscribed(0, subscription(&["a"], &[]), None, time(0), time(60));
        view.lost(0, time(10), time(20));
        // What it had said before it failed is heard after that.
        view.subscribed(0, subscription(&["a"], &[]), None, time(9), time(60));
        let notices =
            view.subscribed(0, subscription(&["a"], &[]), Some(time(10)), time(20), time(60));
        assert_eq!(gap_topics(&notices), [user("a")]);
    }

    #[test]
    fn a_topic_that_moves_is_not_fresh_and_has_a_gap_only_if_nobody_had_it() {
        let mut view = view(3);
        view.subscribed(0, subscription(&["a", "b"], &[]), None, time(0), time(60));
        let notices = view.subscribed(1, subscription(&["a"], &[]), None, time(5), time(60));
        assert!(matches!(&notices[..], [Notice::Ready { fresh, .. }] if fresh.is_empty()));
        let notices = view.subscribed(0, subscription(&["b"], &[]), None, time(6), time(60));
        assert_eq!(gap_topics(&notices), []);
        assert_eq!(gap_topics(&view.remove(0, time(8))), []);
        let notices = view.subscribed(2, subscription(&["b"], &[]), None, time(9), time(60));
        assert_eq!(gap_topics(&notices), [user("b")]);
        assert!(view.has_answer(2, &user("b")) && !view.has_answer(2, &user("a")));
    }

    #[test]
    fn nothing_permitted_is_said_once_all_have_answered() {
        let mut view = view(2);
        view.subscribed(0, subscription(&[], &["a"]), None, time(0), time(60));
        assert_eq!(view.none_allowed(), None);
        view.refused(1, subscription(&[], &["b"]));
        assert!(matches!(view.none_allowed(), Some(Notice::NoneAllowed { .. })));
        view.refused(1, subscription(&[], &["b"]));
        assert_eq!(view.none_allowed(), None, "once");
        assert_eq!(view.state().topics_rejected, 2);
        view.subscribed(1, subscription(&["b"], &[]), None, time(0), time(60));
        assert_eq!(view.none_allowed(), None);
        view.subscribed(1, subscription(&[], &["b"]), None, time(0), time(60));
        assert!(view.none_allowed().is_some(), "and again");
    }

    #[test]
    fn fresh_topics_are_those_not_permitted_before() {
        let mut view = view(1);
        let fresh = |notices: Vec<Notice>| match notices.last() {
            Some(Notice::Ready { fresh, .. }) => fresh.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            fresh(view.subscribed(0, subscription(&["a"], &["b"]), None, time(0), time(60))),
            [user("a")]
        );
        assert_eq!(
            fresh(view.subscribed(0, subscription(&["a", "b"], &[]), None, time(0), time(60))),
            [user("b")]
        );
        assert_eq!(
            fresh(view.subscribed(0, subscription(&["a", "b"], &[]), None, time(0), time(60))),
            []
        );
    }
}
