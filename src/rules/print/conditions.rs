//! Conditions as lines below `match`, and inside of the tables of `any`, `some` and `none`.

use super::pattern;
use super::text::{key, lines as on_lines, list, quoted, table};
use crate::rules::condition::Condition;
use crate::rules::field::Path;
use crate::rules::raw::{RawCondition, Segment};
use crate::rules::time::TimeCondition;

/// Every condition of a conjunction: its path and what is asked of it.
pub(super) fn lines(conditions: &[Condition]) -> Vec<(String, String)> {
    let (mut found, mut several) = (Vec::new(), Several::default());
    for condition in conditions {
        match condition {
            Condition::Field(field) => {
                found.push((path(&field.path), pattern::value(&field.pattern)));
            }
            Condition::Any(alternatives) => {
                let alternatives = alternatives.iter().map(|all| table(&lines(all)));
                found.push(("any".to_owned(), on_lines_if_many(alternatives.collect())));
            }
            Condition::Some(all) => several.some.push(table(&lines(all))),
            Condition::None(all) => several.none.push(table(&lines(all))),
            Condition::Raw(asked) => several.raw.push(raw(asked)),
            Condition::Time(TimeCondition { schedule, open }) => {
                let name = quoted(&schedule.name);
                let asked = if *open { name } else { table(&[("not".to_owned(), name)]) };
                found.push(("time".to_owned(), asked));
            }
        }
    }
    let Several { some, none, raw } = several;
    for (name, tables) in [("some", some), ("none", none), ("raw", raw)] {
        if !tables.is_empty() {
            found.push((name.to_owned(), on_lines_if_many(tables)));
        }
    }
    found
}

/// Conditions of one kind stand together in one list.
#[derive(Default)]
struct Several {
    some: Vec<String>,
    none: Vec<String>,
    raw: Vec<String>,
}

fn on_lines_if_many(tables: Vec<String>) -> String {
    if tables.len() < 2 { list(tables.into_iter()) } else { on_lines(tables) }
}

fn path(Path { subject, field, key: name }: &Path) -> String {
    let name = name.as_ref().map_or_else(String::new, |name| format!(".{}", key(name)));
    format!("{}.{}{name}", subject.name(), field.name)
}

fn raw(RawCondition { path, pattern }: &RawCondition) -> String {
    let segments = path.iter().map(|segment| match segment {
        Segment::Key(key) => quoted(key),
        Segment::Index(at) => at.to_string(),
        Segment::Every => "\"*\"".to_owned(),
    });
    let segments: Vec<String> = segments.collect();
    let mut entries = vec![("path".to_owned(), format!("[{}]", segments.join(", ")))];
    entries.extend(pattern::operators(pattern, false));
    table(&entries)
}
