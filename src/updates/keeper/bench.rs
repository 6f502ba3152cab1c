//! Runs scripts against a keeper, for its tests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Keeper, Request};
use crate::genesys::call::{CallError, Refusal};
use crate::genesys::outside::SendError;
use crate::status::control::Answer;
use crate::status::control::letters::{Dropped, Filter, Question, Retried};
use crate::status::counts::Counts;
use crate::updates::calendar::Calendar;
use crate::updates::journal::Store;
use crate::updates::push::Pushed;
use crate::updates::settings::Settings;
use crate::updates::traces::{Done, Step, Traces};
use crate::updates::wish::{Observation, Seen, Wish, Write};

/// A keeper with room for four participants, and its pushes under way.
pub(super) struct Bench {
    keeper: Keeper,
    counts: Arc<Counts>,
    now: Instant,
    out: HashMap<String, Request>,
    store: Store,
    calendar: Calendar,
    start: Instant,
    steps: mpsc::Receiver<Step>,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let now = Instant::now();
        let counts = Arc::new(Counts::default());
        let mut settings = Settings::for_tests();
        settings.max_pending = 4;
        settings.max_value_length = 8;
        let mut keeper = Keeper::new(settings, Arc::clone(&counts), 1, now);
        let (traces, steps) = Traces::collected();
        keeper.trace(traces);
        let store = Store::for_tests();
        let calendar = Calendar::new(now, jiff::Timestamp::UNIX_EPOCH);
        let (out, start) = (HashMap::new(), now);
        Bench { keeper, counts, now, out, store, calendar, start, steps }
    }

    /// As the keeper is set where all attributes are written.
    pub(super) fn writes_whole_maps(&mut self) {
        let settings = Settings { whole_maps: true, ..self.keeper.settings().clone() };
        self.keeper.configure(settings, self.now);
    }

    /// Takes one step of a script, and says what came of it if there is something to say.
    pub(super) fn step(&mut self, step: &str) -> Option<String> {
        let words: Vec<&str> = step.split(' ').collect();
        match words[..] {
            ["see", ref words @ ..] => self.keeper.observe(&observation(words, self.now), self.now),
            ["doubt"] => self.keeper.doubt(&"c".into(), self.now),
            ["perhaps", ref words @ ..] => {
                self.keeper.perhaps(&observation(words, self.now), self.now);
            }
            ["settle"] => self.keeper.doubt_given_up(&"c".into(), self.now),
            ["take"] => return Some(self.take()),
            ["yes", who] => {
                self.settle(who, Ok(Pushed::patched(202)));
            }
            ["put", who, ref there @ ..] => {
                let before = there.iter().filter_map(|word| word.split_once('='));
                let before = before.map(|(key, value)| (key.to_owned(), value.to_owned()));
                let restored = there.iter().filter_map(|word| word.strip_prefix('+'));
                let before = Some(before.collect());
                let restored = restored.map(Arc::from).collect();
                self.settle(who, Ok(Pushed { before, restored, ..Pushed::patched(200) }));
            }
            ["no", who, how] => self.settle(who, Err(failure(how))),
            ["after", seconds] => {
                // In steps, as the loop would: each second is looked at.
                for _ in 0..seconds.parse::<u64>().unwrap() {
                    self.now += Duration::from_secs(1);
                    self.keeper.wake(self.now);
                }
            }
            ["age", seconds] => {
                self.set(|settings| {
                    settings.max_age = Duration::from_secs(seconds.parse().unwrap());
                });
            }
            ["dry", state] => {
                self.set(|settings| settings.dry_run = state == "on");
            }
            ["retry"] => return Some(self.ask(|filter| Question::Retry { filter })),
            ["erase"] => return Some(self.ask(|filter| Question::Drop { filter })),
            ["keep", seconds] => {
                self.set(|settings| settings.keep = Duration::from_secs(seconds.parse().unwrap()));
            }
            ["restart"] => self.restart(),
            ["down", seconds] => self.now += Duration::from_secs(seconds.parse().unwrap()),
            ["through"] => self.keeper.through(self.now),
            ["rows"] => return Some(self.rows()),
            ["blind-restart"] => {
                self.rows();
                self.out.clear();
                let settings = self.keeper.settings().clone();
                self.keeper = Keeper::new(settings, Arc::clone(&self.counts), 1, self.now);
            }
            ["found"] => {
                self.keeper.take_over_late(self.store.recover().unwrap(), self.now);
            }
            ["begin-anew"] => self.keeper.begin_anew(),
            ["anew", count] => {
                let ends = self.keeper.make_anew(count.parse().unwrap());
                return Some(format!("{} {}", self.rows(), if ends { "end" } else { "more" }));
            }
            ["asks"] => return Some(self.asks()),
            ["dead"] => return Some(self.dead_letters()),
            ["said"] => return Some(format!("dry_run={}", self.counts.dry_run.get())),
            ["failing"] => return Some(self.failing()),
            ["rested"] => return Some(format!("rested={}", self.counts.rested.get())),
            ["unconfirmed"] => return Some(self.unconfirmed()),
            ["counts"] => return Some(self.counts()),
            ["traced"] => return Some(self.traced()),
            _ => panic!("unknown step `{step}`"),
        }
        None
    }

    fn unconfirmed(&self) -> String {
        format!("unconfirmed={}", self.counts.unconfirmed.get())
    }

    fn failing(&self) -> String {
        let failing = self.counts.troubles.told().failing;
        failing.map_or("no".to_owned(), |it| it.how.to_string())
    }

    fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.keeper.settings().clone();
        change(&mut settings);
        self.keeper.configure(settings, self.now);
    }

    /// The process is killed, and another begins with what is on disk.
    fn restart(&mut self) {
        self.rows();
        self.out.clear();
        let settings = self.keeper.settings().clone();
        self.keeper = Keeper::new(settings, Arc::clone(&self.counts), 1, self.now);
        self.keeper.restore(self.store.recover().unwrap(), self.calendar, self.now);
    }

    /// Writes what changed, and says how many keys wait (`:`) and are remembered (`=`) of whom.
    fn rows(&mut self) -> String {
        let Some(changes) = self.keeper.changes(self.calendar, self.now) else {
            return "-".to_owned();
        };
        self.store.commit(&changes).unwrap();
        changes.to_string()
    }

    fn take(&mut self) -> String {
        if !self.keeper.may_push(self.now) {
            return "-".to_owned();
        }
        let request = self.keeper.take(self.now).unwrap();
        let who = request.target().participant.to_string();
        let changes: Vec<String> =
            request.changes().iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut shown = format!("{who}{{{}}}#{}", changes.join(" "), request.attempt());
        let text = |value: &Option<Arc<str>>| value.as_deref().unwrap_or("-").to_owned();
        for (key, lost) in request.parcel().losses {
            shown += &format!(" {key}:{}>{}", text(&lost.carried), text(&lost.value));
        }
        assert!(self.out.insert(who, request).is_none(), "out twice");
        shown
    }

    fn settle(&mut self, who: &str, result: Result<Pushed, CallError>) {
        if let Some(request) = self.out.remove(who) {
            self.keeper.settle(request, result, self.now).unwrap();
        }
    }

    fn asks(&mut self) -> String {
        let mut asks = Vec::new();
        while let Some(ask) = self.keeper.next_ask() {
            self.keeper.asked(&ask);
            asks.push(format!("{ask:?}"));
        }
        asks.join(" ")
    }

    /// About the conversation, under the rules with the hash 1.
    fn ask(&mut self, question: impl FnOnce(Filter) -> Question) -> String {
        let filter = Filter { conversation: Some("c".to_owned()), ..Filter::default() };
        let (question, in_force) = (question(filter), BTreeSet::from([1]));
        let answer = self.keeper.asked_about_letters(&question, &in_force, self.now);
        if let Answer::Retried(Retried { keys, why, .. }) = answer {
            let why = why.iter().map(|left| format!(", {}: {}", left.key, left.why));
            return format!("{keys} anew{}", why.collect::<String>());
        }
        let Answer::Dropped(Dropped { letters, waiting, left_alone }) = answer else {
            panic!("{answer:?}")
        };
        format!("{letters} letters, {waiting} waiting, {left_alone}")
    }

    /// What was done since this was last asked, with seconds since the start.
    fn traced(&mut self) -> String {
        let mut traced = Vec::new();
        while let Ok(step) = self.steps.try_recv() {
            let [began, ended] = [step.began, step.ended].map(|at| (at - self.start).as_secs());
            let done = match step.done {
                Done::Pushed { sent, attempt, answer, is_accepted } => {
                    let (sent, status) = ((sent - self.start).as_secs(), answer.status);
                    format!("sent at {sent} #{attempt} {status:?} {is_accepted}")
                }
                Done::Seen => "seen".to_owned(),
                Done::GivenUp { reason } => reason.to_string(),
            };
            let (who, keys, rules) = (step.participant, step.keys, step.rules);
            traced.push(format!("{began}-{ended} {who}{{{keys}}} by {rules}: {done}"));
        }
        traced.join(", ")
    }

    fn dead_letters(&self) -> String {
        let letters = self.keeper.dead_letters.all().map(|it| {
            let answer = it.answer.as_deref().unwrap_or("-");
            format!("{} {}{{{}}} {} {answer}", it.reason, it.participant, it.keys(), it.rule)
        });
        letters.collect::<Vec<String>>().join(" / ")
    }

    fn counts(&self) -> String {
        let it = &self.counts;
        format!(
            "offered={} merged={} pushed={} unchanged={} confirmed={} lost={} failed={}",
            it.offered.get(),
            it.merged.get(),
            it.pushed.get(),
            it.unchanged.get(),
            it.confirmed.get(),
            it.lost_to_others.get(),
            it.failed.get()
        )
    }
}

fn observation(words: &[&str], now: Instant) -> Observation {
    let flags = |name: &str| words.contains(&name);
    let wish_at = words.iter().position(|word| *word == "wish").unwrap_or(words.len());
    let attributes = words[..wish_at].iter().filter_map(|word| word.split_once('='));
    let attributes: BTreeMap<String, String> = attributes
        .filter(|(key, _)| *key != "hash")
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let hash = words.iter().find_map(|word| word.strip_prefix("hash="));
    let hash = hash.map_or(1, |hash| hash.parse().unwrap());
    let before = flags("keeps").then_some(1);
    Observation {
        conversation: "c".into(),
        at: now,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        participants: vec![Seen {
            participant: "p".into(),
            ended: false,
            attributes: Arc::new(attributes),
        }],
        wishes: words.iter().skip(wish_at + 1).map(|word| wish(word, hash)).collect(),
        over: flags("over"),
        queue: None,
        in_flow: flags("flow"),
        from_read: flags("read"),
        rules_hash: hash,
        in_force: Arc::new(before.into_iter().chain([hash]).collect()),
    }
}

fn wish(text: &str, digest: u64) -> Wish {
    let mut words = text.split(':');
    let (key, value) = words.next().unwrap().split_once('=').unwrap();
    let (participant, key) = key.split_once('.').unwrap_or(("p", key));
    let mut wish = Wish {
        participant: participant.into(),
        key: Arc::from(key),
        value: Arc::from(value),
        rule: Arc::from("r"),
        digest,
        write: Write::Follow,
        dry_run: false,
        during_flow: false,
        useless_after: None,
        urgent: false,
    };
    for word in words {
        match word {
            "first" => wish.write = Write::First,
            "if-absent" => wish.write = Write::IfAbsent,
            "enforce" => wish.write = Write::Enforce,
            "urgent" => wish.urgent = true,
            "flow" => wish.during_flow = true,
            "dry" => wish.dry_run = true,
            _ if word.starts_with("within=") => {
                let seconds = word["within=".len()..].parse().unwrap();
                wish.useless_after = Some(Duration::from_secs(seconds));
            }
            _ => wish.rule = Arc::from(word.strip_prefix("by=").unwrap()),
        }
    }
    wish
}

fn failure(how: &str) -> CallError {
    let refusal = Refusal {
        operation: "op",
        status: how.parse().unwrap_or_default(),
        message: "value secret is bad".replace("secret", if how == "400" { "secret" } else { "1" }),
        ..Refusal::default()
    };
    match how {
        "400" => CallError::Refused(refusal),
        "403" => CallError::Forbidden(refusal),
        "404" => CallError::NotFound(refusal),
        "409" => CallError::Conflict(refusal),
        "429" => CallError::Throttled(refusal, Duration::from_secs(30)),
        "500" | "503" => CallError::Unavailable(refusal),
        "lost" => CallError::NoAnswer {
            operation: "op",
            error: SendError::TimedOut { limit: Duration::from_secs(10) },
        },
        "unreachable" => CallError::NoAnswer {
            operation: "op",
            error: SendError::Unreachable { reason: "no route".to_owned() },
        },
        _ => panic!("unknown failure `{how}`"),
    }
}
