//! From the start to the first token, which comes as late as whoever has to mend something is.
//!
//! Nothing is heard or written yet. How it stands is told all the same, and what is asked through
//! the control socket is answered wherever no loop is needed for it: this is when people ask.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::control::{log_level, send, story_told, version};
use super::overview::{AtStart, Told};
use super::pauses::Pauses;
use super::rules_history::History;
use super::rules_in_force::RulesInForce;
use super::rules_shown::shown;
use super::{Ended, ticking};
use crate::config::Config;
use crate::genesys::ConversationId;
use crate::genesys::call::CallError;
use crate::genesys::clients::Clients;
use crate::genesys::organization::OrganizationError;
use crate::machine;
use crate::signals::Intent;
use crate::status::control::letters::Question;
use crate::status::control::{Answer, Asked, Request};
use crate::status::counts::Counts;
use crate::status::logging::Level;
use crate::status::systemd;
use crate::updates::dead_letters::DeadLetters;
use crate::updates::journal::{Letters, Monitor};
use crate::updates::story;

/// Between attempts to get it.
const TOKEN_AGAIN: Duration = Duration::from_secs(5);

/// What is there before the loops are.
pub(super) struct Waiting<'w> {
    pub config: &'w Config,
    pub level: Option<&'w Level>,
    pub counts: &'w Counts,
    pub clients: &'w Clients,
    pub rules: &'w RulesInForce,
    pub history: &'w History,
    pub journal: &'w Monitor,
    pub letters: &'w Letters,
    pub pauses: Pauses,
}

impl Waiting<'_> {
    /// Until there is a token, of the right organisation. Returns whether a reload was asked for
    /// meanwhile: it waits, since what it is about may have changed once more by then.
    ///
    /// # Errors
    ///
    /// How it ended, if there never will be one, or if it is told to stop.
    pub(super) async fn until_permitted(
        &mut self,
        told: &Told,
        intents: &mut mpsc::Receiver<Intent>,
        asked: &mut mpsc::Receiver<Asked>,
    ) -> Result<bool, Ended> {
        let (config, clients, tried) = (self.config, self.clients, Notify::new());
        let mut permitted = pin!(async {
            first_token(clients, &tried).await?;
            right_organization(config, clients).await
        });
        let (mut tick, mut reload) = (ticking(), false);
        let mut readers = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                intent = intents.recv() => match intent {
                    Some(Intent::Reload) => reload = true,
                    Some(Intent::Stop) | None => return Err(Ended::StoppedEarly),
                },
                permitted = &mut permitted => {
                    // Who reads of what was, answers yet: it takes no more than files.
                    readers.join_all().await;
                    return permitted.map(|()| reload);
                }
                Some(asked) = asked.recv() => self.answer(asked, told, &mut readers),
                Some(_read) = readers.join_next() => {}
                () = tried.notified() => {}
                _ = tick.tick() => self.tick(),
            }
            told.log_in(&self.as_it_is());
        }
    }

    fn tick(&mut self) {
        if self.pauses.end_in_time() {
            self.paused_now(true);
        }
        if self.pauses.is_long(Instant::now()) {
            self.pauses.remind(self.counts);
        }
        self.level.iter().for_each(|level| level.sum_up(false));
    }

    pub(super) fn as_it_is(&self) -> AtStart<'_> {
        let Waiting { config, counts, clients, rules, pauses, journal, .. } = self;
        AtStart { config, counts, clients, rules, pauses, journal }
    }

    fn answer(&mut self, asked: Asked, told: &Told, readers: &mut JoinSet<()>) {
        let Asked { request, answer } = asked;
        let at_once = match request {
            Request::Ping => Answer::Pong { ready: false },
            Request::Version => version(),
            Request::Status => Answer::Status(Box::new(told.starting(&self.as_it_is()).into())),
            Request::RulesHistory => Answer::History { sets: self.rules.told(self.history) },
            Request::RulesShow { set } => shown(self.rules, &self.history.sets(), set.as_deref()),
            Request::Why { conversation, key } => {
                let state = self.config.state.dir.clone();
                readers.spawn(read_story(state, conversation, key, answer));
                return;
            }
            Request::LogLevel { level } => {
                log_level(self.level, self.config.log.level, level.as_deref())
            }
            Request::Pause { rule, for_ms } => {
                let lasts = for_ms.map(Duration::from_millis);
                match self.pauses.begin(&self.rules.file, rule.as_deref(), lasts) {
                    Ok(()) => self.paused_now(true),
                    Err(refused) => refused.into(),
                }
            }
            Request::Resume { rule } => match self.pauses.end(rule.as_deref()) {
                Ok(changed) => self.paused_now(changed),
                Err(refused) => refused.into(),
            },
            Request::Reload { .. } | Request::RulesRollback { .. } => not_yet(
                "a restart reads the rules and the configuration anew, and so does SIGHUP once there is a token",
            ),
            Request::DeadLetters(Question::List { filter, after, values }) => {
                let letters = DeadLetters::restored(self.letters.clone());
                Answer::DeadLetters(letters.page(&filter, after, values))
            }
            Request::DeadLetters(Question::Retry { .. } | Question::Drop { .. }) => {
                not_yet("ask again when there is one")
            }
        };
        send(Some(answer), at_once);
    }

    fn paused_now(&self, changed: bool) -> Answer {
        self.pauses.count(self.counts);
        self.pauses.answer(changed, self.counts)
    }
}

/// The story as the process before this one left it: nobody writes one yet.
async fn read_story(
    state: PathBuf,
    conversation: String,
    key: Option<String>,
    answer: oneshot::Sender<Answer>,
) {
    let conversation = ConversationId::new(&conversation);
    let read = move || story::at_rest(&state, &conversation, key.as_deref());
    let told = match machine::blocking(read).await {
        Ok(told) => told.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    send(Some(answer), story_told(told));
}

/// For what a loop is needed.
fn not_yet(what_else: &str) -> Answer {
    let message = "the service starts, and has no token yet".to_owned();
    Answer::Failed { message, help: format!("`attributed status` says why; {what_else}") }
}

/// Gets it, as often as it takes; says whenever it has tried.
async fn first_token(clients: &Clients, tried: &Notify) -> Result<(), Ended> {
    loop {
        let obtained = clients.start().await;
        tried.notify_one();
        match obtained {
            Ok(()) => return Ok(()),
            Err(CallError::Credentials(reason)) => return Err(Ended::CredentialsRefused(reason)),
            // It is logged where tokens are asked for.
            Err(error) => systemd::status(&format!("starting: {error}; will retry")),
        }
        sleep(TOKEN_AGAIN).await;
    }
}

/// Refuses to work for another organisation than the configuration names, or for several.
async fn right_organization(config: &Config, clients: &Clients) -> Result<(), Ended> {
    match clients.check_organization(config.genesys.organization.as_deref()).await {
        Ok(()) => Ok(()),
        Err(error @ OrganizationError::Other { .. }) => {
            Err(Ended::WrongOrganization(error.to_string()))
        }
        Err(OrganizationError::Call(CallError::Credentials(reason))) => {
            Err(Ended::CredentialsRefused(reason))
        }
        Err(error @ OrganizationError::Call(_)) => {
            warn!(%error, "the organisation cannot be checked, going on");
            Ok(())
        }
    }
}
