//! What can be wrong with an expression: when it is read, and when it is evaluated.

use std::ops::Range;

use thiserror::Error;

/// What is wrong in a text, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In bytes of the text.
    pub at: Range<usize>,
    pub message: String,
    pub help: String,
}

/// Why an expression has no value this time. It names types and never values, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct EvaluationError {
    pub message: String,
    /// In bytes of the expression.
    pub at: Range<usize>,
}

impl Mistake {
    pub(super) fn new(
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Mistake {
        Mistake { at, message: message.into(), help: help.into() }
    }

    /// The same mistake, where the text stands so far inside of another.
    pub(crate) fn moved(self, by: usize) -> Mistake {
        Mistake { at: self.at.start + by..self.at.end + by, ..self }
    }
}

impl EvaluationError {
    pub(super) fn new(at: &Range<usize>, message: impl Into<String>) -> EvaluationError {
        EvaluationError { message: message.into(), at: at.clone() }
    }
}
