//! Starts each loop with what joins it to the others, and notices every end.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::journal::Opened;
use super::list_watch::{Found, ListWatch, Watched};
use super::observe::View;
#[cfg(feature = "otlp")]
use super::otlp;
use super::pipeline::{self, Pipeline, Question, Standings, Unheard};
use super::push::Writer;
use super::recovery::{self, Recovery, Search};
use super::supervision::{kept_up, named};
use super::{Part, allowing};
use crate::config::Config;
use crate::config::fence::AllowedKeys;
use crate::events::channels::{Channels, ChannelsState, Notice, QUEUE, Received};
use crate::events::gaps::Gap;
use crate::events::topic::Topic;
use crate::events::tracker::{Limits, Tracker};
use crate::events::watching::{Wanted, Watcher};
use crate::genesys::call::Api;
use crate::genesys::clients::Clients;
use crate::genesys::directory::{Cache, Watching};
use crate::genesys::outside::Outside;
use crate::machine;
use crate::status::counts::Counts;
use crate::status::pulse::Pulse;
use crate::updates::dispatcher::{self, Dispatcher, Input};
use crate::updates::foresight::Outlook;
use crate::updates::orders::Orders;
use crate::updates::settings::Settings;
#[cfg(not(feature = "otlp"))]
use crate::updates::traces::Traces;
use crate::updates::wish::Ask;

const NOTICES_WAITING: usize = 64;

/// What every loop is given, and the loops started so far.
pub(super) struct Loops {
    pub(super) outside: Arc<dyn Outside>,
    pub(super) clients: Arc<Clients>,
    /// The same, as everybody sees them.
    pub(super) api: Arc<dyn Api>,
    pub(super) stop: CancellationToken,
    pub(super) pulse: Pulse,
    pub(super) counts: Arc<Counts>,
    pub(super) tasks: JoinSet<Part>,
}

/// The app's ends of the channels' loop: topics in; frames, notices and state out.
pub(super) type ChannelEnds = (
    watch::Sender<Arc<BTreeSet<Topic>>>,
    mpsc::Receiver<Received>,
    mpsc::Receiver<Notice>,
    watch::Receiver<ChannelsState>,
);

/// The app's ends of the updates' loop, beside their input: what has to wait, and how it looks.
pub(super) type UpdateEnds = (watch::Sender<Arc<Orders>>, watch::Receiver<Outlook>);

impl Loops {
    pub(super) fn directory(
        &mut self,
        config: &Config,
        first: Wanted,
    ) -> (watch::Sender<Wanted>, watch::Receiver<Arc<Watching>>) {
        let (wanted_sender, wanted) = watch::channel(first);
        let (out, watching) = watch::channel(Arc::new(Watching::default()));
        let (api, pulse, stop) = (Arc::clone(&self.api), self.pulse.clone(), self.stop.clone());
        let dir = config.state.dir.clone();
        let work = kept_up("directory", stop.clone(), move || {
            let watcher = Watcher {
                api: Arc::clone(&api),
                cache: Cache::new(&dir),
                wanted: wanted.clone(),
                refresh_now: Arc::default(),
                out: out.clone(),
                beat: pulse.add("directory"),
            };
            watcher.run(stop.clone())
        });
        self.tasks.spawn(async move {
            work.await;
            Part::Directory
        });
        (wanted_sender, watching)
    }

    pub(super) fn channels(&mut self, config: &Config) -> ChannelEnds {
        let (topics_sender, topics) = watch::channel(Arc::default());
        let (frames, frames_receiver) = mpsc::channel(QUEUE);
        let (notices, notices_receiver) = mpsc::channel(NOTICES_WAITING);
        let (state, state_receiver) = watch::channel(ChannelsState::default());
        let channels = Channels {
            clients: self.clients.bound(),
            standings: self.clients.standings(),
            outside: Arc::clone(&self.outside),
            settings: config.channels.clone(),
            state_file: Some(config.state.dir.join("channels.json")),
            frames,
            whole_texts: false,
            notices,
            state,
            counts: Arc::clone(&self.counts),
            beat: self.pulse.add("channels"),
        };
        let stop = self.stop.clone();
        self.tasks.spawn(named("channels", async move {
            channels.run(topics, stop).await;
            Part::Channels
        }));
        (topics_sender, frames_receiver, notices_receiver, state_receiver)
    }

    pub(super) fn pipeline(
        &mut self,
        frames: mpsc::Receiver<Received>,
        asks: mpsc::Receiver<Ask>,
        unheard: Unheard,
        questions: mpsc::Receiver<Question>,
        (first, standings): (View, Standings),
        observations: mpsc::Sender<Input>,
    ) -> (watch::Sender<View>, recovery::LookUps) {
        let (view_sender, view) = watch::channel(first);
        let (look_ups_sender, look_ups) = mpsc::channel(1);
        let joints = pipeline::Joints {
            frames,
            asks,
            look_ups,
            unheard,
            view,
            questions,
            observations,
            api: Arc::clone(&self.api),
            counts: Arc::clone(&self.counts),
            beat: self.pulse.add("pipeline"),
        };
        let pipeline = Pipeline::new(joints, Tracker::new(Limits::default()), standings);
        self.tasks.spawn(named("pipeline", async move {
            pipeline.run().await;
            Part::Pipeline
        }));
        (view_sender, look_ups_sender)
    }

    pub(super) fn recovery(
        &mut self,
        config: &Config,
        look_ups: recovery::LookUps,
        open: watch::Sender<usize>,
    ) -> mpsc::Sender<Gap> {
        let (gaps_sender, gaps) = mpsc::channel(NOTICES_WAITING);
        let recovery = Recovery::new(recovery::Joints {
            gaps,
            open,
            search: Arc::new(Search {
                api: Arc::clone(&self.api),
                look_ups,
                settings: config.recovery.clone(),
                dialect: config.genesys.dialect,
                requests_per_minute: config.requests_per_minute(),
            }),
            settings: config.recovery.clone(),
            counts: Arc::clone(&self.counts),
            beat: self.pulse.add("recovery"),
        });
        let stop = self.stop.clone();
        self.tasks.spawn(named("recovery", async move {
            recovery.run(stop).await;
            Part::Recovery
        }));
        gaps_sender
    }

    /// Keeps tokens, and tries clients that are refused.
    pub(super) fn clients(&mut self) {
        let (clients, pulse, stop) =
            (Arc::clone(&self.clients), self.pulse.clone(), self.stop.clone());
        let work = kept_up("clients", stop.clone(), move || {
            Arc::clone(&clients).keep_up(stop.clone(), pulse.add("clients"))
        });
        self.tasks.spawn(async move {
            work.await;
            Part::Clients
        });
    }

    pub(super) fn lists(
        &mut self,
        first: Arc<Vec<Watched>>,
    ) -> (watch::Sender<Arc<Vec<Watched>>>, mpsc::Receiver<Found>) {
        let (lists, wanted) = watch::channel(first);
        let (found, lists_found) = mpsc::channel(1);
        let (pulse, stop) = (self.pulse.clone(), self.stop.clone());
        let work = kept_up("lists", stop.clone(), move || {
            let (wanted, found) = (wanted.clone(), found.clone());
            ListWatch { wanted, found, beat: pulse.add("lists") }.run(stop.clone())
        });
        self.tasks.spawn(async move {
            work.await;
            Part::Lists
        });
        (lists, lists_found)
    }

    pub(super) fn dispatcher(
        &mut self,
        config: &Config,
        opened: Opened,
        (fence, orders): (AllowedKeys, Orders),
        input: mpsc::Receiver<Input>,
        asks: mpsc::Sender<Ask>,
    ) -> UpdateEnds {
        let Opened { journal, recovered, calendar, story, .. } = opened;
        #[cfg(feature = "otlp")]
        let (traces, collecting) = otlp::collecting(Arc::clone(&self.outside), calendar);
        #[cfg(not(feature = "otlp"))]
        let traces = Traces::default();
        let (orders_sender, orders) = watch::channel(Arc::new(orders));
        let (outlook, outlook_receiver) = watch::channel(Outlook::default());
        let writer = Writer::new(Arc::clone(&self.api), config.genesys.dialect);
        let dispatcher = Dispatcher::new(dispatcher::Joints {
            input,
            asks,
            api: Arc::clone(&self.api),
            push: Arc::new(writer),
            settings: Settings::new(config, allowing(fence)),
            orders,
            outlook,
            journal,
            recovered,
            calendar,
            story,
            traces,
            counts: Arc::clone(&self.counts),
            beat: self.pulse.add("dispatcher"),
            seed: machine::seed(),
        });
        let work = async move { Part::Dispatcher(dispatcher.run().await) };
        #[cfg(feature = "otlp")]
        let work = otlp::beside(collecting, work);
        self.tasks.spawn(named("dispatcher", work));
        (orders_sender, outlook_receiver)
    }
}
