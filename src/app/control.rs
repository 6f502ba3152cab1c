//! What is asked through the control socket, and who answers it.

use tracing::info;

use super::App;
use super::reload::{Task, What};
use super::rules_shown::shown;
use crate::status::control::{Answer, Asked, Request};

impl App {
    /// Answers at once, or lets whoever does the work answer at its end.
    pub(super) fn answer(&mut self, asked: Asked) {
        let Asked { request, answer } = asked;
        let at_once = match request {
            Request::Ping => Answer::Pong { ready: self.ready },
            Request::Version => {
                let version = env!("CARGO_PKG_VERSION").to_owned();
                Answer::Version { version, pid: std::process::id() }
            }
            Request::RulesHistory => Answer::History { sets: self.rules.told(&self.history) },
            Request::RulesShow { set } => shown(&self.rules, &self.history.sets(), set.as_deref()),
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

fn send(asker: Option<tokio::sync::oneshot::Sender<Answer>>, answer: Answer) {
    if let Some(asker) = asker {
        // Who asked may have gone.
        let _asker_left = asker.send(answer).is_err();
    }
}
