//! The daemon's only way out: a request in and an answer out, and a byte stream for each WebSocket.
//!
//! In production reqwest and rustls stand behind it (`http`, `connect`); in a simulation the
//! simulator does, in the same process, over memory. Nothing here knows what is asked: no token, no
//! budget, no retry.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection on which a WebSocket handshake can be made: TCP, TLS, a proxy's tunnel or memory.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Everything outside of the process that the daemon talks to.
pub trait Outside: Send + Sync + 'static {
    /// Makes one attempt at one request. Answers of every status are answers; the body is bounded by
    /// the implementation.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the request; the server may have acted on it.
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>>;

    /// Connects to the host of a channel, up to where the WebSocket handshake begins.
    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>>;
}

/// Why an attempt brought no answer. No message holds a URL's query, a header or a body.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The server may have acted: nobody knows.
    #[error("no answer within {} s", .limit.as_secs())]
    TimedOut { limit: Duration },
    /// The connection could not be made: the server has seen nothing.
    #[error("cannot connect: {reason}")]
    Unreachable { reason: String },
    /// The connection broke after the request was (or may have been) sent.
    #[error("the connection broke: {reason}")]
    Broken { reason: String },
    /// The answer was larger than any that Genesys documents.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

impl SendError {
    /// Returns true if and only if the server may have acted on the request all the same.
    pub fn may_have_acted(&self) -> bool {
        match self {
            SendError::TimedOut { .. } | SendError::Broken { .. } | SendError::TooLarge { .. } => {
                true
            }
            SendError::Unreachable { .. } => false,
        }
    }
}

/// The address of a channel's WebSocket. Whoever knows it can listen, so it is a secret
/// (FACTS 1.5): it never shows in `Debug` or `Display`, and is wiped when dropped.
#[derive(Clone)]
pub struct ChannelUri(SecretString);

impl ChannelUri {
    pub fn new(uri: String) -> ChannelUri {
        ChannelUri(SecretString::from(uri))
    }

    /// The address itself, for connecting and for the state file (0600), and for nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Two of our own are compared, and nobody waits for the answer: it may take as long as it takes.
impl PartialEq for ChannelUri {
    fn eq(&self, other: &ChannelUri) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ChannelUri {}

impl fmt::Debug for ChannelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelUri(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_channel_shows_to_nobody_who_does_not_ask_for_it() {
        let uri = ChannelUri::new("wss://example.test/channels/secret".to_owned());
        assert_eq!(format!("{uri:?}"), "ChannelUri(redacted)");
        assert_eq!(uri.clone(), uri);
        assert_ne!(uri, ChannelUri::new("wss://example.test/channels/other".to_owned()));
        assert_eq!(uri.expose(), "wss://example.test/channels/secret");
    }
}
