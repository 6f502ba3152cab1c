//! What rules say again and again, kept once: the same texts, and the same conditions on fields.
//!
//! Ten thousand rules ask for the purpose `agent`. One condition serves them all, and whoever makes
//! an index of them tests it once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::rules::condition::{Condition, FieldCondition};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Once {
    texts: HashSet<Arc<str>>,
    fields: HashSet<Arc<FieldCondition>>,
}

impl Once {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text = Arc::from(text);
        self.texts.insert(Arc::clone(&text));
        text
    }

    pub(super) fn condition(&mut self, field: FieldCondition) -> Condition {
        let known = self.fields.get(&field).map(Arc::clone);
        Condition::Field(known.unwrap_or_else(|| {
            let field = Arc::new(field);
            self.fields.insert(Arc::clone(&field));
            field
        }))
    }
}
