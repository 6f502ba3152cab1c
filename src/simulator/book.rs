//! The organisation's directory as the world made it: who there is, and in which queue and group.
//!
//! Read once, because the directory does not change while the simulator runs.

use super::world::{Catalogue, World};

#[derive(Debug)]
pub(super) struct Book {
    pub(super) organization: Named,
    pub(super) users: Vec<Person>,
    pub(super) queues: Vec<Team>,
    pub(super) groups: Vec<Team>,
    pub(super) wrapup_codes: Vec<Named>,
    pub(super) skills: Vec<Named>,
    pub(super) languages: Vec<Named>,
    pub(super) divisions: Vec<Named>,
    pub(super) flows: Vec<Named>,
}

#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
}

/// A queue or a group.
#[derive(Clone, Debug)]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) name: String,
    /// Ids of users.
    pub(super) members: Vec<String>,
}

impl Book {
    pub(super) fn of(world: &World) -> Book {
        let (id, name) = world.organization();
        let named = |id: &str, name: &str| Named { id: id.to_owned(), name: name.to_owned() };
        let catalogue = |which: Catalogue| -> Vec<Named> {
            world.catalogue(which).into_iter().map(|(id, name)| named(id, name)).collect()
        };
        let team = |id: &str, name: &str, members: &[String]| Team {
            id: id.to_owned(),
            name: name.to_owned(),
            members: members.to_vec(),
        };
        Book {
            organization: Named { id: id.to_owned(), name: name.to_owned() },
            users: world
                .users()
                .iter()
                .map(|user| Person {
                    id: user.id.clone(),
                    name: user.name.clone(),
                    email: user.email.clone(),
                })
                .collect(),
            queues: world.queues().iter().map(|q| team(&q.id, &q.name, &q.members)).collect(),
            groups: world.groups().iter().map(|g| team(&g.id, &g.name, &g.members)).collect(),
            wrapup_codes: world.wrapup_codes().iter().map(|c| named(&c.id, &c.name)).collect(),
            skills: catalogue(Catalogue::Skills),
            languages: catalogue(Catalogue::Languages),
            divisions: catalogue(Catalogue::Divisions),
            flows: catalogue(Catalogue::Flows),
        }
    }

    pub(super) fn user(&self, id: &str) -> Option<&Person> {
        self.users.iter().find(|user| user.id == id)
    }
}
