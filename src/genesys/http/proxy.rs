//! The way out where one has to go through a proxy: the same rule for requests and for sockets.
//!
//! `[network]` counts, and where it is silent `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the
//! environment. Loopback never goes through a proxy, and nothing but loopback is spoken to without
//! TLS; so there is one proxy at most, asked to CONNECT. SOCKS, PAC files, NTLM and Kerberos are not
//! spoken.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::NetworkError;
use crate::config::Network;
use crate::genesys::outside::SendError;

/// What never goes through a proxy, whatever is configured.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
/// What a proxy may answer to CONNECT; it is a few lines.
const MAX_ANSWER: usize = 8192;

/// Which hosts are reached through the proxy, if there is one.
pub(super) struct Proxies {
    server: Option<Server>,
    /// The exceptions, loopback included.
    exceptions: String,
    matcher: Matcher,
}

/// The proxy.
pub(super) struct Server {
    /// `http://host:port/`, without credentials.
    uri: Uri,
    /// `Basic …`.
    credentials: Option<HeaderValue>,
}

impl Proxies {
    /// Reads the settings, and the environment by `variable`.
    ///
    /// # Errors
    ///
    /// If the proxy's address or its file of credentials cannot be used. No error holds either.
    pub(super) fn new(
        network: &Network,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Proxies, NetworkError> {
        let first = |names: &[&'static str]| {
            let mut set = names.iter().filter_map(|name| Some((*name, variable(name)?)));
            set.find(|(_, value)| !value.is_empty())
        };
        let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let address = match &network.proxy {
            Some(address) => Some(("network.proxy", address.clone())),
            None => first(&names),
        };
        let mut server = address.map(|(key, text)| Server::parse(key, &text)).transpose()?;
        if let (Some(server), Some(file)) = (&mut server, &network.proxy_credentials_file) {
            server.credentials = Some(read_credentials(file)?);
        }
        let environments = || first(&["NO_PROXY", "no_proxy"]).map(|(_, value)| value);
        let exceptions = match network.no_proxy.clone().or_else(environments) {
            Some(exceptions) => format!("{exceptions},{LOOPBACK}"),
            None => LOOPBACK.to_owned(),
        };
        let address = server.as_ref().map_or_else(String::new, |server| server.uri.to_string());
        let matcher = Matcher::builder().https(address).no(exceptions.clone()).build();
        Ok(Proxies { server, exceptions, matcher })
    }

    /// The proxy to ask for a TLS connection to this host.
    pub(super) fn to(&self, host: &str, port: u16) -> Option<&Server> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let uri: Uri = format!("https://{host}:{port}/").parse().ok()?;
        self.matcher.intercept(&uri)?;
        self.server.as_ref()
    }

    /// The same rule for requests; reqwest makes the same matcher of it.
    pub(super) fn for_requests(&self) -> Result<Option<reqwest::Proxy>, NetworkError> {
        let Some(server) = &self.server else { return Ok(None) };
        let proxy = reqwest::Proxy::https(server.uri.to_string())
            .map_err(|error| NetworkError::Platform { reason: error.without_url().to_string() })?
            .no_proxy(reqwest::NoProxy::from_string(&self.exceptions));
        Ok(Some(match &server.credentials {
            Some(credentials) => proxy.custom_http_auth(credentials.clone()),
            None => proxy,
        }))
    }

    /// Says what to do about a 407.
    pub(super) fn credentials_wanted(&self) -> String {
        let given = self.server.as_ref().is_some_and(|server| server.credentials.is_some());
        if given {
            "the proxy refuses the credentials (407): check network.proxy_credentials_file, or the \
             proxy's address if they stand there"
        } else {
            "the proxy wants credentials (407): set network.proxy_credentials_file"
        }
        .to_owned()
    }
}

impl Server {
    fn parse(key: &'static str, text: &str) -> Result<Server, NetworkError> {
        let wrong = |reason: &str| NetworkError::Setting { key, reason: reason.to_owned() };
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = text.parse().map_err(|_| wrong("expected http://host:port"))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let Some(scheme @ ("http" | "https")) = uri.scheme_str() else {
            return Err(wrong("only http:// and https:// proxies are spoken to, no SOCKS"));
        };
        let credentials = user
            .map(|user| {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                let mut plain = Zeroizing::new(percent_decode_str(user).collect::<Vec<u8>>());
                plain.push(b':');
                plain.extend(percent_decode_str(password));
                basic(&plain).ok_or_else(|| wrong("its credentials cannot be used"))
            })
            .transpose()?;
        let uri = format!("{scheme}://{host}/");
        let uri = uri.parse().map_err(|_| wrong("expected http://host:port"))?;
        Ok(Server { uri, credentials })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or("").trim_matches(['[', ']'])
    }

    pub(super) fn port(&self) -> u16 {
        let default = if self.is_secure() { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(default)
    }

    /// Asks the proxy for a connection to a host; what it says after that is the host's.
    pub(super) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        host: &str,
        port: u16,
    ) -> Result<u16, SendError> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut ask = Zeroizing::new(Vec::new());
        ask.extend(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").bytes());
        if let Some(credentials) = &self.credentials {
            ask.extend(b"Proxy-Authorization: ");
            ask.extend(credentials.as_bytes());
            ask.extend(b"\r\n");
        }
        ask.extend(b"\r\n");
        let broken =
            |reason: String| SendError::Unreachable { reason: format!("the proxy: {reason}") };
        stream.write_all(&ask).await.map_err(|error| broken(error.to_string()))?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte, not to take what is the host's; it is once for a connection of hours.
            let byte = stream.read_u8().await.map_err(|error| broken(error.to_string()))?;
            answer.push(byte);
            if answer.len() > MAX_ANSWER {
                return Err(broken("its answer to CONNECT is no HTTP".to_owned()));
            }
        }
        status(&answer).ok_or_else(|| broken("its answer to CONNECT is no HTTP".to_owned()))
    }
}

/// The status of an HTTP/1 answer.
fn status(answer: &[u8]) -> Option<u16> {
    let answer = answer.strip_prefix(b"HTTP/1.")?;
    std::str::from_utf8(answer.get(2..5)?).ok()?.parse().ok()
}

fn read_credentials(file: &Path) -> Result<HeaderValue, NetworkError> {
    let wrong = |reason: &str| NetworkError::Setting {
        key: "network.proxy_credentials_file",
        reason: format!("{}: {reason}", file.display()),
    };
    let text = std::fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    let text = Zeroizing::new(text);
    let text = text.trim_ascii();
    if !text.contains(&b':') || text.contains(&b'\n') {
        return Err(wrong("expected one line `user:password`"));
    }
    basic(text).ok_or_else(|| wrong("it cannot be used"))
}

/// `Basic …` for `user:password`.
pub(in crate::genesys) fn basic(plain: &[u8]) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(plain))));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn proxies(network: &Network, environment: &[(&str, &str)]) -> Result<Proxies, NetworkError> {
        let find = |name: &str| environment.iter().find(|(known, _)| *known == name);
        Proxies::new(network, |name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn settings_come_before_the_environment() {
        let network =
            Network { proxy: Some("proxy.example:3128".to_owned()), ..Network::default() };
        let environment = [("HTTPS_PROXY", "http://other:1"), ("NO_PROXY", "login.example")];
        let both = proxies(&network, &environment).unwrap();
        let server = both.to("api.example", 443).unwrap();
        assert_eq!(
            (server.host(), server.port(), server.is_secure()),
            ("proxy.example", 3128, false)
        );
        assert!(both.to("login.example", 443).is_none());
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1"] {
            assert!(both.to(host, 443).is_none(), "{host}");
        }
        let environment = [("https_proxy", ""), ("ALL_PROXY", "https://me:p%40ss@all:1")];
        let from_environment = proxies(&Network::default(), &environment).unwrap();
        let server = from_environment.to("api.example", 443).unwrap();
        assert_eq!((server.host(), server.port(), server.is_secure()), ("all", 1, true));
        assert_eq!(server.credentials.as_ref(), basic(b"me:p@ss").as_ref());
        assert!(proxies(&Network::default(), &[]).unwrap().to("api.example", 443).is_none());
    }

    #[test]
    fn errors_say_where_and_show_no_password() {
        let error = |network: Network, environment: &[(&str, &str)]| {
            proxies(&network, environment).err().unwrap().to_string()
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proxy");
        std::fs::write(&file, "hunter2\n").unwrap();
        let of = |proxy: &str| Network { proxy: Some(proxy.to_owned()), ..Network::default() };
        let with_file = Network { proxy_credentials_file: Some(file.clone()), ..of("p:1") };
        let errors = [
            error(of("socks5://me:hunter2@proxy:1080"), &[]),
            error(of("http://me:hunter2@pro xy"), &[]),
            error(Network::default(), &[("ALL_PROXY", "socks5h://hunter2@p")]),
            error(with_file, &[]).replace(&file.display().to_string(), "FILE"),
        ];
        expect![[r#"
            network.proxy: only http:// and https:// proxies are spoken to, no SOCKS
            network.proxy: expected http://host:port
            ALL_PROXY: only http:// and https:// proxies are spoken to, no SOCKS
            network.proxy_credentials_file: FILE: expected one line `user:password`"#]]
        .assert_eq(&errors.join("\n"));
    }

    #[tokio::test]
    async fn a_proxy_that_talks_nonsense_is_left() {
        for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 2", ""] {
            let (mut ours, mut theirs) = tokio::io::duplex(1024);
            let server = Server::parse("network.proxy", "p:1").unwrap();
            theirs.write_all(answer.as_bytes()).await.unwrap();
            theirs.shutdown().await.unwrap();
            assert!(server.tunnel(&mut ours, "::1", 443).await.is_err(), "{answer}");
        }
        assert_eq!(status(b"HTTP/1.0 200 Connection established\r\n\r\n"), Some(200));
    }
}
