//! The internet as production has it: reqwest for requests, rustls for sockets, one set of rules
//! for both.
//!
//! Connections are kept and used again, HTTP/2 is spoken where it is offered, redirects are not
//! followed. A request is made once: what reqwest repeats by itself is only what an HTTP/2 server
//! said it has not looked at. No error shows an address's path or query.

mod connect;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{Request, Response};

use self::connect::{Connector, is_loopback};
use self::proxy::Proxies;
pub(super) use self::proxy::basic;
use super::outside::{ByteStream, ChannelUri, Outside, SendError};
use crate::config::Network;

/// From looking up the name to the end of TLS. Half a dozen round trips to the other side of the
/// world take two seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A minute is after what load balancers commonly close idle connections; a request on one that is
/// just being closed would be in doubt.
const POOL_IDLE: Duration = Duration::from_secs(60);
/// How soon a connection that has died while requests are under way is noticed: well within their
/// own limit.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Far above what Genesys documents; a page of a hundred conversations with their attributes is a
/// few MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Genesys Cloud over the internet.
pub struct Internet {
    client: reqwest::Client,
    connector: Connector,
    proxies: Arc<Proxies>,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A setting, or an environment variable in its place, has to be mended.
    #[error("{key}: {reason}")]
    Setting { key: &'static str, reason: String },
    /// This machine lacks something.
    #[error("TLS cannot be set up: {reason}")]
    Platform { reason: String },
}

impl Internet {
    /// Prepares the way out; connects nowhere. Reads the certificates and the proxy's credentials
    /// that `network` names, and the environment where it is silent.
    ///
    /// # Errors
    ///
    /// If a setting cannot be used.
    pub fn new(network: &Network) -> Result<Internet, NetworkError> {
        Internet::with(network, |name| std::env::var(name).ok())
    }

    fn with(
        network: &Network,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Internet, NetworkError> {
        let tls = tls::client_config(network.ca_file.as_deref())?;
        let proxies = Arc::new(Proxies::new(network, variable)?);
        let mut with_alpn = tls.clone();
        with_alpn.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(with_alpn)
            // The environment's proxies are in ours already.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .user_agent(concat!("attributed/", env!("CARGO_PKG_VERSION")));
        let builder = match proxies.for_requests()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        let client = builder
            .build()
            .map_err(|error| NetworkError::Platform { reason: chain(&error.without_url()) })?;
        let connector = Connector::new(&tls, Arc::clone(&proxies));
        Ok(Internet { client, connector, proxies })
    }

    async fn answer(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, SendError> {
        let host = request.uri().host().unwrap_or("").to_owned();
        if request.uri().scheme_str() == Some("http") && !is_loopback(&host) {
            let reason = format!("{host}: http:// is for loopback addresses only");
            return Err(SendError::Unreachable { reason });
        }
        let wrong = |error: reqwest::Error| self.failure(error, &host, limit);
        let mut request = reqwest::Request::try_from(request).map_err(wrong)?;
        // Until the end of the body.
        *request.timeout_mut() = Some(limit);
        let mut received = self.client.execute(request).await.map_err(wrong)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = received.chunk().await.map_err(wrong)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(SendError::TooLarge { limit: MAX_BODY });
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = received.status();
        *response.headers_mut() = std::mem::take(received.headers_mut());
        Ok(response)
    }

    fn failure(&self, error: reqwest::Error, host: &str, limit: Duration) -> SendError {
        let error = error.without_url();
        let reason = chain(&error);
        // What every such error begins with tells nothing.
        let reason = reason.trim_start_matches("error sending request: ");
        let reason = reason.trim_start_matches("client error (Connect): ");
        if error.is_connect() || error.is_builder() {
            // The words of hyper-util, whose type for it is not public.
            let reason = if reason.contains("proxy authorization required") {
                self.proxies.credentials_wanted()
            } else {
                explained(format!("{host}: {reason}"))
            };
            SendError::Unreachable { reason }
        } else if error.is_timeout() {
            SendError::TimedOut { limit }
        } else {
            SendError::Broken { reason: format!("{host}: {reason}") }
        }
    }
}

impl Outside for Internet {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(self.answer(request, timeout))
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        Box::pin(self.connector.connect(uri))
    }
}

/// An error and what it comes from, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = error.source();
    }
    text
}

/// Adds what to do, where that is known.
fn explained(reason: String) -> String {
    if reason.contains("UnknownIssuer") {
        reason
            + "; if something between inspects TLS, name its certificate authority in \
               network.ca_file"
    } else {
        reason
    }
}
