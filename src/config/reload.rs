//! What of a changed configuration a running service can take over. Pure.

use super::Config;
use super::entries::entries;

/// What is applied by a reload; all else waits for a restart. Sockets, budget, journal and
/// credentials stay as they are, so that a reload can never cost an event or an update.
const RELOADABLE: [&str; 16] = [
    "rules",
    "watch.users",
    "watch.members_of_queues",
    "watch.members_of_groups",
    "watch.all_users",
    "watch.queues",
    "watch.acd_only",
    "watch.refresh",
    "updates.dry_run",
    "updates.allowed_keys",
    "updates.max_age",
    "updates.requests_per_month",
    "updates.drain",
    "reload.max_writes",
    "reload.max_shrink",
    "log.level",
];

/// The keys that have changed and that a reload cannot apply, in the order of the reference. A new
/// source for the secret counts, a new secret in the same file does not.
pub fn changes_needing_restart(before: &Config, after: &Config) -> Vec<&'static str> {
    let pairs = entries(before).into_iter().zip(entries(after));
    let changed = pairs.filter(|(before, after)| before != after).map(|((key, _), _)| key);
    changed.filter(|key| !RELOADABLE.contains(key)).collect()
}
