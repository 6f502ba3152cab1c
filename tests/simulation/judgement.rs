//! The judgement of an hour, without mercy; and whether enough happened for it to count.

use std::collections::BTreeMap;

use attributed::app::Ended;
use attributed::simulator::Entry;
use attributed::simulator::oracle::Wrong;

use crate::deck::ALL;
use crate::hour::{Facts, HOUR};
use crate::outcome::Tally;
use crate::scene::REQUESTS_PER_MINUTE;
use crate::told;

/// An hour has at least so many.
pub(crate) const CONVERSATIONS: u64 = 200;
pub(crate) const FRAMES: u64 = 2_000;

/// Frames of conversations that were over for long.
pub(crate) const GHOSTS: &str = "frame of the dead";

/// What an hour must have of each, or it does not count.
const ENOUGH: [(&str, u64); 5] = [
    ("conversations", CONVERSATIONS),
    ("frames", FRAMES),
    ("pushes", 300),
    ("drops", 10),
    ("crashes", 2),
];

/// What befalls frames and attributes by chance; an hour has each of them, too.
pub(crate) const BY_CHANCE: [&str; 6] = [
    "frame lost",
    "frame late",
    "frame twice",
    "frame out of order",
    "written by others",
    "written by flows",
];

/// Participants that may wait at the same time where some twenty conversations live.
const LARGEST_OUTBOX: u64 = 500;

/// Counts what happened, beside what was noted when it did.
pub(crate) fn measure(facts: &Facts<'_>, requests: &[Entry], tally: &mut Tally) {
    let simulator = &facts.scene.simulator;
    let conversations = simulator.look(|world| world.open_conversations().len() as u64);
    tally.count("conversations", conversations);
    tally.count("frames", simulator.frames_sent().0);
    tally.count("requests", requests.len() as u64);
    let pushes = requests.iter().filter(|entry| entry.is_write()).count();
    tally.count("pushes", pushes as u64);
    tally.count("drops", facts.counts.drops.get());
    tally.count("concerned", facts.verdict.concerned as u64);
    tally.count("dead letters", facts.scene.trace.heard().letters.len() as u64);
    tally.count("lost to others", facts.counts.lost_to_others.get());
    tally.count("unconfirmed", facts.counts.unconfirmed.get());
    tally.count("in doubt", facts.counts.snapshots_doubtful.get());
    for (kind, times) in simulator.injected() {
        tally.count(kind, times);
    }
}

/// Everything that is not as it should be.
pub(crate) fn judge(facts: &Facts<'_>, requests: &[Entry], tally: &Tally) -> Vec<String> {
    let (simulator, verdict) = (&facts.scene.simulator, &facts.verdict);
    let mut wrong = Vec::new();
    let mut check = |right: bool, what: String| {
        if !right {
            wrong.push(what);
        }
    };
    check(facts.came_to_rest, "it never comes to rest".to_owned());
    let ended = &facts.ended;
    check(matches!(ended, Ended::Drained), format!("it did not stop cleanly: {ended}"));
    check(verdict.concerned > 0, "nobody was concerned".to_owned());
    for mistake in &verdict.wrong {
        check(is_explained(facts, mistake), format!("not as it should be: {mistake:?}"));
    }
    for id in &verdict.unseen {
        check(false, format!("not seen although it lasts: {id}"));
    }
    let touched = verdict.untouched_violations;
    check(touched == 0, format!("{touched} keys touched that no rule names"));
    let older = verdict.older_writes;
    check(older == 0, format!("{older} older values written over newer ones"));
    let early = verdict.flow_writes;
    check(early == 0, format!("{early} values written while a flow ran"));
    for (one, other) in simulator.overlaps() {
        check(false, format!("requests {one} and {other} for one participant at once"));
    }
    let hung_up = simulator.hung_up();
    check(hung_up.is_empty(), format!("somebody was disconnected: {hung_up:?}"));
    for ((client, window), count) in windows(requests) {
        check(
            count <= u64::from(REQUESTS_PER_MINUTE),
            format!("{count} requests of {client} in window {window}"),
        );
    }
    let largest = facts.largest_outbox;
    check(largest <= LARGEST_OUTBOX, format!("{largest} participants waited at once"));
    let (held, alive) = (facts.held, facts.alive);
    check(held <= alive, format!("{held} conversations are held, {alive} live"));
    for requests in of_clients(requests).values() {
        for rude in while_the_account_rests(requests, &facts.scene.deaths.borrow()) {
            check(false, format!("request {rude} while the account rests"));
        }
        for (one, other) in tokens_at_once(requests) {
            check(false, format!("requests {one} to {other} got two tokens"));
        }
    }
    let told = facts.scene.trace.heard();
    for late in told::begun_late(&told.lines) {
        check(false, late);
    }
    for again in told::wished_again(&told, requests, &facts.scene.deaths.borrow()) {
        check(false, again);
    }
    if facts.length < HOUR {
        return wrong;
    }
    let kinds = ALL.iter().map(|trouble| trouble.name()).chain(BY_CHANCE).chain([GHOSTS]);
    for (what, enough) in ENOUGH.into_iter().chain(kinds.map(|kind| (kind, 1))) {
        let count = tally.of(what);
        check(count >= enough, format!("too quiet: {what} {count}, not {enough}"));
    }
    wrong
}

fn is_explained(facts: &Facts<'_>, wrong: &Wrong) -> bool {
    let letter = (wrong.participant.clone(), wrong.key.clone());
    facts.scene.trace.heard().letters.contains(&letter)
}

/// Requests that began while a 429 said that the account has to rest. Tokens are asked for
/// elsewhere, and a request that was on its way is no disobedience; and who died has forgotten it.
fn while_the_account_rests(requests: &[&Entry], deaths: &[u64]) -> Vec<u64> {
    let mut rude = Vec::new();
    let mut rests = (0, 0);
    // A token that is refused says nothing of whose it is: it may be another client's.
    let is_told = |entry: &&&Entry| entry.path.starts_with("/api/") && entry.status != Some(401);
    for entry in requests.iter().filter(is_told) {
        let forgotten = deaths.iter().any(|at| (rests.0..=entry.started_us).contains(at));
        if rests.0 < entry.started_us && entry.started_us < rests.1 && !forgotten {
            rude.push(entry.number);
        }
        if let Some((seconds, ended)) = retry_after(entry).zip(entry.ended_us) {
            rests = (ended, ended + seconds * 1_000_000);
        }
    }
    rude
}

/// What a scripted 429 said, as the log has it.
fn retry_after(entry: &Entry) -> Option<u64> {
    let rest = entry.fault.as_ref()?.strip_prefix("answer 429, retry after ")?;
    rest.split(' ').next()?.parse().ok()
}

/// Token requests of which two were answered within a second, although the first token was good.
fn tokens_at_once(requests: &[&Entry]) -> Vec<(u64, u64)> {
    let tokens = requests.iter().filter(|entry| entry.path == "/oauth/token");
    let answered: Vec<&&Entry> = tokens.filter(|entry| entry.status == Some(200)).collect();
    let was_refused = |between: std::ops::RangeInclusive<u64>| {
        let mut refused = requests.iter().filter(|entry| entry.status == Some(401));
        refused.any(|entry| between.contains(&entry.started_us))
    };
    let pairs = answered.windows(2).filter(|pair| {
        let given = pair[0].ended_us.unwrap_or(pair[0].started_us);
        pair[1].started_us < pair[0].started_us + 1_000_000
            // It was revoked at once: who is refused with it has to ask for another.
            && !was_refused(given..=pair[1].started_us)
    });
    pairs.map(|pair| (pair[0].number, pair[1].number)).collect()
}

/// The requests of each client: rests and tokens are its own.
fn of_clients(requests: &[Entry]) -> BTreeMap<&str, Vec<&Entry>> {
    let mut clients: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in requests {
        clients.entry(&entry.client).or_default().push(entry);
    }
    clients
}

/// The daemon's own requests in each window of each client's budget.
fn windows(requests: &[Entry]) -> BTreeMap<(&str, u64), u64> {
    let mut windows = BTreeMap::new();
    for (entry, window) in requests.iter().filter_map(|entry| Some((entry, entry.window?))) {
        *windows.entry((entry.client.as_str(), window)).or_default() += 1;
    }
    windows
}
