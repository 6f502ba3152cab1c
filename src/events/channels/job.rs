//! What a channel has done for it while it goes on reading: everything that waits for Genesys' API
//! or for a connection.
//!
//! A job runs until it is done or cut off, and gives back what it took: nothing of the pool's is
//! lost when a job ends. It decides nothing; what its outcome means is the channel's business.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::notice::Received;
use super::owner::Owner;
use super::recent::Recent;
use super::report::Report;
use super::socket::{ConnectError, Socket};
use super::subscription::Subscription;
use super::topics::client_of;
use crate::config;
use crate::events::topic::Topic;
use crate::genesys::call::CallError;
use crate::genesys::notifications::{self, Channel as Lease, ChannelId};
use crate::genesys::outside::Outside;
use crate::status::counts::Counts;

/// How long a reconnection waits to hear whether its channel lives: the socket may well come up
/// while the API does not answer.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What all channels share.
pub(crate) struct Shared {
    /// Each client with its channels, in the order of the configuration.
    pub(crate) owners: Vec<Owner>,
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) settings: config::Channels,
    pub(crate) frames: mpsc::Sender<Received>,
    /// See [`Channels::whole_texts`](super::Channels::whole_texts).
    pub(crate) whole_texts: bool,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) counts: Arc<Counts>,
    /// Where each body is expected more than once.
    pub(crate) recent: Option<Recent>,
    /// Sockets so far.
    pub(crate) sockets: AtomicU32,
}

impl Shared {
    /// Whose channel it is.
    pub(crate) fn owner(&self, channel: u32) -> &Owner {
        &self.owners[client_of(channel).min(self.owners.len() - 1)]
    }
}

/// What a job needs.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) shared: Arc<Shared>,
    pub(crate) number: u32,
    pub(crate) topics: watch::Receiver<Arc<BTreeSet<Topic>>>,
    /// Ends the job soon.
    pub(crate) cut: CancellationToken,
    /// Backoff, before anything else.
    pub(crate) wait: Duration,
}

impl Shared {
    /// The number of a socket that is new: see [`Received::channel`].
    pub(crate) fn next_stream(&self) -> u32 {
        self.sockets.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) type Job = BoxFuture<'static, Done>;

/// How a job ended.
pub(crate) enum Done {
    /// The channel that we had has a socket again. What it is subscribed to is to be confirmed.
    Reconnected(Lease, Box<Socket>),
    /// Another channel is subscribed and connected.
    Made(Lease, Box<Socket>, Subscription),
    /// The channel may be tried again.
    NotConnected(Lease, ConnectError),
    /// The channel is no more.
    Gone,
    /// No channel could be had, or not subscribed.
    NotMade(Box<CallError>),
    Subscribed(Subscription),
    NotSubscribed(Box<CallError>),
    /// With the new end of the channel's life, if it was put off.
    Renewed(Subscription, Option<Timestamp>),
    NotRenewed(Box<CallError>),
    CutOff,
}

impl Work {
    fn owner(&self) -> &Owner {
        self.shared.owner(self.number)
    }

    /// A socket on the channel that we have. With `look`, the API is asked first whether it lives.
    pub(crate) fn reconnect(self, lease: Lease, look: bool) -> Job {
        Box::pin(async move {
            let cut = self.cut.clone();
            let work = async move {
                sleep(self.wait).await;
                if look && self.is_gone(&lease.id).await {
                    self.owner().pool.forget(&lease.id);
                    return Done::Gone;
                }
                match self.connect(&lease).await {
                    Ok(socket) => Done::Reconnected(lease, Box::new(socket)),
                    Err(error) => Done::NotConnected(lease, error),
                }
            };
            cut.run_until_cancelled(work).await.unwrap_or(Done::CutOff)
        })
    }

    /// A channel from the pool, subscribed and connected.
    pub(crate) fn make(self, avoid: Option<ChannelId>) -> Job {
        Box::pin(async move {
            if self.cut.run_until_cancelled(sleep(self.wait)).await.is_none() {
                return Done::CutOff;
            }
            let Owner { api, pool, .. } = self.owner();
            let obtained = pool.obtain(&**api, self.number, avoid.as_ref(), &self.cut).await;
            let lease = match obtained {
                Ok(Some(lease)) => lease,
                Ok(None) => return Done::CutOff,
                Err(error) => return Done::NotMade(Box::new(error)),
            };
            let id = lease.id.clone();
            let done = self.cut.run_until_cancelled(self.make_on(lease)).await;
            match &done {
                Some(Done::Made(..) | Done::NotConnected(..)) => {}
                Some(Done::NotMade(error)) if matches!(**error, CallError::NotFound(_)) => {
                    pool.forget(&id);
                }
                Some(
                    Done::NotMade(_)
                    | Done::Reconnected(..)
                    | Done::Gone
                    | Done::Subscribed(_)
                    | Done::NotSubscribed(_)
                    | Done::Renewed(..)
                    | Done::NotRenewed(_)
                    | Done::CutOff,
                )
                | None => pool.give_back(&id),
            }
            done.unwrap_or(Done::CutOff)
        })
    }

    async fn make_on(&self, lease: Lease) -> Done {
        let subscription = match self.put(&lease.id).await {
            Ok(subscription) => subscription,
            Err(error) => return Done::NotMade(Box::new(error)),
        };
        match self.connect(&lease).await {
            Ok(socket) => Done::Made(lease, Box::new(socket), subscription),
            Err(error) => Done::NotConnected(lease, error),
        }
    }

    /// The topics that are wanted now, on the channel that we have.
    pub(crate) fn subscribe(self, id: ChannelId) -> Job {
        Box::pin(async move {
            let cut = self.cut.clone();
            let work = async move {
                sleep(self.wait).await;
                match self.put(&id).await {
                    Ok(subscription) => Done::Subscribed(subscription),
                    Err(error) => Done::NotSubscribed(Box::new(error)),
                }
            };
            cut.run_until_cancelled(work).await.unwrap_or(Done::CutOff)
        })
    }

    /// Sets the topics again, which should extend the channel's life, and looks whether it did
    /// (SEMANTICS 6).
    pub(crate) fn renew(self, lease: Lease) -> Job {
        Box::pin(async move {
            let cut = self.cut.clone();
            let work = async move {
                match self.extend(&lease).await {
                    Ok((subscription, expires)) => Done::Renewed(subscription, expires),
                    Err(error) => Done::NotRenewed(Box::new(error)),
                }
            };
            cut.run_until_cancelled(work).await.unwrap_or(Done::CutOff)
        })
    }

    async fn extend(&self, lease: &Lease) -> Result<(Subscription, Option<Timestamp>), CallError> {
        let subscription = self.put(&lease.id).await?;
        let channels = notifications::list(&*self.owner().api).await?;
        let found = channels.into_iter().find(|channel| channel.id == lease.id);
        let expires = found.and_then(|channel| channel.expires);
        let later = expires.filter(|now| lease.expires.is_none_or(|before| *now > before));
        if let Some(expires) = later {
            self.owner().pool.extended(&lease.id, expires);
        }
        Ok((subscription, later))
    }

    async fn put(&self, id: &ChannelId) -> Result<Subscription, CallError> {
        let wanted = Arc::clone(&*self.topics.borrow());
        let names = wanted.iter().map(ToString::to_string).collect();
        let answers = notifications::subscribe(&*self.owner().api, id, &names).await?;
        Ok(Subscription::read(wanted, answers))
    }

    async fn is_gone(&self, id: &ChannelId) -> bool {
        match timeout(LOOK_LIMIT, notifications::lives(&*self.owner().api, id)).await {
            Ok(Ok(lives)) => !lives,
            Ok(Err(error)) => {
                debug!(channel = self.number, %error, "cannot see whether the channel lives");
                false
            }
            Err(_) => false,
        }
    }

    async fn connect(&self, lease: &Lease) -> Result<Socket, ConnectError> {
        self.shared.counts.connects.add(1);
        let counts = Arc::clone(&self.shared.counts);
        Socket::connect(&*self.shared.outside, &lease.uri, &self.shared.settings, counts).await
    }
}
