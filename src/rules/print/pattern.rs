//! Patterns as they are written: a value, a list of values, or a table of operators.
//!
//! The reader makes a conjunction of a table with several operators, in the order of their names, and
//! nothing of one with a single operator. So a table is found again by trying: which of the parts
//! stands behind `is`, and whether the table says for itself if case counts.

use super::text::{list, quoted, table};
use crate::config::duration;
use crate::rules::pattern::{Form, Pattern, Scalar, Words};

/// What is asked of a value; outside of all tables case counts.
pub(super) fn value(pattern: &Pattern) -> String {
    within(pattern, false).unwrap_or_else(|| table(&[]))
}

/// The entries of a table that asks for this, inside of another that says whether case counts. There
/// are some for whatever the reader makes.
pub(super) fn operators(pattern: &Pattern, ignore_case: bool) -> Vec<(String, String)> {
    entries(pattern, ignore_case).unwrap_or_default()
}

/// What is asked, inside of a table which says that case does not count, or does.
fn within(pattern: &Pattern, ignore_case: bool) -> Option<String> {
    plain(pattern, ignore_case).or_else(|| Some(table(&entries(pattern, ignore_case)?)))
}

/// Where an inner table uses the word `ignore_case` for a text, only one around it can say that case
/// does not count.
fn entries(pattern: &Pattern, ignore_case: bool) -> Option<Vec<(String, String)>> {
    let switched = !ignore_case;
    let switch = || ("ignore_case".to_owned(), switched.to_string());
    let with_switch = || {
        let mut entries = told(pattern, switched)?;
        let is_free = entries.iter().all(|(name, _)| name != "ignore_case");
        is_free.then(|| {
            entries.push(switch());
            entries
        })
    };
    let around = || Some(vec![("is".to_owned(), table(&told(pattern, switched)?)), switch()]);
    told(pattern, ignore_case).or_else(with_switch).or_else(around)
}

/// The first arrangement in which the tables inside can be told, too.
fn told(pattern: &Pattern, ignore_case: bool) -> Option<Vec<(String, String)>> {
    let parts =
        if let Pattern::All(parts) = pattern { parts } else { std::slice::from_ref(pattern) };
    let mut places = std::iter::once(None).chain((0..parts.len()).map(Some));
    places.find_map(|is| {
        let named = arranged(parts, ignore_case, is)?;
        let entries = named.into_iter().zip(parts).map(|(name, part)| {
            let within = name == "is";
            let asked =
                if within { self::within(part, ignore_case) } else { operand(part, ignore_case) };
            Some((name.to_owned(), asked?))
        });
        entries.collect()
    })
}

/// The operators of the parts, if they can stand in one table in this order.
fn arranged(parts: &[Pattern], ignore_case: bool, is: Option<usize>) -> Option<Vec<&'static str>> {
    let name = |(at, part): (usize, &Pattern)| {
        if is != Some(at) {
            return operator(part, ignore_case);
        }
        // Alone, a table behind `is` would be that table.
        let can = parts.len() > 1 || plain(part, ignore_case).is_some();
        can.then_some("is")
    };
    let names = parts.iter().enumerate().map(name).collect::<Option<Vec<_>>>()?;
    names.is_sorted_by(|one, next| one < next).then_some(names)
}

/// As a value or a list of values, if it can be told so.
fn plain(pattern: &Pattern, ignore_case: bool) -> Option<String> {
    let no_text = |scalars: &[Scalar]| scalars.len() == 1 && scalars[0].as_text().is_none();
    match pattern {
        Pattern::AnyOf(scalars) if !ignore_case || no_text(scalars) => Some(match &scalars[..] {
            [one] => scalar(one),
            several => list(several.iter().map(scalar)),
        }),
        Pattern::Words(words) => (ignore_case && is_folded(words)).then(|| quoted(&words.text)),
        Pattern::Either(parts) if ignore_case => {
            let each = parts.iter().map(|part| match part {
                Pattern::AnyOf(_) | Pattern::Words(_) => plain(part, true),
                Pattern::Not(_)
                | Pattern::Exists(_)
                | Pattern::InList(_)
                | Pattern::Cidr(_)
                | Pattern::Bound(_)
                | Pattern::HasAny(_)
                | Pattern::HasAll(_)
                | Pattern::All(_)
                | Pattern::Either(_) => None,
            });
            let each: Option<Vec<String>> = each.collect();
            each.map(|each| list(each.into_iter()))
        }
        Pattern::AnyOf(_)
        | Pattern::Either(_)
        | Pattern::Not(_)
        | Pattern::Exists(_)
        | Pattern::InList(_)
        | Pattern::Cidr(_)
        | Pattern::Bound(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_)
        | Pattern::All(_) => None,
    }
}

/// The operator that asks for this; `None` for what only `is` can.
fn operator(pattern: &Pattern, ignore_case: bool) -> Option<&'static str> {
    match pattern {
        Pattern::Words(words) if words.form == Form::Equal => {
            words.ignore_case.then_some("ignore_case")
        }
        Pattern::Words(words) => (words.ignore_case == ignore_case).then(|| words.form.name()),
        Pattern::Not(_) => Some("not"),
        Pattern::Exists(_) => Some("exists"),
        Pattern::InList(_) => Some("in_list"),
        Pattern::Cidr(_) => Some("cidr"),
        Pattern::Bound(bound) => Some(bound.side.name()),
        Pattern::HasAny(_) => Some("has_any"),
        Pattern::HasAll(_) => Some("has_all"),
        Pattern::Either(parts) => {
            let mut names = parts.iter().map(|part| operator(part, ignore_case));
            let first = names.next()??;
            // These take lists of what they ask for.
            let takes = matches!(first, "in_list" | "cidr" | "ignore_case")
                || Form::ALL.iter().any(|form| form.name() == first);
            (takes && names.all(|name| name == Some(first))).then_some(first)
        }
        Pattern::AnyOf(_) | Pattern::All(_) => None,
    }
}

/// What stands behind the [`operator`].
fn operand(pattern: &Pattern, ignore_case: bool) -> Option<String> {
    Some(match pattern {
        Pattern::Words(words) => quoted(&words.text),
        Pattern::Not(pattern) => return within(pattern, ignore_case),
        Pattern::Exists(wanted) => wanted.to_string(),
        Pattern::InList(list) => quoted(&list.name),
        Pattern::Cidr(network) => quoted(&network.to_string()),
        Pattern::Bound(bound) => scalar(&bound.limit),
        Pattern::HasAny(texts) => list(texts.iter().map(|text| quoted(text))),
        Pattern::HasAll(texts) => list(texts.iter().flatten().map(|text| quoted(text))),
        Pattern::Either(parts) => {
            let each = parts.iter().map(|part| operand(part, ignore_case));
            list(each.collect::<Option<Vec<_>>>()?.into_iter())
        }
        Pattern::AnyOf(_) | Pattern::All(_) => return within(pattern, ignore_case),
    })
}

fn is_folded(words: &Words) -> bool {
    words.form == Form::Equal && words.ignore_case
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => quoted(text),
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Number(number) => number.to_string(),
        Scalar::Time(time) => quoted(&time.to_string()),
        Scalar::Duration(duration) => quoted(&duration::show(duration.unsigned_abs())),
    }
}
