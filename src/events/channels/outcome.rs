//! What the outcome of a job means for its channel, and the small steps from one state to the next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::channel::{Channel, Link};
use super::job::Done;
use super::line::{Fate, Line, renew_in};
use super::report::{News, Report};
use super::socket::Socket;
use super::subscription::Subscription;
use crate::defects::{self, Defect};
use crate::genesys::call::CallError;
use crate::genesys::notifications::Channel as Lease;
use crate::machine;

/// A connection that lasted so long proves that connecting works.
const GOOD: Duration = Duration::from_secs(60);
/// Failures of one channel in a row before another is tried.
const TRIES: u32 = 3;
/// After a renewal that failed: often enough within the twelve hours that are left.
const RENEW_AGAIN: Duration = Duration::from_secs(300);

impl Channel {
    pub(super) async fn handle_done(&mut self, link: Link, done: Done) -> Link {
        match done {
            Done::Reconnected(lease, socket) => self.handle_reconnected(link, lease, *socket),
            Done::Made(lease, socket, subscription) => {
                let (client, topics) = (self.client(), subscription.wanted.len());
                info!(channel = self.number, client, topics, "connected");
                self.marks.connected_at.mark(machine::now().as_millisecond());
                let connects = &self.shared.counts.connects_by;
                match &link {
                    Link::Down { .. } => connects.new_channel.add(1),
                    Link::Up(_) | Link::Closing(..) => connects.replace.add(1),
                }
                let line = Box::new(Line::new(lease, *socket, self.shared.next_stream(), 0));
                self.handle_made(link, line, subscription).await
            }
            Done::NotConnected(lease, reason) => {
                self.failures = self.failures.saturating_add(1);
                self.shared.counts.connects_failed.add(1);
                let attempt = self.failures;
                warn!(channel = self.number, %reason, attempt, "could not connect, will retry");
                self.handle_not_connected(link, lease)
            }
            Done::Gone => {
                if let Link::Down { lease: Some(lease), .. } = &link {
                    self.note_gone(lease);
                }
                Link::Down { lease: None, tries: 0 }
            }
            Done::NotMade(error) => {
                self.failures = self.failures.saturating_add(1);
                self.tell_refusal(&error, self.failures).await;
                link
            }
            Done::Subscribed(subscription) => {
                self.refusals = 0;
                self.note_subscription(subscription).await;
                confirmed(link)
            }
            Done::NotSubscribed(error) => {
                self.refusals = self.refusals.saturating_add(1);
                self.handle_not_subscribed(link, &error).await
            }
            Done::Renewed(subscription, expires) => {
                self.note_subscription(subscription).await;
                self.handle_renewed(link, expires)
            }
            Done::NotRenewed(error) => self.handle_not_renewed(link, &error).await,
            Done::CutOff => link,
        }
    }

    fn handle_reconnected(&mut self, link: Link, lease: Lease, socket: Socket) -> Link {
        match link {
            Link::Down { tries, .. } => {
                info!(channel = self.number, "connected again");
                self.marks.connected_at.mark(machine::now().as_millisecond());
                self.shared.counts.connects_by.reconnect.add(1);
                self.heard.note(machine::now());
                Link::Up(Box::new(Line::new(lease, socket, self.shared.next_stream(), tries)))
            }
            // A job that reconnects is not started in these; its socket would be the second one.
            Link::Up(_) | Link::Closing(..) => link,
        }
    }

    async fn handle_made(
        &mut self,
        link: Link,
        line: Box<Line>,
        subscription: Subscription,
    ) -> Link {
        self.avoid = None;
        self.refusals = 0;
        self.note_subscription(subscription).await;
        match link {
            Link::Down { lease: Some(old), .. } => self.settle(&old.id, Fate::Keep),
            Link::Down { lease: None, .. } => {}
            Link::Up(old) => self.take_over_from(old, Fate::Keep).await,
            Link::Closing(old, fate) => self.take_over_from(old, fate).await,
        }
        confirmed(Link::Up(line))
    }

    fn handle_not_connected(&mut self, link: Link, lease: Lease) -> Link {
        match link {
            Link::Down { lease: Some(old), tries } if old.id == lease.id => {
                self.down(lease, tries + 1)
            }
            Link::Down { lease: None, .. } => self.down(lease, 1),
            Link::Down { lease: Some(_), .. } | Link::Up(_) | Link::Closing(..) => {
                self.settle(&lease.id, Fate::Keep);
                link
            }
        }
    }

    async fn handle_not_subscribed(&mut self, link: Link, error: &CallError) -> Link {
        match (link, error) {
            (Link::Up(line), CallError::NotFound(_)) => {
                self.note_gone(&line.lease);
                self.open_gap().await;
                self.close_soon(line, Fate::Forget)
            }
            (link, error) => {
                self.tell_refusal(error, self.refusals).await;
                link
            }
        }
    }

    fn handle_renewed(&mut self, link: Link, expires: Option<Timestamp>) -> Link {
        match (link, expires) {
            (Link::Up(mut line), Some(_)) => {
                line.lease.expires = expires;
                line.renew_at = Instant::now() + renew_in(expires, machine::now());
                debug!(channel = self.number, "channel renewed");
                Link::Up(line)
            }
            (Link::Up(line), None) => {
                info!(channel = self.number, "the channel's life was not extended, replacing it");
                self.close_soon(line, Fate::Forget)
            }
            (link, _) => link,
        }
    }

    async fn handle_not_renewed(&mut self, link: Link, error: &CallError) -> Link {
        match (link, error) {
            (Link::Up(line), CallError::NotFound(_)) => {
                self.handle_not_subscribed(Link::Up(line), error).await
            }
            (Link::Up(mut line), error) => {
                let correlation_id = error.correlation_id();
                warn!(channel = self.number, correlation_id, %error, "channel not renewed, will retry");
                line.renew_at = Instant::now() + RENEW_AGAIN;
                Link::Up(line)
            }
            (link, _) => link,
        }
    }

    /// A call was refused or not answered; it is made again after a while.
    async fn tell_refusal(&mut self, error: &CallError, attempt: u32) {
        let (client, correlation_id) = (self.client(), error.correlation_id());
        match error {
            CallError::Forbidden(refusal) => {
                // Each time it is asked, ever fewer lines.
                if attempt.is_power_of_two() {
                    error!(channel = self.number, client, correlation_id, %error, attempt,
                        "topics refused, will ask again; give the client's role the permission");
                }
                let wanted = Arc::clone(&*self.topics.borrow());
                self.report(News::Refused(Subscription::refused(wanted, refusal))).await;
            }
            CallError::Refused(_) => {
                error!(channel = self.number, client, correlation_id, %error, attempt, "topics not set, will ask again");
            }
            CallError::Throttled(..)
            | CallError::Unauthorized(_)
            | CallError::NotFound(_)
            | CallError::Conflict(_)
            | CallError::Unavailable(_)
            | CallError::NoAnswer { .. }
            | CallError::Unreadable { .. }
            | CallError::NoToken(_)
            | CallError::Credentials(_) => {
                warn!(channel = self.number, client, correlation_id, %error, attempt, "topics not set, will retry");
            }
        }
    }

    /// The topics are confirmed on a socket that is up: what gap there was ends here.
    async fn note_subscription(&mut self, subscription: Subscription) {
        subscription.tell(self.number, self.client(), &self.subscription);
        self.subscription = subscription.clone();
        let now = machine::now();
        let lost = self.gap.take();
        if lost.is_some() || self.heard.gap_start().is_none() {
            self.heard.note(now);
        }
        // The wall's clock may have been set back.
        let at = lost.map_or(now, |since| now.max(since));
        self.report(News::Subscribed { subscription, at, lost }).await;
    }

    /// From when on events may have been missed; a gap that is open stays as it is.
    pub(super) async fn open_gap(&mut self) {
        let begins =
            |start| if defects::on(Defect::GapBegunWhenNoticed) { machine::now() } else { start };
        let Some(since) = self.gap.or_else(|| self.heard.gap_start().map(begins)) else { return };
        self.gap = Some(since);
        self.report(News::Lost { since }).await;
    }

    pub(super) async fn report(&mut self, news: News) {
        let report = Report { channel: self.number, news };
        let sent = self.stop.run_until_cancelled(self.shared.reports.send(report)).await;
        if !matches!(sent, Some(Ok(()))) {
            debug!(channel = self.number, "nobody is there for the news");
        }
    }

    /// Counts the end of a connection. Returns true if and only if it had lasted.
    pub(super) fn note_end(&mut self, line: &Line) -> bool {
        let good = line.since.elapsed() >= GOOD;
        self.failures = if good { 0 } else { self.failures.saturating_add(1) };
        good
    }

    pub(super) fn cut_job(&self) {
        if let Some((cut, _)) = &self.job {
            cut.cancel();
        }
    }

    /// Tries the same channel again, or another if it failed too often.
    pub(super) fn down(&mut self, lease: Lease, tries: u32) -> Link {
        if tries < TRIES {
            return Link::Down { lease: Some(lease), tries };
        }
        warn!(channel = self.number, tries, "no lasting connection, trying another channel");
        self.settle(&lease.id, Fate::Keep);
        self.avoid = Some(lease.id);
        Link::Down { lease: None, tries: 0 }
    }

    /// Keeps the line until another is there.
    pub(super) fn close_soon(&mut self, line: Box<Line>, fate: Fate) -> Link {
        self.note_end(&line);
        self.cut_job();
        Link::Closing(line, fate)
    }

    /// Gives up a line that carries nothing any more, with its channel.
    pub(super) async fn drop_line(&mut self, link: Link) -> Link {
        match link {
            Link::Up(line) => {
                self.note_end(&line);
                // Two programs that evict each other must not do it as fast as they can.
                self.failures = self.failures.max(1);
                self.cut_job();
                self.give_up(line, Fate::Forget).await;
            }
            Link::Closing(line, _) => self.give_up(line, Fate::Forget).await,
            Link::Down { .. } => return link,
        }
        Link::Down { lease: None, tries: 0 }
    }
}

fn confirmed(link: Link) -> Link {
    match link {
        Link::Up(mut line) => {
            line.confirmed = true;
            Link::Up(line)
        }
        Link::Closing(..) | Link::Down { .. } => link,
    }
}
