//! What of the configuration the updates go by; all of it can change while they run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config;

/// The operator's fence: says of a key whether it may be written.
pub type AllowedKeys = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// See [`config::Updates`] and [`config::State`] for what each means.
#[derive(Clone)]
pub struct Settings {
    /// A write carries all attributes and may undo what others wrote, as in the put dialect.
    pub whole_maps: bool,
    pub workers: usize,
    pub max_age: Duration,
    /// Values outlive this neither on disk nor waiting.
    pub keep: Duration,
    pub max_pending: usize,
    pub allowed_keys: AllowedKeys,
    pub dry_run: bool,
    pub drain: Duration,
    pub confirm_after: Duration,
    pub merge_window: Duration,
    pub after_end: Duration,
    /// 0 turns the guard over keys off.
    pub fight_key_writes: usize,
    /// 0 turns the guard over conversations off.
    pub fight_conversation_writes: usize,
    pub fight_window: Duration,
    /// In characters.
    pub max_value_length: usize,
}

impl Settings {
    pub fn new(config: &config::Config, allowed_keys: AllowedKeys) -> Settings {
        let config::Config { genesys, updates, state, .. } = config;
        Settings {
            whole_maps: genesys.dialect == config::Dialect::Put,
            workers: updates.workers,
            max_age: updates.max_age,
            keep: state.keep,
            max_pending: updates.max_pending,
            allowed_keys,
            dry_run: updates.dry_run,
            drain: updates.drain,
            confirm_after: updates.confirm_after,
            merge_window: updates.merge_window,
            after_end: updates.after_end,
            fight_key_writes: updates.fight_key_writes,
            fight_conversation_writes: updates.fight_conversation_writes,
            fight_window: updates.fight_window,
            max_value_length: updates.max_value_length,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("workers", &self.workers)
            .field("max_age", &self.max_age)
            .field("max_pending", &self.max_pending)
            .field("dry_run", &self.dry_run)
            .field("drain", &self.drain)
            .field("confirm_after", &self.confirm_after)
            .field("merge_window", &self.merge_window)
            .field("after_end", &self.after_end)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Settings {
    /// The documented defaults, every key allowed.
    pub(crate) fn for_tests() -> Settings {
        use crate::config::default;
        Settings {
            whole_maps: false,
            workers: default::WORKERS,
            max_age: default::MAX_AGE,
            keep: default::KEEP,
            max_pending: default::MAX_PENDING,
            allowed_keys: Arc::new(|key| !key.starts_with("forbidden")),
            dry_run: false,
            drain: default::DRAIN,
            confirm_after: default::CONFIRM_AFTER,
            merge_window: default::MERGE_WINDOW,
            after_end: default::AFTER_END,
            fight_key_writes: default::FIGHT_KEY_WRITES,
            fight_conversation_writes: default::FIGHT_CONVERSATION_WRITES,
            fight_window: default::FIGHT_WINDOW,
            max_value_length: default::MAX_VALUE_LENGTH,
        }
    }
}
