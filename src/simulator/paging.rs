//! Query parameters and pages, as all lists of the API have them.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::answer::Refusal;

const DEFAULT_SIZE: usize = 25;

/// The query, in the order in which it was sent. A name may come several times.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) size: usize,
    /// From 1.
    pub(super) number: usize,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, Infallible> {
        Ok(Params(Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default()))
    }
}

impl Params {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name, also where one holds several with commas between them.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        values.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty()).collect()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A whole number.
    ///
    /// # Errors
    ///
    /// 400 for what is none, or below 1.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let message = format!("Value [{text}] is not valid for parameter [{name}]");
                Err(Refusal::bad_request("invalid.query.param.value", &message))
            }
        }
    }

    pub(super) fn page(&self, largest: usize) -> Result<Page, Refusal> {
        let size = self.number("pageSize")?.unwrap_or(DEFAULT_SIZE);
        let number = self.number("pageNumber")?.unwrap_or(1);
        Page::checked(size, number, largest)
    }
}

impl Page {
    pub(super) fn checked(size: usize, number: usize, largest: usize) -> Result<Page, Refusal> {
        if size == 0 || size > largest || number == 0 {
            let message = format!("pageSize must be from 1 to {largest}, pageNumber at least 1");
            return Err(Refusal::bad_request("constraint.validation", &message));
        }
        Ok(Page { size, number })
    }

    pub(super) fn of<T: Clone>(&self, all: &[T]) -> Vec<T> {
        all.iter()
            .skip((self.number - 1).saturating_mul(self.size))
            .take(self.size)
            .cloned()
            .collect()
    }

    pub(super) fn count(&self, total: usize) -> usize {
        total.div_ceil(self.size)
    }

    /// An entity listing with all its links.
    pub(super) fn listing(&self, path: &str, all: &[Value]) -> Value {
        let count = self.count(all.len());
        let uri = |number: usize| format!("{path}?pageSize={}&pageNumber={number}", self.size);
        let mut listing = json!({
            "entities": self.of(all),
            "pageSize": self.size,
            "pageNumber": self.number,
            "total": all.len(),
            "pageCount": count,
            "firstUri": uri(1),
            "lastUri": uri(count.max(1)),
            "selfUri": uri(self.number),
        });
        if self.number < count {
            listing["nextUri"] = uri(self.number + 1).into();
        }
        if self.number > 1 {
            listing["previousUri"] = uri(self.number - 1).into();
        }
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_link_to_their_neighbours() {
        let all: Vec<Value> = (0..7).map(Value::from).collect();
        let links = |number| {
            let listing = Page { size: 3, number }.listing("/x", &all);
            let entities = listing["entities"].as_array().unwrap().len();
            (entities, listing["nextUri"].is_string(), listing["previousUri"].is_string())
        };
        assert_eq!(
            [links(1), links(2), links(3), links(4)],
            [(3, true, false), (3, true, true), (1, false, true), (0, false, true),]
        );
    }

    #[test]
    fn a_name_may_come_several_times() {
        let params = Params(vec![
            ("id".to_owned(), "a,b".to_owned()),
            ("id".to_owned(), "c".to_owned()),
            ("pageSize".to_owned(), "0".to_owned()),
        ]);
        assert_eq!(params.all("id"), ["a", "b", "c"]);
        assert!(params.page(100).is_err());
    }
}
