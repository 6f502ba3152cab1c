//! Who may ask: whoever can connect, or only who knows the token.
//!
//! Without a token file the listener is on loopback or a Unix socket (the configuration refuses
//! anything else), and asking is left to who is on this machine. A page in somebody's browser is
//! not: a request whose `Host` is not this machine's own name is refused, so that no name that
//! suddenly points to 127.0.0.1 can read what is told here. With a token file each request must
//! carry what is in it. Only its digest is kept; the file is read again when it has changed.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::machine;

/// Nobody guesses sixteen characters over a network.
const SHORTEST: usize = 16;
/// A token is no document.
const LONGEST: u64 = 4096;

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token file {path} cannot be read: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error("everybody on this machine can read the token file {0}; chmod 0400 it")]
    Open(String),
    #[error(
        "the token file {0} must hold one line of at least {SHORTEST} characters, letters, digits and -._~+/="
    )]
    Unusable(String),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Access {
    token: Option<Token>,
    /// Connections come over a network, if only that within this machine.
    is_tcp: bool,
}

#[derive(Debug)]
struct Token {
    path: PathBuf,
    known: Mutex<Known>,
}

type Hash = [u8; 32];

/// Of the file as it was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    version: (u64, i64, i64, u64),
    hash: Hash,
}

impl Access {
    /// # Errors
    ///
    /// If there is a token file that cannot be used.
    pub fn new(token_file: Option<&Path>, is_tcp: bool) -> Result<Access, TokenError> {
        let token = token_file.map(|path| {
            let known = Mutex::new(read(path)?);
            Ok(Token { path: path.to_owned(), known })
        });
        Ok(Access { token: token.transpose()?, is_tcp })
    }

    /// Says whether a request with these headers is answered.
    ///
    /// # Errors
    ///
    /// With which status it is refused, and why.
    pub(super) async fn check(
        &self,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, &'static str)> {
        let Some(token) = &self.token else { return self.check_host(headers) };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(bearer).ok_or((
            StatusCode::UNAUTHORIZED,
            "a bearer token is needed: the one of monitoring.token_file",
        ))?;
        // Of digests it tells nothing how far they agree.
        let given: Hash = Sha256::digest(given.as_bytes()).into();
        if given == token.hash().await {
            return Ok(());
        }
        Err((StatusCode::UNAUTHORIZED, "this is not the token of monitoring.token_file"))
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let Some(host) = headers.get(header::HOST).filter(|_| self.is_tcp) else { return Ok(()) };
        if host.to_str().is_ok_and(is_this_machine) {
            return Ok(());
        }
        Err((
            StatusCode::MISDIRECTED_REQUEST,
            "ask by 127.0.0.1 or localhost, or set monitoring.token_file",
        ))
    }
}

impl Token {
    /// Of the file as it is now; of what it was where it cannot be used.
    async fn hash(&self) -> Hash {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.clone();
        let newer = machine::blocking(move || {
            let found = fs::metadata(&path).map(|found| version(&found));
            if found.is_ok_and(|found| found == known.version) { Ok(known) } else { read(&path) }
        });
        match newer.await {
            Ok(Ok(newer)) => {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = newer;
                newer.hash
            }
            Ok(Err(error)) => {
                warn!(%error, "the token of the monitoring listener stays as it was");
                known.hash
            }
            Err(_) => known.hash,
        }
    }
}

fn read(path: &Path) -> Result<Known, TokenError> {
    let name = path.display().to_string();
    let unreadable = |error| TokenError::Unreadable { path: path.display().to_string(), error };
    let found = fs::metadata(path).map_err(unreadable)?;
    if machine::is_everybodys(&found) {
        return Err(TokenError::Open(name));
    }
    if found.len() > LONGEST {
        return Err(TokenError::Unusable(name));
    }
    let text = Zeroizing::new(fs::read(path).map_err(unreadable)?);
    let token = text.trim_ascii();
    if token.len() < SHORTEST || !token.iter().all(|byte| is_of_token(*byte)) {
        return Err(TokenError::Unusable(name));
    }
    Ok(Known { version: version(&found), hash: Sha256::digest(token).into() })
}

/// RFC 6750, section 2.1.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

fn version(found: &fs::Metadata) -> (u64, i64, i64, u64) {
    (found.ino(), found.mtime(), found.mtime_nsec(), found.len())
}

/// The scheme's name is written in any case (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    let is_loopback = |address: IpAddr| address.is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[tokio::test]
    async fn without_a_token_only_this_machines_own_names_are_answered() {
        let access = Access::new(None, true).unwrap();
        for (host, answered) in [
            ("127.0.0.1:9480", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("[::1]:9480", true),
            ("127.9.9.9", true),
            ("rebound.example.com", false),
            ("localhost.example.com:9480", false),
            ("10.0.0.1", false),
            ("user@localhost:1:2", false),
            ("", false),
        ] {
            let checked = access.check(&headers(header::HOST, host)).await;
            assert_eq!(checked.is_ok(), answered, "{host}");
        }
        assert!(access.check(&HeaderMap::new()).await.is_ok());
        let over_unix = Access::new(None, false).unwrap();
        assert!(over_unix.check(&headers(header::HOST, "whatever")).await.is_ok());
    }

    #[tokio::test]
    async fn with_a_token_only_who_knows_it_is_answered_also_after_it_was_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        write(&path, "first-token-0123456789\n", 0o400);
        let access = Access::new(Some(&path), true).unwrap();
        let asked = async |value: &str| {
            let mut headers = headers(header::AUTHORIZATION, value);
            headers.insert(header::HOST, "metrics.example.com".parse().unwrap());
            access.check(&headers).await.is_ok()
        };
        assert!(asked("Bearer first-token-0123456789").await);
        assert!(asked("bearer first-token-0123456789").await);
        for wrong in
            ["Bearer first-token-012345678", "Basic first-token-0123456789", "Bearer", "Bearer "]
        {
            assert!(!asked(wrong).await, "{wrong}");
        }
        assert!(access.check(&headers(header::HOST, "127.0.0.1")).await.is_err());
        write(&path, "second-token-0123456789", 0o400);
        assert!(asked("Bearer second-token-0123456789").await);
        assert!(!asked("Bearer first-token-0123456789").await);
        fs::remove_file(&path).unwrap();
        assert!(asked("Bearer second-token-0123456789").await, "it stays as it was");
    }

    #[test]
    fn a_file_that_is_open_or_holds_no_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let refused = |text: &str, mode: u32| {
            write(&path, text, mode);
            let error = Access::new(Some(&path), true).unwrap_err().to_string();
            assert!(!text.contains(char::is_alphanumeric) || !error.contains(text), "{error}");
            error
        };
        assert!(refused("a-good-token-0123456789", 0o444).contains("chmod 0400"));
        for text in ["", "short", "two lines of\nmore than sixteen", "späte-tokens-0123456789"] {
            assert!(refused(text, 0o400).contains("at least 16 characters"), "{text}");
        }
        assert!(Access::new(Some(&folder.path().join("none")), true).is_err());
    }

    fn write(path: &Path, text: &str, mode: u32) {
        let _not_there = fs::remove_file(path);
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
