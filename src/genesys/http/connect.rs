//! Connections for the WebSockets: TCP, a proxy's tunnel where there is one, and TLS.
//!
//! Done when the WebSocket's own handshake can begin. The address of a channel is a secret
//! (FACTS 1.5): errors name its host and nothing else of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::proxy::{Proxies, Server};
use super::{CONNECT_TIMEOUT, explained};
use crate::genesys::outside::{ByteStream, ChannelUri, SendError};

/// An address that does not answer leaves at least so much to the next one.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// Makes connections for WebSockets.
pub(super) struct Connector {
    /// With ALPN for HTTP/1.1, which the WebSocket's handshake is.
    tls: Arc<ClientConfig>,
    /// Proxies choose their protocol by themselves.
    tls_to_proxy: Arc<ClientConfig>,
    proxies: Arc<Proxies>,
}

/// Where a channel is.
struct Target {
    secure: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl Connector {
    pub(super) fn new(tls: &ClientConfig, proxies: Arc<Proxies>) -> Connector {
        let mut with_alpn = tls.clone();
        with_alpn.alpn_protocols = vec![b"http/1.1".to_vec()];
        Connector { tls: Arc::new(with_alpn), tls_to_proxy: Arc::new(tls.clone()), proxies }
    }

    /// Connects to the host of a channel.
    ///
    /// # Errors
    ///
    /// [`SendError::Unreachable`] always: the channel's host has seen nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the connection up.
    pub(super) async fn connect(&self, uri: &ChannelUri) -> Result<Box<dyn ByteStream>, SendError> {
        let target = Target::of(uri)?;
        let host = &target.host;
        let late = |_| unreachable(format!("{host}: no connection within 10 s"));
        timeout(CONNECT_TIMEOUT, self.open(&target)).await.map_err(late)?
    }

    async fn open(&self, target: &Target) -> Result<Box<dyn ByteStream>, SendError> {
        let Target { host, port, .. } = target;
        let tls = target.secure.then_some(&self.tls);
        // Only TLS can go through a proxy: what is plain is loopback.
        let Some(tls) = tls else { return Ok(Box::new(tcp(host, *port).await?)) };
        let Some(proxy) = self.proxies.to(host, *port) else {
            return secured(tls, host, tcp(host, *port).await?).await;
        };
        let stream = tcp(proxy.host(), proxy.port()).await?;
        let stream: Box<dyn ByteStream> = if proxy.is_secure() {
            secured(&self.tls_to_proxy, proxy.host(), stream).await?
        } else {
            Box::new(stream)
        };
        secured(tls, host, self.tunnel(proxy, stream, target).await?).await
    }

    async fn tunnel(
        &self,
        proxy: &Server,
        mut stream: Box<dyn ByteStream>,
        target: &Target,
    ) -> Result<Box<dyn ByteStream>, SendError> {
        match proxy.tunnel(&mut stream, &target.host, target.port).await? {
            200..=299 => Ok(stream),
            407 => Err(unreachable(self.proxies.credentials_wanted())),
            status => {
                let host = &target.host;
                Err(unreachable(format!("the proxy refuses to connect to {host} ({status})")))
            }
        }
    }
}

impl Target {
    fn of(uri: &ChannelUri) -> Result<Target, SendError> {
        let uri: Uri =
            uri.expose().parse().map_err(|_| unreachable("the channel's address is no URI"))?;
        let host = uri.host().unwrap_or("").trim_matches(['[', ']']).to_owned();
        let (secure, port) = match uri.scheme_str() {
            Some("wss") => (true, 443),
            Some("ws") if is_loopback(&host) => (false, 80),
            Some("ws") => {
                let reason = format!("{host}: ws:// is for loopback addresses only");
                return Err(unreachable(reason));
            }
            _ => return Err(unreachable("the channel's address is neither wss:// nor ws://")),
        };
        Ok(Target { secure, host, port: uri.port_u16().unwrap_or(port) })
    }
}

/// Returns true if and only if the host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn unreachable(reason: impl Into<String>) -> SendError {
    SendError::Unreachable { reason: reason.into() }
}

/// Tries the host's addresses one after the other, in the order of the resolver.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, SendError> {
    let failed = |error: std::io::Error| unreachable(format!("{host}: {error}"));
    let found = tokio::net::lookup_host((host, port)).await.map_err(failed)?;
    let addresses: Vec<SocketAddr> = found.collect();
    let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let patience = (CONNECT_TIMEOUT / 2 / share).max(LEAST_PATIENCE);
    let mut last = unreachable(format!("{host}: it has no address"));
    for address in addresses {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Frames are small and should not wait for each other.
                stream.set_nodelay(true).map_err(failed)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = failed(error),
            Err(_) => last = unreachable(format!("{host}: {address} does not answer")),
        }
    }
    Err(last)
}

async fn secured<S: ByteStream + 'static>(
    config: &Arc<ClientConfig>,
    host: &str,
    stream: S,
) -> Result<Box<dyn ByteStream>, SendError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| unreachable(format!("{host}: it is no name that a certificate can have")))?;
    let tls = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    let stream =
        tls.map_err(|error| unreachable(format!("{host}: {}", explained(error.to_string()))))?;
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_not_shown() {
        let table = [
            ("wss://streaming.example/channels/s3cret", Ok(("streaming.example", 443))),
            ("wss://[::1]:8443/channels/s3cret", Ok(("::1", 8443))),
            ("ws://127.0.0.1:8480/s3cret", Ok(("127.0.0.1", 8480))),
            ("ws://localhost/s3cret", Ok(("localhost", 80))),
            ("ws://streaming.example/s3cret", Err("ws:// is for loopback")),
            ("ws://localhost.example/s3cret", Err("ws:// is for loopback")),
            ("https://streaming.example/s3cret", Err("neither wss:// nor ws://")),
            ("s3cret", Err("neither wss:// nor ws://")),
            ("wss://s3cret s3cret", Err("no URI")),
        ];
        for (uri, expected) in table {
            match (Target::of(&ChannelUri::new(uri.to_owned())), expected) {
                (Ok(target), Ok((host, port))) => {
                    assert_eq!((target.host.as_str(), target.port), (host, port));
                }
                (Err(error), Err(reason)) => {
                    let error = error.to_string();
                    assert!(error.contains(reason) && !error.contains("s3cret"), "{error}");
                }
                (_, _) => panic!("{uri}"),
            }
        }
    }
}
