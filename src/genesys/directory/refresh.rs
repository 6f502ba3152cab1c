//! Asks every source again that somebody wants.
//!
//! The sources are independent: each that answers replaces what it said before, each that fails is
//! reported and leaves it. A 403 for one is about that one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::ask::{Asker, Question, failed};
use super::page::Entry;
use super::{Failed, Known, Watching};
use crate::config::Watch;
use crate::genesys::call::{Api, CallError};
use crate::genesys::names::{Listed, NamesWanted, looks_like_id};
use crate::genesys::reading::encoded;
use crate::genesys::{GroupId, ListedId, QueueId, UserId};

/// Where the API names a maximum, it is this (FACTS 1.7), so it is safe where it names none.
const PAGE: usize = 100;
/// The maximum of that one listing (FACTS 1.7).
const QUEUES_PAGE: usize = 500;
/// `max.user.ids` (FACTS 1.7).
const IDS_AT_ONCE: usize = 100;
/// Values of one search. No limit is documented; one page holds what they find, unless names repeat.
const VALUES_AT_ONCE: usize = 50;

/// Asks for everything that is wanted, and returns what failed. What `known` holds is never less true
/// than before.
///
/// # Cancel safety
///
/// Sources are taken over one by one: when dropped, `known` holds those that had answered.
pub async fn refresh(
    api: &dyn Api,
    watch: &Watch,
    wanted: &NamesWanted,
    known: &mut Known,
) -> Vec<Failed> {
    let mut refresh = Refresh { asker: Asker { api }, watch, wanted, known, failed: Vec::new() };
    refresh.queues().await;
    refresh.listed().await;
    refresh.groups().await;
    refresh.queue_members().await;
    refresh.group_members().await;
    refresh.all_users().await;
    refresh.users().await;
    refresh.known.forget(watch, wanted);
    refresh.failed
}

struct Refresh<'a> {
    asker: Asker<'a>,
    watch: &'a Watch,
    wanted: &'a NamesWanted,
    known: &'a mut Known,
    failed: Vec<Failed>,
}

impl Refresh<'_> {
    /// All queues, for their names; if that is forbidden, those that are wanted one by one.
    async fn queues(&mut self) {
        let names = self.watch.queues.iter().chain(&self.watch.members_of_queues);
        let names = names.chain(&self.wanted.queues).filter(|name| !looks_like_id(name));
        let names = without_repeats(names);
        let all = Question {
            operation: "list_queues",
            path: "/api/v2/routing/queues/divisionviews/all".to_owned(),
            page_size: QUEUES_PAGE,
            search: None,
        };
        match self.asker.all(&all).await {
            Ok(entries) => {
                self.known.queues.clear();
                self.known.all_queues_listed = true;
                self.note_queues(&entries);
                for name in names {
                    let found = queues_called(&entries, &name);
                    self.known.queues_found.insert(name.to_lowercase(), found);
                }
            }
            // Without `routing:queue:search` another permission may do.
            Err(CallError::Forbidden(_) | CallError::NotFound(_)) => {
                self.known.all_queues_listed = false;
                self.queues_by_name(names).await;
            }
            Err(error) => self.fail(&error, "queues".to_owned(), &[]),
        }
    }

    async fn queues_by_name(&mut self, names: Vec<String>) {
        for name in names {
            let question = Question {
                operation: "find_queue",
                path: format!("/api/v2/routing/queues?name={}", encoded(&name)),
                page_size: PAGE,
                search: None,
            };
            match self.asker.all(&question).await {
                Ok(entries) => {
                    let found = queues_called(&entries, &name);
                    self.note_queues(&entries);
                    self.known.queues_found.insert(name.to_lowercase(), found);
                }
                Err(error) => {
                    let permissions = ["routing:queue:search", "routing:queue:view"];
                    self.fail(&error, "queues by name".to_owned(), &permissions);
                    // Forbidden for one is forbidden for all.
                    return;
                }
            }
        }
    }

    fn note_queues(&mut self, entries: &[Entry]) {
        for Entry { id, name, .. } in entries {
            if let Some(name) = name {
                self.known.queues.insert(QueueId::new(id), name.clone());
            }
        }
    }

    /// All wrap-up codes, skills and so on, if rules name one or write its name.
    async fn listed(&mut self) {
        for of in Listed::ALL.into_iter().filter(|&of| self.wanted.wants(of)) {
            let (operation, path, permissions) = listing(of);
            let all = Question { operation, path: path.to_owned(), page_size: PAGE, search: None };
            match self.asker.all(&all).await {
                Ok(entries) => {
                    let named = |Entry { id, name, .. }: Entry| Some((ListedId::new(&id), name?));
                    self.known.listed.insert(of, entries.into_iter().filter_map(named).collect());
                }
                Err(error) => self.fail(&error, format!("{}s", of.word()), permissions),
            }
        }
    }

    async fn groups(&mut self) {
        let names = self.watch.members_of_groups.iter().filter(|name| !looks_like_id(name));
        let names = without_repeats(names);
        if names.is_empty() {
            return;
        }
        let all = Question {
            operation: "list_groups",
            path: "/api/v2/groups".to_owned(),
            page_size: PAGE,
            search: None,
        };
        match self.asker.all(&all).await {
            Ok(entries) => {
                for name in names {
                    let is = |entry: &&Entry| is_called(entry, &name);
                    let found = entries.iter().filter(is).map(|entry| GroupId::new(&entry.id));
                    self.known.groups_found.insert(name.to_lowercase(), found.collect());
                }
            }
            Err(error) => self.fail(&error, "groups".to_owned(), &[]),
        }
    }

    async fn queue_members(&mut self) {
        let mut unused = Watching::default();
        let names = self.watch.members_of_queues.iter();
        let queues: BTreeSet<(QueueId, &String)> = names
            .flat_map(|name| {
                self.known.queue(name, &mut unused).into_iter().map(move |q| (q, name))
            })
            .collect();
        for (queue, name) in queues {
            let path = format!("/api/v2/routing/queues/{}/members", encoded(queue.as_str()));
            let permissions = ["routing:queue:view", "routing:queue:readonly"];
            let about = format!("members of the queue {name}");
            if let Ok(members) = self.members("queue_members", path, about, &permissions).await {
                self.known.queue_members.insert(queue, members);
            }
        }
    }

    async fn group_members(&mut self) {
        let mut unused = Watching::default();
        let names = self.watch.members_of_groups.iter();
        let groups: BTreeSet<(GroupId, &String)> = names
            .flat_map(|name| {
                self.known.group(name, &mut unused).into_iter().map(move |g| (g, name))
            })
            .collect();
        for (group, name) in groups {
            let path = format!("/api/v2/groups/{}/members", encoded(group.as_str()));
            let about = format!("members of the group {name}");
            if let Ok(members) = self.members("group_members", path, about, &[]).await {
                self.known.group_members.insert(group, members);
            }
        }
    }

    /// The members, `None` if what they are members of does not exist. A failure is noted.
    async fn members(
        &mut self,
        operation: &'static str,
        path: String,
        about: String,
        permissions: &[&str],
    ) -> Result<Option<BTreeSet<UserId>>, Noted> {
        let question = Question { operation, path, page_size: PAGE, search: None };
        match self.asker.all(&question).await {
            Ok(entries) => Ok(Some(self.known.meet(entries))),
            Err(CallError::NotFound(_)) => Ok(None),
            Err(error) => {
                self.fail(&error, about, permissions);
                Err(Noted)
            }
        }
    }

    async fn all_users(&mut self) {
        if !self.watch.all_users {
            return;
        }
        let all = Question {
            operation: "list_users",
            path: "/api/v2/users".to_owned(),
            page_size: PAGE,
            search: None,
        };
        match self.asker.all(&all).await {
            Ok(entries) => self.known.all_users = Some(self.known.meet(entries)),
            Err(error) => self.fail(&error, "all users".to_owned(), &[]),
        }
    }

    /// Users by what they are called.
    async fn users(&mut self) {
        let names = without_repeats(self.watch.users.iter().chain(&self.wanted.users));
        let (ids, names): (Vec<String>, Vec<String>) =
            names.into_iter().partition(|name| looks_like_id(name));
        let (emails, names): (Vec<String>, Vec<String>) =
            names.into_iter().partition(|name| name.contains('@'));
        for ids in ids.chunks(IDS_AT_ONCE) {
            self.users_by_id(ids).await;
        }
        for (field, values) in [("email", emails), ("name", names)] {
            for values in values.chunks(VALUES_AT_ONCE) {
                let criterion = json!({ "type": "EXACT", "fields": [field], "values": values });
                let question = Question {
                    operation: "search_users",
                    path: "/api/v2/users/search".to_owned(),
                    page_size: PAGE,
                    search: Some(json!({ "query": [criterion] })),
                };
                let answer = self.asker.all(&question).await;
                let about = format!("users by {field}");
                self.note_users(answer, values, about, &["directory:user:view"]);
            }
        }
    }

    async fn users_by_id(&mut self, ids: &[String]) {
        let question = |ids: &[String]| Question {
            operation: "users_by_id",
            path: format!("/api/v2/users?id={}", ids.join("&id=")),
            page_size: PAGE,
            search: None,
        };
        let about = || "users by id".to_owned();
        match self.asker.all(&question(ids)).await {
            // One that does not exist may hide the others.
            Err(CallError::NotFound(_)) if ids.len() > 1 => {
                for id in ids.chunks(1) {
                    let answer = self.asker.all(&question(id)).await;
                    self.note_users(answer, id, about(), &[]);
                }
            }
            answer => self.note_users(answer, ids, about(), &[]),
        }
    }

    /// Notes which of these names is whose.
    fn note_users(
        &mut self,
        answer: Result<Vec<Entry>, CallError>,
        names: &[String],
        about: String,
        permissions: &[&str],
    ) {
        let users = match answer {
            Ok(entries) => self.known.meet(entries),
            Err(CallError::NotFound(_)) => BTreeSet::new(),
            Err(error) => return self.fail(&error, about, permissions),
        };
        for name in names {
            let found = self.known.called(&users, name);
            self.known.users_found.insert(name.to_lowercase(), found);
        }
    }

    fn fail(&mut self, error: &CallError, about: String, permissions: &[&str]) {
        self.failed.push(failed(error, about, permissions));
    }
}

/// How a list is asked for, and what that needs as far as it is known: FACTS 1.7 for wrap-up codes,
/// Genesys' own SDK for the others. What a refusal says that it needs counts more.
fn listing(of: Listed) -> (&'static str, &'static str, &'static [&'static str]) {
    match of {
        Listed::WrapupCode => {
            ("list_wrapup_codes", "/api/v2/routing/wrapupcodes", &["routing:wrapupCode:view"])
        }
        Listed::Skill => ("list_skills", "/api/v2/routing/skills", &[]),
        Listed::Language => ("list_languages", "/api/v2/routing/languages", &[]),
        Listed::Division => ("list_divisions", "/api/v2/authorization/divisions", &[]),
        Listed::Flow => ("list_flows", "/api/v2/flows", &[]),
    }
}

/// It failed, and that is in the list.
struct Noted;

/// Each name once, as it was first written.
fn without_repeats<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let by_case: BTreeMap<String, &String> =
        names.map(|name| (name.to_lowercase(), name)).collect();
    by_case.into_values().cloned().collect()
}

fn is_called(entry: &Entry, name: &str) -> bool {
    entry.name.as_ref().is_some_and(|found| found.to_lowercase() == name.to_lowercase())
}

fn queues_called(entries: &[Entry], name: &str) -> BTreeSet<QueueId> {
    let called = entries.iter().filter(|entry| is_called(entry, name));
    called.map(|entry| QueueId::new(&entry.id)).collect()
}
