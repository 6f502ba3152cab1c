//! Whose turn it is: several lines of those who wait, served in turn.
//!
//! The line that has gone longest without a turn is next, so each gets the same share of what is
//! served while it has anybody in it, and one that was empty is served at once. All turns cost the
//! same, a request, so nothing has to be saved up for a dear one. A line that is closed is passed
//! over until it is opened.
//!
//! Lines may hold lines: rules first, within a rule the queues, within a queue the oldest first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::Target;
use crate::in_order::InOrder;

/// So many empty lines are remembered with their last turn. One that is forgotten counts as new,
/// which it would be next to those that were served later.
const IDLE: usize = 512;

pub(super) type Name = Arc<str>;

/// Who waits in one line, by the order in which they came.
pub(super) type Row = InOrder<Target>;

/// A line that may be empty.
pub(super) trait Line: Default {
    fn is_empty(&self) -> bool;
}

impl Line for Row {
    fn is_empty(&self) -> bool {
        InOrder::is_empty(self)
    }
}

impl<L: Line> Line for Turns<L> {
    fn is_empty(&self) -> bool {
        self.lines.len() == self.idle.len()
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Turns<L> {
    lines: BTreeMap<Name, Served<L>>,
    /// Those that somebody waits in and that are open, the longest without a turn first.
    waiting: BTreeSet<(u64, Name)>,
    idle: BTreeSet<(u64, Name)>,
    closed: BTreeMap<Name, Instant>,
    turn: u64,
}

#[derive(Debug)]
struct Served<L> {
    /// Its last turn; 0 for none.
    turn: u64,
    line: L,
}

impl<L> Default for Turns<L> {
    fn default() -> Turns<L> {
        Turns {
            lines: BTreeMap::new(),
            waiting: BTreeSet::new(),
            idle: BTreeSet::new(),
            closed: BTreeMap::new(),
            turn: 0,
        }
    }
}

impl<L: Line> Turns<L> {
    /// The line whose turn it is; `None` if nobody may go.
    pub(super) fn next(&self) -> Option<(&Name, &L)> {
        let (_, name) = self.waiting.first()?;
        Some((name, &self.lines.get(name)?.line))
    }

    pub(super) fn may_go(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Changes who waits in a line.
    pub(super) fn change(&mut self, name: &Name, change: impl FnOnce(&mut L)) {
        let Some(served) = self.lines.get_mut(name) else {
            let mut line = L::default();
            change(&mut line);
            self.lines.insert(Arc::clone(name), Served { turn: 0, line });
            return self.sort(name);
        };
        let was_empty = served.line.is_empty();
        change(&mut served.line);
        // Most come to where others wait, and leave others there.
        if served.line.is_empty() != was_empty {
            self.sort(name);
        }
    }

    /// A line has had its turn, whether it was its turn or not.
    pub(super) fn serve(&mut self, name: &Name, change: impl FnOnce(&mut L)) {
        let Some(served) = self.lines.get_mut(name) else { return };
        self.turn += 1;
        let before = std::mem::replace(&mut served.turn, self.turn);
        change(&mut served.line);
        self.waiting.remove(&(before, Arc::clone(name)));
        self.idle.remove(&(before, Arc::clone(name)));
        self.sort(name);
    }

    /// Closes a line until then.
    pub(super) fn close(&mut self, name: &Name, until: Instant) {
        self.closed.insert(Arc::clone(name), until);
        self.sort(name);
    }

    /// Opens the lines whose time has come.
    pub(super) fn open(&mut self, now: Instant) {
        self.open_those(|until| until <= now);
    }

    pub(super) fn open_all(&mut self) {
        self.open_those(|_| true);
    }

    /// When [`open`](Turns::open) next has something to do.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        self.closed.values().min().copied()
    }

    fn open_those(&mut self, which: impl Fn(Instant) -> bool) {
        let open = self.closed.extract_if(.., |_, until| which(*until));
        let open: Vec<Name> = open.map(|(name, _)| name).collect();
        open.iter().for_each(|name| self.sort(name));
    }

    /// Puts a line among those it belongs to now.
    fn sort(&mut self, name: &Name) {
        let Some(served) = self.lines.get(name) else { return };
        let place = (served.turn, Arc::clone(name));
        let empty = served.line.is_empty();
        if empty || self.closed.contains_key(name) {
            self.waiting.remove(&place);
        } else {
            self.waiting.insert(place.clone());
        }
        if empty {
            self.idle.insert(place);
        } else {
            self.idle.remove(&place);
        }
        if self.idle.len() > IDLE
            && let Some((_, longest)) = self.idle.pop_first()
        {
            self.lines.remove(&longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Each word is a step: `a+` somebody comes to line a, `a-` the line is closed for a second, `.`
    /// a second passes, and a number is so many turns, which are told.
    #[track_caller]
    fn check(script: &str, expected: Expect) {
        let (mut turns, mut now, mut order) = (Turns::<Row>::default(), Instant::now(), 0);
        let mut told = Vec::new();
        for word in script.split(' ') {
            if let Ok(count) = word.parse::<u32>() {
                let mut row = String::new();
                for _ in 0..count {
                    let Some(name) = turns.next().map(|(name, _)| Arc::clone(name)) else {
                        row.push('-');
                        continue;
                    };
                    row.push_str(&name);
                    turns.serve(&name, |line| drop(line.pop_first()));
                }
                told.push(row);
            } else if word == "." {
                now += std::time::Duration::from_secs(1);
                turns.open(now);
            } else if let Some(name) = word.strip_suffix('+') {
                order += 1;
                turns.change(&Arc::from(name), |line| {
                    line.insert(order, Target::new("c", &order.to_string()));
                });
            } else if let Some(name) = word.strip_suffix('-') {
                turns.close(&Arc::from(name), now + std::time::Duration::from_secs(1));
            }
        }
        expected.assert_eq(&told.join(" "));
    }

    #[test]
    fn each_line_has_its_turn_however_many_wait_in_it() {
        check("a+ a+ a+ a+ b+ b+ c+ 8", expect!["abcabaa-"]);
    }

    #[test]
    fn who_was_empty_is_next_and_gains_no_more_than_a_turn() {
        check("a+ a+ a+ a+ 2 b+ 1 b+ 2 b+ 2", expect!["aa b ab ab"]);
    }

    #[test]
    fn a_closed_line_is_passed_over_until_it_opens() {
        check("a+ a+ b+ a- 2 . 2", expect!["b- aa"]);
        check("a- a+ 1 . 1", expect!["- a"]);
    }

    #[test]
    fn no_more_empty_lines_are_remembered_than_need_be() {
        let mut turns = Turns::<Row>::default();
        for n in 0..3 * IDLE {
            let name: Name = Arc::from(n.to_string());
            turns.change(&name, |line| {
                line.insert(1, Target::new("c", "p"));
            });
            turns.serve(&name, |line| drop(line.pop_first()));
        }
        assert_eq!(turns.lines.len(), IDLE);
        assert!(turns.is_empty() && !turns.may_go());
    }
}
