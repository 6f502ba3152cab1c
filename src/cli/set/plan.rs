//! What has to be sent, and what it changes. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::find::Candidate;
use super::request::Request;

/// Attributes as they were read.
pub(super) type Attributes = BTreeMap<String, String>;

/// Keys with their values; `None` where there is none.
pub(super) type Values = BTreeMap<Arc<str>, Option<String>>;

/// One write, not made yet.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) candidate: Candidate,
    /// What was asked for.
    pub(super) wanted: BTreeMap<Arc<str>, Arc<str>>,
    /// The keys that were asked for, as they are now.
    pub(super) before: Values,
    /// Of what was asked for, what is not there yet.
    pub(super) send: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) status: Option<Arc<str>>,
}

impl Plan {
    pub(super) fn new(candidate: Candidate, attributes: &Attributes, request: &Request) -> Plan {
        let wanted = request.values.clone();
        let before = values_of(&wanted, attributes);
        let differs = |key: &Arc<str>, value: &Arc<str>| {
            // The empty string counts as absent, as it does for rules.
            attributes.get(key.as_ref()).map_or("", String::as_str) != value.as_ref()
        };
        let pairs = wanted.iter().filter(|(key, value)| differs(key, value));
        let send = pairs.map(|(key, value)| (Arc::clone(key), Arc::clone(value))).collect();
        Plan { candidate, wanted, before, send, status: request.status.clone() }
    }

    /// Returns true if and only if there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.send.is_empty() && self.status.is_none()
    }

    /// The keys that were asked for, as they will be.
    pub(super) fn after(&self) -> Values {
        let value = |key: &Arc<str>| self.send.get(key).map(|value| value.as_ref().to_owned());
        let keys = self.before.iter();
        keys.map(|(key, before)| (Arc::clone(key), value(key).or_else(|| before.clone()))).collect()
    }
}

/// Of these keys, what the attributes have.
pub(super) fn values_of(wanted: &BTreeMap<Arc<str>, Arc<str>>, attributes: &Attributes) -> Values {
    let keys = wanted.keys();
    keys.map(|key| (Arc::clone(key), attributes.get(key.as_ref()).cloned())).collect()
}
