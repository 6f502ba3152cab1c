//! How a topic gets from one channel to another without a moment in which none has it: the new one
//! takes it before the old one leaves it.
//!
//! Pure. A plan says where topics shall be; this says what each channel is told on the way there,
//! within what a channel holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::topics::{Plan, TOPICS_PER_CHANNEL};
use crate::events::topic::Topic;

/// The topics of each channel.
pub(crate) type Shares = BTreeMap<u32, Arc<BTreeSet<Topic>>>;

/// What each channel is to be told now, after it was `told` something. `has_answer` says whether a
/// channel carries a topic, or was refused it: then there is nothing to wait for.
///
/// What is not the plan yet will be once the channels have answered and this is asked again.
pub(crate) fn shares(
    plan: &Plan,
    told: &Shares,
    has_answer: impl Fn(u32, &Topic) -> bool,
) -> Shares {
    let awaited = |topic: &Topic| {
        let has = |(_, topics): &(&u32, &Arc<BTreeSet<Topic>>)| topics.contains(topic);
        plan.channels.iter().filter(has).any(|(number, _)| !has_answer(*number, topic))
    };
    let mut shares = plan.channels.clone();
    for (number, before) in told {
        let planned = plan.channels.get(number).cloned().unwrap_or_default();
        let stay: BTreeSet<Topic> = before
            .iter()
            .filter(|topic| !planned.contains(*topic) && awaited(topic))
            .cloned()
            .collect();
        if stay.is_empty() {
            continue;
        }
        let (kept, new): (Vec<&Topic>, Vec<&Topic>) =
            planned.iter().partition(|topic| before.contains(*topic));
        let room = TOPICS_PER_CHANNEL.saturating_sub(stay.len() + kept.len());
        let share: BTreeSet<Topic> =
            kept.into_iter().chain(new.into_iter().take(room)).cloned().chain(stay).collect();
        let same = share == **before;
        shares.insert(*number, if same { Arc::clone(before) } else { Arc::new(share) });
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::UserId;

    fn topics(range: std::ops::Range<usize>) -> BTreeSet<Topic> {
        range.map(|n| Topic::User(UserId::new(&format!("u{n:05}")))).collect()
    }

    fn all(sets: Vec<BTreeSet<Topic>>) -> Shares {
        (0..).zip(sets.into_iter().map(Arc::new)).collect()
    }

    fn plan(sets: Vec<BTreeSet<Topic>>) -> Plan {
        Plan { channels: all(sets), ..Plan::default() }
    }

    #[test]
    fn a_topic_stays_until_the_channel_it_goes_to_has_it() {
        let told = all(vec![topics(0..3), topics(3..5)]);
        let plan = plan(vec![topics(0..2), topics(2..5)]);
        let now = shares(&plan, &told, |channel, _| channel == 0);
        assert_eq!(now, all(vec![topics(0..3), topics(2..5)]));
        assert!(Arc::ptr_eq(&now[&0], &told[&0]), "nothing new for this one");
        assert_eq!(shares(&plan, &now, |_, _| true), plan.channels);
    }

    #[test]
    fn what_nobody_wants_any_more_does_not_stay() {
        let told = all(vec![topics(0..3)]);
        let plan = plan(vec![topics(1..3)]);
        assert_eq!(shares(&plan, &told, |_, _| false), plan.channels);
    }

    #[test]
    fn a_full_channel_takes_no_more_before_it_has_left_some() {
        let told = all(vec![topics(0..1000), BTreeSet::new()]);
        let plan = plan(vec![topics(1..1001), topics(0..1)]);
        let now = shares(&plan, &told, |_, _| false);
        assert_eq!(now, all(vec![topics(0..1000), topics(0..1)]));
        let then = shares(&plan, &now, |channel, _| channel == 1);
        assert_eq!(then, plan.channels);
    }
}
