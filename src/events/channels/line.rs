//! A channel with its socket: in use, or on its way out.

use std::future::pending;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::socket::{Lost, Socket, Text};
use crate::genesys::notifications::Channel as Lease;
use crate::machine;

/// How long an old socket is kept beside the new one: events that were being dealt out while the
/// new one subscribed may still come on the old.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
/// How long a server may take to answer our goodbye, with what it had sent before.
pub(crate) const GOODBYE: Duration = Duration::from_secs(3);
/// A channel lives for 24 h (FACTS 3.2), and half of that is renewed in.
const HALF_LIFE: Duration = Duration::from_secs(12 * 3600);
/// An end that is near or past by our clock, which may be wrong, is not asked about more often.
const SHORTEST_RENEWAL: Duration = Duration::from_secs(60);

/// A channel with its socket.
pub(crate) struct Line {
    pub(crate) lease: Lease,
    pub(crate) socket: Socket,
    /// See [`Received::channel`](super::notice::Received::channel).
    pub(crate) stream: u32,
    pub(crate) since: Instant,
    /// Connections of this channel in a row that did not last, before this one.
    pub(crate) tries: u32,
    /// Whether its topics were confirmed since the socket is up.
    pub(crate) confirmed: bool,
    pub(crate) renew_at: Instant,
}

/// What becomes of a channel that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives and may be used again.
    Keep,
    /// It is gone, or will be before long.
    Forget,
}

/// What is left of a channel when its task ends.
pub(crate) struct GoodbyeTo {
    pub(crate) lease: Option<Lease>,
    /// With the number of its stream.
    pub(crate) socket: Option<(Socket, u32)>,
    pub(crate) fate: Fate,
}

impl Line {
    /// A line whose topics are not confirmed yet.
    pub(crate) fn new(lease: Lease, socket: Socket, stream: u32, tries: u32) -> Line {
        let since = Instant::now();
        let renew_at = since + renew_in(lease.expires, machine::now());
        Line { lease, socket, stream, since, tries, confirmed: false, renew_at }
    }

    pub(crate) fn goodbye(self, fate: Fate) -> GoodbyeTo {
        GoodbyeTo { lease: Some(self.lease), socket: Some((self.socket, self.stream)), fate }
    }
}

/// Half of what is left of the channel's life.
pub(crate) fn renew_in(expires: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = expires.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
    left.map_or(HALF_LIFE, |left| (left / 2).clamp(SHORTEST_RENEWAL, HALF_LIFE))
}

/// The next text of the line, if there is one.
///
/// # Cancel safety
///
/// Safe: no text is lost.
pub(crate) async fn next_text(line: Option<&mut Line>) -> Result<Text, Lost> {
    match line {
        Some(line) => line.socket.next().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_is_left_within_bounds() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let cases = [
            (Some("2026-11-22T12:00:00Z"), 12 * 3600),
            (Some("2026-11-21T13:00:00Z"), 1800),
            (Some("2026-11-21T12:00:01Z"), 60),
            (Some("2020-01-01T00:00:00Z"), 60),
            (Some("2036-01-01T00:00:00Z"), 12 * 3600),
            (None, 12 * 3600),
        ];
        for (expires, seconds) in cases {
            let parsed = expires.map(|text| text.parse().unwrap());
            assert_eq!(renew_in(parsed, now).as_secs(), seconds, "{expires:?}");
        }
    }
}
