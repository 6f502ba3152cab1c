//! How it stands with one attribute: the last wish for it, what was written, what would be right.

use std::mem;

use jiff::Timestamp;

use super::fold::ON_ITS_WAY;
use super::ruleset::Mode;

#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) value: String,
    pub(super) rule: String,
    pub(super) mode: Mode,
    pub(super) at: Timestamp,
}

/// One key of one participant. The empty string is an absent value.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The last wish; its time is when its value was first wished.
    pub(super) wish: Option<Wish>,
    /// Every value wished, with the time from which the client could know.
    history: Vec<(String, Timestamp)>,
    /// What the client last had accepted.
    accepted: Option<String>,
    /// The client does not know whether it was.
    in_doubt: bool,
    /// The last snapshot showed the wished value.
    met: bool,
    current: String,
    /// Somebody else wrote the current value, and a snapshot showed that to the client then.
    foreign: bool,
    foreign_seen: Option<Timestamp>,
    /// The program may know of a wish since the last one that was made for sure.
    unsure: bool,
    /// Whatever of these is there is right.
    pub(super) right: Vec<String>,
}

impl Standing {
    /// `shown` by a snapshot of `at`: what is there before any wish is somebody else's.
    pub(super) fn new(shown: &str, at: Timestamp) -> Standing {
        Standing {
            wish: None,
            history: Vec::new(),
            accepted: None,
            in_doubt: false,
            met: false,
            current: shown.to_owned(),
            foreign: !shown.is_empty(),
            foreign_seen: Some(at),
            unsure: false,
            right: Vec::new(),
        }
    }

    /// Was it wished for at least once, whether it still is or not?
    pub(super) fn was_wished(&self) -> bool {
        !self.history.is_empty()
    }

    fn also_right(&mut self, value: &str) {
        if !self.right.iter().any(|right| right == value) {
            self.right.push(value.to_owned());
        }
    }

    /// A snapshot that showed this was delivered.
    pub(super) fn shown(&mut self, value: &str, at: Timestamp) {
        if self.foreign && self.foreign_seen.is_none() && value == self.current {
            self.foreign_seen = Some(at);
        }
    }

    pub(super) fn wished(&mut self, wish: Wish, shown: &str) {
        let unsure = mem::take(&mut self.unsure);
        let changed = unsure || self.wish.as_ref().is_none_or(|last| last.value != wish.value);
        self.met = shown == wish.value;
        match wish.mode {
            Mode::Follow if changed => {
                self.right = vec![wish.value.clone()];
                // Back to what was accepted before anything between was written, while somebody
                // else's value is there: theirs by the memory, ours by the change.
                if self.accepted.as_ref() == Some(&wish.value) && self.foreign {
                    self.also_right(&self.current.clone());
                }
            }
            // It was met without being written, and then somebody else wrote.
            Mode::Follow if self.accepted.is_none() => self.right = vec![wish.value.clone()],
            Mode::Follow => {}
            Mode::First if self.accepted.is_none() => self.also_right(&wish.value),
            Mode::First => {}
            Mode::IfAbsent if !self.current.is_empty() => self.right = vec![self.current.clone()],
            Mode::IfAbsent => self.also_right(&wish.value),
        }
        if changed {
            self.history.push((wish.value.clone(), wish.at));
        }
        let at = self.wish.as_ref().filter(|_| !changed).map_or(wish.at, |last| last.at);
        self.wish = Some(Wish { at, ..wish });
    }

    /// A wish that the program may have made or not: whatever comes of it is right.
    pub(super) fn perhaps(&mut self, wish: &Wish) {
        self.unsure = true;
        if self.right.is_empty() {
            self.also_right(&self.current.clone());
        }
        match wish.mode {
            Mode::First if self.accepted.is_some() => {}
            Mode::IfAbsent if !self.current.is_empty() => {}
            Mode::Follow | Mode::First | Mode::IfAbsent => self.also_right(&wish.value),
        }
        self.history.push((wish.value.clone(), wish.at));
    }

    /// New rules do not wish it: what waits is withdrawn, what was set stays.
    pub(super) fn withdrawn(&mut self) {
        if self.wish.take().is_some_and(|wish| self.accepted.as_ref() != Some(&wish.value)) {
            self.also_right(&self.current.clone());
        }
    }

    pub(super) fn written_by_other(&mut self, value: &str) {
        value.clone_into(&mut self.current);
        self.foreign = true;
        self.foreign_seen = None;
        let Some(wish) = self.wish.clone() else {
            self.right = vec![value.to_owned()];
            return;
        };
        let ours = self.accepted.clone();
        match wish.mode {
            Mode::Follow if self.unsure => self.also_right(value),
            Mode::Follow if ours.as_ref() == Some(&wish.value) => {
                self.right = vec![value.to_owned()];
            }
            Mode::Follow if self.met => self.also_right(value),
            Mode::First if ours.is_some() => self.right = vec![value.to_owned()],
            Mode::IfAbsent if !value.is_empty() => self.right = vec![value.to_owned()],
            Mode::IfAbsent if ours.is_some() => self.also_right(value),
            // Not written yet: the wish stands, and goes over theirs.
            Mode::Follow | Mode::First | Mode::IfAbsent => return,
        }
        if self.in_doubt {
            self.also_right(&wish.value);
        }
    }

    /// True when the client wrote what only an older snapshot asked for.
    pub(super) fn written_by_client(&mut self, value: &str, answered: bool, at: Timestamp) -> bool {
        let known = self.history.iter().any(|(wished, _)| wished == value);
        let again = self.accepted.as_deref() == Some(value) && !self.in_doubt;
        let saw_theirs =
            self.foreign && self.foreign_seen.is_some_and(|seen| seen + ON_ITS_WAY < at);
        let mut older = false;
        if known {
            match self.wish.as_ref().map(|wish| (wish.mode, wish.value == value)) {
                // Theirs, and the client had seen so: a fight, which makes nothing right.
                Some((Mode::Follow, true)) if again && saw_theirs => {}
                Some((Mode::IfAbsent, _)) if saw_theirs && !self.current.is_empty() => {}
                Some((Mode::First, _)) if self.accepted.is_some() && !self.in_doubt => {}
                Some((Mode::Follow, false)) => older = self.is_older(value, at),
                Some((Mode::Follow, true) | (Mode::First | Mode::IfAbsent, _)) | None => {
                    self.right = vec![value.to_owned()];
                }
            }
            self.accepted = Some(value.to_owned());
            self.in_doubt = !answered;
        }
        value.clone_into(&mut self.current);
        self.foreign = false;
        self.foreign_seen = None;
        older
    }

    /// Is it a value that was wished only before one that the client has known for a while?
    fn is_older(&self, value: &str, at: Timestamp) -> bool {
        let known = self.history.iter().rposition(|(_, since)| *since + ON_ITS_WAY < at);
        known.is_some_and(|known| self.history[known..].iter().all(|(wished, _)| wished != value))
    }
}
