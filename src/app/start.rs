//! From a configuration to a running [`App`]: build everything, then start everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::control_loop;
use super::first_token::Waiting;
use super::journal::{self, Opened};
use super::lists::to_watch;
use super::loops::Loops;
use super::month::Month;
use super::observe::View;
use super::overview::Told;
use super::pauses::Pauses;
use super::pipeline::{Standings, Unheard};
use super::reload::{Reloads, Task, What};
use super::report::Report;
use super::rules_history::History;
use super::rules_in_force::RulesInForce;
use super::supervision::kept_up;
use super::windows::Windows;
use super::{App, Ended, Joints, Part, monitoring, no_names, requests_per_month, ticking, wanted};
use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::genesys::call::Api;
use crate::genesys::clients::Clients;
use crate::genesys::directory::Watching;
use crate::genesys::outside::Outside;
use crate::signals::Intent;
use crate::status::control::Asked;
use crate::status::counts::Counts;
use crate::status::http::Source;
use crate::status::logging::Level;
use crate::status::overview::Newest;
use crate::status::pulse::Pulse;
use crate::status::systemd;
use crate::updates::journal::{JOURNAL_FILE, Opener};

/// Observations that may wait for the dispatcher, which never waits for the network.
const OBSERVATIONS_WAITING: usize = 1024;
const ASKS_WAITING: usize = 1024;
/// Each connection of the control socket asks one thing.
const ASKED_WAITING: usize = 16;

/// What was said on the command line, and what tests put in the place of the world.
#[derive(Default)]
pub struct Options {
    pub dry_run: bool,
    /// A bad rules file ends the program instead of the last good one standing in.
    pub strict: bool,
    /// A journal of its own, written within the updates' turn, so that no thread decides the order
    /// of things; else that of the state directory, written by a thread.
    pub journal: Option<Opener>,
    /// Nothing outlives the process: what the journal costs is measured against that.
    pub no_journal: bool,
    /// What the calendar says at the start; else the system's clock is asked.
    pub now: Option<Timestamp>,
}

/// Everything that the app is made of from outside.
pub struct Start {
    pub config: Config,
    pub options: Options,
    pub outside: Arc<dyn Outside>,
    pub counts: Arc<Counts>,
    pub level: Option<Level>,
    pub intents: mpsc::Receiver<Intent>,
    /// Reads the configuration again.
    pub reread: Box<dyn Fn() -> Result<Config, Vec<Problem>> + Send>,
}

/// What is there before the app is.
struct Begun {
    newest: Newest,
    tasks: JoinSet<Part>,
    stop: CancellationToken,
}

impl Start {
    /// Gets a token, checks the organisation, and starts every loop.
    ///
    /// # Errors
    ///
    /// How it ended, if it cannot begin, or is told to stop before it has begun.
    pub async fn begin(self) -> Result<App, Ended> {
        self.prepare().await.inspect_err(|ended| systemd::stopping(&ended.to_string()))
    }

    async fn prepare(mut self) -> Result<App, Ended> {
        self.config.updates.dry_run |= self.options.dry_run;
        let config = &self.config;
        let fence = AllowedKeys::new(&config.updates.allowed_keys)
            .map_err(|error| Ended::BadConfig(error.to_string()))?;
        journal::prepare_directory(config);
        let history = History::new(&config.state.dir);
        let rules = RulesInForce::at_start(&config.rules, &history, &fence, self.options.strict)
            .map_err(Ended::NoRules)?;
        let (bound, _unknown) = rules.file.bind(no_names(), &rules.tables);
        info!(
            version = env!("CARGO_PKG_VERSION"),
            config = %config.file.display(),
            rules = rules.describe(),
            domain = config.genesys.domain,
            dry_run = config.updates.dry_run,
            "starting"
        );
        let clients = Clients::new(
            &config.genesys,
            &config.updates,
            Arc::clone(&self.outside),
            Arc::clone(&self.counts),
        );
        let windows = Windows::load(&config.state.dir, &clients);
        let found = journal::open(&self.config, &mut self.options)?;
        found.recovered.count(&self.counts);
        rules.count(&self.counts, self.config.monitoring.rule_series);
        let pauses = Pauses::load(&self.config.state.dir);
        pauses.count(&self.counts);
        pauses.remind(&self.counts);
        let journal = found.journal.monitor();
        let mut waiting = Waiting {
            config: &self.config,
            level: self.level.as_ref(),
            counts: &self.counts,
            clients: &clients,
            rules: &rules,
            history: &history,
            journal: &journal,
            letters: &found.recovered.letters,
            pauses,
        };
        let told = Told::new(&waiting.as_it_is());
        let mut begun = Begun {
            newest: Newest { overview: told.newest(), pulse: Pulse::default() },
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        self.monitor(&mut begun)?;
        let mut asked = self.listen_for_commands(&mut begun);
        let reload = waiting.until_permitted(&told, &mut self.intents, &mut asked).await?;
        let pauses = waiting.pauses;
        let opened = found.begin(&self.config, &self.options);
        let view = View {
            rules: Arc::new(bound),
            watched: Arc::default(),
            acd_only: false,
            held_against: None,
        };
        let begun = (told, begun, asked, (pauses, windows));
        let mut app = self.join(clients, opened, (rules, history, fence), view, begun);
        if reload {
            app.reload(Task { what: What::Files, plan: false, confirm: false, answer: None });
        }
        Ok(app)
    }

    /// Answers who asks how it is, from before there is anything to tell on.
    fn monitor(&self, begun: &mut Begun) -> Result<(), Ended> {
        let Config { monitoring, state, .. } = &self.config;
        let Some(listen) = monitoring.listen.clone() else { return Ok(()) };
        let access = monitoring::access(monitoring)?;
        let source = Source {
            overview: begun.newest.overview.clone(),
            counts: Arc::clone(&self.counts),
            pulse: begun.newest.pulse.clone(),
            journal_file: state.dir.join(JOURNAL_FILE),
        };
        // It ends with the process, and not with the listening: a stop is worth being watched.
        let work = kept_up("monitoring", CancellationToken::new(), move || {
            monitoring::answer(listen.clone(), source.clone(), Arc::clone(&access))
        });
        begun.tasks.spawn(async move {
            work.await;
            Part::Monitoring
        });
        Ok(())
    }

    /// What is asked through the control socket; without one, nothing ever is. It is there from
    /// before the first token on: that is when people ask why nothing happens.
    fn listen_for_commands(&self, begun: &mut Begun) -> mpsc::Receiver<Asked> {
        let (asks, asked) = mpsc::channel(ASKED_WAITING);
        let path = self.config.monitoring.control.clone();
        let (newest, stop) = (begun.newest.clone(), begun.stop.clone());
        let work = kept_up("control socket", stop.clone(), move || {
            control_loop::answer(path.clone(), asks.clone(), newest.clone(), stop.clone())
        });
        begun.tasks.spawn(async move {
            work.await;
            Part::Control
        });
        asked
    }

    /// Starts every loop, each joined to the next by a bounded channel.
    #[expect(
        clippy::too_many_lines,
        reason = "the whole picture: every loop and every channel once"
    )]
    fn join(
        self,
        clients: Arc<Clients>,
        opened: Opened,
        (rules, history, fence): (RulesInForce, History, AllowedKeys),
        view: View,
        (told, begun, asked, (pauses, windows)): (
            Told,
            Begun,
            mpsc::Receiver<Asked>,
            (Pauses, Windows),
        ),
    ) -> App {
        let Start { config, options, outside, counts, level, intents, reread } = self;
        let Begun { newest: Newest { pulse, .. }, tasks, stop } = begun;
        let api = Arc::clone(&clients) as Arc<dyn Api>;
        let month = Month::new(&config.state.dir, api, &counts, requests_per_month(&config));
        let mut loops = Loops {
            outside,
            clients: Arc::clone(&clients),
            api: month.api(),
            stop,
            pulse,
            counts: Arc::clone(&counts),
            tasks,
        };
        let (wanted, watching) = loops.directory(&config, wanted(&config, &rules));
        let (topics, frames, notices, channels) = loops.channels(&config);
        let (asks_sender, asks) = mpsc::channel(ASKS_WAITING);
        let (updates, observations) = mpsc::channel(OBSERVATIONS_WAITING);
        let (questions, questions_receiver) = mpsc::channel(1);
        let (gaps_open, unheard) = Unheard::new(channels.clone());
        let first = (view, Standings::left_by(&opened.recovered));
        let (view, look_ups) =
            loops.pipeline(frames, asks, unheard, questions_receiver, first, updates.clone());
        let gaps = loops.recovery(&config, look_ups, gaps_open);
        loops.clients();
        let (lists, lists_found) = loops.lists(to_watch(&rules));
        let (journal, away_since) = (opened.journal.monitor(), opened.away_since);
        let story = opened.story_reader.clone();
        let ordered = (fence, pauses.orders(rules.file.caps()));
        let (orders, outlook) =
            loops.dispatcher(&config, opened, ordered, observations, asks_sender);
        let (rules_text, _) = watch::channel(rules.source.text.clone());
        let Loops { stop, pulse, tasks, .. } = loops;
        App {
            config,
            options,
            reread,
            level,
            counts,
            clients,
            journal,
            story,
            away_since,
            beat: pulse.add("app"),
            pulse,
            rules,
            history,
            reloads: Reloads::default(),
            rules_text,
            pauses,
            month,
            windows,
            watching: Arc::new(Watching::default()),
            joints: Joints {
                intents,
                asked,
                questions,
                lists,
                lists_found,
                notices,
                gaps,
                channels,
                watching,
                topics,
                wanted,
                view,
                updates: Some(updates),
                orders,
                outlook,
                tick: ticking(),
            },
            loops: tasks,
            stop,
            report: Report::new(Instant::now()),
            told,
            ready: false,
            watching_known: false,
            topics_wanted: 0,
            heard: BTreeSet::new(),
            configuration_problem: None,
        }
        .begun()
    }
}

impl App {
    /// Tells whoever has to know how it begins.
    fn begun(self) -> App {
        self.give_orders();
        self.tell();
        self
    }
}
