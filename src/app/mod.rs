//! Joins the parts into a program, runs them, and takes them down in order.
//!
//! Five loops do the work: the directory says whom to watch, the channels bring frames, the
//! pipeline makes observations of them, the dispatcher pushes what follows, and the recovery has
//! looked up what nobody heard. They are joined here by bounded channels and run on one set of
//! tasks whose every end is noticed. Stopping takes one signal, sent to the head: the channels end,
//! so the pipeline ends, so the dispatcher drains and ends.

mod compare;
mod configuration;
mod control;
mod control_loop;
pub mod ended;
mod first_token;
mod journal;
mod list_copies;
mod list_watch;
mod lists;
mod loops;
mod monitoring;
mod month;
mod observe;
#[cfg(feature = "otlp")]
mod otlp;
mod overview;
mod pauses;
mod pausing;
mod pipeline;
mod push;
mod readiness;
mod reads;
mod recovery;
pub(crate) mod rehearsal;
mod reload;
mod report;
mod rule_errors;
mod rules_diff;
mod rules_history;
mod rules_in_force;
mod rules_shown;
mod settling;
mod start;
mod state_file;
mod supervision;
pub(crate) mod tables;
pub(crate) mod texts;
mod windows;

use crate::status::counted::{counted, either};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use compare::Comparison;
pub use ended::Ended;
use list_watch::{Found, Watched};
use month::Month;
use observe::View;
use overview::Told;
use pauses::Pauses;
use pipeline::Question;
use reload::{Reloads, Task, What};
use report::Report;
use rules_history::History;
use rules_in_force::RulesInForce;
pub use start::{Options, Start};
use windows::Windows;

use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;
use crate::defects::{self, Defect};
use crate::events::channels::{ChannelsState, Notice};
use crate::events::gaps::Gap;
use crate::events::topic::Topic;
use crate::events::watching::Wanted;
use crate::genesys::clients::Clients;
use crate::genesys::directory::Watching;
use crate::genesys::names::Names;
use crate::machine;
use crate::signals::Intent;
use crate::status::control::Asked;
use crate::status::counts::Counts;
use crate::status::logging::Level;
use crate::status::pulse::{Beat, Pulse};
use crate::status::systemd;
use crate::updates;
use crate::updates::dispatcher::Input;
use crate::updates::foresight::Outlook;
use crate::updates::journal::Monitor;
use crate::updates::orders::Orders;
use crate::updates::settings;
use crate::updates::story::Reader;

/// How often the app looks at how things are.
const TICK: Duration = Duration::from_secs(1);
/// What a stop may take beyond the drain: to settle what is in doubt, to leave the channels, and to
/// say goodbye.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// The running daemon: the one owner of what can change while it runs.
pub struct App {
    config: Config,
    options: Options,
    reread: Box<dyn Fn() -> Result<Config, Vec<Problem>> + Send>,
    level: Option<Level>,
    counts: Arc<Counts>,
    clients: Arc<Clients>,
    journal: Monitor,
    story: Reader,
    /// The process before heard everything until then; `None` once somebody is watched whom it may
    /// not have watched.
    away_since: Option<Timestamp>,
    pulse: Pulse,
    beat: Beat,
    rules: RulesInForce,
    history: History,
    reloads: Reloads,
    rules_text: watch::Sender<String>,
    pauses: Pauses,
    month: Month,
    windows: Windows,
    watching: Arc<Watching>,
    joints: Joints,
    loops: JoinSet<Part>,
    stop: CancellationToken,
    report: Report,
    told: Told,
    ready: bool,
    /// Whether the directory (or what was kept of it) has said whom to watch.
    watching_known: bool,
    topics_wanted: usize,
    /// Topics that were subscribed to before: what is under way on others has to be looked up.
    heard: BTreeSet<Topic>,
    configuration_problem: Option<String>,
}

/// The app's ends of what joins the loops.
struct Joints {
    intents: mpsc::Receiver<Intent>,
    /// What somebody asks through the control socket.
    asked: mpsc::Receiver<Asked>,
    questions: mpsc::Sender<Question>,
    /// The files of lists, and those that have changed.
    lists: watch::Sender<Arc<Vec<Watched>>>,
    lists_found: mpsc::Receiver<Found>,
    notices: mpsc::Receiver<Notice>,
    gaps: mpsc::Sender<Gap>,
    channels: watch::Receiver<ChannelsState>,
    watching: watch::Receiver<Arc<Watching>>,
    topics: watch::Sender<Arc<BTreeSet<Topic>>>,
    wanted: watch::Sender<Wanted>,
    view: watch::Sender<View>,
    /// `None` once a stop has begun: the dispatcher ends when nobody can tell it anything more.
    updates: Option<mpsc::Sender<Input>>,
    orders: watch::Sender<Arc<Orders>>,
    outlook: watch::Receiver<Outlook>,
    tick: Interval,
}

/// Which loop has ended.
enum Part {
    Directory,
    Channels,
    Pipeline,
    Recovery,
    Control,
    Lists,
    Monitoring,
    Clients,
    Dispatcher(updates::dispatcher::Ended),
    /// It was the loop of that name.
    Panicked(&'static str),
}

enum Event {
    Intent(Intent),
    Asked(Asked),
    Compared(Option<Comparison>),
    ListFound(Found),
    Noticed(Notice),
    ChannelsChanged,
    WatchingChanged,
    Ended(Option<Result<Part, tokio::task::JoinError>>),
    Tick,
}

impl App {
    /// Works until it is told to stop, or cannot go on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts every loop; what waits is in the journal, as after a crash.
    pub async fn run(mut self) -> Ended {
        loop {
            let event = self.next_event().await;
            let went_on = self.handle(event);
            self.beat.give();
            self.tell();
            if let ControlFlow::Break(ended) = went_on {
                systemd::stopping(&ended.to_string());
                self.month.keep(Instant::now());
                self.level.iter().for_each(|level| level.sum_up(true));
                return ended;
            }
        }
    }

    /// The text of the rules in force, for whoever has to know when they change.
    pub fn rules_text(&self) -> watch::Receiver<String> {
        self.rules_text.subscribe()
    }

    /// Who is watched, likewise.
    pub fn watching(&self) -> watch::Receiver<Arc<Watching>> {
        self.joints.watching.clone()
    }

    pub fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.clients)
    }

    async fn next_event(&mut self) -> Event {
        let joints = &mut self.joints;
        tokio::select! {
            biased;
            Some(intent) = joints.intents.recv() => Event::Intent(intent),
            Some(asked) = joints.asked.recv() => Event::Asked(asked),
            comparison = self.reloads.compared() => Event::Compared(comparison),
            Some(found) = joints.lists_found.recv() => Event::ListFound(found),
            Some(notice) = joints.notices.recv() => Event::Noticed(notice),
            Ok(()) = joints.channels.changed() => Event::ChannelsChanged,
            Ok(()) = joints.watching.changed() => Event::WatchingChanged,
            ended = self.loops.join_next() => Event::Ended(ended),
            _ = joints.tick.tick() => Event::Tick,
        }
    }

    fn handle(&mut self, event: Event) -> ControlFlow<Ended> {
        match event {
            Event::Intent(Intent::Stop) => self.begin_stop(),
            Event::Intent(Intent::Reload) => {
                self.reload(Task { what: What::Files, plan: false, confirm: false, answer: None });
            }
            Event::Asked(asked) => self.answer(asked),
            Event::Compared(comparison) => self.compared(comparison),
            Event::ListFound(found) => self.list_found(found),
            Event::Noticed(notice) => return self.noticed(notice),
            Event::ChannelsChanged => self.channels_changed(),
            Event::WatchingChanged => self.watching_changed(),
            Event::Ended(part) => return self.part_ended(part),
            Event::Tick => self.tick(),
        }
        ControlFlow::Continue(())
    }

    fn begin_stop(&mut self) {
        if self.stop.is_cancelled() {
            return;
        }
        let waiting = self.counts.outbox.get();
        info!(
            waiting,
            drain_seconds = self.config.updates.drain.as_secs(),
            "stopping: what waits is pushed first; a second signal leaves at once"
        );
        let (left, wait) = (counted(waiting, "participant"), either(waiting, "waits", "wait"));
        systemd::stopping(&format!("stopping, {left} {wait}"));
        systemd::extend_timeout(self.config.updates.drain + STOP_MARGIN);
        self.stop.cancel();
        self.joints.updates = None;
    }

    fn noticed(&mut self, notice: Notice) -> ControlFlow<Ended> {
        match notice {
            Notice::Gap { channel, since, until, topics } => {
                warn!(
                    channel,
                    topics = topics.len(),
                    %since,
                    %until,
                    "events may have been missed: their conversations are looked for"
                );
                self.counts.unheard(channel, until.duration_since(since).unsigned_abs());
                self.look_into(Some(since), until, topics);
            }
            Notice::TokenRevoked { client, .. } => self.clients.token_revoked(client),
            Notice::NoneAllowed { missing_permissions } => {
                if !self.ready {
                    return ControlFlow::Break(Ended::NothingPermitted { missing_permissions });
                }
                error!(
                    ?missing_permissions,
                    "no topic is permitted any more: nothing is heard until the OAuth client's roles are mended"
                );
            }
            Notice::Ready { fresh, .. } => {
                let new = fresh.into_iter().filter(|topic| self.heard.insert(topic.clone()));
                let new: Vec<Topic> = new.collect();
                if !new.is_empty() {
                    self.look_into(self.away_since, machine::now(), new);
                }
            }
            // The channels have logged them, with their permissions.
            Notice::Rejected { .. } => {}
        }
        ControlFlow::Continue(())
    }

    /// Has it looked up what these topics would have told; without a beginning, whatever is under way.
    fn look_into(&self, since: Option<Timestamp>, until: Timestamp, topics: Vec<Topic>) {
        if defects::on(Defect::NoGapRecovery) {
            return;
        }
        let topics = topics.into_iter().collect();
        let gap = Gap { since, until, closed: Instant::now(), topics };
        if self.joints.gaps.try_send(gap).is_err() && !self.stop.is_cancelled() {
            error!(
                "too many gaps at the same time: one is left to the next events of its conversations"
            );
        }
    }

    fn watching_changed(&mut self) {
        self.watching = Arc::clone(&self.joints.watching.borrow_and_update());
        if !self.watching_known && self.watching.is_unanswered() {
            return;
        }
        let users = self.watching.users.iter().cloned().map(Topic::User);
        let queues = self.watching.queues.iter().cloned().map(Topic::Queue);
        let topics: BTreeSet<Topic> = users.chain(queues).collect();
        if topics.is_empty() {
            error!("nothing is watched: none of the users, queues and groups of [watch] is known");
        }
        if self.ready && !topics.is_subset(&self.joints.topics.borrow()) {
            self.away_since = None;
        }
        (self.watching_known, self.topics_wanted) = (true, topics.len());
        self.heard.retain(|topic| topics.contains(topic));
        self.joints.topics.send_replace(Arc::new(topics));
        self.send_view();
        // Where there is nothing to subscribe to, no channel ever tells of it.
        self.look_if_ready();
    }

    /// Binds the rules to the names that are known now, and hands them to the pipeline.
    fn send_view(&mut self) {
        self.give_orders();
        let names = Arc::clone(&self.watching.names);
        let (rules, unknown) = self.rules.file.bind(names, &self.rules.tables);
        for name in &unknown {
            warn!(%name, "a rule names something that the directory does not have: it matches nothing until a refresh finds it");
        }
        self.joints.view.send_replace(View {
            rules: Arc::new(rules),
            watched: Arc::new(self.watching.users.clone()),
            acd_only: self.config.watch.acd_only,
            held_against: self.rules.held.as_ref().map(|held| Arc::clone(&held.against)),
        });
    }

    fn part_ended(
        &mut self,
        part: Option<Result<Part, tokio::task::JoinError>>,
    ) -> ControlFlow<Ended> {
        let stopping = self.stop.is_cancelled();
        match part {
            Some(Ok(Part::Dispatcher(ended))) => return ControlFlow::Break(ended.into()),
            Some(Ok(
                Part::Directory
                | Part::Channels
                | Part::Pipeline
                | Part::Recovery
                | Part::Control
                | Part::Lists
                | Part::Clients,
            )) if stopping => {}
            Some(Ok(Part::Directory)) => return self.broken("directory"),
            Some(Ok(Part::Channels)) => return self.broken("channels"),
            Some(Ok(Part::Pipeline)) => return self.broken("pipeline"),
            Some(Ok(Part::Recovery)) => return self.broken("recovery"),
            Some(Ok(Part::Lists)) => return self.broken("lists"),
            Some(Ok(Part::Monitoring)) => return self.broken("monitoring"),
            Some(Ok(Part::Clients)) => return self.broken("clients"),
            Some(Ok(Part::Control)) => return self.broken("control socket"),
            Some(Ok(Part::Panicked(name))) => return self.broken(name),
            Some(Err(error)) => {
                error!(error = %machine::Unfinished::from(error), "a loop has failed");
                return ControlFlow::Break(Ended::LoopFailed("a loop that panicked"));
            }
            None => return self.broken("every loop"),
        }
        ControlFlow::Continue(())
    }

    fn broken(&self, name: &'static str) -> ControlFlow<Ended> {
        error!(name, "a loop has ended that never should");
        ControlFlow::Break(Ended::LoopFailed(name))
    }
}

/// What the directory is asked for.
fn wanted(config: &Config, rules: &RulesInForce) -> Wanted {
    (config.watch.clone(), rules.file.names_wanted())
}

fn requests_per_month(config: &Config) -> Option<u64> {
    config.updates.requests_per_month.map(|number| number.get().into())
}

/// The operator's fence, as the updates ask it.
fn allowing(fence: AllowedKeys) -> settings::AllowedKeys {
    Arc::new(move |key| fence.allows(key))
}

/// No names yet: rules that name queues match nothing until the directory has answered.
fn no_names() -> Arc<Names> {
    Arc::new(Names::default())
}

fn ticking() -> Interval {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
