//! Checks of one rule as a whole: what its parts say of each other.

use std::ops::Range;
use std::sync::Arc;

use super::reader::Reader;
use super::rule::{Effects, Parts, Placed};
use crate::rules::condition::Condition;
use crate::rules::expression::Expression;
use crate::rules::field::{Kind, Path, Subject};
use crate::rules::fields;
use crate::rules::file::Assignment;
use crate::rules::target::Target;
use crate::updates::wish::Write;

/// The label of rules that write personal data on purpose.
const PERSONAL: &str = "personal";

impl Reader<'_> {
    pub(super) fn whole(&mut self, parts: &Parts) {
        let conditions = parts.conditions.as_deref().unwrap_or_default();
        let set = parts.set.as_deref().unwrap_or_default();
        self.media(conditions, parts.when.as_ref(), set.iter().chain(&parts.otherwise));
        self.otherwise(&parts.effects, set, &parts.otherwise);
        self.cleared(set, &parts.clear);
        self.running(&parts.effects, set.iter().chain(&parts.otherwise));
        self.at_next_event(parts.when.as_ref());
        if !parts.labels.iter().any(|label| **label == *PERSONAL) {
            self.personal(conditions, set.iter().chain(&parts.otherwise));
        }
        self.never(conditions);
        self.found_rows(parts);
    }

    fn cleared(&mut self, set: &[Placed<Assignment>], clear: &[Placed<Arc<str>>]) {
        for (key, place) in clear {
            if set.iter().any(|(assignment, _)| assignment.key == *key) {
                let message = format!("`{key}` is both set and cleared");
                self.problems.error(place.clone(), message).help("leave one of them");
            }
        }
    }

    /// Refuses values that change with every look, where they would be written each time.
    fn running<'a>(
        &mut self,
        effects: &Effects,
        assignments: impl Iterator<Item = &'a Placed<Assignment>>,
    ) {
        let mode = match effects.write {
            Write::Follow => "follow",
            Write::Enforce => "enforce",
            Write::First | Write::IfAbsent => return,
        };
        for (assignment, place) in assignments {
            let running = assignment.value.paths().find(|path| path.field.running);
            let now = assignment.value.expressions().any(Expression::uses_now);
            let Some(what) = running.map(ToString::to_string).or(now.then(|| "now".to_owned()))
            else {
                continue;
            };
            let message = format!(
                "`{what}` changes with every look, and write = {mode:?} would write each change"
            );
            let help = "write = \"first\" or \"if-absent\" keeps the first; or match it, as in \
                        { gt = \"2m\" }, and set a plain value";
            self.problems.error(place.clone(), message).help(help);
        }
    }

    /// Warns of a `when` that time alone changes at moments that cannot be told before.
    fn at_next_event(&mut self, when: Option<&Placed<Expression>>) {
        let Some((_, place)) = when.filter(|(when, _)| when.limits().others) else { return };
        let message = "time alone can change this, and is seen only with the next event";
        let help = "the rule is looked at in time where a duration is compared with what is \
                    written out, as in participant.held_for > duration(\"2m\"), and with \
                    match.time = \"office\"";
        self.problems.warning(place.clone(), message).help(help);
    }

    /// Warns of what is written where many may read it: attributes are in recordings, reports and
    /// scripts.
    fn personal<'a>(
        &mut self,
        conditions: &[Placed<Condition>],
        assignments: impl Iterator<Item = &'a Placed<Assignment>>,
    ) {
        let purposes = limited_to(Subject::Participant, "purpose", conditions);
        let tests_outside = purposes.iter().any(|one| ["customer", "external"].contains(one));
        for (assignment, place) in assignments {
            let mut passed = assignment.value.expressions().flat_map(Expression::passed_on);
            let Some(path) = passed.find(|path| is_personal(path, tests_outside)) else { continue };
            let message = format!("`{path}` of a customer is written into an attribute");
            let help = format!(
                "attributes are seen in scripts, interaction details and exports; if that is \
                 meant, say so: labels = [{PERSONAL:?}]"
            );
            self.problems.warning(place.clone(), message).help(help);
        }
    }

    /// Warns of conditions that nothing satisfies.
    fn never(&mut self, conditions: &[Placed<Condition>]) {
        for (at, (condition, place)) in conditions.iter().enumerate() {
            if condition.is_never() {
                self.never_match(place, "this can never hold");
                return;
            }
            let earlier = conditions[..at].iter().find(|(other, _)| other.excludes(condition));
            if let Some((_, earlier)) = earlier {
                let line = self.line(earlier.start);
                self.never_match(place, &format!("this and line {line} can never hold together"));
                return;
            }
        }
    }

    fn never_match(&mut self, place: &Range<usize>, message: &str) {
        let message = format!("{message}: the rule never matches");
        self.problems.warning(place.clone(), message).help(
            "all conditions of `match` have to hold at once; for alternatives there is match.any",
        );
    }

    /// Warns of fields that the rule's own media do not have.
    fn media<'a>(
        &mut self,
        conditions: &[Placed<Condition>],
        when: Option<&'a Placed<Expression>>,
        assignments: impl Iterator<Item = &'a Placed<Assignment>>,
    ) {
        let conditions_used =
            conditions.iter().filter_map(|(one, place)| Some((&one.as_field()?.path, place)));
        let values_used =
            assignments.flat_map(|(one, place)| one.value.tested().map(move |path| (path, place)));
        let asked = when.into_iter();
        let asked = asked.flat_map(|(when, place)| when.tested().map(move |path| (path, place)));
        for (path, place) in conditions_used.chain(asked).chain(values_used) {
            let media = limited_to(path.subject, "media", conditions);
            let exists = |word: &str| path.field.media.iter().any(|m| m.word() == word);
            if path.field.media.is_empty()
                || media.is_empty()
                || media.iter().any(|word| exists(word))
            {
                continue;
            }
            let there: Vec<_> = path.field.media.iter().map(|m| m.word()).collect();
            let message = format!("`{path}` is never there: this rule is for {}", media.join(", "));
            let help = format!("it exists in {} only", there.join(", "));
            self.problems.warning(place.clone(), message).help(help);
        }
    }

    /// Checks what is written when nobody matches.
    fn otherwise(
        &mut self,
        effects: &Effects,
        set: &[Placed<Assignment>],
        otherwise: &[Placed<Assignment>],
    ) {
        for (assignment, place) in otherwise {
            let missing = assignment.value.tested().find(|path| match path.subject {
                Subject::Participant => effects.target != Target::Participant,
                Subject::Watched => effects.target != Target::Watched,
                Subject::Conversation | Subject::Customer | Subject::Agent | Subject::Acd => false,
            });
            if let Some(path) = missing {
                let message =
                    format!("`{path}` is nobody here: `otherwise` is written when nobody matches");
                let help = "use conversation, customer, agent or acd, or a plain value";
                self.problems.error(place.clone(), message).help(help);
            }
            let same = set.iter().any(|(other, _)| other.key == assignment.key);
            if same && effects.write != Write::Follow {
                let message =
                    format!("`{}` is written once at most, so never otherwise", assignment.key);
                self.problems
                    .warning(place.clone(), message)
                    .help("write = \"follow\" writes both");
            }
        }
    }
}

/// The words to which the conditions limit a field of a subject; empty if they do not.
fn limited_to<'c>(
    subject: Subject,
    field: &str,
    conditions: &'c [Placed<Condition>],
) -> Vec<&'c str> {
    let path = fields::path(subject, field);
    let fields = conditions.iter().filter_map(|(one, _)| one.as_field());
    let fields = fields.filter(|one| Some(&one.path) == path.as_ref());
    let words = fields.filter_map(|one| one.pattern.names()).flatten();
    let words = words.filter_map(|scalar| scalar.as_text().map(|word| &**word));
    words.collect()
}

/// The customer's number, address or name, or what they wrote; an attribute has no particular meaning.
/// `tests_outside` if who is tested can be the customer.
fn is_personal(path: &Path, tests_outside: bool) -> bool {
    /// The customer's, of whomever they are asked.
    const OF_ALL: [&str; 4] = ["number", "ani", "callback_name", "callback_numbers"];
    const OF_CUSTOMER: [&str; 6] =
        ["address", "name", "subject", "other_name", "other_address", "self_address"];
    let name = path.field.name;
    let of_customer = match path.subject {
        Subject::Customer => true,
        Subject::Participant => tests_outside,
        Subject::Conversation => name == "address",
        Subject::Agent | Subject::Acd | Subject::Watched => false,
    };
    path.field.kind != Kind::Attributes
        && (OF_ALL.contains(&name) || of_customer && OF_CUSTOMER.contains(&name))
}
