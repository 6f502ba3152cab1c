//! The service's side of its conversation with systemd.
//!
//! Outside of systemd (no `NOTIFY_SOCKET`) nothing is said and nothing fails. `RELOADING=1` carries
//! its `MONOTONIC_USEC=` in the same datagram, which `Type=notify-reload` wants and older managers
//! ignore (`systemd/attributed.service` says more).

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// Tells systemd that the service does its work.
pub fn ready(status: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// One line of truth for `systemctl status`.
pub fn status(status: &str) {
    say(&[NotifyState::Status(status)]);
}

/// A reload has begun; [`ready`] ends it, whether it went well or not.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "cannot read the monotonic clock, systemd is not told"),
    }
}

/// All loops are going round. Said only where systemd watches (`WatchdogSec=`).
pub fn alive() {
    if sd_notify::watchdog_enabled().is_some() {
        say(&[NotifyState::Watchdog]);
    }
}

/// The service is going down, in good order.
pub fn stopping(status: &str) {
    say(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// The stop takes this much longer at least.
pub fn extend_timeout(by: Duration) {
    let usec = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
    say(&[NotifyState::ExtendTimeoutUsec(usec)]);
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot reach systemd's notify socket");
    }
}
