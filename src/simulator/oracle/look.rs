//! What the rules say of one body: for each rule what it wishes, for whom it holds, and what it
//! would wish for those for whom it no longer does.

use std::collections::{BTreeMap, BTreeSet};

use super::fields;
use super::ruleset::{Mode, Rule};
use super::scene::{Age, Element, Scene};

/// A participant and one of its keys.
pub(super) type Key = (String, String);

/// One body, as the rules in force saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// In the order of the file.
    pub(super) rules: Vec<RuleLook>,
    /// What each participant had.
    pub(super) shown: BTreeMap<Key, String>,
}

#[derive(Clone, Debug)]
pub(super) struct RuleLook {
    pub(super) rule: String,
    pub(super) mode: Mode,
    pub(super) wishes: BTreeMap<Key, String>,
    /// Targets for which the rule holds.
    pub(super) holds: BTreeSet<String>,
    /// What `otherwise` would say of the other targets.
    pub(super) otherwise: BTreeMap<Key, String>,
}

pub(super) fn look(scene: &Scene<'_>, rules: &[Rule]) -> Look {
    let mut shown = BTreeMap::new();
    for person in scene.people(None) {
        for (key, value) in person.party["attributes"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            shown.insert((person.id().to_owned(), key.clone()), value);
        }
    }
    Look { rules: rules.iter().map(|rule| look_by(scene, rule)).collect(), shown }
}

fn look_by(scene: &Scene<'_>, rule: &Rule) -> RuleLook {
    let mut best: BTreeMap<Key, (Age, String)> = BTreeMap::new();
    let mut holds = BTreeSet::new();
    for (tested, watched) in tries(scene, rule) {
        let read = |path: &_| fields::read(scene, path, tested, watched);
        if !rule.conditions.iter().all(|(path, pattern)| pattern.holds(&read(path))) {
            continue;
        }
        for target in targets(scene, &rule.target, tested, watched) {
            holds.insert(target.id().to_owned());
            for (key, template) in &rule.set {
                let Some(value) = template.fill(read) else { continue };
                let at = (target.id().to_owned(), key.clone());
                if best.get(&at).is_none_or(|(age, _)| *age <= tested.age()) {
                    best.insert(at, (tested.age(), value));
                }
            }
        }
    }
    RuleLook {
        rule: rule.name.clone(),
        mode: rule.mode,
        wishes: best.into_iter().map(|(key, (_, value))| (key, value)).collect(),
        otherwise: otherwise(scene, rule, &holds),
        holds,
    }
}

/// What a rule is tested against: every communication, live ones only unless it names `ended`; and
/// with each watched participant in turn, if it speaks of one: not at all where there is none.
fn tries<'a>(scene: &Scene<'a>, rule: &Rule) -> Vec<(Element<'a>, Option<Element<'a>>)> {
    let elements =
        scene.elements().into_iter().filter(|element| rule.sees_ended() || !element.ended());
    elements
        .flat_map(|element| {
            let media = element.leg.map(|(media, _)| media);
            if rule.mentions("watched") {
                let watched = scene.watched(media).into_iter();
                watched.map(|watched| (element, Some(watched))).collect()
            } else {
                vec![(element, None)]
            }
        })
        .collect()
}

fn targets<'a>(
    scene: &Scene<'a>,
    target: &str,
    tested: Element<'a>,
    watched: Option<Element<'a>>,
) -> Vec<Element<'a>> {
    let media = tested.leg.map(|(media, _)| media);
    let living = |which: &dyn Fn(&Element<'a>) -> bool| {
        scene
            .people(media)
            .into_iter()
            .filter(|person| !person.party_ended() && which(person))
            .collect()
    };
    match target {
        "participant" => vec![tested],
        "customer" => scene.customer(media).into_iter().collect(),
        "agent" => scene.agent(media).into_iter().collect(),
        "acd" => scene.acd(media).into_iter().collect(),
        "watched" => watched.into_iter().collect(),
        "agents" => living(&Element::is_agent),
        "all" => living(&|_| true),
        purpose => living(&|person| person.purpose() == purpose),
    }
}

/// Targets that are one participant are that also when it has ended; the others are who is there.
fn otherwise(scene: &Scene<'_>, rule: &Rule, holds: &BTreeSet<String>) -> BTreeMap<Key, String> {
    let single = ["customer", "participant", "agent", "acd"].contains(&rule.target.as_str());
    let mut wishes = BTreeMap::new();
    for person in scene.people(None) {
        if holds.contains(person.id()) || (person.party_ended() && !single) {
            continue;
        }
        for (key, template) in &rule.otherwise {
            if let Some(value) = template.fill(|path| fields::read(scene, path, person, None)) {
                wishes.insert((person.id().to_owned(), key.clone()), value);
            }
        }
    }
    wishes
}
