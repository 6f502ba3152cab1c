//! How the channels stand, seen together: what each report means for the whole.
//!
//! Pure. Two things can only be told from all channels at once: that no topic at all is permitted,
//! and that a gap of one channel was covered by another that carried the same topic all the time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::notice::{ChannelsState, Notice, Rejection};
use super::report::Gap;
use super::subscription::Subscription;
use crate::events::topic::Topic;
use crate::machine;

#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) wanted: usize,
    pub(crate) without_room: usize,
    pub(crate) short_of_copies: usize,
    pub(crate) kept: bool,
    channels: BTreeMap<u32, One>,
    /// Whether it was said that nothing is permitted.
    none_told: bool,
}

#[derive(Debug, Default)]
struct One {
    standing: Standing,
    /// The last answer.
    subscription: Option<Subscription>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    New,
    Up {
        since: Timestamp,
    },
    Down {
        since: Timestamp,
    },
}

impl View {
    pub(crate) fn add(&mut self, channel: u32) {
        self.channels.insert(channel, One::default());
    }

    pub(crate) fn remove(&mut self, channel: u32) {
        self.channels.remove(&channel);
    }

    pub(crate) fn lost(&mut self, channel: u32, since: Timestamp) {
        if let Some(one) = self.channels.get_mut(&channel) {
            one.standing = match one.standing {
                Standing::Down { since: before } => Standing::Down { since: before.min(since) },
                Standing::New | Standing::Up { .. } => Standing::Down { since },
            };
        }
    }

    /// A channel's topics are confirmed. Returns what is to be told.
    pub(crate) fn subscribed(
        &mut self,
        channel: u32,
        subscription: Subscription,
        gap: Option<Gap>,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        let gap_notice = gap.and_then(|gap| self.gap(channel, &subscription, gap));
        let Some(one) = self.channels.get_mut(&channel) else { return notices };
        let until = gap.map_or_else(machine::now, |gap| gap.until);
        one.standing = match one.standing {
            Standing::Up { since } if gap.is_none() => Standing::Up { since },
            Standing::New | Standing::Up { .. } | Standing::Down { .. } => {
                Standing::Up { since: until }
            }
        };
        let before = one.subscription.take().unwrap_or_default();
        let was_permitted: BTreeSet<&Topic> = before.permitted().collect();
        let fresh = subscription.permitted().filter(|topic| !was_permitted.contains(topic));
        let rejected = subscription.rejected.len();
        notices.extend(rejections(channel, &before, &subscription));
        notices.extend(gap_notice);
        notices.push(Notice::Ready {
            channel,
            permitted: subscription.wanted.len() - rejected,
            rejected,
            fresh: fresh.cloned().collect(),
        });
        one.subscription = Some(subscription);
        notices.extend(self.none_allowed());
        notices
    }

    /// A channel's whole list was refused. Returns what is to be told.
    pub(crate) fn refused(&mut self, channel: u32, subscription: Subscription) -> Vec<Notice> {
        let Some(one) = self.channels.get_mut(&channel) else { return Vec::new() };
        let before = one.subscription.take().unwrap_or_default();
        let mut notices: Vec<Notice> =
            rejections(channel, &before, &subscription).into_iter().collect();
        one.subscription = Some(subscription);
        notices.extend(self.none_allowed());
        notices
    }

    /// The gap, for those of the channel's topics that no other channel carried throughout.
    fn gap(&self, channel: u32, subscription: &Subscription, gap: Gap) -> Option<Notice> {
        let carried = |topic: &Topic| {
            self.channels.iter().any(|(number, one)| {
                let throughout =
                    matches!(one.standing, Standing::Up { since } if since <= gap.since);
                let carries = |subscription: &Subscription| {
                    subscription.wanted.contains(topic)
                        && !subscription.rejected.contains_key(topic)
                };
                *number != channel && throughout && one.subscription.as_ref().is_some_and(carries)
            })
        };
        let topics: Vec<Topic> =
            subscription.permitted().filter(|topic| !carried(topic)).cloned().collect();
        let Gap { since, until } = gap;
        (!topics.is_empty()).then_some(Notice::Gap { channel, since, until, topics })
    }

    /// Once all channels have had an answer and none of it permits anything.
    fn none_allowed(&mut self) -> Option<Notice> {
        let answers = || self.channels.values().filter_map(|one| one.subscription.as_ref());
        let all_answered = answers().count() == self.channels.len();
        let any_permitted = answers().any(|answer| answer.permitted().next().is_some());
        let none = all_answered && !any_permitted && self.wanted > 0;
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
        let gaps = self.channels.values().filter_map(|one| match one.standing {
            Standing::Down { since } => Some(since),
            Standing::New | Standing::Up { .. } => None,
        });
        let connected =
            self.channels.values().filter(|one| matches!(one.standing, Standing::Up { .. }));
        ChannelsState {
            channels: self.channels.len(),
            connected: connected.count(),
            topics_wanted: self.wanted,
            topics_permitted: permitted.len(),
            topics_rejected: rejected.difference(&permitted).count(),
            topics_without_room: self.without_room,
            topics_short_of_copies: self.short_of_copies,
            oldest_gap: gaps.min(),
            kept: self.kept,
        }
    }
}

fn rejections(channel: u32, before: &Subscription, now: &Subscription) -> Option<Notice> {
    let new = now.rejected.values().filter(|one| before.rejected.get(&one.topic) != Some(*one));
    let topics: Vec<Rejection> = new.cloned().collect();
    (!topics.is_empty()).then_some(Notice::Rejected { channel, topics })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
        let mut view = View { wanted: 2, ..View::default() };
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
        view.subscribed(0, subscription(&["a", "b"], &[]), None);
        view.subscribed(1, subscription(&["a"], &[]), None);
        view.lost(0, time(10));
        assert_eq!(view.state().oldest_gap, Some(time(10)));
        let gap = Gap { since: time(10), until: time(20) };
        let notices = view.subscribed(0, subscription(&["a", "b"], &[]), Some(gap));
        assert_eq!(gap_topics(&notices), [user("b")]);
        // The other one was lost at a time when this one was down: nobody saw.
        view.lost(1, time(15));
        let gap = Gap { since: time(15), until: time(25) };
        let notices = view.subscribed(1, subscription(&["a"], &[]), Some(gap));
        assert_eq!(gap_topics(&notices), [user("a")]);
        assert_eq!(view.state().oldest_gap, None);
    }

    #[test]
    fn nothing_permitted_is_said_once_all_have_answered() {
        let none = |notices: &[Notice]| {
            notices.iter().any(|notice| matches!(notice, Notice::NoneAllowed { .. }))
        };
        let mut view = view(2);
        assert!(!none(&view.subscribed(0, subscription(&[], &["a"]), None)));
        assert!(none(&view.refused(1, subscription(&[], &["b"]))));
        assert!(!none(&view.refused(1, subscription(&[], &["b"]))), "once");
        assert_eq!(view.state().topics_rejected, 2);
        assert!(!none(&view.subscribed(1, subscription(&["b"], &[]), None)));
        assert!(none(&view.subscribed(1, subscription(&[], &["b"]), None)), "and again");
    }

    #[test]
    fn fresh_topics_are_those_not_permitted_before() {
        let mut view = view(1);
        let fresh = |notices: Vec<Notice>| match notices.last() {
            Some(Notice::Ready { fresh, .. }) => fresh.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fresh(view.subscribed(0, subscription(&["a"], &["b"]), None)), [user("a")]);
        assert_eq!(fresh(view.subscribed(0, subscription(&["a", "b"], &[]), None)), [user("b")]);
        assert_eq!(fresh(view.subscribed(0, subscription(&["a", "b"], &[]), None)), []);
    }
}
