//! A small Genesys for tests: its channels, with their limits, over memory and paused time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::duplex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::socket::played::{Do, refuse, serve};
use crate::events::topic::Topic;
use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};
use crate::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use crate::machine;

/// FACTS 3.2.
const MAX_CHANNELS: usize = 20;
const LIFE: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct World {
    started: Instant,
    /// The wall's clock when it started.
    epoch: Timestamp,
    /// The host of its sockets.
    host: &'static str,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    channels: BTreeMap<String, FakeChannel>,
    serial: u32,
    turn: u64,
    /// Ids of channels that had to go for others.
    evicted: Vec<String>,
    calls: Vec<(Instant, &'static str)>,
    connects: Vec<(Instant, String)>,
    rejects: BTreeSet<String>,
    failures: BTreeMap<&'static str, VecDeque<CallError>>,
    slow: BTreeMap<&'static str, Duration>,
    panics: BTreeSet<&'static str>,
    hangs_up: bool,
    never_answers: bool,
    does_not_extend: bool,
    servers: JoinSet<()>,
}

#[derive(Default)]
struct FakeChannel {
    used: u64,
    life: Duration,
    topics: BTreeSet<String>,
    socket: Option<mpsc::Sender<Do>>,
}

impl World {
    pub(crate) fn new() -> Arc<World> {
        World::at("streaming.example.test")
    }

    /// What one of several clients sees, whose sockets are found by this host.
    pub(crate) fn at(host: &'static str) -> Arc<World> {
        let (started, epoch) = (Instant::now(), machine::now());
        Arc::new(World { started, epoch, host, inner: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Makes a channel, as any program of the same client may, and names it.
    pub(crate) fn make_channel(&self) -> String {
        let mut inner = self.lock();
        if inner.channels.len() >= MAX_CHANNELS {
            let oldest = inner
                .channels
                .iter()
                .min_by_key(|(_, one)| (one.is_connected(), one.used))
                .map(|(id, _)| id.clone())
                .unwrap();
            inner.channels.remove(&oldest);
            inner.evicted.push(oldest);
        }
        inner.serial += 1;
        inner.turn += 1;
        let id = format!("streaming-{}", inner.serial);
        let life = self.started.elapsed() + LIFE;
        let channel = FakeChannel { used: inner.turn, life, ..FakeChannel::default() };
        inner.channels.insert(id.clone(), channel);
        id
    }

    pub(crate) fn uri(&self, id: &str) -> ChannelUri {
        ChannelUri::new(format!("wss://{}/channels/{id}", self.host))
    }

    /// The channel's life is over; its socket goes.
    pub(crate) fn expire(&self, id: &str) {
        self.lock().channels.remove(id).unwrap();
    }

    pub(crate) fn reject(&self, topic: &str) {
        self.lock().rejects.insert(topic.to_owned());
    }

    /// The next calls of this operation fail so.
    pub(crate) fn fail(&self, operation: &'static str, errors: Vec<CallError>) {
        self.lock().failures.entry(operation).or_default().extend(errors);
    }

    /// Calls of this operation fail no more.
    pub(crate) fn succeed(&self, operation: &'static str) {
        self.lock().failures.remove(operation);
    }

    pub(crate) fn slow(&self, operation: &'static str, by: Duration) {
        self.lock().slow.insert(operation, by);
    }

    /// The next call of this operation panics.
    pub(crate) fn panic_once(&self, operation: &'static str) {
        self.lock().panics.insert(operation);
    }

    pub(crate) fn hang_up(&self, hangs_up: bool) {
        self.lock().hangs_up = hangs_up;
    }

    pub(crate) fn never_answer(&self, never: bool) {
        self.lock().never_answers = never;
    }

    pub(crate) fn extend_no_life(&self) {
        self.lock().does_not_extend = true;
    }

    /// Calls of this operation.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.lock().calls.iter().filter(|(_, one)| *one == operation).count()
    }

    /// All calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.iter().map(|(_, one)| *one).collect()
    }

    pub(crate) fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// The channels that were connected to, in order.
    pub(crate) fn connects(&self) -> Vec<String> {
        self.lock().connects.iter().map(|(_, id)| id.clone()).collect()
    }

    /// How many channels there are.
    pub(crate) fn channels(&self) -> usize {
        self.lock().channels.len()
    }

    pub(crate) fn evicted(&self) -> Vec<String> {
        self.lock().evicted.clone()
    }

    /// How many topics each channel has that has any, the most first.
    pub(crate) fn subscriptions(&self) -> Vec<usize> {
        let inner = self.lock();
        let sizes = inner.channels.values().map(|one| one.topics.len());
        let mut sizes: Vec<usize> = sizes.filter(|size| *size > 0).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }

    /// On how many channels the topic is that is on the fewest.
    pub(crate) fn least_copies(&self, topics: &BTreeSet<Topic>) -> usize {
        let inner = self.lock();
        let copies = |topic: &Topic| {
            let name = topic.to_string();
            inner.channels.values().filter(|one| one.topics.contains(&name)).count()
        };
        topics.iter().map(copies).min().unwrap()
    }

    /// The channels with a socket.
    pub(crate) fn connected(&self) -> Vec<String> {
        let inner = self.lock();
        let connected = inner.channels.iter().filter(|(_, one)| one.is_connected());
        connected.map(|(id, _)| id.clone()).collect()
    }

    pub(crate) async fn tell(&self, id: &str, command: Do) {
        let socket = self.lock().channels[id].socket.clone().unwrap();
        socket.send(command).await.unwrap();
    }

    /// Tells the one socket that there is.
    pub(crate) async fn tell_all(&self, command: Do) {
        let [id] = &self.connected()[..] else { panic!("{:?}", self.connected()) };
        self.tell(id, command).await;
    }

    pub(crate) fn drop_socket(&self, id: &str) {
        self.lock().channels.get_mut(id).unwrap().socket = None;
    }

    fn answer(&self, call: &Call) -> Result<Value, Box<CallError>> {
        let operation = call.operation;
        let queued = self.lock().failures.get_mut(operation).and_then(VecDeque::pop_front);
        if let Some(error) = queued {
            return Err(Box::new(error));
        }
        let path = call.path.split('?').next().unwrap();
        let id = path.split('/').nth(5).unwrap_or_default();
        if operation == "create_channel" {
            let id = self.make_channel();
            return Ok(self.describe(&id, &self.lock().channels[&id]));
        }
        let mut inner = self.lock();
        if operation == "list_channels" {
            let all = inner.channels.iter().map(|(id, one)| self.describe(id, one));
            return Ok(json!({ "entities": all.collect::<Vec<_>>() }));
        }
        inner.turn += 1;
        let turn = inner.turn;
        let extends = !inner.does_not_extend;
        let rejects = inner.rejects.clone();
        let Some(channel) = inner.channels.get_mut(id) else {
            let refusal = Refusal { operation, status: 404, ..Refusal::default() };
            return Err(Box::new(CallError::NotFound(refusal)));
        };
        channel.used = turn;
        match operation {
            "head_channel" => Ok(Value::Null),
            "unsubscribe" => {
                channel.topics.clear();
                Ok(Value::Null)
            }
            "subscribe" => {
                if extends {
                    channel.life = self.started.elapsed() + LIFE;
                }
                let topics: Vec<Value> =
                    serde_json::from_slice(call.body.as_ref().unwrap()).unwrap();
                let topics = topics.iter().map(|one| one["id"].as_str().unwrap().to_owned());
                let topics: BTreeSet<String> = topics.collect();
                assert!(topics.len() <= 1000, "a 1,001st topic is answered with 400");
                channel.topics = topics.difference(&rejects).cloned().collect();
                let entity = |id: &String| match rejects.contains(id) {
                    true => json!({ "id": id, "state": "Rejected", "missingPermissions": ["p"] }),
                    false => json!({ "id": id, "state": "Permitted" }),
                };
                Ok(json!({ "entities": topics.iter().map(entity).collect::<Vec<_>>() }))
            }
            other => panic!("no such operation: {other}"),
        }
    }

    fn describe(&self, id: &str, channel: &FakeChannel) -> Value {
        json!({
            "id": id,
            "connectUri": self.uri(id).expose(),
            "expires": (self.epoch + channel.life).to_string(),
        })
    }
}

impl FakeChannel {
    fn is_connected(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| !socket.is_closed())
    }
}

impl Api for World {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        Box::pin(async move { Permit::of(class) })
    }

    fn call_with(&self, _: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        Box::pin(async move {
            self.lock().calls.push((Instant::now(), call.operation));
            let panics = self.lock().panics.remove(call.operation);
            assert!(!panics, "played");
            let slow = self.lock().slow.get(call.operation).copied();
            sleep(slow.unwrap_or_default()).await;
            let body = Bytes::from(self.answer(&call).map_err(|error| *error)?.to_string());
            Ok(Answer { status: StatusCode::OK, correlation_id: None, date: None, body })
        })
    }
}

impl Outside for World {
    fn send(
        &self,
        _: Request<Bytes>,
        _: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async { Err(SendError::Unreachable { reason: "not played".to_owned() }) })
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        Box::pin(async move {
            if self.lock().never_answers {
                pending::<()>().await;
            }
            let id = uri.expose().rsplit('/').next().unwrap().to_owned();
            let (ours, theirs) = duplex(64 << 10);
            let (sender, commands) = mpsc::channel(10_000);
            let mut inner = self.lock();
            inner.connects.push((Instant::now(), id.clone()));
            let hangs_up = inner.hangs_up;
            match inner.channels.get_mut(&id) {
                // The old socket of a channel goes when a second comes.
                Some(channel) if !hangs_up => channel.socket = Some(sender),
                Some(_) => drop(sender),
                None => {
                    inner.servers.spawn(refuse(theirs));
                    return Ok(Box::new(ours) as Box<dyn ByteStream>);
                }
            }
            inner.servers.spawn(serve(theirs, commands));
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// The sockets of several clients.
pub(crate) struct Worlds(pub(crate) Vec<Arc<World>>);

impl Outside for Worlds {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        self.0[0].send(request, timeout)
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        let world = self.0.iter().find(|world| uri.expose().contains(world.host)).unwrap();
        world.connect(uri)
    }
}
