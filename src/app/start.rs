//! From a configuration to a running [`App`]: build everything, then start everything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::pipeline::{self, Pipeline, View};
use super::push::Writer;
use super::report::Report;
use super::rules_in_force::{RulesInForce, describe};
use super::{App, Ended, Joints, Part, TICK, allowing, no_names, wanted};
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::config::{Config, Dialect};
use crate::events::channels::{Channels, ChannelsState};
use crate::events::tracker::{Limits, Tracker};
use crate::events::watching::Watcher;
use crate::genesys::account::Account;
use crate::genesys::call::{Api, CallError};
use crate::genesys::directory::{Cache, Watching};
use crate::genesys::organization::{OrganizationError, check_organization};
use crate::genesys::outside::Outside;
use crate::signals::Intent;
use crate::status::counts::Counts;
use crate::status::logging::Level;
use crate::status::pulse::Pulse;
use crate::status::systemd;
use crate::updates::dispatcher::{self, Dispatcher};
use crate::updates::settings::Settings;

/// Frames that may wait for the pipeline: seconds of a busy organisation, so that the sockets are
/// read, and their pings answered, while a slow moment passes.
const FRAMES_WAITING: usize = 4096;
/// Observations that may wait for the dispatcher, which never waits for the network.
const OBSERVATIONS_WAITING: usize = 1024;
const ASKS_WAITING: usize = 1024;
const NOTICES_WAITING: usize = 64;
/// Between attempts to get the first token.
const TOKEN_AGAIN: Duration = Duration::from_secs(5);

/// What was said on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub dry_run: bool,
    /// A bad rules file ends the program instead of the last good one standing in.
    pub strict: bool,
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
        prepare_state_dir(config);
        let rules =
            RulesInForce::at_start(&config.rules, &config.state.dir, &fence, self.options.strict)
                .map_err(Ended::NoRules)?;
        let (bound, _unknown) = rules.file.bind(no_names());
        info!(
            version = env!("CARGO_PKG_VERSION"),
            config = %config.file.display(),
            rules = describe(&bound),
            domain = config.genesys.domain,
            dry_run = config.updates.dry_run,
            "starting"
        );
        if config.genesys.dialect == Dialect::Put && !config.genesys.api_url.contains("127.0.0.1") {
            warn!(
                "the put dialect replaces the whole attribute map, and Genesys Cloud's public API does not have it; use genesys.dialect = \"patch\" unless a gateway offers it"
            );
        }
        let account = Account::new(
            &config.genesys,
            &config.updates,
            Arc::clone(&self.outside),
            Arc::clone(&self.counts),
        );
        self.first_token(&account).await?;
        right_organization(&self.config, &account).await?;
        Ok(self.join(
            account,
            rules,
            fence,
            View { rules: Arc::new(bound), watched: Arc::default(), acd_only: false },
        ))
    }

    /// Gets the first token, as often as it takes. Failures are logged where tokens are asked for.
    async fn first_token(&mut self, account: &Account) -> Result<(), Ended> {
        loop {
            match account.start().await {
                Ok(()) => return Ok(()),
                Err(CallError::Credentials(reason)) => {
                    return Err(Ended::CredentialsRefused(reason));
                }
                Err(error) => systemd::status(&format!("starting: {error}; will retry")),
            }
            tokio::select! {
                () = sleep(TOKEN_AGAIN) => {}
                intent = self.intents.recv() => if intent != Some(Intent::Reload) {
                    return Err(Ended::Drained);
                }
            }
        }
    }

    fn join(
        self,
        account: Arc<Account>,
        rules: RulesInForce,
        fence: AllowedKeys,
        view: View,
    ) -> App {
        let Start { config, options, outside, counts, level, intents, reread } = self;
        let api: Arc<dyn Api> = Arc::clone(&account) as Arc<dyn Api>;
        let (stop, pulse) = (CancellationToken::new(), Pulse::default());
        let mut loops = JoinSet::new();

        let (wanted_sender, wanted_receiver) = watch::channel(wanted(&config, &rules));
        let (watching_sender, watching_receiver) = watch::channel(Arc::new(Watching::default()));
        let watcher = Watcher {
            api: Arc::clone(&api),
            cache: Cache::new(&config.state.dir),
            wanted: wanted_receiver,
            refresh_now: Arc::default(),
            out: watching_sender,
            beat: pulse.add("directory"),
        };
        let watcher_stop = stop.clone();
        loops.spawn(async move {
            watcher.run(watcher_stop).await;
            Part::Directory
        });

        let (topics_sender, topics_receiver) = watch::channel(Arc::new(BTreeSet::new()));
        let (frames_sender, frames_receiver) = mpsc::channel(FRAMES_WAITING);
        let (notices_sender, notices_receiver) = mpsc::channel(NOTICES_WAITING);
        let (state_sender, state_receiver) = watch::channel(ChannelsState::default());
        let channels = Channels {
            api: Arc::clone(&api),
            outside,
            settings: config.channels.clone(),
            state_file: Some(config.state.dir.join("channels.json")),
            frames: frames_sender,
            notices: notices_sender,
            state: state_sender,
            counts: Arc::clone(&counts),
            beat: pulse.add("channels"),
        };
        let channels_stop = stop.clone();
        loops.spawn(async move {
            channels.run(topics_receiver, channels_stop).await;
            Part::Channels
        });

        let (asks_sender, asks_receiver) = mpsc::channel(ASKS_WAITING);
        let (gaps_sender, gaps_receiver) = mpsc::channel(NOTICES_WAITING);
        let (view_sender, view_receiver) = watch::channel(view);
        let (updates_sender, updates_receiver) = mpsc::channel(OBSERVATIONS_WAITING);
        let pipeline = Pipeline::new(
            pipeline::Joints {
                frames: frames_receiver,
                asks: asks_receiver,
                gaps: gaps_receiver,
                view: view_receiver,
                observations: updates_sender.clone(),
                api: Arc::clone(&api),
                counts: Arc::clone(&counts),
                beat: pulse.add("pipeline"),
            },
            Tracker::new(Limits::default()),
        );
        loops.spawn(async move {
            pipeline.run().await;
            Part::Pipeline
        });

        let writer = Writer { api: Arc::clone(&api), dialect: config.genesys.dialect };
        let dispatcher = Dispatcher::new(dispatcher::Joints {
            input: updates_receiver,
            asks: asks_sender,
            api,
            push: Arc::new(writer),
            settings: Settings::new(&config.updates, allowing(fence)),
            counts: Arc::clone(&counts),
            beat: pulse.add("dispatcher"),
            seed: rand::random(),
        });
        loops.spawn(async move { Part::Dispatcher(dispatcher.run().await) });

        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (rules_text, _) = watch::channel(rules.text.clone());
        App {
            config,
            options,
            reread,
            level,
            counts,
            account,
            pulse,
            rules,
            rules_text,
            watching: Arc::new(Watching::default()),
            joints: Joints {
                intents,
                notices: notices_receiver,
                gaps: gaps_sender,
                channels: state_receiver,
                watching: watching_receiver,
                topics: topics_sender,
                wanted: wanted_sender,
                view: view_sender,
                updates: Some(updates_sender),
                tick,
            },
            loops,
            stop,
            report: Report::new(Instant::now()),
            ready: false,
            watching_known: false,
            topics_wanted: 0,
            configuration_problem: None,
        }
    }
}

/// Makes the state directory where it is missing; without one we go on in memory.
fn prepare_state_dir(config: &Config) {
    use std::os::unix::fs::DirBuilderExt;
    let dir = &config.state.dir;
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        warn!(dir = %dir.display(), %error, "no state directory: names, channels and the last good rules are not kept; set state.dir to a directory that can be written");
    }
}

/// Refuses to work for another organisation than the configuration names.
async fn right_organization(config: &Config, account: &Account) -> Result<(), Ended> {
    let Some(wanted) = config.genesys.organization.as_deref() else { return Ok(()) };
    match check_organization(account, Some(wanted)).await {
        Ok(_) => Ok(()),
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
