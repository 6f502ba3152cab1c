//! `attributed set`: merges attributes into one participant now, by hand or from a script.
//!
//! Finds the participant, shows what would change, asks, writes, and looks whether it is there. It
//! writes nothing that is there already, and nothing outside of `allowed_keys`. Values are shown to
//! whoever sits there and are in no log.

mod choose;
mod find;
mod plan;
mod request;
mod shown;
#[cfg(test)]
mod tests;
mod user;
mod write;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use self::plan::Plan;
use self::request::Request;
use self::write::{Outcome, Seen};
use super::exit::Exit;
use super::failure::Failure;
use super::patience::Patient;
use super::print::eprint_problems;
use super::terminal::{Console, Terminal};
use super::{Output, load, runtime};
use crate::config::{Config, Dialect, Log, LogFormat, LogLevel};
use crate::genesys::call::Api;
use crate::genesys::clients::Clients;
use crate::genesys::http::Internet;
use crate::genesys::organization::OrganizationError;
use crate::status::counts::Counts;
use crate::status::logging;

/// Examples, and what scripts need.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed set --user jane@example.com cc.segment=vip
  attributed set --conversation 0cfda4f3-… --purpose customer cc.segment=vip --yes

Exit codes: 0 written and seen, or there already; 1 refused, declined or overwritten; 2 usage, or
several are possible; 69 not found or not reachable; 75 accepted but not seen yet, or try again;
77 not permitted; 78 bad configuration.";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true).args(["user", "conversation"])))]
pub(super) struct SetArguments {
    /// What to set; an empty value counts as none
    #[arg(value_name = "KEY=VALUE", required_unless_present = "status")]
    values: Vec<String>,
    /// In the live conversation of this user: e-mail address or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// In this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Of this participant [default: the one who is the user]
    #[arg(long, value_name = "ID", conflicts_with = "purpose")]
    participant: Option<String>,
    /// Of the participant of this purpose: customer, agent, acd, …
    #[arg(long)]
    purpose: Option<String>,
    /// Change the participant's status too (put dialect only)
    #[arg(long)]
    status: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before writing
    #[arg(long)]
    yes: bool,
}

pub(super) fn set(file: Option<&Path>, output: Output, arguments: &SetArguments) -> Exit {
    let (config, warnings) = match load(file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    eprint_problems(&warnings);
    let mut terminal = Console;
    match prepared(&config, output, arguments, &mut terminal) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal.note(&failure.to_string());
            failure.exit
        }
    }
}

/// Everything up to the first request, then the errand.
fn prepared(
    config: &Config,
    output: Output,
    arguments: &SetArguments,
    terminal: &mut dyn Terminal,
) -> Result<Exit, Failure> {
    let mut request = Request::new(arguments, config, terminal.is_interactive())?;
    for warning in &request.warnings {
        terminal.note(&format!("warning: {warning}"));
    }
    if config.updates.dry_run && !request.dry_run {
        terminal.note("note: updates.dry_run is true in the configuration: nothing is written");
        request.dry_run = true;
    }
    let log = Log { format: LogFormat::Text, level: LogLevel::Warn };
    logging::set_up(&log, None)
        .map_err(|error| Failure::new(Exit::Unavailable, error.to_string()))?;
    let internet = Internet::new(&config.network)
        .map_err(|error| Failure::new(Exit::BadConfig, error.to_string()))?;
    let runtime = runtime().map_err(|exit| Failure::new(exit, "the command cannot be started"))?;
    runtime.block_on(async {
        let dialect = config.genesys.dialect;
        let clients = Clients::new(
            &config.genesys,
            &config.updates,
            Arc::new(internet),
            Arc::new(Counts::default()),
        );
        clients.start().await.map_err(|error| Failure::of_call(&error, dialect))?;
        right_organization(&clients, config.genesys.organization.as_deref(), dialect).await?;
        let api = Patient { api: clients };
        Errand { api: &api, dialect, output, now: Timestamp::now() }.run(&request, terminal).await
    })
}

/// What is written into another organisation cannot be taken back.
async fn right_organization(
    clients: &Clients,
    wanted: Option<&str>,
    dialect: Dialect,
) -> Result<(), Failure> {
    match clients.check_organization(wanted).await {
        Ok(()) => Ok(()),
        Err(error @ OrganizationError::Other { .. }) => {
            Err(Failure::new(Exit::Refused, error.to_string()))
        }
        Err(OrganizationError::Call(error)) => Err(Failure::of_call(&error, dialect)),
    }
}

/// One run of the command against one API.
struct Errand<'a> {
    api: &'a dyn Api,
    dialect: Dialect,
    output: Output,
    now: Timestamp,
}

impl Errand<'_> {
    async fn run(&self, request: &Request, terminal: &mut dyn Terminal) -> Result<Exit, Failure> {
        let candidates = find::find(self.api, self.dialect, request, self.now).await?;
        let candidate = choose::choose(candidates, terminal)?;
        let before = match &candidate.attributes {
            Some(attributes) => attributes.clone(),
            None => write::read(self.api, self.dialect, &candidate)
                .await
                .map_err(|error| Failure::of_call(&error, self.dialect))?,
        };
        let plan = Plan::new(candidate, &before, request);
        if self.output == Output::Text {
            terminal.print(&shown::plan(&plan));
        }
        if plan.is_empty() {
            self.tell(&plan, &Outcome::nothing_to_do(&plan), terminal);
            return Ok(Exit::Fine);
        }
        if request.dry_run {
            self.tell(&plan, &Outcome::dry_run(&plan), terminal);
            return Ok(Exit::Fine);
        }
        if !request.yes {
            self.ask(&plan, terminal)?;
        }
        let outcome = write::write(self.api, self.dialect, &plan).await?;
        self.tell(&plan, &outcome, terminal);
        Ok(match &outcome.seen {
            Seen::Nothing | Seen::DryRun | Seen::Confirmed => Exit::Fine,
            Seen::Overwritten { .. } => Exit::Failed,
            Seen::NotYet { .. } => Exit::TryAgain,
        })
    }

    fn ask(&self, plan: &Plan, terminal: &mut dyn Terminal) -> Result<(), Failure> {
        if self.output == Output::Json {
            terminal.note(&shown::plan(plan));
        }
        match terminal.ask("Write this? [y/N]").as_deref().map(str::trim) {
            Some("y" | "Y" | "yes" | "Yes" | "YES") => Ok(()),
            Some(_) | None => Err(Failure::new(Exit::Failed, "nothing was written")),
        }
    }

    fn tell(&self, plan: &Plan, outcome: &Outcome, terminal: &mut dyn Terminal) {
        match self.output {
            Output::Text => terminal.print(&shown::outcome(plan, outcome)),
            Output::Json => {
                terminal.print(&format!("{:#}", shown::as_json(plan, outcome)));
                if let Some(warning) = shown::doubt(&outcome.seen) {
                    terminal.note(&warning);
                }
            }
        }
    }
}
