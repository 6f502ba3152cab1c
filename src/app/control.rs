//! What is asked through the control socket, and who answers it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{info, warn};

use super::App;
use super::reload::{Task, What};
use super::rules_shown::shown;
use crate::config::LogLevel;
use crate::genesys::ConversationId;
use crate::status::control::letters::Question;
use crate::status::control::{Answer, Asked, Request};
use crate::status::logging::{Level, Verbosity};
use crate::updates::dispatcher::{Input, LettersAsked};
use crate::updates::story::Told;

impl App {
    /// Answers at once, or lets whoever does the work answer at its end.
    pub(super) fn answer(&mut self, asked: Asked) {
        let Asked { request, answer } = asked;
        let at_once = match request {
            Request::DeadLetters(question) => return self.ask_letters(question, answer),
            Request::Why { conversation, key } => {
                return self.ask_story(&conversation, key, answer);
            }
            // Told at the socket itself.
            Request::Status => Answer::Status(Box::new(self.overview().into())),
            Request::Ping => Answer::Pong { ready: self.ready },
            Request::Version => version(),
            Request::RulesHistory => Answer::History { sets: self.rules.told(&self.history) },
            Request::RulesShow { set } => shown(&self.rules, &self.history.sets(), set.as_deref()),
            Request::Pause { rule, for_ms } => {
                self.pause(rule.as_deref(), for_ms.map(Duration::from_millis))
            }
            Request::LogLevel { level } => {
                log_level(self.level.as_ref(), self.config.log.level, level.as_deref())
            }
            Request::Resume { rule } => self.resume(rule.as_deref()),
            Request::Reload { plan, wait, confirm } => {
                info!(plan, wait, confirm, "asked to reload");
                let waits = plan || wait;
                let (later, now) = if waits { (Some(answer), None) } else { (None, Some(answer)) };
                self.reload(Task { what: What::Files, plan, confirm, answer: later });
                return send(now, Answer::Begun);
            }
            Request::RulesRollback { set, confirm } => {
                info!(set, confirm, "asked to roll the rules back");
                let (what, answer) = (What::Back(set), Some(answer));
                return self.reload(Task { what, plan: false, confirm, answer });
            }
        };
        send(Some(answer), at_once);
    }
}

impl App {
    /// The updates keep them, and answer behind what they have to do already.
    fn ask_letters(&self, question: Question, answer: oneshot::Sender<Answer>) {
        let in_force = Arc::clone(self.joints.view.borrow().rules.in_force());
        let asked = Input::DeadLetters(LettersAsked { question, in_force, answer });
        let Some(updates) = &self.joints.updates else { return };
        if let Err(refused) = updates.try_send(asked)
            && let Input::DeadLetters(LettersAsked { answer, .. }) = refused.into_inner()
        {
            let message = "the updates have too much to do to answer".to_owned();
            let help = "ask again in a moment".to_owned();
            send(Some(answer), Answer::Failed { message, help });
        }
    }

    /// Answered by whoever keeps the story.
    fn ask_story(&self, conversation: &str, key: Option<String>, answer: oneshot::Sender<Answer>) {
        let in_words = move |told| send(Some(answer), story_told(told));
        self.story.ask(ConversationId::new(conversation), key, Box::new(in_words));
    }
}

pub(super) fn version() -> Answer {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Answer::Version { version, pid: std::process::id() }
}

/// Changes how much is logged, and tells it.
pub(super) fn log_level(
    level: Option<&Level>,
    configured: LogLevel,
    wanted: Option<&str>,
) -> Answer {
    let failed = |message: String, help: &str| Answer::Failed { message, help: help.to_owned() };
    let Some(level) = level else {
        return failed("the log is not this service's own".to_owned(), "see who set it up");
    };
    match wanted.map(str::parse::<Verbosity>).transpose() {
        Ok(Some(wanted)) => {
            let before = level.now().to_string();
            level.set(wanted);
            // A level above INFO would leave no trace of it.
            warn!(before, now = %level.now(), "log level changed: until the next start");
        }
        Ok(None) => {}
        Err(error) => return failed(error.to_string(), "for example: info,updates=debug"),
    }
    Answer::LogLevel { level: level.now().to_string(), configured: configured.word().to_owned() }
}

pub(super) fn story_told(told: Result<Told, String>) -> Answer {
    told.map_or_else(
        |reason| Answer::Failed {
            message: format!("the story of the attributes cannot be told: {reason}"),
            help: "see the log, and state.story of the configuration".to_owned(),
        },
        |told| Answer::Why(Box::new(told)),
    )
}

pub(super) fn send(asker: Option<oneshot::Sender<Answer>>, answer: Answer) {
    if let Some(asker) = asker {
        // Who asked may have gone.
        let _asker_left = asker.send(answer).is_err();
    }
}
