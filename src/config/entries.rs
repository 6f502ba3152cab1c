//! A configuration as a list of keys and values, in the order of the reference.
//!
//! What shows a configuration and what compares two both go by this list, so a key that is added to
//! [`Config`] does not compile until it is here.

use std::time::Duration;

use super::{
    Channels, Client, Config, Genesys, Log, Monitoring, Network, Recovery, Reload, SecretSource,
    State, Updates, Watch, address,
};

/// One value, free of what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Text(String),
    Texts(Vec<String>),
    Number(u64),
    Flag(bool),
    /// In thousandths.
    Share(u32),
    Time(Duration),
    /// A list of tables, each with its own keys.
    Tables(Vec<Entries>),
    /// Not set, and without a default.
    Absent,
}

pub(super) type Entries = Vec<(&'static str, Shown)>;

pub(super) fn entries(config: &Config) -> Entries {
    let Config {
        file: _,
        rules,
        genesys,
        watch,
        channels,
        updates,
        reload,
        network,
        recovery,
        state,
        monitoring,
        log,
    } = config;
    let mut entries = vec![("rules", path(rules))];
    entries.extend(of_genesys(genesys, updates));
    entries.extend(of_watch(watch));
    entries.extend(of_channels(channels));
    entries.extend(of_updates(updates));
    let Reload { max_writes, max_shrink } = reload;
    entries.extend([
        ("reload.max_writes", number(*max_writes)),
        ("reload.max_shrink", Shown::Share(*max_shrink)),
    ]);
    entries.extend(of_network(network));
    let Recovery { lookback, index_lag } = recovery;
    entries.extend([
        ("recovery.lookback", Shown::Time(*lookback)),
        ("recovery.index_lag", Shown::Time(*index_lag)),
    ]);
    let State { dir, keep, story } = state;
    entries.extend([
        ("state.dir", path(dir)),
        ("state.keep", Shown::Time(*keep)),
        ("state.story", Shown::Time(*story)),
    ]);
    let Monitoring { listen, token_file, rule_series, control } = monitoring;
    let listen = listen.as_ref().map(ToString::to_string).unwrap_or_default();
    entries.extend([
        ("monitoring.listen", Shown::Text(listen)),
        ("monitoring.token_file", token_file.as_deref().map_or(Shown::Absent, path)),
        ("monitoring.rule_series", number(*rule_series)),
        ("monitoring.control", path(control)),
    ]);
    let Log { format, level } = log;
    entries.extend([("log.format", text(format.word())), ("log.level", text(level.word()))]);
    entries
}

fn of_genesys(genesys: &Genesys, updates: &Updates) -> Entries {
    let Genesys { domain, login_url, api_url, clients, organization, dialect } = genesys;
    // The one that stands in the section itself.
    let (single, several) = match &clients[..] {
        [single @ Client { name: None, .. }] => (Some(single), Vec::new()),
        several => (None, several.iter().map(|client| of_client(client, updates)).collect()),
    };
    let secret_file = single.and_then(|client| match &client.secret {
        SecretSource::File(file) => Some(path(file)),
        SecretSource::Environment(_) | SecretSource::Credential(_) => None,
    });
    // With both addresses told there need be no region; then the host stands for it in messages.
    let region = (*domain != address::authority(api_url)).then_some(domain.as_str());
    vec![
        ("genesys.region", maybe(region)),
        ("genesys.login_url", text(login_url)),
        ("genesys.api_url", text(api_url)),
        ("genesys.client_id", maybe(single.map(|client| client.id.as_str()))),
        ("genesys.client_secret_file", secret_file.unwrap_or(Shown::Absent)),
        ("genesys.organization", maybe(organization.as_deref())),
        ("genesys.dialect", text(dialect.word())),
        // Last, as TOML wants it.
        ("genesys.client", Shown::Tables(several)),
    ]
}

fn of_client(client: &Client, updates: &Updates) -> Entries {
    let Client { name, id, secret, requests_per_minute } = client;
    let secret = match secret {
        SecretSource::File(file) => ("client_secret_file", path(file)),
        SecretSource::Credential(name) => ("client_secret_credential", text(name)),
        SecretSource::Environment(name) => ("client_secret_env", text(name)),
    };
    let budget = requests_per_minute.unwrap_or(updates.requests_per_minute);
    vec![
        ("client_id", text(id)),
        ("name", maybe(name.as_deref())),
        secret,
        ("requests_per_minute", Shown::Number(budget.get().into())),
    ]
}

fn of_watch(watch: &Watch) -> Entries {
    let Watch { users, members_of_queues, members_of_groups, all_users, queues, acd_only, refresh } =
        watch;
    vec![
        ("watch.users", Shown::Texts(users.clone())),
        ("watch.members_of_queues", Shown::Texts(members_of_queues.clone())),
        ("watch.members_of_groups", Shown::Texts(members_of_groups.clone())),
        ("watch.all_users", Shown::Flag(*all_users)),
        ("watch.queues", Shown::Texts(queues.clone())),
        ("watch.acd_only", Shown::Flag(*acd_only)),
        ("watch.refresh", Shown::Time(*refresh)),
    ]
}

fn of_channels(channels: &Channels) -> Entries {
    let Channels { copies, max, ping_after, dead_after } = channels;
    vec![
        ("channels.copies", number(*copies)),
        ("channels.max", number(*max)),
        ("channels.ping_after", Shown::Time(*ping_after)),
        ("channels.dead_after", Shown::Time(*dead_after)),
    ]
}

fn of_updates(updates: &Updates) -> Entries {
    let Updates {
        workers,
        requests_per_second,
        requests_per_minute,
        requests_per_month,
        max_age,
        max_pending,
        allowed_keys,
        dry_run,
        drain,
        confirm_after,
        merge_window,
        after_end,
        fight_key_writes,
        fight_conversation_writes,
        fight_window,
        warn_value_length,
        max_value_length,
    } = updates;
    vec![
        ("updates.workers", number(*workers)),
        ("updates.requests_per_second", Shown::Number(requests_per_second.get().into())),
        ("updates.requests_per_minute", Shown::Number(requests_per_minute.get().into())),
        (
            "updates.requests_per_month",
            requests_per_month.map_or(Shown::Absent, |number| Shown::Number(number.get().into())),
        ),
        ("updates.max_age", Shown::Time(*max_age)),
        ("updates.max_pending", number(*max_pending)),
        ("updates.allowed_keys", Shown::Texts(allowed_keys.clone())),
        ("updates.dry_run", Shown::Flag(*dry_run)),
        ("updates.drain", Shown::Time(*drain)),
        ("updates.confirm_after", Shown::Time(*confirm_after)),
        ("updates.merge_window", Shown::Time(*merge_window)),
        ("updates.after_end", Shown::Time(*after_end)),
        ("updates.fight_key_writes", number(*fight_key_writes)),
        ("updates.fight_conversation_writes", number(*fight_conversation_writes)),
        ("updates.fight_window", Shown::Time(*fight_window)),
        ("updates.warn_value_length", number(*warn_value_length)),
        ("updates.max_value_length", number(*max_value_length)),
    ]
}

fn of_network(network: &Network) -> Entries {
    let Network { proxy, no_proxy, proxy_credentials_file, ca_file } = network;
    vec![
        ("network.proxy", maybe(proxy.as_deref())),
        ("network.no_proxy", maybe(no_proxy.as_deref())),
        (
            "network.proxy_credentials_file",
            proxy_credentials_file.as_deref().map_or(Shown::Absent, path),
        ),
        ("network.ca_file", ca_file.as_deref().map_or(Shown::Absent, path)),
    ]
}

fn text(text: &str) -> Shown {
    Shown::Text(text.to_owned())
}

fn maybe(text: Option<&str>) -> Shown {
    text.map_or(Shown::Absent, |text| Shown::Text(text.to_owned()))
}

fn path(path: &std::path::Path) -> Shown {
    Shown::Text(path.display().to_string())
}

fn number(number: usize) -> Shown {
    Shown::Number(number as u64)
}
