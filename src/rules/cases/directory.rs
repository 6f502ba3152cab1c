//! The queues, users and wrap-up codes of a test file: whoever is named is there.
//!
//! A name is its own id, so that a test reads as it is written, unless the file says which id goes
//! with it. Names compare without regard to case; the spelling that came first is the id.

use std::collections::{BTreeMap, BTreeSet};

use crate::genesys::names::{Names, NamesWanted, looks_like_id};
use crate::genesys::{QueueId, UserId, WrapupCodeId};

#[derive(Clone, Debug, Default)]
pub struct Directory {
    queues: BTreeMap<String, Entry>,
    users: BTreeMap<String, Entry>,
    wrapup_codes: BTreeMap<String, Entry>,
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

    /// Says which id a wrap-up code has.
    pub fn set_wrapup_code(&mut self, name: &str, id: &str) {
        set(&mut self.wrapup_codes, name, id);
    }

    /// The id of a wrap-up code; one that was not known is from now on.
    pub fn wrapup_code(&mut self, name: &str) -> String {
        id(&mut self.wrapup_codes, name)
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
        for code in &wanted.wrapup_codes {
            all.wrapup_code(code);
        }
        let mut names = Names::default();
        for (key, Entry { name, id }) in &all.wrapup_codes {
            let id = WrapupCodeId::new(id);
            names.wrapup_names.insert(id.clone(), name.clone());
            names.wrapup_codes.insert(key.clone(), BTreeSet::from([id]));
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
