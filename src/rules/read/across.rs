//! Checks of all rules together, whichever file they stand in.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::reader::Reader;
use super::rule::Draft;
use crate::rules::chase::{self, Circle};
use crate::rules::file::Rule;
use crate::rules::meet;

/// So many warnings of one kind about one key; who writes a key in a thousand rules knows it.
const MEETINGS_SHOWN: usize = 10;

/// So many rules, and keys, of a circle are named.
const CIRCLE_SHOWN: usize = 5;

/// Warns of rules whose writing may change what they do.
pub(super) fn circles(readers: &mut [Reader<'_>], drafts: &[Draft]) {
    let rules: Vec<&Rule> = drafts.iter().map(|draft| &draft.rule).collect();
    for Circle { rules, keys } in chase::circles(&rules) {
        let all = |texts: Vec<&str>| -> String {
            let shown: Vec<String> =
                texts.iter().take(CIRCLE_SHOWN).map(|text| format!("`{text}`")).collect();
            let more = if texts.len() > CIRCLE_SHOWN { " and more" } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        let last = &drafts[rules.last().map_or(0, |last| *last)];
        let written = last.keys.iter().find(|(key, _)| keys.contains(key));
        let written = written.or(last.keys.first());
        let place = written.map(|(_, place)| place.clone()).unwrap_or_default();
        let names = all(rules.iter().map(|at| &*drafts[*at].rule.name).collect());
        let keys = all(keys.iter().map(|key| &**key).collect());
        let (message, help) = if rules.len() == 1 {
            (format!("this rule both reads and writes {keys}"), "write to a key of its own")
        } else {
            let message =
                format!("rules {names} could chase each other: they read and write {keys}");
            (message, "let one of them read other keys, or write with write = \"first\"")
        };
        let help = format!("what is written comes back in the next event; {help}");
        readers[last.file].problems.warning(place, message).help(help);
    }
}

/// Warns where two rules can want one attribute of one participant.
pub(super) fn meetings(readers: &mut [Reader<'_>], drafts: &[Draft]) {
    let rules: Vec<&Rule> = drafts.iter().map(|draft| &draft.rule).collect();
    let mut shown: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for meeting in meet::meetings(&rules) {
        let (earlier, later) = (&drafts[meeting.earlier].rule.name, &drafts[meeting.later]);
        let (key, name) = (&meeting.key, &later.rule.name);
        let place = later.keys.iter().find(|(written, _)| written == key);
        let place = place.map(|(_, place)| place.clone()).unwrap_or_default();
        let shown = shown.entry(Arc::clone(key)).or_default();
        *shown += 1;
        let message = match (*shown).cmp(&MEETINGS_SHOWN) {
            Ordering::Less => format!(
                "rules `{earlier}` and `{name}` can both write `{key}` of one participant; \
                 then `{name}`, the later one, does"
            ),
            Ordering::Equal => format!("more rules from `{name}` on can write `{key}`, too"),
            Ordering::Greater => continue,
        };
        let help = "if that is not meant, let their matches exclude each other";
        readers[later.file].problems.warning(place, message).help(help);
    }
}
