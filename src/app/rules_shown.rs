//! A set of rules to look at: what is in force, or one of the earlier ones, in one text.

use super::rules_history::Kept;
use super::rules_in_force::RulesInForce;
use crate::config::fence::AllowedKeys;
use crate::rules::{RuleFile, Texts, printed};
use crate::status::control::answer::{Answer, ShownSet};

/// Fewer letters of a hash than these are too easily those of another; ten sets need no more.
const HASH_BEGINS: usize = 4;

/// As the history counts: ten sets need one digit.
const NUMBER_DIGITS: usize = 2;

/// What is asked for with `set`: the rules in force without it, else an earlier set by its number in
/// `kept`, or by the beginning of its hash.
pub(super) fn shown(rules: &RulesInForce, kept: &[Kept], set: Option<&str>) -> Answer {
    let in_force = &rules.source.hash;
    let Some(set) = set else {
        let (hash, text) = (in_force.clone(), printed(&rules.file));
        return Answer::Rules(ShownSet { hash, in_force: true, text });
    };
    let help = "`attributed rules history` lists those that are kept".to_owned();
    let Some(found) = chosen(kept, set) else {
        return Answer::Failed { message: format!("no set {set} of rules is kept"), help };
    };
    let source = &found.source;
    let texts = Texts::from_kept(&source.text);
    // It is only shown: what may be written does not matter.
    match RuleFile::parse_all(&source.path, &texts, &AllowedKeys::all()) {
        Ok((file, _)) => {
            let hash = source.hash.clone();
            Answer::Rules(ShownSet { in_force: hash == *in_force, hash, text: printed(&file) })
        }
        Err(_) => {
            let message = format!("set {set} of the rules is of another version, and unreadable");
            Answer::Failed { message, help }
        }
    }
}

fn chosen<'k>(kept: &'k [Kept], set: &str) -> Option<&'k Kept> {
    if set.len() <= NUMBER_DIGITS {
        return kept.get(set.parse::<usize>().ok()?);
    }
    let mut found = kept.iter().filter(|kept| kept.source.hash.starts_with(set));
    let first = found.next().filter(|_| set.len() >= HASH_BEGINS)?;
    found.next().is_none().then_some(first)
}
