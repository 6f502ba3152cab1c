//! What the directory calls its users, queues and groups.
//!
//! A value that is swapped whole at each refresh. Names compare without regard to case, as
//! Genesys' own screens do; an id stands for itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{GroupId, QueueId, UserId, WrapupCodeId};

/// The directory as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Names {
    /// By lower-case name. Two queues of one name in different divisions are both meant.
    pub queues: BTreeMap<String, BTreeSet<QueueId>>,
    pub groups: BTreeMap<String, BTreeSet<GroupId>>,
    /// By lower-case e-mail address, and by lower-case display name.
    pub users: BTreeMap<String, BTreeSet<UserId>>,
    /// By lower-case name.
    pub wrapup_codes: BTreeMap<String, BTreeSet<WrapupCodeId>>,
    /// Display names.
    pub user_names: BTreeMap<UserId, String>,
    pub queue_names: BTreeMap<QueueId, String>,
    pub wrapup_names: BTreeMap<WrapupCodeId, String>,
}

/// Names that somebody wants resolved: e-mail addresses, display names or ids of users, names or ids
/// of queues and wrap-up codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NamesWanted {
    pub queues: BTreeSet<String>,
    pub users: BTreeSet<String>,
    pub wrapup_codes: BTreeSet<String>,
    /// What wrap-up codes are called is wanted, whichever they are.
    pub wrapup_names: bool,
}

impl NamesWanted {
    /// Whether the wrap-up codes have to be asked for.
    pub fn wants_wrapup_codes(&self) -> bool {
        self.wrapup_names || self.wrapup_codes.iter().any(|name| !looks_like_id(name))
    }
}

impl Names {
    /// The queues that somebody calls so: by name, or by id. Empty if there is none.
    pub fn queue(&self, name_or_id: &str) -> BTreeSet<QueueId> {
        match self.queues.get(&name_or_id.to_lowercase()) {
            Some(ids) => ids.clone(),
            None if looks_like_id(name_or_id) => BTreeSet::from([QueueId::new(name_or_id)]),
            None => BTreeSet::new(),
        }
    }

    /// The users that somebody calls so: by e-mail address, display name, or id.
    pub fn user(&self, name_or_id: &str) -> BTreeSet<UserId> {
        match self.users.get(&name_or_id.to_lowercase()) {
            Some(ids) => ids.clone(),
            None if looks_like_id(name_or_id) => BTreeSet::from([UserId::new(name_or_id)]),
            None => BTreeSet::new(),
        }
    }

    /// The wrap-up codes that somebody calls so: by name, or by id.
    pub fn wrapup_code(&self, name_or_id: &str) -> BTreeSet<WrapupCodeId> {
        match self.wrapup_codes.get(&name_or_id.to_lowercase()) {
            Some(ids) => ids.clone(),
            None if looks_like_id(name_or_id) => BTreeSet::from([WrapupCodeId::new(name_or_id)]),
            None => BTreeSet::new(),
        }
    }

    /// The groups that somebody calls so: by name, or by id.
    pub fn group(&self, name_or_id: &str) -> BTreeSet<GroupId> {
        match self.groups.get(&name_or_id.to_lowercase()) {
            Some(ids) => ids.clone(),
            None if looks_like_id(name_or_id) => BTreeSet::from([GroupId::new(name_or_id)]),
            None => BTreeSet::new(),
        }
    }
}

/// Returns true if and only if the text has the form of a UUID, as ids of users, queues and groups
/// do.
pub fn looks_like_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_ids_stand_for_themselves() {
        let mut names = Names::default();
        names.queues.insert("billing".to_owned(), BTreeSet::from([QueueId::new("q1")]));
        assert_eq!(names.queue("Billing").len(), 1);
        assert!(names.queue("Sales").is_empty());
        let id = "d81980df-75e7-5974-bb04-2d4ccfad9b5d";
        assert_eq!(names.queue(id), BTreeSet::from([QueueId::new(id)]));
    }
}
