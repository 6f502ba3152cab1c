//! What the directory calls its users, queues and groups, and what else it lists.
//!
//! A value that is swapped whole at each refresh. Names compare without regard to case, as
//! Genesys' own screens do; an id stands for itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ids::{GroupId, ListedId, QueueId, UserId};

/// The directory as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Names {
    /// By lower-case name. Two queues of one name in different divisions are both meant.
    pub queues: BTreeMap<String, BTreeSet<QueueId>>,
    pub groups: BTreeMap<String, BTreeSet<GroupId>>,
    /// By lower-case e-mail address, and by lower-case display name.
    pub users: BTreeMap<String, BTreeSet<UserId>>,
    /// Display names.
    pub user_names: BTreeMap<UserId, String>,
    pub queue_names: BTreeMap<QueueId, String>,
    pub listed: BTreeMap<Listed, Listing>,
}

/// What the directory lists whole, each with an id and a name. A list is asked for where somebody
/// names one of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    WrapupCode,
    Skill,
    Language,
    Division,
    Flow,
}

/// One of these lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Listing {
    /// By lower-case name.
    ids: BTreeMap<String, BTreeSet<ListedId>>,
    names: BTreeMap<ListedId, String>,
}

/// Names that somebody wants resolved: e-mail addresses, display names or ids of users, names or ids
/// of queues and of what the directory lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NamesWanted {
    pub queues: BTreeSet<String>,
    pub users: BTreeSet<String>,
    pub listed: BTreeMap<Listed, ListedWanted>,
}

/// What somebody wants of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListedWanted {
    /// By name or id.
    pub names: BTreeSet<String>,
    /// What they are called is wanted, whichever they are.
    pub shown: bool,
}

impl NamesWanted {
    /// Whether this list has to be asked for.
    pub fn wants(&self, of: Listed) -> bool {
        let wants = |one: &ListedWanted| one.shown || one.names.iter().any(|n| !looks_like_id(n));
        self.listed.get(&of).is_some_and(wants)
    }

    /// What is wanted of this list by name or id.
    pub fn names_listed(&self, of: Listed) -> impl Iterator<Item = &String> {
        self.listed.get(&of).into_iter().flat_map(|wanted| &wanted.names)
    }
}

impl Listed {
    pub const ALL: [Listed; 5] =
        [Listed::WrapupCode, Listed::Skill, Listed::Language, Listed::Division, Listed::Flow];

    /// How one of it is called in front of people.
    pub fn word(self) -> &'static str {
        match self {
            Listed::WrapupCode => "wrap-up code",
            Listed::Skill => "skill",
            Listed::Language => "language",
            Listed::Division => "division",
            Listed::Flow => "flow",
        }
    }
}

impl Listing {
    /// Notes that this one is called so.
    pub fn insert(&mut self, id: ListedId, name: &str) {
        self.ids.entry(name.to_lowercase()).or_default().insert(id.clone());
        self.names.insert(id, name.to_owned());
    }

    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(String::as_str)
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

    /// Those of a list that somebody calls so: by name, or by id.
    pub fn listed(&self, of: Listed, name_or_id: &str) -> BTreeSet<ListedId> {
        let ids = self.listed.get(&of).and_then(|list| list.ids.get(&name_or_id.to_lowercase()));
        match ids {
            Some(ids) => ids.clone(),
            None if looks_like_id(name_or_id) => BTreeSet::from([ListedId::new(name_or_id)]),
            None => BTreeSet::new(),
        }
    }

    /// What the one with this id is called.
    pub fn listed_name(&self, of: Listed, id: &str) -> Option<&str> {
        self.listed.get(&of)?.names.get(id).map(String::as_str)
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

/// What a log may say of a user's name or e-mail address: its first letter, and the address' domain.
/// An id is nobody's name.
pub fn masked(name: &str) -> String {
    if looks_like_id(name) {
        return name.to_owned();
    }
    let first: String = name.chars().take(1).collect();
    // A display name may have an `@` in it, and what follows is no domain then.
    let domain = name.rsplit_once('@').filter(|(_, domain)| !domain.contains(char::is_whitespace));
    match domain {
        Some((_, domain)) => format!("{first}…@{domain}"),
        None => format!("{first}…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_names_nobody() {
        let id = "d81980df-75e7-5974-bb04-2d4ccfad9b5d";
        for (name, shown) in [
            ("Jane Winterbottom", "J…"),
            ("jane.winterbottom@example.com", "j…@example.com"),
            ("Sales @ Jane Winterbottom", "S…"),
            ("Østergaard", "Ø…"),
            (id, id),
        ] {
            assert_eq!(masked(name), shown);
        }
    }

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
