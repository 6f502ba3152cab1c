//! What came of asking for topics: which are permitted, which are not and why.
//!
//! Pure, but for the log lines about topics that were refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::warn;

use crate::events::frame::printable;
use crate::events::topic::Topic;
use crate::genesys::call::Refusal;
use crate::genesys::notifications::{ChannelTopic, TopicState};

/// Refused topics that get a line of their own; the rest is a number.
const LINES: usize = 20;
/// A sentence of the server's.
const LONGEST_REASON: usize = 200;

/// A topic that Genesys refuses us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub topic: Topic,
    /// Genesys' words, bounded.
    pub reason: Option<String>,
    pub missing_permissions: Vec<String>,
}

/// The answer to a list of topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) wanted: Arc<BTreeSet<Topic>>,
    pub(crate) rejected: BTreeMap<Topic, Rejection>,
    /// Topics of which the answer says nothing. They are taken for permitted.
    pub(crate) unmentioned: usize,
}

impl Subscription {
    pub(crate) fn read(wanted: Arc<BTreeSet<Topic>>, answers: Vec<ChannelTopic>) -> Subscription {
        let by_name: BTreeMap<String, &Topic> =
            wanted.iter().map(|topic| (topic.to_string().to_ascii_lowercase(), topic)).collect();
        let mut mentioned = BTreeSet::new();
        let mut rejected = BTreeMap::new();
        for answer in answers {
            let Some(topic) = by_name.get(&answer.id.to_ascii_lowercase()) else { continue };
            mentioned.insert(*topic);
            // A topic can be listed twice, permitted and rejected (FACTS 1.5).
            if answer.state == TopicState::Rejected {
                let reason = answer.rejection_reason;
                let rejection = Rejection {
                    topic: (*topic).clone(),
                    reason: reason.map(|text| printable(&text, LONGEST_REASON)),
                    missing_permissions: printables(&answer.missing_permissions),
                };
                rejected.insert((*topic).clone(), rejection);
            }
        }
        let unmentioned = wanted.len() - mentioned.len();
        Subscription { rejected, unmentioned, wanted }
    }

    /// The whole list was refused.
    pub(crate) fn refused(wanted: Arc<BTreeSet<Topic>>, refusal: &Refusal) -> Subscription {
        let reason = printable(&refusal.message, LONGEST_REASON);
        let missing_permissions = printables(&refusal.missing_permissions);
        let rejection = |topic: &Topic| Rejection {
            topic: topic.clone(),
            reason: Some(reason.clone()),
            missing_permissions: missing_permissions.clone(),
        };
        let rejected = wanted.iter().map(|topic| (topic.clone(), rejection(topic))).collect();
        Subscription { rejected, unmentioned: 0, wanted }
    }

    pub(crate) fn permitted(&self) -> impl Iterator<Item = &Topic> {
        self.wanted.iter().filter(|topic| !self.rejected.contains_key(*topic))
    }

    pub(crate) fn is_permitted(&self, topic: &Topic) -> bool {
        self.wanted.contains(topic) && !self.rejected.contains_key(topic)
    }

    /// Says which topics were refused that were not before.
    pub(crate) fn tell(&self, channel: u32, client: Option<&str>, before: &Subscription) {
        let new =
            || self.rejected.values().filter(|one| before.rejected.get(&one.topic) != Some(*one));
        for rejection in new().take(LINES) {
            let reason = rejection.reason.as_deref().unwrap_or("none given");
            let missing = rejection.missing_permissions.join(", ");
            warn!(channel, client, topic = %rejection.topic, reason, missing_permissions = missing,
                "topic refused, its conversations are not seen by this client; give its role the permission");
        }
        let more = new().count().saturating_sub(LINES);
        if more > 0 {
            warn!(channel, client, more, "and more topics refused");
        }
        if self.unmentioned > 0 && self.unmentioned != before.unmentioned {
            let unmentioned = self.unmentioned;
            warn!(
                channel,
                client, unmentioned, "topics missing in the answer, taken for permitted"
            );
        }
    }
}

fn printables(permissions: &[String]) -> Vec<String> {
    permissions.iter().map(|text| printable(text, LONGEST_REASON)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::UserId;

    #[test]
    fn the_answer_is_matched_without_regard_to_case_and_a_refusal_wins() {
        let user = |id: &str| Topic::User(UserId::new(id));
        let wanted = Arc::new(BTreeSet::from([user("a"), user("B"), user("c"), user("d")]));
        let answer = |id: &str, state: TopicState| ChannelTopic {
            id: format!("V2.users.{id}.conversations"),
            state,
            rejection_reason: Some("no\nway".to_owned()),
            missing_permissions: Vec::new(),
        };
        let answers = vec![
            answer("A", TopicState::Permitted),
            answer("b", TopicState::Rejected),
            answer("c", TopicState::Permitted),
            answer("c", TopicState::Rejected),
            answer("other", TopicState::Rejected),
        ];
        let subscription = Subscription::read(wanted, answers);
        let permitted: Vec<&Topic> = subscription.permitted().collect();
        assert_eq!(permitted, [&user("a"), &user("d")]);
        assert_eq!(subscription.unmentioned, 1);
        assert_eq!(subscription.rejected[&user("B")].reason.as_deref(), Some("no?way"));
    }
}
