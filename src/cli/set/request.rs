//! What the command line asks for, checked before anything is sent. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SetArguments;
use crate::cli::failure::Failure;
use crate::config::fence::AllowedKeys;
use crate::config::{Config, Dialect};
use crate::genesys::{ConversationId, ParticipantId};

/// A command line that makes sense.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) place: Place,
    pub(super) whom: Whom,
    pub(super) values: BTreeMap<Arc<str>, Arc<str>>,
    /// In the put dialect only.
    pub(super) status: Option<Arc<str>>,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
    pub(super) warnings: Vec<String>,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Conversation {
        id: ConversationId,
        user: Option<String>,
    },
    /// In whichever conversations this user is.
    User(String),
}

/// Whose attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Participant(ParticipantId),
    Purpose(String),
    /// The user's own participant.
    User,
}

impl Request {
    /// Checks the command line against the configuration.
    pub(super) fn new(
        arguments: &SetArguments,
        config: &Config,
        interactive: bool,
    ) -> Result<Request, Failure> {
        let place = place(arguments)?;
        let whom = match (&arguments.participant, &arguments.purpose) {
            (Some(id), _) => Whom::Participant(ParticipantId::new(id)),
            (None, Some(purpose)) => Whom::Purpose(purpose.to_lowercase()),
            (None, None) if arguments.user.is_some() => Whom::User,
            (None, None) => {
                return Err(Failure::usage("whose attributes of that conversation is not said")
                    .help("add --purpose customer (or agent, acd, …), or --participant ID"));
            }
        };
        if arguments.status.is_some() && config.genesys.dialect == Dialect::Patch {
            return Err(Failure::usage("--status is there in the put dialect only").help(
                "in Genesys Cloud's public API the field that looks like it ends calls, so it is \
                 not offered; set attributes without it",
            ));
        }
        if !(arguments.yes || arguments.dry_run || interactive) {
            return Err(Failure::usage("nobody is there to be asked whether to write")
                .help("add --yes to write without asking, or --dry-run to see what would change"));
        }
        let mut warnings = Vec::new();
        let values = values(&arguments.values, config, &mut warnings)?;
        Ok(Request {
            place,
            whom,
            values,
            status: arguments.status.as_deref().map(Arc::from),
            dry_run: arguments.dry_run,
            yes: arguments.yes,
            warnings,
        })
    }
}

fn place(arguments: &SetArguments) -> Result<Place, Failure> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    match (filled(&arguments.conversation), filled(&arguments.user)) {
        (Some(id), user) => Ok(Place::Conversation { id: ConversationId::new(id.trim()), user }),
        (None, Some(user)) => Ok(Place::User(user.trim().to_owned())),
        (None, None) => Err(Failure::usage("neither a user nor a conversation is named")
            .help("add --user E-MAIL or --conversation ID")),
    }
}

/// All mistakes in the values at once.
fn values(
    texts: &[String],
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<Arc<str>, Arc<str>>, Failure> {
    let fence = AllowedKeys::new(&config.updates.allowed_keys)
        .map_err(|error| Failure::usage(format!("updates.allowed_keys: {error}")))?;
    let mut values: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for text in texts {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            wrong.push(format!("{text:?} is not KEY=VALUE"));
            continue;
        };
        if !fence.allows(key) {
            let globs = fence.globs().join(", ");
            wrong.push(format!("{key:?} is outside of updates.allowed_keys ({globs})"));
        }
        let length = value.chars().count();
        let (most, much) = (config.updates.max_value_length, config.updates.warn_value_length);
        if length > most {
            wrong.push(format!(
                "the value of {key:?} has {length} characters, updates.max_value_length is {most}"
            ));
        } else if length > much {
            warnings.push(format!(
                "the value of {key:?} has {length} characters; not every flow and script takes \
                 more than {much}"
            ));
        }
        if values.insert(Arc::from(key), Arc::from(value)).is_some() {
            wrong.push(format!("{key:?} is there twice"));
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(Failure::usage(wrong.join("\n       "))) }
}
