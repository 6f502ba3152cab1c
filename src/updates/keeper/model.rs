//! The keeper against a naive model of the server: writes land late, in doubt or not at all, and
//! snapshots lag behind and repeat. Whatever happens, the last wish wins in the end.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::*;
use crate::genesys::call::{CallError, Refusal};
use crate::genesys::outside::SendError;
use crate::updates::calendar::Calendar;
use crate::updates::journal::{self, Store};
use crate::updates::push::{Changes, Pushed};
use crate::updates::wish::{Observation, Seen, Wish, Write};

const TICK: Duration = Duration::from_millis(200);
/// Wishes change and requests fail in the first part; the second is for coming to rest.
const TROUBLE: Duration = Duration::from_secs(120);
const CALM: Duration = Duration::from_secs(240);
/// After so much calm nothing is pushed any more.
const REST: Duration = Duration::from_secs(180);
/// A request that was not answered lands within this, if it does.
const LATEST_LANDING_MS: u64 = 25_000;

const CONVERSATIONS: [&str; 2] = ["c", "d"];
const PARTICIPANTS: [&str; 2] = ["p", "q"];
const KEYS: [&str; 3] = ["k1", "k2", "k3"];
const VALUES: [&str; 4] = ["", "A", "B", "C"];

#[test]
fn the_last_wish_wins_whatever_happens() {
    let mut pushes = 0;
    let mut failures = 0;
    let mut kills = 0;
    for seed in 0..60 {
        let mut world = World::new(seed);
        world.run();
        pushes += world.pushes;
        failures += world.failures;
        kills += world.kills;
    }
    assert!(pushes > 5_000, "only {pushes} pushes: the model is idle");
    assert!(failures > 1_000, "only {failures} failures: the model is too kind");
    assert!(kills > 20, "only {kills} kills: the model is too kind");
}

/// Attributes of all participants of one conversation.
type State = BTreeMap<String, BTreeMap<String, String>>;

struct World {
    seed: u64,
    rng: StdRng,
    start: Instant,
    now: Instant,
    keeper: Keeper,
    /// By conversation: every state that it ever had, and which of them was shown last.
    history: BTreeMap<String, (Vec<State>, usize)>,
    wishes: BTreeMap<(Target, String), String>,
    landing: Vec<(Instant, Target, Changes)>,
    /// Landings of accepted writes keep their order.
    last_landing: BTreeMap<Target, Instant>,
    answers: Vec<(Instant, Request, Result<Pushed, CallError>)>,
    reads: Vec<(Instant, String)>,
    store: Store,
    unwritten: journal::Changes,
    /// Whose pushes began since then.
    unwritten_pushes: Vec<Target>,
    calendar: Calendar,
    kills: u64,
    pushes: u64,
    failures: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let now = Instant::now();
        let mut settings = Settings::for_tests();
        settings.fight_key_writes = 0;
        settings.fight_conversation_writes = 0;
        let state: State = PARTICIPANTS
            .iter()
            .map(|name| ((*name).to_owned(), BTreeMap::from([("z".to_owned(), "0".to_owned())])))
            .collect();
        World {
            seed,
            rng: StdRng::seed_from_u64(seed),
            start: now,
            now,
            keeper: Keeper::new(settings, Arc::new(Counts::default()), seed, now),
            history: CONVERSATIONS
                .iter()
                .map(|name| ((*name).to_owned(), (vec![state.clone()], 0)))
                .collect(),
            wishes: BTreeMap::new(),
            landing: Vec::new(),
            last_landing: BTreeMap::new(),
            answers: Vec::new(),
            reads: Vec::new(),
            store: Store::for_tests(),
            unwritten: journal::Changes::default(),
            unwritten_pushes: Vec::new(),
            calendar: Calendar::new(now, Timestamp::UNIX_EPOCH),
            kills: 0,
            pushes: 0,
            failures: 0,
        }
    }

    fn run(&mut self) {
        let end = self.start + TROUBLE + CALM;
        while self.now < end {
            self.now += TICK;
            self.die();
            self.land();
            self.answer();
            self.read();
            self.wish();
            self.show();
            self.keeper.wake(self.now);
            self.push();
            self.keep();
        }
        self.judge();
    }

    /// The disk is slower than the updates at times.
    fn keep(&mut self) {
        if let Some(changes) = self.keeper.changes(self.calendar, self.now) {
            self.unwritten.then(changes);
        }
        if !self.unwritten.is_empty() && self.chance(0.7) {
            self.store.commit(&std::mem::take(&mut self.unwritten)).unwrap();
            self.unwritten_pushes.clear();
        }
    }

    /// The process is killed, with what was not written yet. The next one looks into the gap.
    fn die(&mut self) {
        if !self.in_trouble() || !self.chance(0.002) {
            return;
        }
        self.kills += 1;
        self.unwritten = journal::Changes::default();
        // Nobody knows of these any more: they land before the next process has come up.
        for (at, target, _) in &mut self.landing {
            if self.unwritten_pushes.contains(target) {
                *at = self.now;
            }
        }
        self.unwritten_pushes.clear();
        self.answers.clear();
        self.reads.clear();
        let settings = self.keeper.settings().clone();
        self.keeper = Keeper::new(settings, Arc::new(Counts::default()), self.seed, self.now);
        self.keeper.restore(self.store.recover().unwrap(), self.calendar, self.now);
        for name in CONVERSATIONS {
            let at = self.soon(5_000);
            self.reads.push((at, (*name).to_owned()));
        }
    }

    fn in_trouble(&self) -> bool {
        self.now < self.start + TROUBLE
    }

    fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    fn soon(&mut self, most_ms: u64) -> Instant {
        self.now + Duration::from_millis(self.rng.random_range(0..=most_ms))
    }

    fn land(&mut self) {
        self.landing.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        while self.landing.first().is_some_and(|(at, ..)| *at <= self.now) {
            let (_, target, changes) = self.landing.remove(0);
            let (states, _) = self.history.get_mut(target.conversation.as_str()).unwrap();
            let mut state = states.last().unwrap().clone();
            let attributes = state.get_mut(target.participant.as_str()).unwrap();
            for (key, value) in changes {
                attributes.insert(key.to_string(), value.to_string());
            }
            states.push(state);
        }
        // Another writer, at a key of its own.
        if self.chance(0.01) {
            let name = *CONVERSATIONS.choose(&mut self.rng).unwrap();
            let (states, _) = self.history.get_mut(name).unwrap();
            let mut state = states.last().unwrap().clone();
            let z = state.get_mut("p").unwrap().get_mut("z").unwrap();
            *z = (z.parse::<u32>().unwrap() + 1).to_string();
            states.push(state);
        }
    }

    fn answer(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.answers.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, request, result) in due {
            self.keeper.settle(request, result, now).unwrap();
        }
    }

    fn read(&mut self) {
        while let Some(ask) = self.keeper.next_ask() {
            self.keeper.asked(&ask);
            let Ask::Read(conversation) = ask else { panic!("the outbox is never full") };
            let at = self.soon(3_000);
            self.reads.push((at, conversation.to_string()));
        }
        let now = self.now;
        let due: Vec<_> = self.reads.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, name) in due {
            let (states, shown) = self.history.get_mut(&name).unwrap();
            *shown = states.len() - 1;
            self.observe(&name, true);
        }
    }

    /// The rules change their mind: a snapshot says so, as old in attributes as it may be.
    fn wish(&mut self) {
        if !self.in_trouble() || !self.chance(0.15) {
            return;
        }
        let name = *CONVERSATIONS.choose(&mut self.rng).unwrap();
        for _ in 0..self.rng.random_range(1..=3) {
            let target = Target::new(name, PARTICIPANTS.choose(&mut self.rng).unwrap());
            let key = (*KEYS.choose(&mut self.rng).unwrap()).to_owned();
            let value = (*VALUES.choose(&mut self.rng).unwrap()).to_owned();
            self.wishes.insert((target, key), value);
        }
        self.observe(name, false);
    }

    /// A snapshot, somewhere between the one that was shown last and the newest: an echo, or again
    /// the same.
    fn show(&mut self) {
        if !self.chance(0.2) {
            return;
        }
        let name = *CONVERSATIONS.choose(&mut self.rng).unwrap();
        let (states, shown) = &self.history[name];
        let next = self.rng.random_range(*shown..states.len());
        self.history.get_mut(name).unwrap().1 = next;
        self.observe(name, false);
    }

    fn observe(&mut self, name: &str, from_read: bool) {
        let (states, shown) = &self.history[name];
        let participants = states[*shown].iter().map(|(participant, attributes)| Seen {
            participant: participant.as_str().into(),
            ended: false,
            attributes: Arc::new(attributes.clone()),
        });
        let wishes =
            self.wishes.iter().filter(|((target, _), _)| target.conversation.as_str() == name);
        let wishes = wishes.map(|((target, key), value)| Wish {
            participant: target.participant.clone(),
            key: Arc::from(key.as_str()),
            value: Arc::from(value.as_str()),
            rule: Arc::from("r"),
            digest: 1,
            write: Write::Follow,
            dry_run: false,
            during_flow: false,
            useless_after: None,
            urgent: false,
        });
        let observation = Observation {
            conversation: name.into(),
            at: self.now,
            received_at: Timestamp::UNIX_EPOCH,
            participants: participants.collect(),
            wishes: wishes.collect(),
            over: false,
            queue: None,
            in_flow: false,
            from_read,
            rules_hash: 1,
            in_force: Arc::new(BTreeSet::from([1])),
        };
        self.keeper.observe(&observation, self.now);
    }

    fn push(&mut self) {
        while self.answers.len() < 8 && self.keeper.may_push(self.now) {
            let Some(request) = self.keeper.take(self.now) else { return };
            let (seed, target) = (self.seed, request.target().clone());
            assert!(
                self.answers.iter().all(|(_, other, _)| *other.target() != target),
                "seed {seed}: two requests at once for {target:?}"
            );
            assert!(
                self.now < self.start + TROUBLE + REST,
                "seed {seed}: {target:?} is still pushed"
            );
            self.pushes += 1;
            let kind = if self.in_trouble() { self.rng.random_range(0..20) } else { 9 };
            self.failures += u64::from(kind < 9);
            self.unwritten_pushes.push(target);
            self.send(request, kind);
        }
    }

    fn send(&mut self, request: Request, kind: u32) {
        let target = request.target().clone();
        let refusal = |status| Refusal { operation: "op", status, ..Refusal::default() };
        let (lands, answers, result) = match kind {
            // Nobody knows.
            0..=2 => {
                let lands = self.chance(0.5).then(|| self.soon(LATEST_LANDING_MS));
                let limit = Duration::from_secs(10);
                let error = SendError::TimedOut { limit };
                (lands, self.now + limit, Err(CallError::NoAnswer { operation: "op", error }))
            }
            3..=4 => {
                let lands = self.chance(0.5).then(|| self.soon(LATEST_LANDING_MS));
                (lands, self.soon(2_000), Err(CallError::Unavailable(refusal(503))))
            }
            5 => {
                let error = SendError::Unreachable { reason: String::new() };
                (None, self.soon(500), Err(CallError::NoAnswer { operation: "op", error }))
            }
            6 => {
                let rest = Duration::from_secs(5);
                (None, self.soon(500), Err(CallError::Throttled(refusal(429), rest)))
            }
            // Seldom: several in a row are a dead letter.
            7 if self.chance(0.2) => (None, self.soon(500), Err(CallError::Conflict(refusal(409)))),
            // Accepted, and lost.
            8 => (None, self.soon(500), Ok(Pushed::patched(202))),
            _ => {
                let answers = self.soon(1_000);
                let last = self.last_landing.get(&target).copied().unwrap_or(self.now);
                let lands = self.soon(5_000).max(last);
                self.last_landing.insert(target.clone(), lands);
                (Some(lands), answers, Ok(Pushed::patched(202)))
            }
        };
        if let Some(lands) = lands {
            self.landing.push((lands, target, request.changes()));
        }
        self.answers.push((answers, request, result));
    }

    fn judge(&self) {
        let seed = self.seed;
        for ((target, key), wish) in &self.wishes {
            let (states, _) = &self.history[target.conversation.as_str()];
            let attributes = &states.last().unwrap()[target.participant.as_str()];
            let is = attributes.get(key).map_or("", String::as_str);
            assert_eq!(is, wish, "seed {seed}: {target:?} {key}");
        }
        for (states, _) in self.history.values() {
            let changes = states.windows(2).filter(|pair| pair[0]["p"]["z"] != pair[1]["p"]["z"]);
            let z = &states.last().unwrap()["p"]["z"];
            assert_eq!(*z, changes.count().to_string(), "seed {seed}: a foreign key was touched");
        }
        assert_eq!(self.keeper.len(), 0, "seed {seed}: something still waits");
        let letters = self.keeper.dead_letters.all().collect::<Vec<_>>();
        assert!(letters.is_empty(), "seed {seed}: {letters:?}");
    }
}
