//! Everything that can be configured, checked and ready to use.
//!
//! Reading goes in steps: [`load`] finds the file, [`raw`] mirrors it and keeps the place of each
//! value, [`check`] finds every problem and fills in the [`default`]s, and what comes out is a
//! [`Config`], free of TOML. The reference of all keys is `systemd/attributed.toml`.
//!
//! No secret is in a [`Config`]: it says where the secret is.

mod account;
mod address;
mod check;
mod clients;
pub mod default;
pub mod duration;
mod entries;
pub mod fence;
mod limits;
mod load;
pub mod origin;
pub mod problem;
mod raw;
mod reload;
mod secret_text;
mod show;

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub use account::CREDENTIALS;
pub use origin::{Origin, Origins};
use problem::Problem;
pub use reload::changes_needing_restart;

/// Looks up an environment variable.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A configuration that can be used, the warnings about it, and where its values come from.
pub type Loaded = (Config, Vec<Problem>, Origins);

/// The whole configuration. Paths are absolute or relative to the working directory, no longer to
/// the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    pub rules: PathBuf,
    pub genesys: Genesys,
    pub watch: Watch,
    pub channels: Channels,
    pub updates: Updates,
    pub reload: Reload,
    pub network: Network,
    pub recovery: Recovery,
    pub state: State,
    pub monitoring: Monitoring,
    pub log: Log,
}

/// `[genesys]`: the organisation, and who we are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesys {
    /// Such as `mypurecloud.de`; for messages.
    pub domain: String,
    /// Without a trailing slash.
    pub login_url: String,
    /// Without a trailing slash.
    pub api_url: String,
    /// At least one. The budget, the channels and the tokens are each client's own.
    pub clients: Vec<Client>,
    /// Name or id; another organisation's credentials are refused at start.
    pub organization: Option<String>,
    pub dialect: Dialect,
}

/// An OAuth client: `client_id` and its secret in `[genesys]`, or one of `[[genesys.client]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What logs and messages call it; `None` for the one of `[genesys]` itself, who needs no name.
    pub name: Option<String>,
    pub id: String,
    pub secret: SecretSource,
    /// Its budget where it is not `updates.requests_per_minute`.
    pub requests_per_minute: Option<NonZeroU32>,
}

/// Where the client secret comes from. It is read anew for every token request, so that a rotated
/// file works without a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    File(PathBuf),
    /// The name of the environment variable that holds it.
    Environment(Cow<'static, str>),
    /// The name of a file below `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl Config {
    /// Requests a minute that all clients have together, by the settings.
    pub fn requests_per_minute(&self) -> u32 {
        let general = self.updates.requests_per_minute;
        let own = |client: &Client| client.requests_per_minute.unwrap_or(general).get();
        self.genesys.clients.iter().map(own).fold(0, u32::saturating_add)
    }
}

/// Which of the two ways to write attributes (DESIGN 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `PATCH …/attributes` with the changed keys only.
    Patch,
    /// The tutorial's: fetch, merge, `PUT` the whole map.
    Put,
}

/// `[watch]`: whose conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// E-mail addresses or ids.
    pub users: Vec<String>,
    /// Names or ids.
    pub members_of_queues: Vec<String>,
    /// Names or ids.
    pub members_of_groups: Vec<String>,
    pub all_users: bool,
    /// Queue topics, names or ids.
    pub queues: Vec<String>,
    /// Conversations that no queue has seen are not looked at.
    pub acd_only: bool,
    pub refresh: Duration,
}

/// `[channels]`: the WebSockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Each topic on so many channels.
    pub copies: usize,
    pub max: usize,
    /// Silence after which we ask whether anybody is there.
    pub ping_after: Duration,
    /// Silence after which the socket is given up.
    pub dead_after: Duration,
}

/// `[updates]`: how attributes are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    pub workers: usize,
    pub requests_per_second: NonZeroU32,
    pub requests_per_minute: NonZeroU32,
    /// Once a month (UTC) has seen so many, nothing but tokens and channels is asked for until the
    /// next; `None` for any number.
    pub requests_per_month: Option<NonZeroU32>,
    pub max_age: Duration,
    /// Participants that may wait at the same time.
    pub max_pending: usize,
    /// Globs.
    pub allowed_keys: Vec<String>,
    pub dry_run: bool,
    /// How long a stop waits for what is in the outbox.
    pub drain: Duration,
    /// A 202 that no snapshot confirms for so long is read.
    pub confirm_after: Duration,
    /// How long an update waits for others to the same participant.
    pub merge_window: Duration,
    /// How long after a conversation's end its last wishes are still sent.
    pub after_end: Duration,
    /// Fight guard: writes of one key within `fight_window` before it rests.
    pub fight_key_writes: usize,
    /// Fight guard: writes of one conversation within `fight_window` before it rests.
    pub fight_conversation_writes: usize,
    pub fight_window: Duration,
    /// A value of more characters is warned of by `check`, and logged by its key.
    pub warn_value_length: usize,
    /// A value of more characters is refused: it becomes a dead letter.
    pub max_value_length: usize,
}

/// `[reload]`: what a reload may do without being asked twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// A reload that would write more on the conversations that are live waits for a confirmation.
    pub max_writes: usize,
    /// A list that loses a larger share of its rows waits for a confirmation. In thousandths.
    pub max_shrink: u32,
}

/// `[network]`: the way to Genesys Cloud, where the environment's is not the one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// `http://host:port`; without it `HTTPS_PROXY` and its relatives count.
    pub proxy: Option<String>,
    pub no_proxy: Option<String>,
    /// A file with `user:password`.
    pub proxy_credentials_file: Option<PathBuf>,
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// `[recovery]`: how what was missed is found again (SEMANTICS 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// A conversation that began longer ago is not looked for.
    pub lookback: Duration,
    /// How long after a gap the details query is asked once more, for what its index did not have.
    pub index_lag: Duration,
}

/// `[state]`: what is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub dir: PathBuf,
    /// How long anything that holds values is kept.
    pub keep: Duration,
    /// How long it is kept what happened to each attribute, without values; zero keeps nothing.
    pub story: Duration,
}

/// `[monitoring]`: where the daemon tells how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitoring {
    /// `None` turns it off.
    pub listen: Option<Listen>,
    /// Whoever asks there must know what is in this file.
    pub token_file: Option<PathBuf>,
    /// Rules that have metrics of their own; the others are counted together.
    pub rule_series: usize,
    pub control: PathBuf,
}

/// Where metrics, health and the status page are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    /// For its owner and group.
    Unix(PathBuf),
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Journald under systemd, text on a terminal, else JSON.
    Auto,
    Json,
    Text,
    Journald,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// As the file spells it.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Dialect {
    pub(crate) const WORDS: [(&str, Dialect); 2] =
        [("patch", Dialect::Patch), ("put", Dialect::Put)];

    /// As the file spells it.
    pub fn word(self) -> &'static str {
        match self {
            Dialect::Patch => "patch",
            Dialect::Put => "put",
        }
    }
}

impl Dialect {
    /// Requests that one write to a participant takes.
    pub fn requests_a_write(self) -> u64 {
        match self {
            Dialect::Patch => 1,
            // Fetch and replace.
            Dialect::Put => 2,
        }
    }
}

impl LogFormat {
    pub(crate) const WORDS: [(&str, LogFormat); 4] = [
        ("auto", LogFormat::Auto),
        ("json", LogFormat::Json),
        ("text", LogFormat::Text),
        ("journald", LogFormat::Journald),
    ];

    /// As the file spells it.
    pub fn word(self) -> &'static str {
        match self {
            LogFormat::Auto => "auto",
            LogFormat::Json => "json",
            LogFormat::Text => "text",
            LogFormat::Journald => "journald",
        }
    }
}

impl LogLevel {
    pub(crate) const WORDS: [(&str, LogLevel); 5] = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    /// As the file spells it.
    pub fn word(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

#[cfg(test)]
mod tests;
