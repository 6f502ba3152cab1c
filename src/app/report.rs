//! One line of truth, for `systemctl status` and, once a minute, the log.

use crate::status::counted::{counted, either};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info};

use super::rules_in_force::RulesInForce;
use super::{App, journal};
use crate::config::duration;
use crate::events::channels::ChannelsState;
use crate::genesys::pacer::Usage;
use crate::status::counts::Counts;
use crate::status::pulse::HUNG_AFTER;
use crate::status::systemd;
use crate::updates::foresight::Outlook;

/// How often the log is told when there is something to tell.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What was told last, so that nothing is told twice.
pub(super) struct Report {
    told: String,
    logged: Instant,
    frames: u64,
}

impl Report {
    pub(super) fn new(now: Instant) -> Report {
        Report { told: String::new(), logged: now, frames: 0 }
    }

    /// Tells systemd when the line has changed, and the log once a minute when anything came in.
    pub(super) fn tell(&mut self, line: String, counts: &Counts, now: Instant) {
        if line != self.told {
            systemd::status(&line);
            self.told = line;
        }
        let frames = counts.frames.get();
        if now.saturating_duration_since(self.logged) >= LOG_EVERY && frames != self.frames {
            self.logged = now;
            self.frames = frames;
            info!(
                frames,
                snapshots = counts.snapshots.get(),
                matches = counts.matches.get(),
                pushed = counts.pushed.get(),
                unchanged = counts.unchanged.get(),
                failed = counts.failed.get(),
                requests = counts.requests_made.get(),
                requests_per_key = counts.requests_per_key().map(|cost| format!("{cost:.2}")),
                waiting = counts.outbox.get(),
                "so far"
            );
        }
    }
}

/// How far the start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The directory has not said yet whom to watch.
    Asking,
    /// Not every topic is subscribed yet.
    Subscribing,
    Ready,
}

impl App {
    pub(super) fn silent_loops(&self) -> Vec<&'static str> {
        self.pulse.silent(HUNG_AFTER)
    }

    /// Every second: looks at how things are, and tells it.
    pub(super) fn tick(&mut self) {
        let hung = self.silent_loops();
        if hung.is_empty() {
            systemd::alive();
        } else {
            error!(loops = ?hung, "a loop hangs: systemd is not told that we are alive");
        }
        let now = Instant::now();
        self.look_at_pauses(now);
        self.month.look(now);
        self.windows.look(&self.clients, now);
        self.told.look(&self.counts, now);
        self.level.iter().for_each(|level| level.sum_up(false));
        let line = self.status_line();
        self.report.tell(line, &self.counts, now);
    }

    /// How it is now.
    pub(super) fn status_line(&self) -> String {
        status_line(
            match (self.ready, self.watching_known) {
                (true, _) => Stage::Ready,
                (false, true) => Stage::Subscribing,
                (false, false) => Stage::Asking,
            },
            &self.joints.channels.borrow(),
            &self.rules,
            &Problems {
                configuration: self.configuration_problem.as_deref(),
                journal: journal::suspended(&self.journal).as_deref(),
                paused: self.paused_in_words(),
                late: late_in_words(&self.joints.outlook.borrow(), self.config.updates.max_age),
                month: self.month.in_words(),
            },
            &self.counts,
            &Budget { usage: self.clients.usage(), troubles: self.clients.troubles() },
            self.config.updates.dry_run,
        )
    }
}

/// The budget of all clients, and what is wrong with single ones.
struct Budget {
    usage: Usage,
    troubles: Vec<String>,
}

/// What is wrong beside the rules.
struct Problems<'a> {
    configuration: Option<&'a str>,
    journal: Option<&'a str>,
    paused: Vec<String>,
    late: Option<String>,
    /// How it stands with the month's requests, where they are limited.
    month: Option<String>,
}

/// That what waits will not go in time, and because of whom.
fn late_in_words(outlook: &Outlook, max_age: Duration) -> Option<String> {
    let rules: Vec<&str> = outlook.rules.iter().map(|(rule, _)| &**rule).collect();
    let max_age = duration::show(max_age);
    outlook.late.then(|| {
        format!(
            "at this pace what waits WILL NOT GO within {max_age} (most by {})",
            rules.join(", ")
        )
    })
}

fn topics_in_words(channels: &ChannelsState) -> Vec<String> {
    let mut parts = vec![counted(channels.topics_permitted, "topic")];
    if channels.topics_rejected > 0 {
        parts.push(format!("{} REJECTED", counted(channels.topics_rejected, "topic")));
    }
    if channels.topics_without_room > 0 {
        parts.push(format!("{} WITHOUT ROOM", counted(channels.topics_without_room, "topic")));
    }
    parts
}

/// The line: what is wrong first.
fn status_line(
    stage: Stage,
    channels: &ChannelsState,
    rules: &RulesInForce,
    problems: &Problems<'_>,
    counts: &Counts,
    budget: &Budget,
    dry_run: bool,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(reason) = problems.journal {
        parts.push(format!("journal SUSPENDED, a crash loses what waits ({reason})"));
    }
    parts.extend(problems.paused.iter().cloned());
    parts.extend(problems.late.clone());
    if let Some(problem) = &rules.problem {
        parts.push(format!("rules file REFUSED, earlier rules in force ({problem})"));
    }
    for (list, reason) in &rules.lists_refused {
        parts.push(format!("list {list} REFUSED, the earlier one in force ({reason})"));
    }
    if let Some(back) = &rules.rollback {
        parts.push(format!("rules ROLLED BACK to {}, the rules file is passed over", back.set));
    }
    if let Some(held) = &rules.held {
        let writes = held.writes;
        let wait = either(writes, "waits", "wait");
        let writes = counted(writes, "write");
        parts.push(format!("{writes} {wait} for `attributed reload --confirm`"));
    }
    if let Some(problem) = problems.configuration {
        parts.push(format!("configuration REFUSED, earlier one in force ({problem})"));
    }
    if counts.gaps_not_permitted.get() > 0 {
        parts.push(
            "gaps STAY OPEN until a next event (analytics:conversationDetail:view is missing)"
                .to_owned(),
        );
    }
    if counts.gaps_open.get() > 0 {
        parts.push(format!("{} being looked into", counted(counts.gaps_open.get(), "gap")));
    }
    parts.extend(budget.troubles.iter().cloned());
    let usage = &budget.usage;
    if let Some(rest) = usage.resting_for {
        parts.push(format!("account rests for {} s (429)", rest.as_secs()));
    }
    if channels.connected < channels.channels {
        parts.push(format!(
            "{} of {} connected",
            channels.connected,
            counted(channels.channels, "channel")
        ));
    } else {
        parts.push(format!("{} connected", counted(channels.channels, "channel")));
    }
    match stage {
        Stage::Asking => parts.insert(0, "starting: asking whom to watch".to_owned()),
        Stage::Subscribing => parts.insert(0, "starting: subscribing".to_owned()),
        Stage::Ready => {}
    }
    if dry_run {
        parts.insert(0, "dry run".to_owned());
    }
    parts.extend(topics_in_words(channels));
    parts.push(counted(rules.file.rules.len(), "rule"));
    parts.push(format!("{} waiting", counts.outbox.get()));
    parts.push(format!("{} pushed", counts.pushed.get()));
    if counts.dead_letters.get() > 0 {
        parts.push(counted(counts.dead_letters.get(), "dead letter"));
    }
    parts.push(format!("budget {}/{}", usage.used, usage.allowed));
    parts.extend(problems.month.clone());
    parts.join(", ")
}
