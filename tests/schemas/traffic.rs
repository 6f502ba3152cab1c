//! The traffic that is checked: a world of a few hundred conversations.

use attributed::simulator::world::{Changed, Shape, World};
use jiff::{SignedDuration, Timestamp};

/// Seed of the world; any will do.
const SEED: u64 = 20_261_120;

/// Calls `each` with the world after every change of some hundred conversations.
pub(crate) fn play(mut each: impl FnMut(&World, &Changed)) {
    let start: Timestamp = "2026-11-20T14:00:00Z".parse().expect("a time");
    let shape = Shape { rate: 6.0, ..Shape::default() };
    let mut world = World::new(SEED, &shape, start);
    let end = start + SignedDuration::from_secs(45);
    while let Some(due) = world.next_due().filter(|due| *due < end) {
        for change in world.advance(due) {
            each(&world, &change);
        }
    }
    assert!(world.open_conversations().len() > 250, "too few conversations to say anything");
}
