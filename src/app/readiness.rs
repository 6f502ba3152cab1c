//! When the service is ready: every wanted topic has its answer. Pure.

use crate::events::channels::ChannelsState;

/// Whether every wanted topic that is permitted is subscribed to.
///
/// With none permitted it never is: that there is nothing to hear comes as a notice, on a way of its
/// own, and must not find us ready.
pub(super) fn is_subscribed(state: &ChannelsState, wanted: usize) -> bool {
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
