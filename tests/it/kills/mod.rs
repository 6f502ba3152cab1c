//! The real binary under load is killed again and again, and nothing is lost.
//!
//! Where each process was when it died is known from what it left ([`autopsy`]). The load
//! ([`load`]) goes on while nobody is there, so that every start has a gap behind it.

mod autopsy;
mod disturbed;
mod load;

use std::collections::BTreeMap;
use std::time::Duration;

use attributed::simulator::{Entry, Limits, Scripted};
use jiff::{SignedDuration, Timestamp};

use autopsy::{Dead, Journal, Phase, is_read, write_of};
use load::{Load, RULES};

use crate::daemon::{Daemon, PATIENCE, Setup, wait_within};
use crate::simulated::unlimited;

/// Participants that wait at each kill, on disk.
const WAITING: usize = 500;
/// More than that are brought to wait, for some are served in each life.
const BROUGHT: usize = WAITING + 100;
const WORKERS: usize = 8;
/// What is heard and answered so shortly before a kill may not be on disk: longer than the journal
/// takes from one commit to the next, on a bad disk.
const NOT_ON_DISK: SignedDuration = SignedDuration::from_secs(2);
/// Of the last process, which has to make everything good. In a minute.
const BUDGET: u64 = 12_000;

/// So little that what waits goes on waiting.
const SCARCE: &str = "requests_per_second = 20\nrequests_per_minute = 60000\n";

#[test]
fn kills_of_each_kind_lose_nothing() {
    Killer::new(23).kill(6, 1).make_good();
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_kills_lose_nothing() {
    Killer::new(29).kill(100, 20).make_good();
}

struct Killer {
    load: Load,
    setup: Setup,
    /// Begin of the life that goes on, in requests.
    life: u64,
    lives: Vec<u64>,
    phases: BTreeMap<Phase, usize>,
    kept: usize,
    least_kept: usize,
}

impl Killer {
    fn new(seed: u64) -> Killer {
        let load = Load::start(seed);
        let setup = Setup::new(&load.simulated.url, "all_users = true", RULES, "");
        let phases = Phase::ALL.map(|phase| (phase, 0)).into();
        let (life, lives, kept, least_kept) = (0, vec![0], BROUGHT, usize::MAX);
        let mut killer = Killer { load, setup, life, lives, phases, kept, least_kept };
        killer.budget(SCARCE);
        killer.first_life();
        killer
    }

    /// Nothing was before it, so that the gaps of all later ones have a beginning; and it is brought
    /// more than it can write.
    fn first_life(&mut self) {
        let mut daemon = self.setup.start();
        daemon.wait_ready();
        daemon.wait_log("gap looked into");
        self.load.begin(BROUGHT, false);
        self.load.simulated.wait_taken_in(&daemon);
        // Nobody can look while it is at work: one commit later than the last frame is enough, and
        // each later life looks whether it was.
        std::thread::park_timeout(Duration::from_secs(1));
        daemon.kill();
    }

    fn budget(&mut self, budget: &str) {
        let text = std::fs::read_to_string(self.setup.path("attributed.toml")).unwrap();
        let (head, _) = text.split_once("[updates]").unwrap_or((&text, ""));
        self.setup.configure(&format!(
            "{head}[updates]\nworkers = {WORKERS}\nmerge_window = \"0ms\"\n{budget}\n[recovery]\nindex_lag = \"6s\"\n"
        ));
    }

    /// Kills so often, and goes on until each phase was met so often, but not for ever.
    fn kill(mut self, kills: usize, of_each: usize) -> Killer {
        let began = tokio::time::Instant::now();
        for kill in 1.. {
            let (aim, least) = self.rarest();
            if kill > kills && least >= of_each {
                break;
            }
            assert!(kill <= 3 * kills, "{aim:?} is not met: {:?}", self.phases);
            self.live_and_die(aim);
        }
        let (kills, seconds) = (self.lives.len() - 1, began.elapsed().as_secs());
        println!(
            "{kills} kills in {seconds} s, by phase {:?}; at least {} waited at each",
            self.phases, self.least_kept
        );
        self
    }

    fn rarest(&self) -> (Phase, usize) {
        let rarest = self.phases.iter().min_by_key(|(_, count)| **count);
        rarest.map(|(phase, count)| (*phase, *count)).unwrap()
    }

    /// One process, from its start to its death.
    fn live_and_die(&mut self, aim: Phase) {
        self.load.begin(5, false);
        self.load.hand_on(5);
        self.life = self.load.simulated.count();
        self.lives.push(self.life);
        let mut daemon = self.setup.start();
        daemon.wait_ready();
        self.load.begin(BROUGHT.saturating_sub(self.kept), false);
        let batch = self.lead_to(aim, &daemon);
        daemon.kill();
        let requests = self.load.simulated.requests_since(self.life);
        self.load.simulated.client_died(Timestamp::now() - NOT_ON_DISK);
        self.load.simulated.clear_script();

        let journal = Journal::of(&self.setup);
        self.kept = journal.waiting();
        assert!(self.kept >= WAITING, "only {} wait\n{}", self.kept, daemon.log_text());
        self.least_kept = self.least_kept.min(self.kept);
        let dead = Dead {
            load: &self.load,
            daemon: &daemon,
            journal: &journal,
            requests: &requests,
            batch: &batch,
        };
        // Counted as what was aimed at only: each kill is of one kind.
        if dead.phases().contains(&aim) {
            *self.phases.get_mut(&aim).unwrap() += 1;
        }
    }

    /// Has the daemon come to where it is to be killed; returns the conversations by which that is
    /// to be seen.
    fn lead_to(&mut self, aim: Phase, daemon: &Daemon) -> Vec<String> {
        let (from, number) = (daemon.logged(), self.load.simulated.count());
        match aim {
            Phase::BeforeCommit => {
                let mut batch = self.load.begin(10, false);
                batch.extend(self.load.hand_on(10));
                let simulated = &self.load.simulated;
                at_once("the frames", || simulated.overview()["frames_under_way"] == 0);
                // For them to be read from the socket; another time each life.
                let moment = 3 * (self.lives.len() as u64 % 16);
                std::thread::park_timeout(Duration::from_millis(moment));
                batch
            }
            Phase::Pushed => {
                let operation = "PATCH /attributes".to_owned();
                let slow = Scripted { operation, times: 100, delay_ms: 500, ..Scripted::default() };
                assert!(self.load.simulated.script([slow]));
                let batch = self.load.begin(3, true);
                let simulated = &self.load.simulated;
                at_once("a push", || {
                    let requests = simulated.requests_since(number);
                    let mut writes = requests.iter().filter_map(write_of);
                    writes.any(|(id, _)| batch.iter().any(|one| one == id))
                });
                batch
            }
            Phase::Accepted => {
                let batch = self.load.begin(3, true);
                daemon.wait_line_from(from, "a push that was accepted", |line| {
                    let id = line["conversation_id"].as_str();
                    line["message"] == "pushed" && batch.iter().any(|one| Some(&**one) == id)
                });
                batch
            }
            Phase::Recovery => {
                let gap = daemon.wait_log("looking into a gap");
                assert!(gap["seconds"].is_number(), "it has a beginning: {gap}");
                let (simulated, life) = (&self.load.simulated, self.life);
                at_once("a read", || simulated.requests_since(life).iter().any(is_read));
                Vec::new()
            }
        }
    }

    /// The last process has time, and a budget to keep: everything is made good, and nothing was
    /// done too often.
    fn make_good(mut self) {
        let per_second = BUDGET / 60;
        self.budget(&format!(
            "requests_per_second = {per_second}\nrequests_per_minute = {BUDGET}\n"
        ));
        self.load.simulated.set_limits(Limits { requests: BUDGET, ..unlimited() });
        let began = tokio::time::Instant::now();
        self.life = self.load.simulated.count();
        self.lives.push(self.life);
        let daemon = self.setup.start();
        let lost = || format!("{:?}\n{}", self.load.waiting(), daemon.log_text());
        daemon.wait_log("taken over from the process before");
        wait_within(5 * PATIENCE, "everything to be written", || {
            self.load.waiting().is_empty().then_some(())
        });
        let seconds = began.elapsed().as_secs();
        let announced = daemon.wait_log("looking into a gap");
        let looked = daemon.wait_log("gap looked into");
        self.load.simulated.wait_quiet(&daemon);
        assert!(self.load.waiting().is_empty(), "{}", lost());
        println!(
            "{} conversations, made good in {seconds} s: {announced} {looked}",
            self.load.len()
        );
        assert!(announced["seconds"].is_number() && announced["requests"].is_number());
        assert!(looked["looked_at"].as_u64().unwrap() > 0, "{looked}");

        let simulated = &self.load.simulated;
        assert!(simulated.highest() <= BUDGET, "{} in a window", simulated.highest());
        let refused = simulated.requests().iter().filter(|it| it.status == Some(429)).count();
        assert_eq!(refused, 0, "requests over the budget");
        assert_eq!(daemon.log_count("update given up"), 0, "{}", daemon.log_text());
        assert!(simulated.hung_up().is_empty());
        let verdict = simulated.verdict();
        assert!(verdict.is_right(), "{verdict:#?}");
        assert_eq!(verdict.concerned, self.load.len());
        self.nothing_too_often();
    }

    fn nothing_too_often(&self) {
        let life_of = |number: u64| self.lives.partition_point(|first| *first <= number);
        let overlaps = self.load.simulated.overlaps();
        let within_a_life = overlaps.iter().any(|(one, other)| life_of(*one) == life_of(*other));
        assert!(!within_a_life, "writes to one participant at the same time: {overlaps:?}");
        let mut asked: BTreeMap<(&str, &str), &Entry> = BTreeMap::new();
        let mut repeated: BTreeMap<&str, usize> = BTreeMap::new();
        let requests = self.load.simulated.requests();
        for entry in &requests {
            let Some(write) = write_of(entry) else { continue };
            let Some(before) = asked.insert(write, entry) else { continue };
            let lives = life_of(entry.number) - life_of(before.number);
            let what = match before.status {
                _ if lives == 0 => "within a life",
                Some(_) => "after an answer",
                None => "after none",
            };
            *repeated.entry(what).or_default() += 1;
        }
        let sum: usize = repeated.values().sum();
        println!("{} values, {sum} written again: {repeated:?}", asked.len());
        assert!(!repeated.contains_key("within a life"), "{repeated:?}");
        // What was under way at a kill may be asked for again, and what was answered shortly before.
        assert!(sum <= WORKERS * self.lives.len(), "{repeated:?}");
    }
}

/// Looks again and again, far more often than others do: the moment matters.
#[track_caller]
fn at_once(what: &str, is: impl Fn() -> bool) {
    let start = tokio::time::Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
