//! `attributed check --online`: what only Genesys Cloud can tell of a configuration.
//!
//! Credentials, organisation, names, permissions, topics and the budget. It reads only: no channel
//! is made, nothing is subscribed, so it can be run beside the daemon. Whether a topic is permitted
//! is known for sure only to the subscription; here it is said what each requires.

mod found;
mod names;
mod topics;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::found::{Found, Notes};
use super::exit::Exit;
use super::failure::Failure;
use super::patience::Patient;
use super::runtime;
use crate::app::texts;
use crate::config::fence::AllowedKeys;
use crate::config::problem::{Problem, Problems};
use crate::config::{Client, Config, Dialect};
use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::clients::{Bound, Clients};
use crate::genesys::directory::{Known, Watching, refresh};
use crate::genesys::http::Internet;
use crate::genesys::organization::{OrganizationError, check_organization};
use crate::genesys::reading::{self, Whose};
use crate::rules::RuleFile;
use crate::status::counts::Counts;

/// Enough to see whether the query is permitted; what it finds does not matter.
const PROBE: SignedDuration = SignedDuration::from_hours(1);

/// Asks Genesys Cloud whether the credentials, the organisation and every name are right. Returns
/// every problem, and in one line what was found.
pub(super) fn check(config: &Config) -> (Vec<Problem>, String) {
    let config_text = fs::read_to_string(&config.file).unwrap_or_default();
    let rules_text = fs::read_to_string(&config.rules).unwrap_or_default();
    let fence =
        AllowedKeys::new(&config.updates.allowed_keys).unwrap_or_else(|_| AllowedKeys::all());
    // Their own problems are told by the check without `--online`.
    let texts = texts::with_included(&config.rules, rules_text.clone());
    let rules = RuleFile::parse_all(&config.rules, &texts, &fence).ok().map(|(rules, _)| rules);
    let mut notes = Notes {
        config: Problems::new(&config.file, &config_text),
        config_text: &config_text,
        rules: Problems::new(&config.rules, &rules_text),
        rules_text: &rules_text,
        client: None,
    };
    let found = match connected(config, rules.as_ref(), &mut notes) {
        Ok(found) => found.to_string(),
        Err(failure) => {
            notes.fail(failure);
            String::new()
        }
    };
    let Notes { config, rules, .. } = notes;
    let mut problems = config.into_found();
    problems.extend(rules.into_found());
    (problems, found)
}

fn connected(
    config: &Config,
    rules: Option<&RuleFile>,
    notes: &mut Notes<'_>,
) -> Result<Found, Failure> {
    let internet = Internet::new(&config.network)
        .map_err(|error| Failure::new(Exit::BadConfig, error.to_string()))?;
    let runtime = runtime().map_err(|exit| Failure::new(exit, "the check cannot be started"))?;
    runtime.block_on(async {
        let clients = Clients::new(
            &config.genesys,
            &config.updates,
            Arc::new(internet),
            Arc::new(Counts::default()),
        );
        let dialect = config.genesys.dialect;
        clients.start().await.map_err(|error| Failure::of_call(&error, dialect))?;
        let api = Patient { api: Arc::clone(&clients) as Arc<dyn Api> };
        let inquiry = Inquiry { api: &api, config, rules, now: Timestamp::now() };
        let mut found = inquiry.run(clients.bound(), notes).await;
        let usage = clients.usage();
        found.requests_per_minute = Some(usage.allowed);
        let mut budgets = clients.usages().into_iter().map(|(_, usage)| usage.allowed);
        for client in &config.genesys.clients {
            budget(config, client, budgets.next().unwrap_or(usage.allowed), notes);
        }
        Ok(found)
    })
}

/// What the server's headers say is believed over the setting.
fn budget(config: &Config, client: &Client, allowed: u32, notes: &mut Notes<'_>) {
    let general = config.updates.requests_per_minute;
    let setting = client.requests_per_minute.unwrap_or(general).get();
    if allowed < setting {
        let key = match client.requests_per_minute {
            Some(_) => "requests_per_minute",
            None => "updates.requests_per_minute",
        };
        let which = match &client.name {
            Some(name) => format!("the OAuth client {name}"),
            None => "this OAuth client".to_owned(),
        };
        let message = format!("{key} is {setting}, and Genesys Cloud allows {which} {allowed}");
        notes.config.warning_of_file(message).help(
            "the lower one counts; Genesys' customer care can raise the organisation's limit",
        );
    }
}

/// One round of questions.
struct Inquiry<'a> {
    api: &'a dyn Api,
    config: &'a Config,
    rules: Option<&'a RuleFile>,
    now: Timestamp,
}

impl Inquiry<'_> {
    async fn run(&self, clients: Vec<Bound>, notes: &mut Notes<'_>) -> Found {
        let organization = self.organization(notes).await;
        let watching = self.names(notes).await;
        self.each(clients, &watching, notes).await;
        let topics = topics::check(self.api, self.config, &watching, notes).await;
        if self.config.genesys.dialect == Dialect::Patch {
            self.recovery(&watching, notes).await;
        }
        Found {
            organization,
            users: watching.users.len(),
            queues: watching.queues.len(),
            topics,
            requests_per_minute: None,
        }
    }

    /// What each of several clients must be able to do by itself: it can take the place of another
    /// only if it may do the same.
    async fn each(&self, clients: Vec<Bound>, watching: &Watching, notes: &mut Notes<'_>) {
        for Bound { name, api, .. } in clients {
            // A single one is asked all of it anyhow.
            let Some(name) = name else { return };
            notes.client = Some(name);
            let api = Patient { api };
            let own = Inquiry { api: &api, ..*self };
            let known = own.organization(notes).await;
            if !known.is_empty() && self.config.genesys.dialect == Dialect::Patch {
                own.recovery(watching, notes).await;
            }
            notes.client = None;
        }
    }

    async fn organization(&self, notes: &mut Notes<'_>) -> String {
        let wanted = self.config.genesys.organization.as_deref();
        match check_organization(self.api, wanted).await {
            Ok(found) if found.name.is_empty() => found.id,
            Ok(found) => found.name,
            Err(error @ OrganizationError::Other { .. }) => {
                let place = wanted.and_then(|wanted| names::place(notes.config_text, wanted));
                notes.at(place, error.to_string());
                String::new()
            }
            Err(OrganizationError::Call(error)) => {
                notes.fail(self.failure(&error));
                String::new()
            }
        }
    }

    async fn names(&self, notes: &mut Notes<'_>) -> Watching {
        let wanted = self.rules.map(RuleFile::names_wanted).unwrap_or_default();
        let (watch, mut known) = (&self.config.watch, Known::default());
        for failed in refresh(self.api, watch, &wanted, &mut known).await {
            let problem = notes.config.error_of_file(failed.to_string());
            if failed.temporary {
                problem.help("it was tried a few times: run the check again in a while");
            }
        }
        let watching = known.watching(watch, &wanted);
        names::unknown(&watching, watch, self.rules, notes);
        watching
    }

    /// What a daemon needs once a socket has been down: the details query, and reading what it finds.
    async fn recovery(&self, watching: &Watching, notes: &mut Notes<'_>) {
        let users: BTreeSet<_> = watching.users.iter().take(1).cloned().collect();
        let queues = watching.queues.iter().take(usize::from(users.is_empty())).cloned().collect();
        let whose = Whose { users, queues };
        let from = self.now.checked_sub(PROBE).unwrap_or(self.now);
        let found =
            reading::open_conversations(self.api, Class::Directory, &whose, from, self.now).await;
        let read = match found {
            Ok(ids) => match ids.first() {
                Some(id) => reading::conversation(self.api, Class::Directory, id).await.map(|_| ()),
                None => Ok(()),
            },
            Err(error) => Err(error),
        };
        match read {
            // One that is over by now says nothing.
            Ok(()) | Err(CallError::NotFound(_)) => {}
            Err(error) => notes.fail(self.failure(&error)),
        }
    }

    fn failure(&self, error: &CallError) -> Failure {
        Failure::of_call(error, self.config.genesys.dialect)
    }
}
