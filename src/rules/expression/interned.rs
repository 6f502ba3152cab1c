//! Expressions of one rules file: each text is read, checked and compiled once.

use std::collections::HashMap;

use super::{Expression, Mistake, Vocabulary, Wanted};

/// The expressions known so far.
#[derive(Debug, Default)]
pub struct Interned {
    vocabulary: Vocabulary,
    conditions: HashMap<String, Expression>,
    values: HashMap<String, Expression>,
}

impl Interned {
    /// None yet, of a file with this vocabulary.
    pub fn new(vocabulary: Vocabulary) -> Interned {
        Interned { vocabulary, ..Interned::default() }
    }

    /// The expression that is written so.
    ///
    /// # Errors
    ///
    /// As [`Expression::parse`].
    pub fn get(&mut self, text: &str, wanted: Wanted) -> Result<Expression, Vec<Mistake>> {
        let known = match wanted {
            Wanted::Condition => &mut self.conditions,
            Wanted::Value => &mut self.values,
        };
        if let Some(expression) = known.get(text) {
            return Ok(expression.clone());
        }
        let expression = Expression::parse(text, wanted, &self.vocabulary)?;
        known.insert(text.to_owned(), expression.clone());
        Ok(expression)
    }
}
