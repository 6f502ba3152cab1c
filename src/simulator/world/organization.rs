//! The organisation whose conversations these are: people, queues, groups, codes.
//!
//! Made once from the seed and never changed. Names are what rules are written with: the queues
//! are "Billing", "Support", "Sales", "Claims", and so on.

use super::dice::{Dice, FIRST, LAST};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: String,
}

/// A queue and the ids of the users who work in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub id: String,
    pub name: String,
    pub members: Vec<String>,
}

/// A group and the ids of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub members: Vec<String>,
}

/// What an agent can say a conversation was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapupCode {
    pub id: String,
    pub name: String,
}

/// A list of what has an id and a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catalogue {
    Skills,
    Languages,
    Divisions,
    Flows,
}

#[derive(Clone, Debug)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) division: String,
    pub(super) users: Vec<User>,
    pub(super) queues: Vec<Queue>,
    pub(super) groups: Vec<Group>,
    pub(super) wrapup_codes: Vec<WrapupCode>,
    pub(super) skills: Vec<String>,
    pub(super) languages: Vec<String>,
    /// Flows by id: the voice menu, the message flow, the e-mail flow.
    pub(super) flows: Vec<String>,
    pub(super) script: String,
    /// Our own telephone numbers, with their scheme.
    pub(super) lines: Vec<String>,
}

pub(super) const NAME: &str = "Example Ltd";
const QUEUES: [&str; 10] = [
    "Billing",
    "Support",
    "Sales",
    "Claims",
    "Billing VIP",
    "Returns",
    "Renewals",
    "Complaints",
    "Retention",
    "Back Office",
];
const CODES: [&str; 6] =
    ["Resolved", "Call back", "Escalated", "Wrong number", "Complaint", "Sale"];
const SKILLS: [&str; 5] = ["German", "English", "French", "Billing", "Claims"];
const LANGUAGES: [&str; 3] = ["Deutsch", "English", "Français"];
const FLOWS: [&str; 3] = ["Main menu", "Inbound Message Flow", "Inbound Email Flow"];
/// The queues that the menus of all flows lead to; there are always these.
pub(super) const MAIN_QUEUES: usize = 4;

impl Organization {
    pub(super) fn new(seed: u64, users: usize, queues: usize) -> Organization {
        let mut dice = Dice::of(seed, "organization", 0);
        let users: Vec<User> = (0..users).map(|n| user(n, &mut dice)).collect();
        let mut queues: Vec<Queue> = (0..queues.max(MAIN_QUEUES))
            .map(|n| Queue {
                id: dice.id(),
                name: QUEUES
                    .get(n)
                    .map_or_else(|| format!("Queue {}", n + 1), |&name| name.to_owned()),
                members: Vec::new(),
            })
            .collect();
        let count = queues.len();
        for (n, user) in users.iter().enumerate() {
            // The first by turn, so that every queue has somebody; the second by chance.
            let also = dice.place(count);
            for place in
                [Some(n % count), (also != n % count).then_some(also)].into_iter().flatten()
            {
                queues[place].members.push(user.id.clone());
            }
        }
        let halves = users.len().div_ceil(2).max(1);
        let groups = users
            .chunks(halves)
            .zip(["Day shift", "Night shift"])
            .map(|(members, name)| Group {
                id: dice.id(),
                name: name.to_owned(),
                members: members.iter().map(|user| user.id.clone()).collect(),
            })
            .collect();
        let wrapup_codes =
            CODES.iter().map(|&name| WrapupCode { id: dice.id(), name: name.to_owned() }).collect();
        Organization {
            id: dice.id(),
            division: dice.id(),
            users,
            queues,
            groups,
            wrapup_codes,
            skills: (0..5).map(|_| dice.id()).collect(),
            languages: (0..3).map(|_| dice.id()).collect(),
            flows: (0..3).map(|_| dice.id()).collect(),
            script: dice.id(),
            lines: (0..3).map(|n| format!("tel:+49302390{n:02}00")).collect(),
        }
    }

    /// Ids and names.
    pub(super) fn catalogue(&self, which: Catalogue) -> Vec<(&str, &'static str)> {
        let (ids, names): (&[String], &[&'static str]) = match which {
            Catalogue::Skills => (&self.skills, &SKILLS),
            Catalogue::Languages => (&self.languages, &LANGUAGES),
            Catalogue::Divisions => (std::slice::from_ref(&self.division), &["Home"]),
            Catalogue::Flows => (&self.flows, &FLOWS),
        };
        ids.iter().map(String::as_str).zip(names.iter().copied()).collect()
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn queue_name(&self, id: &str) -> Option<&str> {
        self.queues.iter().find(|queue| queue.id == id).map(|queue| queue.name.as_str())
    }
}

fn user(n: usize, dice: &mut Dice) -> User {
    let (first, last) = (FIRST[n % FIRST.len()], LAST[n / FIRST.len() % LAST.len()]);
    let again = n / (FIRST.len() * LAST.len());
    let suffix = if again == 0 { String::new() } else { format!("{again}") };
    User {
        id: dice.id(),
        name: format!("{first} {last}"),
        email: format!("{}.{}{suffix}@example.com", first.to_lowercase(), last.to_lowercase()),
    }
}
