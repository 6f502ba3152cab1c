//! Where entries wait: each in the one place that its state asks for.

use tokio::time::Instant;

use super::entry::{Place, Wants};
use super::{Outbox, Target};

impl Outbox {
    /// Puts an entry into the one place where it belongs.
    pub(super) fn place(&mut self, target: &Target, now: Instant) {
        let Some(entry) = self.entry(target) else { return };
        let (place, wants) = (entry.place, entry.wants(now));
        let stays = match (place, wants) {
            (Place::Ready(_), Wants::Ready)
            | (Place::Urgent(_), Wants::Urgent)
            | (Place::Forbidden(_), Wants::Forbidden)
            | (Place::Held, Wants::Held) => true,
            (Place::Timed(is), Wants::Timed(should)) => is == should,
            (
                Place::Ready(_)
                | Place::Urgent(_)
                | Place::Forbidden(_)
                | Place::Held
                | Place::Timed(_),
                _,
            ) => false,
        };
        if stays {
            return;
        }
        match place {
            Place::Held => {}
            Place::Ready(order) => drop(self.ready.remove(&order)),
            Place::Urgent(order) => drop(self.urgent.remove(&order)),
            Place::Forbidden(order) => drop(self.forbidden.remove(&order)),
            Place::Timed(at) => drop(self.timed.remove(&(at, target.clone()))),
        }
        let order = self.next_place;
        self.next_place += 1;
        let place = match wants {
            Wants::Nothing => return self.remove(target),
            Wants::Held => Place::Held,
            Wants::Ready => {
                self.ready.insert(order, target.clone());
                Place::Ready(order)
            }
            Wants::Urgent => {
                self.urgent.insert(order, target.clone());
                Place::Urgent(order)
            }
            Wants::Forbidden => {
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

    fn remove(&mut self, target: &Target) {
        let Some(participants) = self.entries.get_mut(&target.conversation) else { return };
        if participants.remove(&target.participant).is_some() {
            self.len -= 1;
        }
        if participants.is_empty() {
            self.entries.remove(&target.conversation);
        }
    }
}
