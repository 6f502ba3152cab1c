//! Reading `when`, and what is said of every expression.

use std::ops::Range;
use std::sync::Arc;

use super::lists::ListDraft;
use super::reader::{Node, Reader};
use super::rule::{Parts, Placed};
use crate::rules::expression::{Expression, Mistake, Vocabulary, Wanted};
use crate::rules::lists::{Origin, Taken};
use crate::rules::{condition::Condition, found_by};

impl Reader<'_> {
    /// What expressions may name beside fields.
    pub(super) fn vocabulary(&self) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for list in &self.lists {
            let columns = match &list.source.origin {
                Origin::Rows(list) => Some(list.columns().to_vec()),
                // What is in the file is known once it is read.
                Origin::File { .. } => None,
            };
            vocabulary.add_list(Arc::clone(&list.source.name), columns);
        }
        vocabulary
    }

    pub(super) fn when(&mut self, node: &Node<'_>) -> Option<Placed<Expression>> {
        let text = self.text("when", node)?;
        match self.expressions.get(text, Wanted::Condition) {
            Ok(expression) => {
                self.noted(&expression, node.span(), text);
                Some((expression, node.span()))
            }
            Err(mistakes) => {
                self.mistakes(mistakes, node.span(), text);
                None
            }
        }
    }

    /// Reports mistakes in a text of the file.
    pub(super) fn mistakes(&mut self, mistakes: Vec<Mistake>, span: Range<usize>, text: &str) {
        for mistake in mistakes {
            let place = self.inside(span.clone(), text, mistake.at);
            self.problems.error(place, mistake.message).help(mistake.help);
        }
    }

    /// Takes note of what an expression uses, and warns of what is doubtful in it. `text` is the
    /// whole text of the file in which it stands.
    pub(super) fn noted(&mut self, expression: &Expression, span: Range<usize>, text: &str) {
        for list in expression.lists() {
            self.uses_list(list);
        }
        let by = text.find(&**expression.text()).unwrap_or(0);
        for (list, column, at) in expression.columns() {
            let place = self.inside(span.clone(), text, at.start + by..at.end + by);
            self.takes_column(list, column, place);
        }
        for doubt in expression.doubts() {
            let doubt = doubt.clone().moved(by);
            let place = self.inside(span.clone(), text, doubt.at);
            self.problems.warning(place, doubt.message).help(doubt.help);
        }
    }

    /// Keeps in mind where a column is taken of a list whose file is not read yet.
    fn takes_column(&mut self, list: &str, column: &Arc<str>, place: Range<usize>) {
        let Reader { lists, problems, .. } = self;
        let of_file = |one: &&mut ListDraft| {
            *one.source.name == *list && matches!(one.source.origin, Origin::File { .. })
        };
        let Some(list) = lists.iter_mut().find(of_file) else { return };
        let taken = list.source.taken.entry(Arc::clone(column));
        taken
            .and_modify(|taken| taken.more += 1)
            .or_insert_with(|| Taken { first: problems.declared(place), more: 0 });
    }

    /// Checks that the rule finds one row of each list of which it takes columns.
    pub(super) fn found_rows(&mut self, parts: &Parts) {
        let conditions: Vec<Condition> =
            parts.conditions.iter().flatten().map(|(one, _)| one.clone()).collect();
        let when = parts.when.iter().map(|(when, place)| (when, place));
        let assigned = parts.set.iter().flatten().chain(&parts.otherwise);
        let values = assigned
            .flat_map(|(one, place)| one.value.expressions().map(move |value| (value, place)));
        for (expression, place) in when.chain(values) {
            for (list, _) in expression.rows() {
                let found = found_by(&conditions, list).len();
                if found == 1 {
                    continue;
                }
                let message = format!(
                    "`lists.{list}` is the row that `in_list` finds: {} in this rule's match",
                    if found == 0 { "there is none" } else { "there is more than one" }
                );
                let help = format!(
                    "write match.customer.number = {{ in_list = {:?} }}, once; or \
                     lookup({:?}, customer.number).column",
                    &**list, &**list
                );
                self.problems.error(place.clone(), message).help(help);
            }
        }
    }
}
