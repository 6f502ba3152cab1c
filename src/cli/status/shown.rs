//! The status in words: whether all is well, or else whether attributes are being written and what
//! is worst; then each part in a line or few. Pure.
//!
//! What it says of each part is what the checks say; the rest are numbers. Names of rules and
//! reasons may come from anybody: they are shown with what a terminal would obey escaped.

use super::span::{ago, span};
use crate::cli::paint::{Paint, padded};
use crate::cli::print::plain;
use crate::status::counted::counted;
use crate::status::overview::{Check, Overview, Rule, Stage, State, StatusNow};

/// Rules that are listed: those with trouble first, then those that held most.
const MAX_RULES: usize = 10;
/// Channels that are listed: there are 20 for a client at most.
const MAX_CHANNELS: usize = 20;
/// As wide as the longest name of a check.
const NAME: usize = 13;

pub(super) fn lines(now: &StatusNow, paint: Paint) -> Vec<String> {
    let StatusNow { well, ready, verdict, sentence, checks, overview } = now;
    let sentence = plain(sentence);
    let mut lines = match (well, ready) {
        (true, _) => vec![paint.green(sentence)],
        (false, true) => vec![paint.yellow(verdict.words.clone()), paint.yellow(sentence)],
        (false, false) => vec![paint.red(verdict.words.clone()), paint.red(sentence)],
    };
    lines.push(paint.dim(about(overview)));
    lines.push(String::new());
    for check in checks {
        lines.push(line(check, paint));
        let details = match &*check.name {
            "token" => tokens(overview),
            "sockets" => channels(overview),
            "gaps" => gaps(overview),
            "rules" => rules(overview),
            "configuration" => vec![configuration(overview)],
            "budget" => budget(overview),
            "outbox" => vec![outbox(overview)],
            "journal" => vec![journal(overview)],
            "writing" => vec![flow(overview)],
            _ => Vec::new(),
        };
        lines.extend(details.iter().map(|line| paint.dim(format!("{:NAME$}    {line}", ""))));
    }
    lines
}

/// A check, and what to do where it is not good.
fn line(check: &Check, paint: Paint) -> String {
    let Check { name, state, reason, help } = check;
    let name = padded(name, NAME);
    match state {
        State::Good => format!("{} {name}  {}", paint.green("✓"), plain(reason)),
        State::Warning => {
            format!(
                "{} {name}  {}; {}",
                paint.yellow("!"),
                paint.yellow(plain(reason)),
                plain(help)
            )
        }
        State::Failed => {
            format!("{} {name}  {}; {}", paint.red("✗"), paint.red(plain(reason)), plain(help))
        }
    }
}

fn about(overview: &Overview) -> String {
    let stage = match overview.stage {
        Stage::LoggingIn => "getting its first token",
        Stage::Asking => "asking whom to watch",
        Stage::Subscribing => "subscribing",
        Stage::Working => "working",
        Stage::Stopping => "stopping",
    };
    let up = span(overview.at - overview.started_at);
    format!("attributed {}, started {up} ago, {stage}", plain(&overview.version))
}

fn tokens(overview: &Overview) -> Vec<String> {
    let each = overview.accounts.iter().map(|account| match account.token_expires_at {
        Some(ends) => format!("{}: ends in {}", plain(&account.client), span(ends - overview.at)),
        None => format!("{}: none", plain(&account.client)),
    });
    each.collect()
}

fn budget(overview: &Overview) -> Vec<String> {
    let each = overview.accounts.iter().map(|account| {
        let ends = account
            .window_ends_in
            .map_or_else(String::new, |ends| format!(", the window ends in {ends:.0} s"));
        format!(
            "{}: {} of {} used, {} of them by others{ends}",
            plain(&account.client),
            account.used,
            account.allowed,
            account.foreign
        )
    });
    each.collect()
}

fn channels(overview: &Overview) -> Vec<String> {
    let at = overview.at;
    let each = overview.channels.each.iter().take(MAX_CHANNELS).map(|channel| {
        let is = if channel.connected { "connected" } else { "NOT CONNECTED, was" };
        format!(
            "channel {}: {is} {}, {}, last frame {}, heartbeat {}",
            channel.number,
            ago(at, channel.connected_at),
            counted(channel.topics, "topic"),
            ago(at, channel.last_frame_at),
            ago(at, channel.last_heartbeat_at)
        )
    });
    each.collect()
}

fn gaps(overview: &Overview) -> Vec<String> {
    let oldest = overview.gaps.oldest_since;
    oldest
        .map(|since| format!("the oldest began {}", ago(overview.at, Some(since))))
        .into_iter()
        .collect()
}

fn configuration(overview: &Overview) -> String {
    let of = &overview.configuration;
    format!("loaded {} ({})", ago(overview.at, Some(of.loaded_at)), plain(&of.hash))
}

fn outbox(overview: &Overview) -> String {
    let updates = &overview.updates;
    let oldest = match updates.oldest_at {
        Some(then) if updates.waiting > 0 => {
            format!(", the oldest wished {}", ago(overview.at, Some(then)))
        }
        _ => String::new(),
    };
    format!(
        "{} under way, {:.0} s to empty, room for {}{oldest}",
        updates.in_flight, updates.seconds_to_empty, updates.capacity
    )
}

fn journal(overview: &Overview) -> String {
    let of = &overview.journal;
    #[expect(clippy::cast_precision_loss, reason = "a number of commits is below 2^52")]
    let mean = if of.commits.count == 0 { 0.0 } else { of.commits.sum / of.commits.count as f64 };
    format!("{} rows in {} commits, {:.1} ms each", of.rows, of.commits.count, mean * 1000.0)
}

fn flow(overview: &Overview) -> String {
    let flow = &overview.flow;
    format!(
        "{} frames → {} snapshots → {} matches → {} keys wished → {} written, {} failed; {} requests",
        flow.frames,
        flow.snapshots,
        flow.matches,
        flow.wished,
        flow.written,
        flow.failed,
        flow.requests
    )
}

fn rules(overview: &Overview) -> Vec<String> {
    let loaded = ago(overview.at, Some(overview.rules.loaded_at));
    let mut lines = vec![format!("loaded {loaded}")];
    let each = &overview.rules.each;
    let mut order: Vec<&Rule> = each.iter().collect();
    order.sort_by_key(|rule| std::cmp::Reverse((rule.errors + rule.failed, rule.matches)));
    let width = order.iter().take(MAX_RULES).map(|rule| plain(&rule.name).chars().count()).max();
    for rule in order.iter().take(MAX_RULES) {
        let name = padded(&plain(&rule.name), width.unwrap_or(0));
        let dry = if rule.dry_run { ", dry run" } else { "" };
        lines.push(format!(
            "{name}  {} matches, {} written, {} failed, {} errors, last held {}{dry}",
            rule.matches,
            rule.written,
            rule.failed,
            rule.errors,
            ago(overview.at, rule.last_match_at)
        ));
    }
    if each.len() > MAX_RULES {
        lines.push(format!("and {} more", each.len() - MAX_RULES));
    }
    lines
}
