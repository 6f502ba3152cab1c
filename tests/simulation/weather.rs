//! What goes wrong in an hour, and when: troubles from the deck, one after the other, some of which
//! last, with calm between them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use attributed::signals::Intent;
use attributed::simulator::{Door, Faults, RULES, Scripted, Toss, Treatment};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::deck::{Deck, Trouble};
use crate::hour::HOUR;
use crate::judgement::{BY_CHANCE, CONVERSATIONS, FRAMES};
use crate::scene::{Death, QUEUES, Scene};
use crate::told::SILENT;

const STREAM: u64 = 0x7765_6174;
/// Between two troubles.
const CALM: std::ops::Range<u64> = 8_000..45_000;
/// The longest that a request may take before the daemon gives it up is well below.
const TIMEOUT: u64 = 60_000;
/// Between a crash and the next start.
const DOWN: std::ops::Range<u64> = 1_500..60_000;
/// A commit takes a few writes and syncs; after fewer than so many the disk fails.
const WRITES_LEFT: u64 = 40;
/// So many at most until an hour has had everything; the judge says so if that is not enough.
const DAYS_MORE: usize = 20;
/// Likewise for conversations and frames: twice the hour.
const HALF_MINUTES_MORE: usize = 120;
/// More than are tried until the crash.
const CALLS_IN_A_JAM: u32 = 10_000;
const WRITES: &str = "PATCH /attributes";
const ANY: &str = "* /api";
const LOGIN: &str = "POST /oauth/token";
const READS: &str = "GET /conversations/{conversationId}";

pub(crate) struct Weather<'a> {
    scene: &'a Scene,
    dice: StdRng,
    deck: Deck,
}

impl<'a> Weather<'a> {
    pub(crate) fn new(scene: &'a Scene, seed: u64) -> Weather<'a> {
        let dice = StdRng::seed_from_u64(seed ^ STREAM);
        Weather { scene, dice, deck: Deck::default() }
    }

    /// Blows for so long, and leaves everything as it should be.
    pub(crate) async fn blow(mut self, length: Duration) {
        let ends = Instant::now() + length;
        loop {
            let calm = Duration::from_millis(self.dice.random_range(CALM));
            if Instant::now() + calm >= ends {
                break;
            }
            sleep(calm).await;
            let trouble = self.deck.draw(&mut self.dice);
            self.scene.note(trouble.name());
            self.befall(trouble).await;
        }
        self.make_up().await;
        if length >= HOUR {
            self.wait_for_enough().await;
        }
        let simulator = &self.scene.simulator;
        simulator.set_faults(Faults::None);
        simulator.clear_script();
        self.scene.rules(RULES).await;
        self.scene.queues(&QUEUES).await;
    }

    /// More bad days, for what should have come by chance and has not.
    async fn make_up(&mut self) {
        for _ in 0..DAYS_MORE {
            let injected = self.scene.simulator.injected();
            if BY_CHANCE.iter().all(|kind| injected.contains_key(kind)) {
                break;
            }
            self.scene.note(Trouble::TerribleDay.name());
            self.befall(Trouble::TerribleDay).await;
        }
    }

    /// The hour goes on until it has enough to count.
    async fn wait_for_enough(&self) {
        let simulator = &self.scene.simulator;
        let conversations = || simulator.look(|world| world.open_conversations().len() as u64);
        let has_enough = || conversations() >= CONVERSATIONS && simulator.frames_sent().0 >= FRAMES;
        for _ in 0..HALF_MINUTES_MORE {
            if has_enough() {
                break;
            }
            sleep(Duration::from_secs(30)).await;
        }
    }

    async fn befall(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::SocketDropped
            | Trouble::SocketHalfOpen
            | Trouble::SocketClosed
            | Trouble::SocketClosing
            | Trouble::ChannelEvicted
            | Trouble::NextSocketHungUp
            | Trouble::NextSocketHalfOpen
            | Trouble::NextSocketRefused => self.socket(trouble),
            Trouble::TokensRevoked | Trouble::TokensExpired | Trouble::BudgetSpentByOthers => {
                self.account(trouble);
            }
            Trouble::FrameGarbage => self.toss("{\"topicName\":\"v2.users."),
            Trouble::FrameCut => self.toss(
                "{\"topicName\":\"v2.users.6b1d1c9e-0000-4000-8000-000000000000.conversations\",\
                 \"version\":\"2\",\"eventBody\":{\"id\":\"6b1d1c9e-0000-4000-8000-0000000000ff\",\"partici",
            ),
            Trouble::BadDay => self.spell(Faults::Light).await,
            Trouble::TerribleDay => self.spell(Faults::Heavy).await,
            Trouble::RulesReloaded => {
                let rules = if self.scene.are_usual() { other_rules() } else { RULES.to_owned() };
                self.scene.rules(&rules).await;
            }
            Trouble::TopicsChanged => {
                let some = self.dice.random_range(1..QUEUES.len());
                self.scene.queues(&QUEUES[..some]).await;
                sleep(Duration::from_secs(self.dice.random_range(5..60))).await;
                self.scene.queues(&QUEUES).await;
            }
            Trouble::UsersChanged => {
                let some = self.some_users();
                self.scene.users(Some(&some)).await;
                sleep(Duration::from_secs(self.dice.random_range(5..60))).await;
                self.scene.users(None).await;
            }
            Trouble::Crash => self.crash().await,
            Trouble::CrashInAJam => {
                self.scene.simulator.script([frozen(CALLS_IN_A_JAM)]);
                sleep(Duration::from_secs(self.dice.random_range(5..40))).await;
                self.crash().await;
                self.scene.simulator.clear_script();
            }
            Trouble::DiskFails => {
                self.scene.disk.fail_after(self.dice.random_range(0..WRITES_LEFT));
                sleep(Duration::from_secs(self.dice.random_range(5..60))).await;
                self.scene.disk.mend();
            }
            Trouble::DiskFull => {
                self.scene.disk.fill();
                sleep(Duration::from_secs(self.dice.random_range(5..60))).await;
                self.scene.disk.mend();
            }
            Trouble::TokenRequestsFail
            | Trouble::Throttled
            | Trouble::Refused
            | Trouble::ErrorsBeforeActing
            | Trouble::ErrorsAfterActing
            | Trouble::ResetsBeforeActing
            | Trouble::ResetsAfterActing
            | Trouble::TimeoutsBeforeActing
            | Trouble::TimeoutsAfterActing
            | Trouble::SlowAnswers
            | Trouble::Frozen => self.answers(trouble),
        }
    }

    /// Names of one user or more, and not of all.
    fn some_users(&mut self) -> Vec<String> {
        let mut users: Vec<String> = self
            .scene
            .simulator
            .look(|world| world.users().iter().map(|user| user.email.clone()).collect());
        let some = self.dice.random_range(1..users.len());
        users.shuffle(&mut self.dice);
        users.truncate(some);
        users
    }

    /// At any point: perhaps between two writes to the disk, perhaps while it starts.
    async fn crash(&mut self) {
        self.scene.disk.fail_after(self.dice.random_range(0..WRITES_LEFT));
        sleep(Duration::from_millis(self.dice.random_range(0..1_000))).await;
        let down = Duration::from_millis(self.dice.random_range(DOWN));
        let dice = StdRng::seed_from_u64(self.dice.random_range(0..=u64::MAX));
        self.scene.kill(Death { down, dice });
        // It may have only just begun when the next trouble comes.
        sleep(down + Duration::from_millis(5)).await;
    }

    fn socket(&mut self, trouble: Trouble) {
        let simulator = &self.scene.simulator;
        let treatments = [
            (Trouble::SocketHalfOpen, Treatment::HalfOpen),
            (Trouble::SocketClosed, Treatment::Close),
            (Trouble::SocketClosing, Treatment::Announce),
            (Trouble::ChannelEvicted, Treatment::Evict),
        ];
        let doors = [
            (Trouble::NextSocketHungUp, Door::HangUp),
            (Trouble::NextSocketHalfOpen, Door::HalfOpen),
            (Trouble::NextSocketRefused, Door::Refuse),
        ];
        let treatment = treatments.iter().find(|(of, _)| *of == trouble);
        let treatment = treatment.map_or(Treatment::Drop, |(_, treatment)| *treatment);
        let door = doors.iter().find(|(of, _)| *of == trouble).map(|(_, door)| *door);
        let times = self.dice.random_range(1..4);
        simulator.doors(std::iter::repeat_n(door, times).flatten());
        let treated = simulator.treat(treatment, None);
        if trouble == Trouble::SocketHalfOpen && treated > 0 {
            self.scene.trace.note(SILENT.to_owned());
        }
    }

    fn account(&mut self, trouble: Trouble) {
        let simulator = &self.scene.simulator;
        if trouble != Trouble::BudgetSpentByOthers {
            // The next token is some time in coming, and others ask for one meanwhile.
            let delay_ms = self.dice.random_range(0..900);
            simulator.script([Scripted {
                operation: LOGIN.to_owned(),
                delay_ms,
                ..Scripted::default()
            }]);
        }
        if trouble == Trouble::TokensRevoked {
            simulator.revoke_tokens();
        } else if trouble == Trouble::TokensExpired {
            simulator.expire_tokens();
        } else {
            simulator.spend(self.dice.random_range(15..120));
        }
    }

    /// Sends this to everybody.
    fn toss(&mut self, text: &str) {
        let simulator = &self.scene.simulator;
        let topics: Vec<String> = simulator.look(|world| {
            let users = world.users().iter();
            users.map(|user| format!("v2.users.{}.conversations", user.id)).collect()
        });
        simulator.toss(&Toss { text: Some(text.to_owned()), topics, ..Toss::default() });
    }

    async fn spell(&mut self, faults: Faults) {
        self.scene.simulator.set_faults(faults);
        sleep(Duration::from_secs(self.dice.random_range(15..90))).await;
        self.scene.simulator.set_faults(Faults::None);
    }

    fn answers(&mut self, trouble: Trouble) {
        let operation = [WRITES, WRITES, READS, ANY][self.dice.random_range(0..4)].to_owned();
        let times = self.dice.random_range(1..6);
        let usual = Scripted { operation, times, ..Scripted::default() };
        let status = [500, 502, 503, 504][self.dice.random_range(0..4)];
        let seconds = self.dice.random_range(1..30_u32);
        if trouble == Trouble::TokenRequestsFail {
            self.scene.simulator.revoke_tokens();
        }
        let usual = || usual.clone();
        let retry_after = BTreeMap::from([("retry-after".to_owned(), seconds.to_string())]);
        let slow = u64::from(seconds) * 300;
        let scripted = [
            (
                Trouble::TokenRequestsFail,
                Scripted { operation: LOGIN.to_owned(), status: Some(status), ..usual() },
            ),
            (
                Trouble::Throttled,
                Scripted { status: Some(429), headers: retry_after, times: 1, ..usual() },
            ),
            (
                Trouble::Refused,
                Scripted { operation: WRITES.to_owned(), status: Some(400), ..usual() },
            ),
            (Trouble::ErrorsBeforeActing, Scripted { status: Some(status), ..usual() }),
            (Trouble::ErrorsAfterActing, Scripted { status: Some(status), act: true, ..usual() }),
            (Trouble::ResetsBeforeActing, Scripted { reset: true, ..usual() }),
            (Trouble::ResetsAfterActing, Scripted { reset: true, act: true, ..usual() }),
            (
                Trouble::TimeoutsBeforeActing,
                Scripted { status: Some(504), delay_ms: TIMEOUT, ..usual() },
            ),
            (Trouble::TimeoutsAfterActing, Scripted { delay_ms: TIMEOUT, ..usual() }),
            (Trouble::SlowAnswers, Scripted { delay_ms: slow, times: times * 5, ..usual() }),
            (Trouble::Frozen, frozen(20)),
        ];
        let meant = scripted.into_iter().find(|(of, _)| *of == trouble);
        self.scene.simulator.script(meant.map(|(_, scripted)| scripted));
    }
}

/// The next requests, whatever they are, have no answer.
fn frozen(times: u32) -> Scripted {
    let (operation, status) = (ANY.to_owned(), Some(504));
    Scripted { operation, status, delay_ms: TIMEOUT, times, ..Scripted::default() }
}

/// Rules of which some say something else, and some are gone.
fn other_rules() -> String {
    let other = RULES.replace("set.\"cc.desk\" = \"service\"", "set.\"cc.desk\" = \"front\"");
    let other = other.replace("set.\"cc.segment\" = \"vip\"", "set.\"cc.segment\" = \"first\"");
    let gone = other.replace("name = \"menu-for-all\"", "name = \"menu-for-all\"\nenabled = false");
    assert!(gone.len() != RULES.len(), "the rules are not what they were");
    gone
}

impl Scene {
    /// These rules are in the file from now on, and the daemon is told.
    pub(crate) async fn rules(&self, text: &str) {
        fs::write(self.dir.join("rules.toml"), text).unwrap();
        self.tell(Intent::Reload).await;
    }

    fn are_usual(&self) -> bool {
        fs::read_to_string(self.dir.join("rules.toml")).unwrap() == RULES
    }

    /// These users are watched from now on, or all, and the daemon is told.
    async fn users(&self, users: Option<&[String]>) {
        self.watch_users(users);
        self.tell(Intent::Reload).await;
    }

    /// These queues are watched from now on, and the daemon is told.
    pub(crate) async fn queues(&self, queues: &[&str]) {
        self.watch(queues);
        self.tell(Intent::Reload).await;
    }
}
