//! From the file as written to a [`Config`]: every problem is noted, every gap filled.
//!
//! Pure: the text and the environment are arguments. A value that is wrong is replaced by its
//! default, so that the checks that follow still have something to look at; such a [`Config`] never
//! leaves this folder.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::origin::Origins;
use super::problem::{Problem, Problems};
use super::raw::{File, Placed, Places};
use super::{
    Config, Environment, Listen, Log, LogFormat, LogLevel, Monitoring, Network, Recovery, State,
    Watch, account, address, default, limits,
};
use crate::genesys::names::looks_like_id;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What came out of one file.
pub(super) struct Checked<'t> {
    /// Only of use if `problems` has no errors.
    pub(super) config: Config,
    pub(super) problems: Problems<'t>,
    pub(super) origins: Origins,
    /// The places of the values that the file has.
    pub(super) places: Places,
    /// The same of each `[[genesys.client]]`.
    pub(super) places_of_clients: Vec<Places>,
}

/// Checks one file.
///
/// # Errors
///
/// If it is not TOML; every other problem is in the result.
pub(super) fn check<'t>(
    path: &'t Path,
    text: &'t str,
    environment: Environment<'_>,
) -> Result<Checked<'t>, Vec<Problem>> {
    let mut file = File::parse(path, text)?;
    let config = Config {
        file: path.to_owned(),
        rules: file.path("rules").unwrap_or_else(|| file.beside(default::RULES)),
        genesys: account::genesys(&mut file, environment),
        watch: watch(&mut file),
        channels: limits::channels(&mut file),
        updates: limits::updates(&mut file),
        reload: limits::reload(&mut file),
        network: network(&mut file),
        recovery: recovery(&mut file),
        state: state(&mut file),
        monitoring: monitoring(&mut file),
        log: log(&mut file),
    };
    file.note_unknown();
    let File { problems, origins, places, places_in_tables, .. } = file;
    Ok(Checked { config, problems, origins, places, places_of_clients: places_in_tables })
}

fn watch(file: &mut File<'_>) -> Watch {
    let errors_before = file.problems.errors();
    let users = file.texts("watch.users").unwrap_or_default();
    for user in &users {
        if !user.value.contains('@') && !looks_like_id(&user.value) {
            let message = format!("`{}` is neither an e-mail address nor an id", user.value);
            file.problems
                .error(user.span.clone(), message)
                .help("users are named by what is unique: `jane@example.com`, or the user's id");
        }
    }
    let names = |texts: Option<Vec<Placed<String>>>| {
        texts.unwrap_or_default().into_iter().map(|text| text.value).collect::<Vec<String>>()
    };
    let refresh = file.duration(
        "watch.refresh",
        Duration::from_secs(1)..=DAY,
        "each refresh reads the directory through the same budget; joiners wait so long",
    );
    let watch = Watch {
        users: names(Some(users)),
        members_of_queues: names(file.texts("watch.members_of_queues")),
        members_of_groups: names(file.texts("watch.members_of_groups")),
        all_users: file.flag("watch.all_users").unwrap_or(false),
        queues: names(file.texts("watch.queues")),
        acd_only: file.flag("watch.acd_only").unwrap_or(false),
        refresh: refresh.unwrap_or(default::REFRESH),
    };
    let lists = [&watch.users, &watch.members_of_queues, &watch.members_of_groups, &watch.queues];
    let nothing = !watch.all_users && lists.iter().all(|list| list.is_empty());
    // A list that could not be read has its own problem.
    if nothing && file.problems.errors() == errors_before {
        file.problems.error_of_file("there is nothing to watch").help(
            "write below `[watch]` for example `users = [\"jane@example.com\"]`, \
             `members_of_queues = [\"Billing\"]`, `queues = [\"Billing\"]` or `all_users = true`",
        );
    }
    watch
}

fn network(file: &mut File<'_>) -> Network {
    let proxy = file.word("network.proxy").and_then(|Placed { value, span }| {
        let checked = address::proxy_url(&value);
        checked
            .map_err(|error| {
                file.problems.error(span, format!("`network.proxy`: {error}"));
            })
            .ok()
    });
    let credentials = file.path("network.proxy_credentials_file");
    if credentials.is_some() && !file.places.contains_key("network.proxy") {
        let span = file.places.get("network.proxy_credentials_file").cloned().unwrap_or_default();
        file.problems
            .error(
                span,
                "`network.proxy_credentials_file` is for `network.proxy`, which is not set",
            )
            .help("write `proxy = \"http://host:port\"` beside it");
    }
    Network {
        proxy,
        no_proxy: file.text("network.no_proxy").map(|text| text.value),
        proxy_credentials_file: credentials,
        ca_file: file.path("network.ca_file"),
    }
}

fn recovery(file: &mut File<'_>) -> Recovery {
    let lookback = file.duration(
        "recovery.lookback",
        HOUR..=365 * DAY,
        "each 31 days are a query of their own, for each hundred users",
    );
    let index_lag = file.duration(
        "recovery.index_lag",
        Duration::from_secs(1)..=DAY,
        "the details query does not know the last moments yet, and is asked once more after them",
    );
    Recovery {
        lookback: lookback.unwrap_or(default::LOOKBACK),
        index_lag: index_lag.unwrap_or(default::INDEX_LAG),
    }
}

fn state(file: &mut File<'_>) -> State {
    let keep = file.duration(
        "state.keep",
        HOUR..=365 * DAY,
        "what is kept holds attribute values: an hour at least to look at it, a year at most",
    );
    let story = file.duration(
        "state.story",
        Duration::ZERO..=30 * DAY,
        "`0s` keeps none; of a busy service 256 MiB of it are kept at most, which may be less than a day",
    );
    State {
        dir: file.path("state.dir").unwrap_or_else(|| PathBuf::from(default::STATE_DIR)),
        keep: keep.unwrap_or(default::KEEP),
        story: story.unwrap_or(default::STORY),
    }
}

fn monitoring(file: &mut File<'_>) -> Monitoring {
    let written = file.text("monitoring.listen");
    let (text, span) = match written {
        Some(Placed { value, span }) => (value, span),
        None => (default::LISTEN.to_owned(), 0..0),
    };
    let token_file = file.path("monitoring.token_file");
    let listen = listen(file, &text, span, token_file.is_some());
    let rule_series = file.number(
        "monitoring.rule_series",
        0..=10_000,
        "each rule makes five series, which Prometheus keeps for weeks",
    );
    let control = file.path("monitoring.control");
    Monitoring {
        listen,
        token_file,
        rule_series: rule_series.unwrap_or(default::RULE_SERIES) as usize,
        control: control.unwrap_or_else(|| PathBuf::from(default::CONTROL)),
    }
}

fn listen(file: &mut File<'_>, text: &str, span: Range<usize>, token: bool) -> Option<Listen> {
    if text.is_empty() {
        return None;
    }
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Some(Listen::Unix(file.beside(path)));
    }
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("`{text}` is not an IP address with a port");
        file.problems.error(span, message).help(
            "write for example `127.0.0.1:9480`, `unix:/run/attributed/http.sock`, or \"\" to turn it off",
        );
        return None;
    };
    if !address.ip().is_loopback() && !token {
        let message = format!(
            "`{text}` can be reached from other machines, and nobody is asked who they are"
        );
        file.problems.error(span, message).help(
            "set `monitoring.token_file` to a file with a bearer token, or listen on `127.0.0.1` or on `unix:/…`",
        );
    }
    Some(Listen::Tcp(address))
}

fn log(file: &mut File<'_>) -> Log {
    Log {
        format: file.choice("log.format", &LogFormat::WORDS).unwrap_or(LogFormat::Auto),
        level: file.choice("log.level", &LogLevel::WORDS).unwrap_or(LogLevel::Info),
    }
}
