//! Filters of the details query, as far as they are used: who, which queue, and whether it has ended.
//!
//! A dimension that is not simulated is refused, so that nobody relies on a filter that does nothing.

use serde::Deserialize;

use super::answer::Refusal;
use super::world::OpenConversation;

/// A filter of conversations or of segments, or a clause of one: they nest no deeper.
#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    r#type: Junction,
    #[serde(default)]
    clauses: Vec<Filter>,
    #[serde(default)]
    predicates: Vec<Predicate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Junction {
    And,
    Or,
}

#[derive(Debug, Deserialize)]
struct Predicate {
    dimension: Option<String>,
    #[serde(default)]
    operator: Operator,
    value: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Operator {
    #[default]
    Matches,
    Exists,
    NotExists,
}

impl Filter {
    /// # Errors
    ///
    /// 400 for what is not simulated.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        for predicate in &self.predicates {
            let dimension = predicate.dimension.as_deref().unwrap_or_default();
            if !matches!(dimension, "conversationEnd" | "conversationId" | "userId" | "queueId") {
                let message =
                    format!("The dimension [{dimension}] is not supported by the simulator");
                return Err(Refusal::bad_request("bad.request", &message));
            }
        }
        self.clauses.iter().try_for_each(Filter::check)
    }

    pub(super) fn holds(&self, open: &OpenConversation) -> bool {
        let predicates = self.predicates.iter().map(|predicate| predicate.holds(open));
        let mut all = predicates.chain(self.clauses.iter().map(|clause| clause.holds(open)));
        match self.r#type {
            Junction::And => all.all(|holds| holds),
            Junction::Or => all.any(|holds| holds),
        }
    }
}

impl Predicate {
    fn holds(&self, open: &OpenConversation) -> bool {
        let ended = open.ended.map(super::clock::written);
        let values: Vec<&str> = match self.dimension.as_deref() {
            Some("userId") => open.users.iter().map(String::as_str).collect(),
            Some("queueId") => open.queues.iter().map(String::as_str).collect(),
            Some("conversationId") => vec![&open.id],
            Some("conversationEnd") => ended.iter().map(String::as_str).collect(),
            Some(_) | None => Vec::new(),
        };
        match self.operator {
            Operator::Matches => self.value.as_deref().is_some_and(|value| values.contains(&value)),
            Operator::Exists => !values.is_empty(),
            Operator::NotExists => values.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_join_their_predicates() {
        let open = |ended| OpenConversation {
            id: "c".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            users: vec!["u1".to_owned(), "u2".to_owned()],
            queues: Vec::new(),
            ended,
        };
        let holds = |filter: serde_json::Value, ended| {
            let filter: Filter = serde_json::from_value(filter).unwrap();
            filter.check().is_ok() && filter.holds(&open(ended))
        };
        let is_open = json!({ "type": "and", "predicates": [
            { "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" }] });
        assert!(holds(is_open.clone(), None));
        assert!(!holds(is_open, Some(Timestamp::UNIX_EPOCH)));
        let either = json!({ "type": "or", "predicates": [
            { "type": "dimension", "dimension": "userId", "value": "u9" },
            { "type": "dimension", "dimension": "userId", "value": "u2" }] });
        assert!(holds(either, None));
        let unknown =
            json!({ "type": "and", "predicates": [{ "dimension": "ani", "value": "1" }] });
        assert!(!holds(unknown, None));
    }
}
