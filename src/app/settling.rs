//! When a file that somebody changes has come to rest, so that no half of it is taken.
//!
//! Pure. It is looked at again and again. What has another stamp than what was taken last is read
//! when the stamp has stood still between two looks, and taken when a second reading, at a later
//! look, gives the same bytes. So editors, links that are moved and network drives work, and a copy
//! that is under way is waited for.

use std::time::SystemTime;

/// What the file system says of a file; another content has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Another file may have been moved to its place.
    pub inode: u64,
    /// Seconds and nanoseconds: this one cannot be set back.
    pub changed: (i64, i64),
}

/// See the [module](self). A new one has taken nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settling {
    /// Of what was taken last, or given up as unreadable.
    taken: Option<Option<Stamp>>,
    seen: Option<Option<Stamp>>,
    /// What the first reading gave.
    read: Option<u64>,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Rest,
    /// Look again soon.
    LookSoon,
    /// Read it, and tell [`Settling::was_read`].
    Read,
}

impl Settling {
    /// `None`: the file is not there, or cannot be looked at.
    pub(super) fn look(&mut self, stamp: Option<Stamp>) -> Next {
        let stood_still = self.seen == Some(stamp);
        self.seen = Some(stamp);
        if self.taken == Some(stamp) {
            self.read = None;
            return Next::Rest;
        }
        if stood_still {
            return Next::Read;
        }
        self.read = None;
        Next::LookSoon
    }

    /// Returns true if it is taken: the same bytes were read twice. `None` is what cannot be read,
    /// which is believed at once.
    pub(super) fn was_read(&mut self, digest: Option<u64>) -> bool {
        let again = digest.is_none() || self.read == digest;
        self.read = digest;
        if again {
            self.taken = self.seen;
            self.read = None;
        }
        again
    }

    /// Whether something is under way.
    pub(super) fn is_moving(&self) -> bool {
        self.taken.is_none() || self.taken != self.seen
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Each word is a look: a stamp, or `-` for none, and after a colon what a reading would give.
    #[track_caller]
    fn check(script: &str, expected: Expect) {
        let mut settling = Settling::default();
        let mut said = Vec::new();
        for word in script.split(' ') {
            let (stamp, content) = word.split_once(':').unwrap_or((word, "0"));
            let stamp = stamp.parse().ok().map(|size| Stamp {
                size,
                modified: None,
                inode: 1,
                changed: (0, 0),
            });
            said.push(match settling.look(stamp) {
                Next::Rest => "rest",
                Next::LookSoon => "soon",
                Next::Read if settling.was_read(content.parse().ok()) => "taken",
                Next::Read => "read",
            });
        }
        expected.assert_eq(&said.join(" "));
    }

    #[test]
    fn what_stands_still_is_read_twice_and_then_left_alone() {
        check("5:1 5:1 5:1 5:1 5:1", expect!["soon read taken rest rest"]);
        check("5:1 5:1 5:1 6:2 6:2 6:2 6:2", expect!["soon read taken soon read taken rest"]);
    }

    #[test]
    fn a_copy_under_way_is_waited_for() {
        // It grows, pauses, and grows on between the two readings.
        check("1:1 2:2 2:2 3:3 3:3 3:3", expect!["soon soon read soon read taken"]);
        // The stamp stands still, but the bytes do not.
        check("5:1 5:1 5:2 5:3 5:3 5:3", expect!["soon read read read taken rest"]);
    }

    #[test]
    fn a_file_that_goes_away_is_told_once() {
        check("5:1 5:1 5:1 - -:- -:-", expect!["soon read taken soon taken rest"]);
        // Between the two steps of an editor there may be none.
        check("5:1 5:1 5:1 - 6:2 6:2 6:2", expect!["soon read taken soon soon read taken"]);
    }
}
