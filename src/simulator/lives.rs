//! How channels and tokens come and go, by request, by their age, and by misfortune.
//!
//! Sends system frames into the queues of sockets, and waits for nothing.

use std::time::Duration;

use super::channels::{Channel, End, Frame};
use super::faults::Misfortune;
use super::state::State;
use super::system;

/// How long before a planned close a socket is told (FACTS 2.2).
const WARNING: Duration = Duration::from_secs(60);

/// One more than clients are asked to bear: 16 MiB is where the daemon's own limit lies.
const OVERSIZED: usize = 17 * 1024 * 1024;

impl State {
    /// Makes a channel, and takes away those for which there is no room any more.
    pub(super) fn create_channel(
        &mut self,
        client: usize,
        token: Option<String>,
    ) -> (String, Duration) {
        let id = self.mint.channel();
        let expires = self.clock.elapsed() + self.limits.channel_life;
        let most = self.limits.channels;
        for channel in self.channels.create(id.clone(), (client, token), expires, most) {
            self.say_goodbye(channel);
        }
        (id, expires)
    }

    /// Takes a channel away from its owner, who is told.
    pub(super) fn evict(&mut self, id: &str) {
        if let Some(channel) = self.channels.remove(id) {
            self.say_goodbye(channel);
        }
    }

    fn say_goodbye(&mut self, mut channel: Channel) {
        let text = {
            let party = self.party(channel.client);
            system::no_longer_subscribed(&party, &channel.id, &self.mint.uuid())
        };
        channel.send(Frame { text: text.into(), snapshot: None });
        channel.end(End::Closed);
    }

    /// Ends all tokens, and tells the channels that were made with them.
    pub(super) fn revoke_tokens(&mut self) -> usize {
        (0..self.clients.len()).map(|client| self.revoke_tokens_of(client)).sum()
    }

    /// The same for one client.
    pub(super) fn revoke_tokens_of(&mut self, client: usize) -> usize {
        let party = self.party(client);
        let revoked = self.clients[client].tokens.revoke_all();
        for channel in self.channels.iter_mut() {
            if channel.token.as_ref().is_some_and(|token| revoked.contains(token)) {
                let text = system::token_revoked(&party, &channel.id, &self.mint.uuid());
                channel.send(Frame { text: text.into(), snapshot: None });
            }
        }
        revoked.len()
    }

    /// Announces that the socket of a channel will be closed in a minute.
    pub(super) fn announce_close(&mut self, id: &str) {
        let text = system::socket_closing(&self.mint.uuid());
        let closes = self.clock.elapsed() + WARNING;
        if let Some(channel) = self.channels.get_mut(id) {
            channel.closes = Some(closes);
            channel.send(Frame { text: text.into(), snapshot: None });
        }
    }

    /// The client's own channels whose sockets are up.
    pub(super) fn connected(&self) -> Vec<String> {
        let own = |channel: &&Channel| channel.token.is_some() && channel.is_connected();
        self.channels.iter().filter(own).map(|channel| channel.id.clone()).collect()
    }

    pub(super) fn suffer(&mut self, misfortune: Misfortune) {
        tracing::debug!(?misfortune, "fault");
        if misfortune == Misfortune::RevokeTokens {
            self.faults.note(misfortune.kind());
            // Those of one client: where there is one, those.
            let client = match self.clients.len() {
                1 => 0,
                clients => self.faults.pick(clients),
            };
            self.revoke_tokens_of(client);
            return;
        }
        let connected = self.connected();
        let Some(id) = connected.get(self.faults.pick(connected.len())).cloned() else { return };
        self.faults.note(misfortune.kind());
        match misfortune {
            Misfortune::CloseSocket => return self.announce_close(&id),
            Misfortune::EvictChannel => return self.evict(&id),
            Misfortune::RevokeTokens
            | Misfortune::DropSocket
            | Misfortune::HalfOpenSocket
            | Misfortune::Garbage
            | Misfortune::OversizedFrame => {}
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let raw = |text: String| Frame { text: text.into(), snapshot: None };
        match misfortune {
            Misfortune::DropSocket => channel.end(End::Dropped),
            Misfortune::HalfOpenSocket => channel.silence(),
            Misfortune::Garbage => channel.send(raw("{\"topicName\":\"v2.users.".to_owned())),
            Misfortune::OversizedFrame => channel.send(raw("x".repeat(OVERSIZED))),
            Misfortune::RevokeTokens | Misfortune::CloseSocket | Misfortune::EvictChannel => {}
        }
    }

    /// Planned closes, warnings before the end of a channel's life, and that end.
    pub(super) fn tend_channels(&mut self, now: Duration) {
        let ids: Vec<String> = self.channels.iter().map(|channel| channel.id.clone()).collect();
        for id in ids {
            let Some(channel) = self.channels.get_mut(&id) else { continue };
            if channel.expires <= now {
                if let Some(mut channel) = self.channels.remove(&id) {
                    channel.end(End::Closed);
                }
            } else if channel.closes.is_some_and(|closes| closes <= now) {
                channel.end(End::Closed);
            } else if channel.is_connected() && !channel.warned && channel.expires <= now + WARNING
            {
                channel.warned = true;
                let text = system::socket_closing(&self.mint.uuid());
                channel.send(Frame { text: text.into(), snapshot: None });
            }
        }
    }
}

impl Channel {
    /// When it next needs to be tended.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let warning =
            (self.is_connected() && !self.warned).then(|| self.expires.saturating_sub(WARNING));
        [Some(self.expires), self.closes, warning].into_iter().flatten().min()
    }
}
