//! What is used where the file is silent, and why that value.
//!
//! `systemd/attributed.toml` shows these same values, and a test holds it to that.

use std::num::NonZeroU32;
use std::time::Duration;

/// Where a command looks for the configuration when it is not told.
pub const FILES: [&str; 2] = ["./attributed.toml", "/etc/attributed/attributed.toml"];
pub const RULES: &str = "rules.toml";

/// Joiners and leavers are an hourly matter at most; ten minutes cost 144 rounds of paging a day.
pub const REFRESH: Duration = Duration::from_secs(600);

pub const COPIES: usize = 1;
/// Genesys' limit for a user and app (FACTS 1.5); a 21st evicts somebody.
pub const MAX_CHANNELS: usize = 20;
/// Half of the server's heartbeat of 30 s (FACTS 2.2).
pub const PING_AFTER: Duration = Duration::from_secs(15);
/// The heartbeat, a ping unanswered, and a margin (FACTS 2.2: 35 s leaves little).
pub const DEAD_AFTER: Duration = Duration::from_secs(40);

/// What a burst of [`REQUESTS_PER_SECOND`] needs where an answer takes 800 ms; fewer, and not the
/// budget but the way would be the limit (`cargo bench --bench budget`).
pub const WORKERS: usize = 16;
/// The tutorial's figure; a burst, not the account's limit.
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// `client.credentials.token.rate.per.minute` (FACTS 3.1).
pub const REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(300).unwrap();
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// About 100 MiB at a few attributes each.
pub const MAX_PENDING: usize = 100_000;
pub const ALLOWED_KEYS: &str = "*";
/// Below systemd's 90 s until SIGKILL, with time to say goodbye to the channels.
pub const DRAIN: Duration = Duration::from_secs(45);
pub const CONFIRM_AFTER: Duration = Duration::from_secs(30);
/// The snapshots of one change come within milliseconds of each other, one for each topic.
pub const MERGE_WINDOW: Duration = Duration::from_millis(50);
pub const AFTER_END: Duration = Duration::from_secs(30);
pub const FIGHT_KEY_WRITES: usize = 5;
pub const FIGHT_CONVERSATION_WRITES: usize = 50;
pub const FIGHT_WINDOW: Duration = Duration::from_secs(600);
/// What bot flows allow (FACTS 3.3); this API's limit is not known.
pub const WARN_VALUE_LENGTH: usize = 256;
/// Well inside the 512,000 bytes of a request (FACTS 3.1), the only bound that is known.
pub const MAX_VALUE_LENGTH: usize = 32_000;

/// A slice of the details query; longer than nearly all conversations live.
pub const LOOKBACK: Duration = Duration::from_secs(31 * 24 * 3600);
/// How far the analytics index lags is not documented (FACTS 5); a minute costs nothing but a query.
pub const INDEX_LAG: Duration = Duration::from_secs(60);
/// Ten minutes of the default budget, one request each.
pub const RELOAD_MAX_WRITES: usize = 3_000;
/// In thousandths. A third less is rather an export that was cut off than a week's work.
pub const RELOAD_MAX_SHRINK: u32 = 300;

pub const STATE_DIR: &str = "/var/lib/attributed";
pub const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);
/// The night, and the day before: who is woken asks about the last hours.
pub const STORY: Duration = Duration::from_secs(24 * 3600);
pub const LISTEN: &str = "127.0.0.1:9480";
/// Five series each: a scrape of some 300 KB. Most organisations have some dozens of rules.
pub const RULE_SERIES: u32 = 500;
pub const CONTROL: &str = "/run/attributed/control.sock";
