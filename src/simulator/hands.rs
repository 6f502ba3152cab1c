//! What somebody who owns the simulator can do to it, beside being its client: look, and meddle.
//!
//! The control API is these methods over HTTP; a test in the same process calls them itself.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::budget::Window;
use super::channels::{End, Frame, Snapshot};
use super::faults::Faults;
use super::log::Entry;
use super::oracle::Verdict;
use super::script::Scripted;
use super::socket::Door;
use super::state::Mode;
use super::topics::Permissions;
use super::world::{PatchRefused, World, Writer};
use super::{Limits, Simulator};

/// A raw frame, and whom it goes to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Toss {
    /// As it is, also if it is no JSON.
    pub text: Option<String>,
    /// JSON, where there is no text.
    pub frame: Option<Value>,
    /// To all who listen to one of these.
    pub topics: Vec<String>,
    /// And to these.
    pub channels: Vec<String>,
    pub delay_ms: u64,
    /// Its `eventBody` is the snapshot of this place in the server's order, delivered once it is
    /// written. Without it, the oracle is told nothing.
    pub sequence: Option<u64>,
}

/// How to treat sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// Ended without a word.
    Drop,
    /// Ended with a close frame.
    Close,
    /// Stays open and says nothing more.
    HalfOpen,
    /// `socket_closing`, and closed a minute later.
    Announce,
    /// The channel goes, as if another program had taken its place.
    Evict,
}

impl Simulator {
    /// What the oracle thinks of the attributes as they are.
    pub fn verdict(&self) -> Verdict {
        let state = self.state();
        state.truth.verdict(&state.world, state.world_now())
    }

    /// Looks at the world as it is. Nothing else happens meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.state().world)
    }

    /// Tells the oracle the rules in force from now on.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn rules(&self, text: &str) -> Result<(), String> {
        let mut state = self.state();
        let now = state.world_now();
        state.truth.rules(text, now)
    }

    /// The client's settings say `all_users`: to its rules they are watched before it listens to
    /// them, as when it reads what is under way while its channels still connect.
    pub fn client_watches_all(&self) {
        self.client_watches(self.look(|world| {
            let users = world.users().iter();
            users.map(|user| user.id.clone()).collect()
        }));
    }

    /// These users, by their ids, are watched to the client's rules from now on.
    pub fn client_watches(&self, users: BTreeSet<String>) {
        let mut state = self.state();
        let now = state.world_now();
        state.truth.named(users, now);
    }

    /// Whether the client that runs was given the end of a conversation, by a frame or a read.
    pub fn client_has_seen_the_end(&self, conversation: &str) -> bool {
        self.state().truth.client_has_seen_the_end(conversation)
    }

    /// Puts a conversation into the world, or the next state of one; returns its sequence and the
    /// topics that it is sent to.
    pub fn inject(&self, body: Value) -> (u64, Vec<String>) {
        let changed = self.state().inject(body);
        self.wake();
        (changed.sequence, changed.topics)
    }

    /// Sends a raw frame; returns to how many channels.
    pub fn toss(&self, toss: &Toss) -> usize {
        let text = match (&toss.text, &toss.frame) {
            (Some(text), _) => text.clone(),
            (None, Some(frame)) => frame.to_string(),
            (None, None) => String::new(),
        };
        let body = toss.frame.as_ref().map_or(Value::Null, |frame| frame["eventBody"].clone());
        let snapshot = toss.sequence.map(|sequence| Arc::new(Snapshot { sequence, body }));
        let frame = Frame { text: text.into(), snapshot };
        let mut state = self.state();
        let mut channels = toss.channels.clone();
        for topic in &toss.topics {
            channels.extend(state.channels.listeners(topic));
        }
        channels.sort();
        channels.dedup();
        let due = self.clock.elapsed() + Duration::from_millis(toss.delay_ms);
        for channel in &channels {
            state.deliveries.push(due, channel, frame.clone());
        }
        drop(state);
        self.wake();
        channels.len()
    }

    /// Another writer writes.
    ///
    /// # Errors
    ///
    /// There is no such conversation or participant.
    pub fn write_as_other(
        &self,
        conversation: &str,
        participant: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), PatchRefused> {
        self.state().write(conversation, participant, attributes, Writer::Other, Mode::Merge)?;
        self.wake();
        Ok(())
    }

    /// The participants whom somebody disconnected through the API: (conversation, participant).
    pub fn hung_up(&self) -> Vec<(String, String)> {
        self.state().hung_up.clone()
    }

    /// Frames that were written to sockets so far, and a digest of all of them in their order.
    pub fn frames_sent(&self) -> (u64, u64) {
        let state = self.state();
        (state.frames_sent, state.frames_digest.finish())
    }

    /// How often each kind of fault befell somebody so far.
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.state().faults.injected.clone()
    }

    /// The client's process is no more: of what it was given since then, and of the answers to what
    /// it wrote, nobody can tell any more whether it took them in.
    pub fn client_died(&self, unsure_since: Timestamp) {
        self.state().truth.client_died(unsure_since);
    }

    /// The request log, the oldest first.
    pub fn requests(&self) -> Vec<Entry> {
        self.state().log.entries().cloned().collect()
    }

    /// The same from the request of this number on.
    pub fn requests_since(&self, number: u64) -> Vec<Entry> {
        let state = self.state();
        let mut newest: Vec<Entry> =
            state.log.entries().rev().take_while(|entry| entry.number >= number).cloned().collect();
        newest.reverse();
        newest
    }

    /// From now on the log keeps bodies, or no longer does.
    pub fn record_bodies(&self, bodies: bool) {
        self.state().log.bodies = bodies;
    }

    /// Pairs of requests that wrote to one participant at the same time.
    pub fn overlaps(&self) -> Vec<(u64, u64)> {
        self.state().log.overlaps()
    }

    /// The windows of the first client's budget that saw a request, and the current one.
    pub fn windows(&self) -> Vec<Window> {
        self.windows_of(0)
    }

    /// The same of another client's.
    pub fn windows_of(&self, client: usize) -> Vec<Window> {
        let now = self.clock.elapsed();
        let mut state = self.state();
        state.clients.get_mut(client).map_or_else(Vec::new, |one| one.budget.windows(now))
    }

    /// The highest count of any window of any client.
    pub fn highest(&self) -> u64 {
        self.state().clients.iter().map(|client| client.budget.highest()).max().unwrap_or(0)
    }

    /// Begins the next window of the budget now.
    pub fn advance_window(&self) {
        let now = self.clock.elapsed();
        self.state().clients.iter_mut().for_each(|client| client.budget.advance(now));
    }

    /// Another program of the same client, the first, makes so many requests.
    pub fn spend(&self, requests: u64) {
        let now = self.clock.elapsed();
        self.state().clients[0].budget.spend(now, requests);
    }

    pub fn limits(&self) -> Limits {
        self.state().limits.clone()
    }

    /// Sets limits, for all clients; tokens, channels and sockets that there are keep theirs.
    pub fn set_limits(&self, limits: Limits) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let new_requests = limits.requests != state.limits.requests;
        let new_window = limits.window != state.limits.window;
        for client in &mut state.clients {
            if new_requests {
                client.budget.set_allowed(now, limits.requests);
            }
            if new_window {
                client.budget.set_length(now, limits.window);
            }
        }
        state.limits = limits;
    }

    /// Asks for faults; false if and only if there was no room for all.
    pub fn script(&self, faults: impl IntoIterator<Item = Scripted>) -> bool {
        let mut state = self.state();
        let pushed: Vec<bool> =
            faults.into_iter().map(|fault| state.faults.script.push(fault)).collect();
        pushed.into_iter().all(|pushed| pushed)
    }

    pub fn clear_script(&self) {
        self.state().faults.script.clear();
    }

    /// How much goes wrong by itself from now on.
    pub fn set_faults(&self, level: Faults) {
        let now = self.clock.elapsed();
        self.state().faults.set_level(level, now);
        self.wake();
    }

    /// Forbids topics and operations to all clients, and permits all others.
    pub fn permit(&self, permissions: Permissions) {
        for client in &mut self.state().clients {
            client.permissions = permissions.clone();
        }
    }

    /// How the next sockets are received.
    pub fn doors(&self, doors: impl IntoIterator<Item = Door>) {
        self.state().doors.extend(doors);
    }

    /// Treats one channel so, or all of the client whose sockets are up; returns how many.
    pub fn treat(&self, treatment: Treatment, channel: Option<&str>) -> usize {
        let mut state = self.state();
        let ids = channel.map_or_else(|| state.connected(), |id| vec![id.to_owned()]);
        for id in &ids {
            match treatment {
                Treatment::Announce => state.announce_close(id),
                Treatment::Evict => state.evict(id),
                Treatment::Drop | Treatment::Close | Treatment::HalfOpen => {
                    let Some(channel) = state.channels.get_mut(id) else { continue };
                    match treatment {
                        Treatment::Drop => channel.end(End::Dropped),
                        Treatment::HalfOpen => channel.silence(),
                        Treatment::Close | Treatment::Announce | Treatment::Evict => {
                            channel.end(End::Closed);
                        }
                    }
                }
            }
        }
        drop(state);
        self.wake();
        ids.len()
    }

    /// Ends all tokens, and tells their channels; returns how many.
    pub fn revoke_tokens(&self) -> usize {
        self.state().revoke_tokens()
    }

    /// Ends all tokens before their time, and tells nobody: the clocks do not agree.
    pub fn expire_tokens(&self) -> usize {
        self.state().clients.iter_mut().map(|client| client.tokens.revoke_all().len()).sum()
    }

    /// Another program of the client makes a channel; returns its id.
    pub fn foreign_channel(&self) -> String {
        let id = self.state().create_channel(0, None).0;
        self.wake();
        id
    }

    /// Plays the world so much further at once. Only the world: windows, tokens and channels stay.
    pub fn advance_world(&self, by: Duration) {
        let mut state = self.state();
        state.ahead += by;
        state.tick();
        drop(state);
        self.wake();
    }

    /// No new conversations; the living ones go on to where no more changes come.
    pub fn stop_world(&self) {
        let mut state = self.state();
        let now = state.world_now();
        state.world.stop_generating(now);
    }
}
