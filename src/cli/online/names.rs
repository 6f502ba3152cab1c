//! Names that Genesys Cloud does not know, each with its place in the file that it stands in. Pure.
//!
//! The place is found by looking for the name in quotes; where it is written otherwise, with an
//! escape in it, the problem is one of the file as a whole.

use std::ops::Range;
use std::sync::Arc;

use super::found::Notes;
use crate::config::Watch;
use crate::config::problem::did_you_mean;
use crate::genesys::directory::{Unknown, Watching, What};
use crate::genesys::names::{Listing, looks_like_id};
use crate::rules::RuleFile;
use crate::rules::file::Rule;

/// Notes every name that is unknown, in the configuration and in the rules.
pub(super) fn unknown(
    watching: &Watching,
    watch: &Watch,
    rules: Option<&RuleFile>,
    notes: &mut Notes<'_>,
) {
    for unknown in &watching.unknown {
        let Unknown { what, name } = unknown;
        let help = help(watching, *what, name);
        let message = format!("Genesys Cloud knows no {what} {name:?}");
        if is_watched(watch, unknown) {
            let text = notes.config_text;
            let from = text.find("[watch]").unwrap_or(0);
            let place = place(&text[from..], name).map(|at| at.start + from..at.end + from);
            let problem = match place {
                Some(place) => notes.config.error(place, &message),
                None => notes.config.error_of_file(&message),
            };
            problem.help(&help);
        }
        let Some(users) = rules.map(|rules| rules_that_name(rules, unknown)) else { continue };
        if !users.is_empty() {
            let message = format!("{message}, which stands in {}", users.join(", "));
            let problem = match place(notes.rules_text, name) {
                Some(place) => notes.rules.error(place, message),
                None => notes.rules.error_of_file(message),
            };
            problem.help(&help);
        }
    }
}

/// Where a name stands in quotes, outside of comments and of what only describes.
pub(super) fn place(text: &str, name: &str) -> Option<Range<usize>> {
    let quoted = ['"', '\''].map(|quote| format!("{quote}{name}{quote}"));
    let places = quoted.iter().flat_map(|quoted| text.match_indices(quoted.as_str()));
    let mut places: Vec<(usize, usize)> =
        places.map(|(at, found)| (at, at + found.len())).collect();
    places.sort_unstable();
    let is_meant = |(at, _): &(usize, usize)| {
        let line = text[..*at].rsplit('\n').next().unwrap_or_default().trim_start();
        !["#", "name", "description", "set"].iter().any(|word| line.starts_with(word))
    };
    places.into_iter().find(is_meant).map(|(start, end)| start..end)
}

fn is_watched(watch: &Watch, Unknown { what, name }: &Unknown) -> bool {
    let lists: [&[String]; 2] = match what {
        What::User => [&watch.users, &[]],
        What::Queue => [&watch.queues, &watch.members_of_queues],
        What::Group => [&watch.members_of_groups, &[]],
        What::Listed(_) => [&[], &[]],
    };
    lists.into_iter().flatten().any(|one| one.to_lowercase() == name.to_lowercase())
}

/// `rule vip-pop`, for each.
fn rules_that_name(rules: &RuleFile, Unknown { what, name }: &Unknown) -> Vec<String> {
    let names = |rule: &&Arc<Rule>| {
        let alone = RuleFile { rules: vec![Arc::clone(rule)], ..RuleFile::default() };
        let wanted = alone.names_wanted();
        let named = match what {
            What::User => wanted.users,
            What::Queue => wanted.queues,
            What::Listed(of) => wanted.names_listed(*of).cloned().collect(),
            What::Group => return false,
        };
        named.iter().any(|one| one.to_lowercase() == name.to_lowercase())
    };
    rules.rules.iter().filter(names).map(|rule| format!("rule {}", rule.name)).collect()
}

fn help(watching: &Watching, what: What, name: &str) -> String {
    let near = match what {
        What::Queue => did_you_mean(name, watching.names.queue_names.values().map(String::as_str)),
        What::Listed(of) => {
            let listed = watching.names.listed.get(&of).into_iter();
            did_you_mean(name, listed.flat_map(Listing::names))
        }
        What::User | What::Group => None,
    };
    match (near, what) {
        (Some(near), _) => format!("did you mean {near:?}?"),
        (None, What::User) if looks_like_id(name) => {
            "it may have been deleted: take it out, or name another".to_owned()
        }
        (None, What::User) => "write the e-mail address of an active user, or the id".to_owned(),
        (None, What::Queue | What::Group | What::Listed(_)) => format!(
            "see Admin for its name; a {what} that the roles of the OAuth client do not reach, by \
             their divisions, is not seen either"
        ),
    }
}
