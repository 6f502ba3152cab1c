//! Addresses that people write: base URLs and proxies.
//!
//! Pure. Plain `http://` goes nowhere but to this machine, because the client's secret travels in
//! the first request.

use std::net::IpAddr;

use http::Uri;

/// Why an address is not accepted; the message says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("this is not an address: write for example `{example}`")]
    NotOne { example: &'static str },
    #[error("this is plain http, which is only for this machine: write https://")]
    Plain,
    #[error("user and password do not belong here{instead}")]
    Credentials { instead: &'static str },
    #[error("an address ends after host, port and path: leave out what follows `?`")]
    Query,
}

/// Checks a base URL; returns it without a trailing slash.
///
/// # Errors
///
/// If it is none, or is plain `http` to another machine.
pub(super) fn base_url(text: &str) -> Result<String, AddressError> {
    let example = "https://api.mypurecloud.de";
    let uri = parse(text, example)?;
    if has_credentials(&uri) {
        return Err(AddressError::Credentials { instead: "" });
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(AddressError::Query);
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_loopback(&uri) => {}
        Some("http") => return Err(AddressError::Plain),
        Some(_) | None => return Err(AddressError::NotOne { example }),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Checks a proxy's URL; returns it without a trailing slash.
///
/// # Errors
///
/// If it is no `http://host:port`. Requests and sockets both go through a tunnel (`CONNECT`), so
/// that the way to the proxy itself is plain http and their contents are not.
pub(super) fn proxy_url(text: &str) -> Result<String, AddressError> {
    let example = "http://proxy.example.com:3128";
    let uri = parse(text, example)?;
    if has_credentials(&uri) {
        let instead = ": write `user:password` to a file, and its name to `proxy_credentials_file`";
        return Err(AddressError::Credentials { instead });
    }
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
    if uri.scheme_str() != Some("http") || !bare {
        return Err(AddressError::NotOne { example });
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Host, and port if there is one, of a base URL that was accepted.
pub(super) fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

/// Returns true if and only if a base URL that was accepted is on this machine.
pub(super) fn is_local(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| is_loopback(&uri))
}

fn parse(text: &str, example: &'static str) -> Result<Uri, AddressError> {
    let uri: Uri = text.parse().map_err(|_| AddressError::NotOne { example })?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if has_host { Ok(uri) } else { Err(AddressError::NotOne { example }) }
}

fn has_credentials(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, good) in [
            ("https://api.mypurecloud.de/", true),
            ("https://gateway.example/genesys", true),
            ("http://127.0.0.1:8480", true),
            ("http://[::1]:8480", true),
            ("http://localhost:1", true),
            ("http://localhost.evil.example", false),
            ("http://api.mypurecloud.de", false),
            ("https://user:pass@host", false),
            ("https://host/?a=b", false),
            ("ftp://host", false),
            ("api.mypurecloud.de", false),
            ("https://", false),
            ("", false),
        ] {
            assert_eq!(base_url(text).is_ok(), good, "{text}");
        }
        assert_eq!(base_url("https://x.example/").unwrap(), "https://x.example");
        assert_eq!(authority("http://127.0.0.1:8480/x"), "127.0.0.1:8480");
        assert!(is_local("http://127.0.0.1:8480") && !is_local("https://x.example"));
    }

    #[test]
    fn proxies() {
        for (text, good) in [
            ("http://proxy:3128", true),
            ("http://proxy:3128/", true),
            ("https://proxy:3128", false),
            ("http://u:p@proxy:3128", false),
            ("proxy:3128", false),
            ("http://proxy/path", false),
        ] {
            assert_eq!(proxy_url(text).is_ok(), good, "{text}");
        }
    }
}
