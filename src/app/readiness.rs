//! When the service is ready: every wanted topic has its answer.

use tracing::info;

use super::App;
use crate::events::channels::ChannelsState;
use crate::status::systemd;

impl App {
    pub(super) fn channels_changed(&mut self) {
        self.joints.channels.mark_unchanged();
        self.look_if_ready();
    }

    pub(super) fn look_if_ready(&mut self) {
        if self.ready || self.stop.is_cancelled() {
            return;
        }
        let state = self.joints.channels.borrow().clone();
        if self.watching_known && is_subscribed(&state, self.topics_wanted) {
            self.ready = true;
            info!(
                channels = state.channels,
                topics = state.topics_permitted,
                rejected = state.topics_rejected,
                rules = self.rules.file.inventory().rules,
                "ready: subscribed to every topic that is permitted"
            );
            // Whoever waits for it looks at once.
            self.tell();
            systemd::ready(&self.status_line());
        }
    }
}

/// Whether every wanted topic that is permitted is subscribed to.
///
/// With none permitted it never is: that there is nothing to hear comes as a notice, on a way of its
/// own, and must not find us ready.
fn is_subscribed(state: &ChannelsState, wanted: usize) -> bool {
    let answered = state.topics_permitted + state.topics_rejected + state.topics_without_room;
    state.topics_wanted == wanted
        && state.connected == state.channels
        && answered >= wanted
        && (state.topics_permitted > 0 || wanted == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_takes_an_answer_for_each_topic_and_a_yes() {
        let state = |permitted: usize, rejected: usize, connected: usize| ChannelsState {
            channels: 1,
            connected,
            topics_wanted: 3,
            topics_permitted: permitted,
            topics_rejected: rejected,
            ..ChannelsState::default()
        };
        for (state, wanted, expected) in [
            (state(3, 0, 1), 3, true),
            (state(1, 2, 1), 3, true),
            (state(0, 3, 1), 3, false),
            (state(2, 0, 1), 3, false),
            (state(3, 0, 0), 3, false),
            // The channels have not heard yet of what is wanted now.
            (state(3, 0, 1), 4, false),
            (ChannelsState::default(), 0, true),
        ] {
            assert_eq!(is_subscribed(&state, wanted), expected, "{state:?} of {wanted}");
        }
    }
}
