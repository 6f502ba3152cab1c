//! Everything that the simulator remembers, behind one lock, and what happens to it.
//!
//! Nothing here waits. What leaves for a socket goes into a bounded queue of that socket; what is to
//! leave later goes into the deliveries, which the driver empties.

use std::collections::{BTreeMap, VecDeque};
use std::hash::DefaultHasher;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::channels::{Channel, Channels, Frame, Snapshot};
use super::clients::Client;
use super::clock::Clock;
use super::deliveries::Deliveries;
use super::faults::Schedule;
use super::log::Log;
use super::mint::Mint;
use super::socket::Door;
use super::system::{self, Party};
use super::truth::Truth;
use super::world::{Changed, PatchRefused, World, Writer};
use super::{Credentials, Limits, Options};

pub(super) struct State {
    pub(super) clock: Clock,
    /// At least one.
    pub(super) clients: Vec<Client>,
    pub(super) organization: String,
    pub(super) limits: Limits,
    pub(super) mint: Mint,
    pub(super) world: World,
    pub(super) truth: Truth,
    pub(super) channels: Channels,
    pub(super) deliveries: Deliveries,
    pub(super) log: Log,
    pub(super) faults: Schedule,
    /// How the next sockets are received, where it is not as usual.
    pub(super) doors: VecDeque<Door>,
    /// By how much the world is ahead of the clock.
    pub(super) ahead: Duration,
    /// Participants whom somebody disconnected through the API: (conversation, participant).
    pub(super) hung_up: Vec<(String, String)>,
    /// Texts that were written to sockets.
    pub(super) frames_sent: u64,
    pub(super) frames_digest: DefaultHasher,
}

/// Whether a write keeps the keys that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Merge,
    Replace,
}

impl State {
    pub(super) fn new(
        options: &Options,
        clock: Clock,
        world: World,
        organization: String,
    ) -> State {
        let limits = options.limits.clone();
        let mut faults = Schedule::new(options.seed, options.faults);
        let phase = limits.phase.unwrap_or_else(|| {
            let millis = usize::try_from(limits.window.as_millis()).unwrap_or(1);
            Duration::from_millis(faults.pick(millis) as u64)
        });
        let first = Credentials {
            client_id: options.client_id.clone(),
            secret: options.secret.clone(),
            requests: None,
        };
        let clients = std::iter::once(&first).chain(&options.more_clients);
        let clients = clients.map(|client| Client::new(client, &limits, phase)).collect();
        State {
            clock,
            clients,
            organization,
            mint: Mint::new(options.seed),
            truth: Truth::new(&world),
            world,
            channels: Channels::default(),
            deliveries: Deliveries::default(),
            log: Log::new(options.record_bodies),
            faults,
            doors: VecDeque::new(),
            ahead: Duration::ZERO,
            hung_up: Vec::new(),
            frames_sent: 0,
            frames_digest: DefaultHasher::new(),
            limits,
        }
    }

    /// Whom the system messages on a channel of this client name.
    pub(super) fn party(&self, client: usize) -> Party {
        let client = self.clients.get(client).map(|client| client.id.clone()).unwrap_or_default();
        Party { organization: self.organization.clone(), client }
    }

    /// The client of a token that lives.
    pub(super) fn client_of(&self, token: &str, now: Duration) -> Option<usize> {
        self.clients.iter().position(|client| client.tokens.lives(token, now))
    }

    /// What the world's calendar says.
    pub(super) fn world_now(&self) -> Timestamp {
        self.clock.at(self.clock.elapsed() + self.ahead)
    }

    /// When there is next something to do by itself.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let world =
            self.world.next_due().map(|at| self.clock.since_start(at).saturating_sub(self.ahead));
        let channels = self.channels.iter().filter_map(Channel::next_due).min();
        [world, channels, self.deliveries.next_due(), self.faults.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does everything that is due.
    pub(super) fn tick(&mut self) {
        let now = self.clock.elapsed();
        let world_now = self.world_now();
        for changed in self.world.advance(world_now) {
            self.publish(&changed);
        }
        while let Some(misfortune) = self.faults.misfortune(now) {
            self.suffer(misfortune);
        }
        self.tend_channels(now);
        while let Some(delivery) = self.deliveries.pop(now) {
            if let Some(channel) = self.channels.get_mut(&delivery.channel) {
                if delivery.frame.snapshot.is_some() && !channel.is_connected() {
                    self.faults.note("frame lost");
                }
                channel.send(delivery.frame);
            }
        }
    }

    /// Tells the oracle of a change, and sends it on its way to all who listen.
    pub(super) fn publish(&mut self, changed: &Changed) {
        self.truth.changed(changed, self.world_now());
        for write in &changed.writes {
            match write.who {
                Writer::Client => {}
                Writer::Other => self.faults.note("written by others"),
                Writer::Flow => self.faults.note("written by flows"),
            }
        }
        let sent = self.clock.elapsed() + self.limits.frame_delay;
        // One change goes out on many topics, with few different bodies.
        let mut bodies: BTreeMap<String, (String, Option<Arc<Snapshot>>)> = BTreeMap::new();
        for topic in &changed.topics {
            let listeners = self.channels.listeners(topic);
            if listeners.is_empty() {
                continue;
            }
            let (text, snapshot) = bodies.entry(kind(topic)).or_insert_with(|| {
                let body = changed.body(topic);
                let text = serde_json::to_string(&body).unwrap_or_default();
                let generic = topic.ends_with(".conversations");
                let sequence = changed.sequence;
                (text, generic.then(|| Arc::new(Snapshot { sequence, body })))
            });
            let envelope = system::enveloped(topic, text, &self.mint.uuid());
            let frame = Frame { text: envelope.into(), snapshot: snapshot.clone() };
            for listener in listeners {
                let fault = self.faults.frame();
                self.deliveries.push(sent + fault.late, &listener, frame.clone());
                if let Some(again) = fault.again {
                    self.deliveries.push(sent + fault.late + again, &listener, frame.clone());
                }
            }
        }
    }

    /// Changes a participant's attributes, and sends the echo on its way. Returns its sequence.
    pub(super) fn write(
        &mut self,
        conversation: &str,
        participant: &str,
        attributes: &BTreeMap<String, String>,
        who: Writer,
        mode: Mode,
    ) -> Result<u64, PatchRefused> {
        let now = self.world_now();
        let changed = match mode {
            Mode::Merge => {
                self.world.patch_attributes(conversation, participant, attributes, who, now)
            }
            Mode::Replace => {
                self.world.put_attributes(conversation, participant, attributes, who, now)
            }
        }?;
        self.publish(&changed);
        Ok(changed.sequence)
    }

    /// Puts a conversation of somebody's own making into the world.
    pub(super) fn inject(&mut self, body: Value) -> Changed {
        let now = self.world_now();
        let changed = self.world.inject(body, now);
        self.publish(&changed);
        changed
    }
}

/// What bodies of topics have in common: users or queues, and what follows the id.
fn kind(topic: &str) -> String {
    let (stem, rest) = match topic.strip_prefix("v2.routing.queues.") {
        Some(rest) => ("queue", rest),
        None => ("user", topic.strip_prefix("v2.users.").unwrap_or(topic)),
    };
    format!("{stem} {}", rest.split_once('.').map_or("", |(_, name)| name))
}
