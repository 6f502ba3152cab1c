//! What the directory has said so far, source by source, and what follows from it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::page::Entry;
use super::{Unknown, Watching, What};
use crate::config::Watch;
use crate::genesys::names::{Listed, Names, NamesWanted, looks_like_id};
use crate::genesys::{GroupId, ListedId, QueueId, UserId};

/// Everything that the directory has said and that is still wanted.
///
/// A key that is missing was not asked for yet; one that is there and empty was asked for, and
/// nobody is called so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Known {
    /// Names of queues.
    pub(super) queues: BTreeMap<QueueId, String>,
    /// `queues` are all that this client may see.
    pub(super) all_queues_listed: bool,
    /// By lower-case name.
    pub(super) queues_found: BTreeMap<String, BTreeSet<QueueId>>,
    /// Names of what somebody wants listed.
    pub(super) listed: BTreeMap<Listed, BTreeMap<ListedId, String>>,
    pub(super) groups_found: BTreeMap<String, BTreeSet<GroupId>>,
    /// By lower-case e-mail address, display name or id.
    pub(super) users_found: BTreeMap<String, BTreeSet<UserId>>,
    /// `None` if the queue does not exist.
    pub(super) queue_members: BTreeMap<QueueId, Option<BTreeSet<UserId>>>,
    pub(super) group_members: BTreeMap<GroupId, Option<BTreeSet<UserId>>>,
    pub(super) all_users: Option<BTreeSet<UserId>>,
    /// What the users are called.
    people: BTreeMap<UserId, Person>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
struct Person {
    name: Option<String>,
    email: Option<String>,
}

impl Known {
    pub fn is_empty(&self) -> bool {
        *self == Known::default()
    }

    /// What is to be watched, as far as it is known. `failed` is left for whoever asked.
    pub fn watching(&self, watch: &Watch, wanted: &NamesWanted) -> Watching {
        let mut watching = Watching { complete: true, ..Watching::default() };
        watching.names = Arc::new(self.names());
        for name in &watch.queues {
            let queues = self.queue(name, &mut watching);
            watching.queues.extend(queues);
        }
        for name in &watch.members_of_queues {
            for queue in self.queue(name, &mut watching) {
                let members = self.queue_members.get(&queue);
                watching.add_members(members, What::Queue, name);
            }
        }
        for name in &watch.members_of_groups {
            for group in self.group(name, &mut watching) {
                let members = self.group_members.get(&group);
                watching.add_members(members, What::Group, name);
            }
        }
        for name in &watch.users {
            let users = self.user(name, &mut watching);
            watching.users.extend(users);
        }
        if watch.all_users {
            match &self.all_users {
                Some(users) => watching.users.extend(users.iter().cloned()),
                None => watching.complete = false,
            }
        }
        // What rules name need not be watched, but it is said if it is not there.
        for name in &wanted.queues {
            self.queue(name, &mut watching);
        }
        for name in &wanted.users {
            self.user(name, &mut watching);
        }
        // Whom to watch does not depend on these: who may not list them starts without.
        for (&of, list) in &self.listed {
            for name in wanted.names_listed(of).filter(|name| !is_listed(list, name)) {
                watching.note_unknown(What::Listed(of), name);
            }
        }
        watching
    }

    /// The queues of this name or id, with a note if there are none.
    pub(super) fn queue(&self, name: &str, watching: &mut Watching) -> BTreeSet<QueueId> {
        let found = self.queues_found.get(&name.to_lowercase());
        if looks_like_id(name) && found.is_none() {
            let id = QueueId::new(name);
            if self.all_queues_listed && !self.queues.contains_key(&id) {
                watching.note_unknown(What::Queue, name);
            }
            return BTreeSet::from([id]);
        }
        watching.settle(found, What::Queue, name)
    }

    pub(super) fn group(&self, name: &str, watching: &mut Watching) -> BTreeSet<GroupId> {
        let found = self.groups_found.get(&name.to_lowercase());
        if looks_like_id(name) && found.is_none() {
            return BTreeSet::from([GroupId::new(name)]);
        }
        watching.settle(found, What::Group, name)
    }

    fn user(&self, name: &str, watching: &mut Watching) -> BTreeSet<UserId> {
        let found = self.users_found.get(&name.to_lowercase());
        if looks_like_id(name) && found.is_none() {
            watching.complete = false;
            return BTreeSet::from([UserId::new(name)]);
        }
        watching.settle(found, What::User, name)
    }

    /// Notes what these users are called, and returns who they are.
    pub(super) fn meet(&mut self, entries: Vec<Entry>) -> BTreeSet<UserId> {
        let mut users = BTreeSet::new();
        for Entry { id, name, email } in entries {
            let id = UserId::new(&id);
            let person = self.people.entry(id.clone()).or_default();
            // Not every listing tells both.
            person.name = name.or(person.name.take());
            person.email = email.or(person.email.take());
            users.insert(id);
        }
        users
    }

    /// Those among these users who are called so.
    pub(super) fn called<'u>(
        &self,
        users: impl IntoIterator<Item = &'u UserId>,
        name: &str,
    ) -> BTreeSet<UserId> {
        let lower = name.to_lowercase();
        let is = |text: &Option<String>| text.as_ref().is_some_and(|t| t.to_lowercase() == lower);
        let is_called = |user: &&UserId| {
            user.as_str().to_lowercase() == lower
                || self.people.get(*user).is_some_and(|p| is(&p.name) || is(&p.email))
        };
        users.into_iter().filter(is_called).cloned().collect()
    }

    /// Forgets what nobody wants any more.
    pub(super) fn forget(&mut self, watch: &Watch, wanted: &NamesWanted) {
        let lower = |names: &mut dyn Iterator<Item = &String>| -> BTreeSet<String> {
            names.map(|name| name.to_lowercase()).collect()
        };
        let queues =
            lower(&mut watch.queues.iter().chain(&watch.members_of_queues).chain(&wanted.queues));
        self.queues_found.retain(|name, _| queues.contains(name));
        let groups = lower(&mut watch.members_of_groups.iter());
        self.groups_found.retain(|name, _| groups.contains(name));
        let users = lower(&mut watch.users.iter().chain(&wanted.users));
        self.users_found.retain(|name, _| users.contains(name));
        self.listed.retain(|&of, _| wanted.wants(of));

        let mut nobody = Watching::default();
        let with_members: BTreeSet<QueueId> =
            watch.members_of_queues.iter().flat_map(|n| self.queue(n, &mut nobody)).collect();
        self.queue_members.retain(|queue, _| with_members.contains(queue));
        let with_members: BTreeSet<GroupId> =
            watch.members_of_groups.iter().flat_map(|n| self.group(n, &mut nobody)).collect();
        self.group_members.retain(|group, _| with_members.contains(group));
        if !watch.all_users {
            self.all_users = None;
        }
        let mut met: BTreeSet<UserId> = self.users_found.values().flatten().cloned().collect();
        met.extend(self.queue_members.values().flatten().flatten().cloned());
        met.extend(self.group_members.values().flatten().flatten().cloned());
        met.extend(self.all_users.iter().flatten().cloned());
        self.people.retain(|user, _| met.contains(user));
    }

    fn names(&self) -> Names {
        let mut names = Names { queue_names: self.queues.clone(), ..Names::default() };
        for (id, name) in &self.queues {
            names.queues.entry(name.to_lowercase()).or_default().insert(id.clone());
        }
        for (name, ids) in &self.queues_found {
            names.queues.entry(name.clone()).or_default().extend(ids.iter().cloned());
        }
        names.queues.retain(|_, ids| !ids.is_empty());
        for (&of, list) in &self.listed {
            let listing = names.listed.entry(of).or_default();
            list.iter().for_each(|(id, name)| listing.insert(id.clone(), name));
        }
        names.groups = self.groups_found.clone();
        names.groups.retain(|_, ids| !ids.is_empty());
        for (id, person) in &self.people {
            for name in person.email.iter().chain(&person.name) {
                names.users.entry(name.to_lowercase()).or_default().insert(id.clone());
            }
            if let Some(name) = &person.name {
                names.user_names.insert(id.clone(), name.clone());
            }
        }
        names
    }
}

/// Whether one of the list has this name or id.
fn is_listed(list: &BTreeMap<ListedId, String>, name: &str) -> bool {
    let lower = name.to_lowercase();
    list.iter().any(|(id, called)| called.to_lowercase() == lower || *id.as_str() == lower)
}

impl Watching {
    fn note_unknown(&mut self, what: What, name: &str) {
        self.unknown.insert(Unknown { what, name: name.to_owned() });
    }

    /// What was found, with a note if it is nothing, or nobody looked.
    fn settle<T: Clone + Ord>(
        &mut self,
        found: Option<&BTreeSet<T>>,
        what: What,
        name: &str,
    ) -> BTreeSet<T> {
        match found {
            Some(found) if found.is_empty() => self.note_unknown(what, name),
            Some(_) => {}
            None => self.complete = false,
        }
        found.cloned().unwrap_or_default()
    }

    fn add_members(&mut self, members: Option<&Option<BTreeSet<UserId>>>, what: What, name: &str) {
        match members {
            Some(Some(members)) => self.users.extend(members.iter().cloned()),
            Some(None) => self.note_unknown(what, name),
            None => self.complete = false,
        }
    }
}
