//! Whether a wish is written: the one table of SEMANTICS 3, as a function.
//!
//! Everything it goes by is given; it changes nothing.

use super::wish::Write;
use crate::defects::{self, Defect};

/// All that matters about one key of one participant at this moment. An absent attribute is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// What is there as far as anybody knows: the snapshot's value, or the accepted one where the
    /// snapshot is older than that.
    pub base: &'a str,
    /// The value that the rules had last: accepted from us, or found there after we had written.
    pub followed: Option<&'a str>,
    /// The value that is under way.
    pub out: Option<&'a str>,
    /// Whether another value waits already.
    pub waits: bool,
    /// A value was sent without an answer and may yet be applied.
    pub uncertain: bool,
    /// The base may be such a value.
    pub base_was_sent: bool,
    /// A value that was refused, and may not be wished again.
    pub refused: Option<&'a str>,
    /// What the snapshot shows was read for it, and is not what an event happened to bring.
    pub read: bool,
}

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is to be written; what waits for the key is superseded.
    Write,
    /// It is so already, or will be by what is under way: what waits for the key is withdrawn.
    Met,
    /// We wrote it, and somebody else changed it since.
    Theirs,
    /// It is written once, and was; or the first value is on its way.
    Once,
    /// It is written only where there is nothing, and there is something: what waits is withdrawn.
    Exists,
    /// Somebody else's value is to be written over, if a read shows that it is really there.
    Look,
    /// It was refused before and would be again.
    Refused,
}

impl Situation<'_> {
    /// What the key is or is about to become.
    fn current(&self) -> &str {
        self.out.unwrap_or(self.base)
    }

    /// Whether the wish for this value is met.
    ///
    /// While a value may yet be applied, what a snapshot shows says nothing: another request has to
    /// come after it.
    pub(crate) fn meets(&self, value: &str) -> bool {
        self.current() == value && (self.out.is_some() || !self.uncertain)
    }

    /// Whether the key has come to exist. Somebody else's value is there, whatever may yet be applied.
    pub(crate) fn exists(&self) -> bool {
        let is_ours = self.base_was_sent || self.followed == Some(self.base);
        let theirs = !self.base.is_empty() && !is_ours && self.out.is_none();
        theirs || (!self.current().is_empty() && !self.uncertain)
    }

    /// Whether what is there is somebody else's, and nothing of ours is about to change that.
    fn is_foreign(&self) -> bool {
        let theirs = self.followed.map_or(!self.base.is_empty(), |ours| self.base != ours);
        theirs && self.out.is_none() && !self.waits && !self.uncertain
    }

    pub(crate) fn decide(&self, value: &str, write: Write) -> Decision {
        if self.meets(value) {
            return Decision::Met;
        }
        if self.refused == Some(value) && !defects::on(Defect::RefusedWishedAgain) {
            return Decision::Refused;
        }
        match write {
            Write::Follow
                if !self.waits
                    && self.out.or(self.followed) == Some(value)
                    && !defects::on(Defect::FightsOthers) =>
            {
                Decision::Theirs
            }
            Write::First if self.waits || self.out.or(self.followed).is_some() => Decision::Once,
            Write::IfAbsent if self.exists() => Decision::Exists,
            Write::Enforce if self.is_foreign() && !self.read => Decision::Look,
            Write::Follow | Write::First | Write::IfAbsent | Write::Enforce => Decision::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn without_memory() {
        check(&[("", "A")], expect!["Write Write Write Write"]);
        check(&[("base", "A")], expect!["Met Met Met Met"]);
        check(&[("base", "C")], expect!["Write Write Exists Look"]);
    }

    #[test]
    fn what_we_wrote_and_others_changed_is_theirs_unless_it_is_enforced() {
        check(&[("base", "C"), ("followed", "A")], expect!["Theirs Once Exists Look"]);
        check(&[("base", ""), ("followed", "A")], expect!["Theirs Once Write Look"]);
        check(
            &[("base", "C"), ("followed", "A"), ("read", "")],
            expect!["Theirs Once Exists Write"],
        );
    }

    #[test]
    fn a_new_value_is_written_over_anything() {
        check(&[("base", "B"), ("followed", "B")], expect!["Write Once Exists Write"]);
        check(&[("base", "C"), ("followed", "B")], expect!["Write Once Exists Look"]);
    }

    #[test]
    fn back_to_the_first_value_while_the_second_is_under_way() {
        let situation = [("base", "A"), ("followed", "A"), ("out", "B")];
        check(&situation, expect!["Write Once Exists Write"]);
    }

    #[test]
    fn what_is_under_way_meets_the_wish() {
        check(&[("base", "C"), ("out", "A")], expect!["Met Met Met Met"]);
        check(&[("base", "C"), ("out", "A"), ("waits", "")], expect!["Met Met Met Met"]);
    }

    #[test]
    fn what_waits_is_superseded_even_by_what_we_wrote_before() {
        let situation = [("base", "C"), ("followed", "A"), ("waits", "")];
        check(&situation, expect!["Write Once Exists Write"]);
    }

    #[test]
    fn what_is_uncertain_is_written_again_whatever_a_snapshot_shows() {
        let situation = [("base", "A"), ("uncertain", ""), ("waits", ""), ("base was sent", "")];
        check(&situation, expect!["Write Once Write Write"]);
    }

    #[test]
    fn somebody_elses_value_exists_while_ours_is_uncertain() {
        let situation = [("base", "C"), ("uncertain", ""), ("waits", "")];
        check(&situation, expect!["Write Once Exists Write"]);
        // This one is ours, and about to be cleared, or may be.
        check(&[("base", "B"), ("followed", "B"), ("out", "")], expect!["Write Once Write Write"]);
        let situation = [("base", "B"), ("followed", "B"), ("uncertain", "")];
        check(&situation, expect!["Write Once Write Write"]);
    }

    #[test]
    fn what_was_refused_is_not_wished_again() {
        check(&[("base", "C"), ("refused", "A")], expect!["Refused Refused Refused Refused"]);
        check(&[("base", "A"), ("refused", "A")], expect!["Met Met Met Met"]);
        check(&[("base", ""), ("refused", "B")], expect!["Write Write Write Write"]);
    }

    /// Decides about the wish for `A` in each of the write modes.
    #[track_caller]
    fn check(situation: &[(&str, &'static str)], expected: Expect) {
        let find = |name| situation.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
        let situation = Situation {
            base: find("base").unwrap_or_default(),
            followed: find("followed"),
            out: find("out"),
            waits: find("waits").is_some(),
            uncertain: find("uncertain").is_some(),
            base_was_sent: find("base was sent").is_some(),
            refused: find("refused"),
            read: find("read").is_some(),
        };
        let modes = [Write::Follow, Write::First, Write::IfAbsent, Write::Enforce];
        let decisions = modes.map(|write| format!("{:?}", situation.decide("A", write)));
        expected.assert_eq(&decisions.join(" "));
    }
}
