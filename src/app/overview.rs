//! From the app's state and the counts to an [`Overview`], and out to whoever shows it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::pauses::Pauses;
use super::rules_in_force::RulesInForce;
use super::{App, journal};
use crate::config::Config;
use crate::genesys::account::Account;
use crate::genesys::clients::Clients;
use crate::machine;
use crate::status::counts::Counts;
use crate::status::overview::{
    self, Channels, Configuration, Flow, Gaps, Journal, Millis, Overview, Rule, Rules, Stage,
    Topics, Updates,
};
use crate::status::rates::Hour;
use crate::updates::journal::Monitor;

/// Where the newest overview is put, from before there is an app on.
pub(super) struct Told {
    hour: Hour,
    newest: watch::Sender<Arc<Overview>>,
    /// What there is to tell of before there is an app, with the configuration in force.
    at_start: Overview,
}

/// What there is to be told of before there is an app.
pub(super) struct AtStart<'s> {
    pub config: &'s Config,
    pub counts: &'s Counts,
    pub clients: &'s Clients,
    pub rules: &'s RulesInForce,
    pub pauses: &'s Pauses,
    pub journal: &'s Monitor,
}

impl Told {
    pub(super) fn new(how: &AtStart<'_>) -> Told {
        let config = how.config;
        let at_start = Overview {
            dry_run: config.updates.dry_run,
            configuration: in_force(config),
            updates: Updates { capacity: config.updates.max_pending as u64, ..Updates::default() },
            ..blank(machine::now().as_millisecond())
        };
        let (newest, _) = watch::channel(Arc::default());
        let told = Told { hour: Hour::new(Instant::now()), newest, at_start };
        told.log_in(how);
        told
    }

    pub(super) fn newest(&self) -> watch::Receiver<Arc<Overview>> {
        self.newest.subscribe()
    }

    /// As long as there is no app.
    pub(super) fn log_in(&self, how: &AtStart<'_>) {
        self.newest.send_replace(Arc::new(self.starting(how)));
    }

    pub(super) fn starting(&self, how: &AtStart<'_>) -> Overview {
        let AtStart { config, counts, clients, rules, pauses, journal } = how;
        let at = machine::now().as_millisecond();
        Overview {
            at,
            accounts: of_clients(clients, at),
            rules: of_each_rule(rules, counts, pauses),
            journal: of_journal(journal),
            updates: Updates {
                waiting: counts.outbox.get(),
                seconds_to_empty: at_best(config, clients, counts.outbox.get()),
                dead_letters: counts.dead_letters.get(),
                ..self.at_start.updates
            },
            letters: counts.recent.letters(),
            paused: pauses.in_words(),
            all_paused: pauses.is_all(),
            flow: flow(counts),
            ..self.at_start.clone()
        }
    }

    /// How much goes through is told as of now.
    pub(super) fn look(&mut self, counts: &Counts, now: Instant) {
        self.hour.look(flow(counts), now);
    }

    /// Another configuration is in force.
    pub(super) fn configured(&mut self, config: &Config) {
        self.at_start.configuration = in_force(config);
    }
}

impl App {
    /// The newest overview, for whoever shows it.
    pub fn told(&self) -> watch::Receiver<Arc<Overview>> {
        self.told.newest()
    }

    pub(super) fn tell(&self) {
        self.told.newest.send_replace(Arc::new(self.overview()));
    }

    pub(super) fn overview(&self) -> Overview {
        let counts = &self.counts;
        let at = machine::now().as_millisecond();
        let channels = self.joints.channels.borrow();
        let uncovered_since = channels.oldest_gap.map(jiff::Timestamp::as_millisecond);
        Overview {
            stage: self.overview_stage(),
            dry_run: self.config.updates.dry_run,
            silent_loops: self.silent_loops().into_iter().map(str::to_owned).collect(),
            accounts: of_clients(&self.clients, at),
            channels: Channels {
                total: channels.channels as u64,
                connected: channels.connected as u64,
                topics: Topics {
                    // What is wanted by now, which the channels may not have heard of yet.
                    wanted: self.topics_wanted as u64,
                    permitted: channels.topics_permitted as u64,
                    rejected: channels.topics_rejected as u64,
                    without_room: channels.topics_without_room as u64,
                    short_of_copies: channels.topics_short_of_copies as u64,
                },
                uncovered_since,
                each: counts.marks.told(),
            },
            directory_problem: self.watching.failed.first().map(ToString::to_string),
            gaps: Gaps {
                open: counts.gaps_open.get(),
                oldest_since: uncovered_since
                    .into_iter()
                    .chain(counts.gap_oldest_at.moment())
                    .min(),
                not_permitted: counts.gaps_not_permitted.get() > 0,
            },
            rules: of_each_rule(&self.rules, counts, &self.pauses),
            configuration: Configuration {
                problem: self.configuration_problem.clone(),
                ..self.told.at_start.configuration.clone()
            },
            journal: of_journal(&self.journal),
            updates: self.updates_told(),
            troubles: counts.troubles.told(),
            paused: self.pauses.in_words(),
            all_paused: self.pauses.is_all(),
            flow: flow(counts),
            history: self.told.hour.told(),
            latest: counts.recent.updates(),
            letters: counts.recent.letters(),
            reload_tried_at: counts.reload_tried_at.moment(),
            at,
            ..blank(self.told.at_start.started_at)
        }
    }

    fn overview_stage(&self) -> Stage {
        match (self.stop.is_cancelled(), self.ready, self.watching_known) {
            (true, ..) => Stage::Stopping,
            (_, true, _) => Stage::Working,
            (_, _, true) => Stage::Subscribing,
            _ => Stage::Asking,
        }
    }

    fn updates_told(&self) -> Updates {
        let waiting = self.counts.outbox.get();
        #[expect(clippy::cast_precision_loss, reason = "seconds are below 2^52")]
        let foreseen = match self.counts.outbox_seconds_to_empty.get() {
            // Not known yet; and what never ends has no number of seconds.
            0 | u64::MAX => None,
            seconds => Some(seconds as f64),
        };
        let at_best = || at_best(&self.config, &self.clients, waiting);
        let seconds_to_empty = foreseen.unwrap_or_else(at_best);
        Updates {
            waiting,
            capacity: self.config.updates.max_pending as u64,
            oldest_at: self.counts.outbox_oldest_at.moment(),
            seconds_to_empty,
            in_flight: self.counts.in_flight.get(),
            dead_letters: self.counts.dead_letters.get(),
            late: self.counts.outbox_late.get() > 0,
        }
    }
}

/// Seconds until so many are written, if nothing comes in between.
fn at_best(config: &Config, clients: &Clients, waiting: u64) -> f64 {
    let requests = waiting.saturating_mul(config.genesys.dialect.requests_a_write());
    #[expect(clippy::cast_precision_loss, reason = "a number of participants is below 2^52")]
    let requests = requests as f64;
    requests * 60.0 / f64::from(clients.usage().allowed.max(1))
}

fn of_journal(journal: &Monitor) -> Journal {
    Journal {
        suspended: journal::suspended(journal),
        commits: journal.durations(),
        rows: journal.rows(),
    }
}

fn of_each_rule(rules: &RulesInForce, counts: &Counts, pauses: &Pauses) -> Rules {
    let counted = counts.rules.table();
    let each = counted.rules.iter().map(|(name, dry_run, count)| Rule {
        name: name.to_string(),
        dry_run: *dry_run,
        paused: pauses.is_paused(name),
        matches: count.matches.get(),
        errors: count.errors.get(),
        written: count.written.get(),
        failed: count.failed.get(),
        last_match_at: count.last_match_at.moment(),
        last_error_at: count.last_error_at.moment(),
    });
    let seconds = i64::try_from(counts.rules_reloaded_at.get()).unwrap_or_default();
    Rules {
        loaded_at: seconds * 1000,
        each: each.collect(),
        others_last_error_at: counted.others.last_error_at.moment(),
        ..of_rules(rules)
    }
}

/// But for what is counted of each.
fn of_rules(rules: &RulesInForce) -> Rules {
    let lists = rules.lists_refused.iter();
    Rules {
        count: rules.file.rules.len() as u64,
        hash: rules.source.hash.clone(),
        problem: rules.problem.clone(),
        rolled_back: rules.rollback.as_ref().map(|back| back.set.clone()),
        unconfirmed_writes: rules.held.as_ref().map(|held| held.writes),
        lists_refused: lists.map(|(name, why)| (name.to_string(), why.clone())).collect(),
        ..Rules::default()
    }
}

fn blank(started_at: Millis) -> Overview {
    Overview {
        at: machine::now().as_millisecond(),
        started_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Overview::default()
    }
}

fn in_force(config: &Config) -> Configuration {
    let loaded_at = machine::now().as_millisecond();
    Configuration { hash: config.hash(), loaded_at, problem: None }
}

/// The one client of today.
const CLIENT: &str = "main";

fn of_clients(clients: &Clients, at: Millis) -> Vec<overview::Account> {
    clients.accounts().map(|account| of_account(account, at)).collect()
}

fn of_account(account: &Account, at: Millis) -> overview::Account {
    let (token, usage) = (account.token(), account.usage());
    let left = token.ends_at.map(|ends| ends.saturating_duration_since(Instant::now()));
    let expires = left.and_then(|left| Some(at + Millis::try_from(left.as_millis()).ok()?));
    overview::Account {
        client: account.name().unwrap_or(CLIENT).to_owned(),
        token_expires_at: expires,
        token_problem: token.problem,
        used: usage.used,
        foreign: usage.foreign,
        allowed: usage.allowed,
        window_ends_in: usage.window_ends_in.map(|left| left.as_secs_f64()),
        resting_for: usage.resting_for.map(|left| left.as_secs_f64()),
    }
}

fn flow(counts: &Counts) -> Flow {
    Flow {
        frames: counts.frames.get(),
        snapshots: counts.snapshots.get(),
        matches: counts.matches.get(),
        wished: counts.offered.get(),
        written: counts.pushed.get(),
        failed: counts.failed.get(),
        requests: counts.requests().values().sum(),
    }
}
