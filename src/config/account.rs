//! Checks `[genesys]`: which organisation, and who we are to it.
//!
//! Pure: the environment is an argument, and whether files are there is looked at elsewhere
//! ([`load`](super::load)). Where the file is silent, Genesys' own variables count. Several clients
//! are read in [`clients`].

use std::path::Path;

use super::origin::Origin;
use super::raw::{File, Placed};
use super::{Client, Dialect, Environment, Genesys, SecretSource, address, clients};
use crate::config::problem::did_you_mean;
use crate::genesys::region;

pub(super) const REGION: &str = "GENESYSCLOUD_REGION";
pub(super) const CLIENT_ID: &str = "GENESYSCLOUD_OAUTHCLIENT_ID";
pub(super) const CLIENT_SECRET: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
/// Where systemd puts what `LoadCredential=` names.
pub const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// The secret's name in that folder.
pub(super) const CREDENTIAL: &str = "client-secret";

pub(super) fn genesys(file: &mut File<'_>, environment: Environment<'_>) -> Genesys {
    let dialect = file.choice("genesys.dialect", &Dialect::WORDS).unwrap_or(Dialect::Patch);
    let login_url = url(file, "genesys.login_url");
    let api_url = url(file, "genesys.api_url");
    let region = region(file, environment);
    let told = file.places.contains_key("genesys.login_url")
        && file.places.contains_key("genesys.api_url");
    let domain = match (region, &api_url) {
        (Region::Known(domain), _) => domain,
        (Region::Wrong, _) => String::new(),
        (Region::Silent, Some(api)) if told => address::authority(api),
        (Region::Silent, _) => {
            if !told {
                file.problems.error_of_file("`genesys.region` is missing").help(format!(
                    "write `region = \"mypurecloud.de\"` (yours) below `[genesys]`, or set \
                     {REGION}; known are: {}",
                    known_domains()
                ));
            }
            String::new()
        }
    };
    let login_url = login_url.unwrap_or_else(|| {
        file.origins.set("genesys.login_url", Origin::Region);
        format!("https://login.{domain}")
    });
    let api_url = api_url.unwrap_or_else(|| {
        file.origins.set("genesys.api_url", Origin::Region);
        format!("https://api.{domain}")
    });
    warn_of_put(file, dialect, &api_url);
    Genesys {
        clients: clients::several(file).unwrap_or_else(|| vec![single(file, environment)]),
        organization: file.word("genesys.organization").map(|name| name.value),
        domain,
        login_url,
        api_url,
        dialect,
    }
}

fn url(file: &mut File<'_>, key: &'static str) -> Option<String> {
    let Placed { value, span } = file.word(key)?;
    match address::base_url(&value) {
        Ok(url) => Some(url),
        Err(error) => {
            file.problems.error(span, format!("`{key}`: {error}"));
            None
        }
    }
}

enum Region {
    Known(String),
    /// It was reported.
    Wrong,
    Silent,
}

fn region(file: &mut File<'_>, environment: Environment<'_>) -> Region {
    if let Some(written) = file.word("genesys.region") {
        return match domain(&written.value) {
            Ok((domain, None)) => Region::Known(domain),
            Ok((domain, Some(doubt))) => {
                file.problems.warning(written.span, doubt).help(known_help());
                Region::Known(domain)
            }
            Err(message) => {
                file.problems.error(written.span, message).help(known_help());
                Region::Wrong
            }
        };
    }
    if file.places.contains_key("genesys.region") {
        return Region::Wrong;
    }
    let Some(named) = set(environment, REGION) else {
        return Region::Silent;
    };
    file.origins.set("genesys.region", Origin::Environment(REGION));
    match domain(&named) {
        Ok((domain, None)) => Region::Known(domain),
        Ok((domain, Some(doubt))) => {
            let warning =
                file.problems.warning_of_file(format!("{REGION} in the environment: {doubt}"));
            warning.help(known_help());
            Region::Known(domain)
        }
        Err(message) => {
            let error =
                file.problems.error_of_file(format!("{REGION} in the environment: {message}"));
            error.help(known_help());
            Region::Wrong
        }
    }
}

/// The domain that somebody means, with a doubt if it is not a known one.
fn domain(text: &str) -> Result<(String, Option<String>), String> {
    if let Some(domain) = region::known_domain(text) {
        return Ok((domain.to_owned(), None));
    }
    let known = region::REGIONS.iter().flat_map(|region| [region.domain, region.name]);
    // Somebody wrote a host: the longest domain in it is the one (`.com`, `.com.au`).
    let inside = region::REGIONS.iter().map(|region| region.domain).filter(|d| text.contains(d));
    let inside = inside.max_by_key(|domain| domain.len());
    let guess = match inside.or_else(|| did_you_mean(text, known)) {
        Some(word) => format!("; did you mean `{word}`?"),
        None => String::new(),
    };
    if region::looks_like_domain(text) {
        let doubt = format!("`{text}` is not a region known here, but may be one{guess}");
        return Ok((text.to_ascii_lowercase(), Some(doubt)));
    }
    Err(format!("`{text}` is neither a region nor the domain of one{guess}"))
}

fn known_help() -> String {
    format!("known are: {}", known_domains())
}

fn known_domains() -> String {
    region::REGIONS.map(|region| region.domain).join(", ")
}

/// The one client of `[genesys]` itself.
fn single(file: &mut File<'_>, environment: Environment<'_>) -> Client {
    Client {
        name: None,
        id: client_id(file, environment),
        secret: client_secret(file, environment),
        requests_per_minute: None,
    }
}

fn client_id(file: &mut File<'_>, environment: Environment<'_>) -> String {
    if let Some(id) = file.word("genesys.client_id") {
        return id.value;
    }
    if file.places.contains_key("genesys.client_id") {
        return String::new();
    }
    if let Some(id) = set(environment, CLIENT_ID) {
        file.origins.set("genesys.client_id", Origin::Environment(CLIENT_ID));
        return id;
    }
    file.problems.error_of_file("`genesys.client_id` is missing").help(format!(
        "write the id of an OAuth client of the grant type client credentials below `[genesys]`, \
         or set {CLIENT_ID}"
    ));
    String::new()
}

fn client_secret(file: &mut File<'_>, environment: Environment<'_>) -> SecretSource {
    const KEY: &str = "genesys.client_secret_file";
    no_secret(file, "genesys.client_secret");
    if let Some(path) = file.path(KEY) {
        return SecretSource::File(path);
    }
    if let Some(folder) = set(environment, CREDENTIALS) {
        file.origins.set(KEY, Origin::Credentials);
        return SecretSource::File(Path::new(&folder).join(CREDENTIAL));
    }
    if set(environment, CLIENT_SECRET).is_some() {
        file.origins.set(KEY, Origin::Environment(CLIENT_SECRET));
    } else if !file.places.contains_key(KEY) {
        file.problems.error_of_file("there is no client secret").help(format!(
            "name the file that holds it in `client_secret_file` below `[genesys]`, pass it on \
             with systemd's `LoadCredential={CREDENTIAL}:…`, or set {CLIENT_SECRET}"
        ));
    }
    SecretSource::Environment(CLIENT_SECRET.into())
}

/// Refuses a secret that is written into the file.
pub(super) fn no_secret(file: &mut File<'_>, key: &'static str) {
    file.forbidden(
        key,
        "a secret does not belong in this file, which is copied, shown and kept in archives",
        "write it to a file of its own (mode 0600), and that file's name to `client_secret_file`; \
         then change the secret, because it has been seen",
    );
}

fn warn_of_put(file: &mut File<'_>, dialect: Dialect, api_url: &str) {
    if dialect == Dialect::Patch || address::is_local(api_url) {
        return;
    }
    let span = file.places.get("genesys.dialect").cloned().unwrap_or_default();
    let message = "the dialect `put` replaces a participant's whole attribute map, and Genesys \
                   Cloud's public API does not have it";
    file.problems
        .warning(span, message)
        .help("write `dialect = \"patch\"`, unless a gateway of yours is at this address");
}

/// A variable that is set to something.
fn set(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.trim().is_empty())
}
