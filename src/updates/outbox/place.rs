//! Where entries wait: each in the one place that its state asks for.

use std::sync::Arc;

use tokio::time::Instant;

use super::entry::{Place, Wants};
use super::turns::Name;
use super::{Outbox, Target};

impl Outbox {
    /// Puts an entry into the one place where it belongs.
    pub(super) fn place(&mut self, target: &Target, now: Instant) {
        self.place_as_before(target, None, now);
    }

    /// Has an entry wait in another queue, where it is as old as in the one before.
    pub(super) fn requeue(&mut self, target: &Target, queue: &Name, now: Instant) {
        let Some(entry) = self.entry_mut(target) else { return };
        let before = std::mem::replace(&mut entry.queue, Arc::clone(queue));
        let order = if entry.order().is_some() {
            let place = std::mem::replace(&mut entry.place, Place::Held);
            self.leave(place, &before, target)
        } else {
            None
        };
        self.place_as_before(target, order, now);
    }

    /// An entry that has left its place had this order there, if it was ready.
    fn place_as_before(&mut self, target: &Target, order: Option<u64>, now: Instant) {
        let Some(participants) = self.entries.get_mut(&target.conversation) else { return };
        let Some(entry) = participants.get_mut(&target.participant) else { return };
        let wants = entry.wants(&self.lanes, now);
        let stays = match (&entry.place, &wants) {
            (Place::Ready { lanes: are, .. }, Wants::Ready(should)) => **are == **should,
            (Place::Forbidden(_), Wants::Forbidden) | (Place::Held, Wants::Held) => true,
            (Place::Timed(is), Wants::Timed(should)) => is == should,
            (Place::Ready { .. } | Place::Forbidden(_) | Place::Held | Place::Timed(_), _) => false,
        };
        if stays {
            return;
        }
        let queue = Arc::clone(&entry.queue);
        let was = std::mem::replace(&mut entry.place, Place::Held);
        let before = self.leave(was, &queue, target).or(order);
        let place = match wants {
            Wants::Nothing => return self.remove(target),
            Wants::Held => return,
            Wants::Ready(lanes) => {
                // Who has become ready for another rule, too, has waited as long as before.
                let order = before.unwrap_or_else(|| self.next_place());
                let lanes = self.lanes.share(lanes);
                self.lanes.enter(&lanes, &queue, order, target);
                self.ready += 1;
                Place::Ready { order, lanes }
            }
            Wants::Forbidden => {
                let order = self.next_place();
                self.forbidden.insert(order, target.clone());
                Place::Forbidden(order)
            }
            Wants::Timed(at) => {
                self.timed.insert((at, target.clone()));
                Place::Timed(at)
            }
        };
        if let Some(entry) = self.entry_mut(target) {
            entry.place = place;
        }
    }

    /// Takes an entry from where it waited; returns its order, if it was ready.
    fn leave(&mut self, place: Place, queue: &Name, target: &Target) -> Option<u64> {
        match place {
            Place::Held => {}
            Place::Ready { order, lanes } => {
                self.lanes.leave(&lanes, queue, order);
                self.ready -= 1;
                return Some(order);
            }
            Place::Forbidden(order) => drop(self.forbidden.remove(order)),
            Place::Timed(at) => drop(self.timed.remove(&(at, target.clone()))),
        }
        None
    }

    fn next_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    fn remove(&mut self, target: &Target) {
        let Some(participants) = self.entries.get_mut(&target.conversation) else { return };
        if let Some(entry) = participants.remove(&target.participant) {
            self.len -= 1;
            if let Some(held) = self.held.get_mut(&entry.owner) {
                *held -= 1;
                if *held == 0 {
                    self.held.remove(&entry.owner);
                }
            }
        }
        if participants.is_empty() {
            self.entries.remove(&target.conversation);
        }
    }
}
