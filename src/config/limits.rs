//! Checks `[channels]`, `[updates]` and `[reload]`: how much, how often, how long.
//!
//! Pure. Each range has its reason, which is shown to whoever leaves it.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::raw::File;
use super::{Channels, Reload, Updates, default};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);
/// A client's budget, and why it has these limits.
pub(super) const PER_MINUTE: (RangeInclusive<u32>, &str) =
    (10..=60_000, "below ten a minute tokens and channels could not be renewed");

pub(super) fn channels(file: &mut File<'_>) -> Channels {
    let copies = file.number(
        "channels.copies",
        1..=2,
        "two copies miss nothing when one socket drops; a third would add nothing",
    );
    let max = file.number(
        "channels.max",
        2..=20,
        "Genesys Cloud keeps 20 channels for a client, and one must stay spare for replacing",
    );
    let copies = copies.map_or(default::COPIES, |copies| copies as usize);
    let max = max.map_or(default::MAX_CHANNELS, |max| max as usize);
    if max <= copies {
        let span = file.places.get("channels.max").cloned().unwrap_or_default();
        file.problems
            .error(span, format!("{copies} copies of each topic need more than {max} channels"))
            .help("one channel stays spare: write `max = 3` or more, or `copies = 1`");
    }
    let why = "shorter floods the socket, longer finds out too late (a heartbeat comes each 30 s)";
    let ping_after = file.duration("channels.ping_after", Duration::from_millis(100)..=HOUR, why);
    let dead_after = file.duration("channels.dead_after", Duration::from_millis(200)..=HOUR, why);
    let ping_after = ping_after.unwrap_or(default::PING_AFTER);
    let dead_after = dead_after.unwrap_or(default::DEAD_AFTER);
    if dead_after <= ping_after {
        let places = &file.places;
        let place = places.get("channels.dead_after").or(places.get("channels.ping_after"));
        let span = place.cloned().unwrap_or_default();
        file.problems
            .error(span, "`channels.dead_after` must be longer than `channels.ping_after`")
            .help("a socket is asked whether it lives before it is given up");
    }
    Channels { copies, max, ping_after, dead_after }
}

pub(super) fn updates(file: &mut File<'_>) -> Updates {
    let (requests_per_second, requests_per_minute) = rates(file);
    let (warn_value_length, max_value_length) = lengths(file);
    let requests_per_month = per_month(file);
    let at_least_one = "zero would write nothing at all; `dry_run = true` does that";
    let workers = file.number(
        "updates.workers",
        1..=256,
        "one is enough for 300 requests a minute; more than 256 only wait for the budget",
    );
    let max_pending = file.number(
        "updates.max_pending",
        1..=10_000_000,
        "each waiting participant takes about a kilobyte of memory",
    );
    let max_age = file.duration(
        "updates.max_age",
        SECOND..=30 * DAY,
        "no conversation lives longer, and what is too old becomes a dead letter",
    );
    let drain = file.duration(
        "updates.drain",
        Duration::ZERO..=HOUR,
        "whoever stops the service waits for it, and kills it in the end",
    );
    let confirm_after = file.duration(
        "updates.confirm_after",
        SECOND..=HOUR,
        "an event that confirms needs a moment, and each reading costs a request",
    );
    let merge_window = file.duration(
        "updates.merge_window",
        Duration::ZERO..=Duration::from_secs(60),
        "every update waits so long",
    );
    let after_end = file.duration(
        "updates.after_end",
        Duration::ZERO..=HOUR,
        "a conversation that is over takes attributes only for a while",
    );
    let fight_key_writes = file.number("updates.fight_key_writes", 1..=10_000, at_least_one);
    let fight_conversation_writes =
        file.number("updates.fight_conversation_writes", 1..=100_000, at_least_one);
    let fight_window = file.duration(
        "updates.fight_window",
        SECOND..=DAY,
        "writes are counted over so long, and then forgotten",
    );
    let or = |number: Option<u32>, default: usize| number.map_or(default, |n| n as usize);
    Updates {
        workers: or(workers, default::WORKERS),
        requests_per_second,
        requests_per_minute,
        requests_per_month,
        max_age: max_age.unwrap_or(default::MAX_AGE),
        max_pending: or(max_pending, default::MAX_PENDING),
        allowed_keys: allowed_keys(file),
        dry_run: file.flag("updates.dry_run").unwrap_or(false),
        drain: drain.unwrap_or(default::DRAIN),
        confirm_after: confirm_after.unwrap_or(default::CONFIRM_AFTER),
        merge_window: merge_window.unwrap_or(default::MERGE_WINDOW),
        after_end: after_end.unwrap_or(default::AFTER_END),
        fight_key_writes: or(fight_key_writes, default::FIGHT_KEY_WRITES),
        fight_conversation_writes: or(
            fight_conversation_writes,
            default::FIGHT_CONVERSATION_WRITES,
        ),
        fight_window: fight_window.unwrap_or(default::FIGHT_WINDOW),
        warn_value_length,
        max_value_length,
    }
}

pub(super) fn reload(file: &mut File<'_>) -> Reload {
    let max_writes = file.number(
        "reload.max_writes",
        0..=10_000_000,
        "0 lets every reload that writes wait; no outbox holds more than ten million",
    );
    let max_shrink = file.share(
        "reload.max_shrink",
        "the share of its rows that a list may lose at once: 0 for none, 1 for all",
    );
    Reload {
        max_writes: max_writes.map_or(default::RELOAD_MAX_WRITES, |n| n as usize),
        max_shrink: max_shrink.unwrap_or(default::RELOAD_MAX_SHRINK),
    }
}

fn per_month(file: &mut File<'_>) -> Option<NonZeroU32> {
    let number = file.number(
        "updates.requests_per_month",
        1_000..=u32::MAX,
        "below a thousand a month not even the channels could be kept; leave it out for no cap",
    );
    number.and_then(NonZeroU32::new)
}

fn rates(file: &mut File<'_>) -> (NonZeroU32, NonZeroU32) {
    let per_second = file.number(
        "updates.requests_per_second",
        1..=1000,
        "it is a ceiling on bursts; no account is allowed more",
    );
    let per_minute = file.number("updates.requests_per_minute", PER_MINUTE.0, PER_MINUTE.1);
    let or = |number: Option<u32>, default| number.and_then(NonZeroU32::new).unwrap_or(default);
    let per_second = or(per_second, default::REQUESTS_PER_SECOND);
    let per_minute = or(per_minute, default::REQUESTS_PER_MINUTE);
    if u64::from(per_second.get()) * 60 < u64::from(per_minute.get()) {
        let span = file.places.get("updates.requests_per_second").cloned();
        let place = span.or_else(|| file.places.get("updates.requests_per_minute").cloned());
        file.problems
            .warning(
                place.unwrap_or_default(),
                format!("{per_second} requests a second never use up {per_minute} a minute"),
            )
            .help("raise `requests_per_second`, or lower `requests_per_minute` to what is meant");
    }
    (per_second, per_minute)
}

fn lengths(file: &mut File<'_>) -> (usize, usize) {
    const MAX: u32 = 100_000;
    let why = "a request may have 512,000 bytes, and a character up to four of them";
    let warn = file.number("updates.warn_value_length", 1..=MAX, why);
    let max = file.number("updates.max_value_length", 1..=MAX, why);
    let warn = warn.map_or(default::WARN_VALUE_LENGTH, |length| length as usize);
    let max = max.map_or(default::MAX_VALUE_LENGTH, |length| length as usize);
    if file.places.contains_key("updates.warn_value_length") && warn > max {
        let span = file.places["updates.warn_value_length"].clone();
        file.problems
            .error(span, "`updates.warn_value_length` is above `updates.max_value_length`")
            .help(format!(
                "values of more than {max} characters are refused, so none is warned of"
            ));
    }
    (warn, max)
}

fn allowed_keys(file: &mut File<'_>) -> Vec<String> {
    const KEY: &str = "updates.allowed_keys";
    let Some(globs) = file.texts(KEY) else {
        return vec![default::ALLOWED_KEYS.to_owned()];
    };
    if globs.is_empty() {
        let span = file.places.get(KEY).cloned().unwrap_or_default();
        file.problems
            .error(span, "an empty `allowed_keys` would let no rule write anything")
            .help("write `allowed_keys = [\"*\"]` or a narrower list, or `dry_run = true`");
    }
    for glob in &globs {
        if let Err(error) = globset::Glob::new(&glob.value) {
            let message = format!("`{}` is not a glob: {}", glob.value, error.kind());
            file.problems.error(glob.span.clone(), message).help("such as `cc.*` or `crm.tier`");
        }
    }
    globs.into_iter().map(|glob| glob.value).collect()
}
