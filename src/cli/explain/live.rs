//! One conversation as the API has it now. Reads only.

use std::sync::Arc;

use jiff::Timestamp;

use super::Subject;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::ground::{Ground, RuleSet};
use crate::cli::patience::Patient;
use crate::cli::print::eprint;
use crate::cli::runtime;
use crate::config::{Config, Watch};
use crate::events::read_rest;
use crate::genesys::ConversationId;
use crate::genesys::call::{Api, Class};
use crate::genesys::clients::Clients;
use crate::genesys::directory::{Known, refresh};
use crate::genesys::http::Internet;
use crate::genesys::names::{Names, NamesWanted};
use crate::genesys::reading;
use crate::status::counts::Counts;

/// Asks for the conversation, and for the names that the rules name.
pub(super) fn ask(ground: &Ground, rules: &RuleSet, id: &str) -> Result<Subject, Failure> {
    let Some(config) = &ground.config else {
        return Err(Failure::usage("--live needs a configuration")
            .help("name it with --config; `attributed explain --event` needs none"));
    };
    let internet = Internet::new(&config.network)
        .map_err(|error| Failure::new(Exit::BadConfig, error.to_string()))?;
    let runtime = runtime().map_err(|exit| Failure::new(exit, "the command cannot be started"))?;
    let id = ConversationId::new(id.trim());
    let wanted = rules.file.names_wanted();
    let (body, names) = runtime.block_on(asked(config, internet, &id, &wanted))?;
    let conversation = read_rest(&body)
        .map_err(|error| Failure::missing(format!("the answer cannot be read: {error}")))?;
    Ok(Subject {
        conversation,
        // It was read as text already.
        raw: String::from_utf8_lossy(&body).into_owned(),
        user: None,
        received_at: Some(Timestamp::now()),
        rules: ground.bind_with(rules, names),
    })
}

async fn asked(
    config: &Config,
    internet: Internet,
    id: &ConversationId,
    wanted: &NamesWanted,
) -> Result<(Vec<u8>, Names), Failure> {
    let dialect = config.genesys.dialect;
    let clients = Clients::new(
        &config.genesys,
        &config.updates,
        Arc::new(internet),
        Arc::new(Counts::default()),
    );
    clients.start().await.map_err(|error| Failure::of_call(&error, dialect))?;
    let api = Patient { api: clients as Arc<dyn Api> };
    let answer = reading::conversation(&api, Class::Recovery, id).await;
    let body = answer.map_err(|error| Failure::of_call(&error, dialect))?.body;
    // Nobody but those whom the rules name.
    let watch = Watch {
        users: Vec::new(),
        members_of_queues: Vec::new(),
        members_of_groups: Vec::new(),
        all_users: false,
        queues: Vec::new(),
        acd_only: false,
        refresh: config.watch.refresh,
    };
    let mut known = Known::default();
    for failed in refresh(&api, &watch, wanted, &mut known).await {
        eprint(&format!("warning: {failed}"));
    }
    Ok((body.to_vec(), Arc::unwrap_or_clone(known.watching(&watch, wanted).names)))
}
