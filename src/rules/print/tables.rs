//! `[lists.NAME]` and `[schedules.NAME]`.

use std::sync::Arc;

use super::text::{key, list, quoted, table};
use crate::rules::lists::{Keying, List, ListSource, Matching, Normalize, Origin, VALUE};
use crate::rules::schedules::{Dates, Schedule};

/// A block for each list, by name.
pub(super) fn lists(sources: &[ListSource]) -> Vec<String> {
    let mut sources: Vec<&ListSource> = sources.iter().collect();
    sources.sort_unstable_by_key(|source| &source.name);
    sources.into_iter().map(list_block).collect()
}

/// A block for each schedule, by name.
pub(super) fn schedules(all: &[Arc<Schedule>]) -> Vec<String> {
    let mut all: Vec<&Schedule> = all.iter().map(|one| &**one).collect();
    all.sort_unstable_by_key(|schedule| &schedule.name);
    all.into_iter().map(schedule_block).collect()
}

fn list_block(ListSource { name, origin, keying, .. }: &ListSource) -> String {
    let mut text = format!("[lists.{}]\n", key(name));
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    match origin {
        Origin::File { path, key } => {
            line("file", &quoted(&path.to_string_lossy()));
            if let Some(key) = key {
                line("key", &quoted(key));
            }
        }
        Origin::Rows(rows) => {
            if !is_of_values(rows) {
                line("key", &quoted(rows.key_column()));
            }
            line("rows", &list(cells(rows).into_iter()));
        }
    }
    let Keying { matching, ignore_case, normalize } = keying;
    match matching {
        Matching::Exact => {}
        Matching::Prefix => line("match", "\"prefix\""),
    }
    if *ignore_case {
        line("ignore_case", "true");
    }
    match normalize {
        Normalize::No => {}
        Normalize::Phone => line("normalize", "\"phone\""),
        Normalize::Date => line("normalize", "\"date\""),
    }
    text
}

/// Without columns but the key.
fn is_of_values(rows: &List) -> bool {
    matches!(rows.columns(), [only] if **only == *VALUE)
}

/// The rows that count, in their order: texts, or tables without what is empty. The first names every
/// column, so that one in which nothing stands is not lost.
fn cells(rows: &List) -> Vec<String> {
    let of_values = is_of_values(rows);
    let row = |(at, row): (usize, crate::rules::lists::Row<'_>)| {
        if of_values {
            return quoted(row.key());
        }
        let cells = rows.columns().iter().enumerate();
        let cells = cells.filter_map(|(column, name)| match row.at(column) {
            None if at > 0 => None,
            cell => Some((key(name), quoted(cell.unwrap_or_default()))),
        });
        table(&cells.collect::<Vec<_>>())
    };
    rows.rows().enumerate().map(row).collect()
}

fn schedule_block(schedule: &Schedule) -> String {
    let Schedule { name, zone, open, closed, only } = schedule;
    let mut text = format!("[schedules.{}]\n", key(name));
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    line("zone", &quoted(zone.iana_name().unwrap_or("UTC")));
    // One that says neither hours nor dates is refused.
    if !open.is_empty() || only.is_none() {
        line("open", &list(open.iter().map(|opening| quoted(&opening.to_string()))));
    }
    if *closed != Dates::default() {
        line("closed", &dates(closed));
    }
    if let Some(only) = only {
        line("dates", &dates(only));
    }
    text
}

fn dates(dates: &Dates) -> String {
    let spans = dates.spans.iter().map(|span| quoted(&span.to_string()));
    let lists = dates.lists().map(|name| table(&[("in_list".to_owned(), quoted(name))]));
    list(spans.chain(lists))
}
