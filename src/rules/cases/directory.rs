//! The queues, users, skills and so on of a test file: whatever is named is there.
//!
//! A name is its own id, so that a test reads as it is written, unless the file says which id goes
//! with it. Names compare without regard to case; the spelling that came first is the id.

use std::collections::{BTreeMap, BTreeSet};

use crate::genesys::names::{Listed, Names, NamesWanted, looks_like_id};
use crate::genesys::{ListedId, QueueId, UserId};

#[derive(Clone, Debug, Default)]
pub struct Directory {
    queues: BTreeMap<String, Entry>,
    users: BTreeMap<String, Entry>,
    listed: BTreeMap<Listed, BTreeMap<String, Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    id: String,
}

impl Directory {
    /// Says which id a queue has.
    pub fn set_queue(&mut self, name: &str, id: &str) {
        set(&mut self.queues, name, id);
    }

    /// Says which id a user has.
    pub fn set_user(&mut self, name: &str, id: &str) {
        set(&mut self.users, name, id);
    }

    /// Says which id a skill, a flow and so on has.
    pub fn set_listed(&mut self, of: Listed, name: &str, id: &str) {
        set(self.listed.entry(of).or_default(), name, id);
    }

    /// The id of a skill, a flow and so on; one that was not known is from now on.
    pub fn listed(&mut self, of: Listed, name: &str) -> String {
        id(self.listed.entry(of).or_default(), name)
    }

    /// The id of a queue; one that was not known is from now on.
    pub fn queue(&mut self, name: &str) -> String {
        id(&mut self.queues, name)
    }

    /// The id of a user; one who was not known is from now on.
    pub fn user(&mut self, name: &str) -> String {
        id(&mut self.users, name)
    }

    /// The directory as rules want it, with the names that stand in them.
    pub fn names(&self, wanted: &NamesWanted) -> Names {
        let mut all = self.clone();
        for queue in &wanted.queues {
            all.queue(queue);
        }
        for user in &wanted.users {
            all.user(user);
        }
        for of in Listed::ALL {
            for name in wanted.names_listed(of) {
                all.listed(of, name);
            }
        }
        let mut names = Names::default();
        for (of, entries) in &all.listed {
            let listing = names.listed.entry(*of).or_default();
            for Entry { name, id } in entries.values() {
                listing.insert(ListedId::new(id), name);
            }
        }
        for (key, Entry { name, id }) in &all.queues {
            let id = QueueId::new(id);
            names.queue_names.insert(id.clone(), name.clone());
            names.queues.insert(key.clone(), BTreeSet::from([id]));
        }
        for (key, Entry { id, .. }) in &all.users {
            // What they are called is for the event to say.
            names.users.insert(key.clone(), BTreeSet::from([UserId::new(id)]));
        }
        names
    }
}

fn set(entries: &mut BTreeMap<String, Entry>, name: &str, id: &str) {
    let entry = Entry { name: name.to_owned(), id: id.to_owned() };
    entries.insert(name.to_lowercase(), entry);
}

fn id(entries: &mut BTreeMap<String, Entry>, name: &str) -> String {
    if looks_like_id(name) {
        return name.to_owned();
    }
    let key = name.to_lowercase();
    let new = || Entry { name: name.to_owned(), id: name.to_owned() };
    entries.entry(key).or_insert_with(new).id.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_own_id_whatever_its_case() {
        let mut directory = Directory::default();
        directory.set_queue("Sales", "1");
        assert_eq!(directory.queue("Billing"), "Billing");
        assert_eq!(directory.queue("billing"), "Billing");
        assert_eq!(directory.queue("SALES"), "1");
        let wanted = NamesWanted {
            queues: BTreeSet::from(["BILLING".to_owned(), "Claims".to_owned()]),
            ..NamesWanted::default()
        };
        let names = directory.names(&wanted);
        assert_eq!(names.queue("billing"), BTreeSet::from([QueueId::new("Billing")]));
        assert_eq!(names.queue("claims"), BTreeSet::from([QueueId::new("Claims")]));
    }
}
