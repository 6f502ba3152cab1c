//! `explain`: what it says is what the rules do, over a whole world; and how it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::read_generic;
use attributed::genesys::UserId;
use attributed::rules::explain::{Explanation, Fate};
use attributed::rules::lists::Tables;
use attributed::rules::{Context, Looked, RuleFile, Standing};
use attributed::simulator::world::{Shape, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::agree::names;
use crate::command::{attributed, with};
use crate::daemon::Setup;
use crate::world_at::{ANSWERED, WorldAt};

const RULES: &str = include_str!("../../rules.example.toml");

#[test]
fn what_is_explained_is_what_the_rules_do() {
    let start = Timestamp::from_second(1_790_000_000).unwrap();
    let mut compared = 0;
    for seed in [3, 11] {
        println!("seed {seed}");
        let mut world = World::new(seed, &Shape { rate: 5.0, ..Shape::default() }, start);
        let users: BTreeSet<UserId> =
            world.users().iter().map(|user| UserId::new(&user.id)).collect();
        let path = Path::new("rules.example.toml");
        let (file, _) = RuleFile::parse(path, RULES, &AllowedKeys::all()).unwrap();
        let tables = Tables::inline(&file.lists);
        let (rules, _) = file.bind(Arc::new(names(&world)), &tables);
        let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
        for step in 0..300 {
            let now = start + SignedDuration::from_millis(step * 50);
            for changed in world.advance(now) {
                let body = changed.generic().to_string();
                let conversation = read_generic(&body).unwrap();
                let context = Context { watched: &users, now, raw: Some(&body) };
                let standing = standings.entry(conversation.id.to_string()).or_default();
                let explanation = rules.explain(&conversation, &context, standing);
                let looked = rules.look(&conversation, &context, standing);
                agree(&conversation, &explanation, &looked);
                compared += looked.wishes.len();
            }
        }
    }
    assert!(compared > 1_000, "only {compared} wishes were compared");
}

/// Every wish is explained, as that of the rule that has it, and nothing else is said to be written.
#[track_caller]
fn agree(conversation: &Conversation, explanation: &Explanation, looked: &Looked) {
    let of = &conversation.id;
    let held = explanation.rules.iter().filter(|one| one.holds());
    assert_eq!(held.map(|one| Arc::clone(&one.rule.name)).collect::<Vec<_>>(), looked.held, "{of}");
    let effects = || {
        let all = explanation.rules.iter();
        all.flat_map(|one| one.effects.iter().map(move |effect| (&one.rule.name, effect)))
    };
    let missing: BTreeSet<_> = effects()
        .filter(|(_, effect)| effect.fate == Fate::NoTarget)
        .map(|(rule, _)| rule)
        .collect();
    assert_eq!(missing.len(), looked.targets_missing as usize, "{of}");
    let mut explained = BTreeMap::new();
    for (rule, effect) in effects() {
        let id = effect.target.as_ref().map(|who| who.id.to_string()).unwrap_or_default();
        let value = effect.value.as_ref().map(ToString::to_string);
        match &effect.fate {
            Fate::Written | Fate::Met | Fate::Exists | Fate::DryRun | Fate::AfterFlow => {
                let name = (id, effect.key.to_string());
                let before = explained.insert(name, (rule.to_string(), value.unwrap()));
                assert_eq!(before, None, "{of}: two have the last word");
            }
            Fate::Lost { to } => {
                let winner = looked
                    .wishes
                    .iter()
                    .find(|wish| wish.participant.as_str() == id && wish.key == effect.key);
                assert_eq!(winner.map(|wish| &wish.rule), Some(to), "{of}");
                assert_ne!(to, rule, "{of}: a rule does not lose to itself");
            }
            // A row that a list has not, or a cell that is empty, is no field.
            Fate::Abstained { absent } => {
                let told = !absent.is_empty() || effect.key.as_ref() == "cc.script";
                assert!(value.is_none() && told, "{of}");
            }
            Fate::Older | Fate::NoTarget => {}
        }
    }
    let wished: BTreeMap<_, _> = looked
        .wishes
        .iter()
        .map(|wish| {
            let name = (wish.participant.to_string(), wish.key.to_string());
            (name, (wish.rule.to_string(), wish.value.to_string()))
        })
        .collect();
    assert_eq!(explained, wished, "{of}");
}

#[test]
fn an_event_is_explained_without_asking_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/events");
    let event = samples.join("voice-inbound-02-connected.json");
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let event = event.to_str().unwrap();
    let explain = |more: &[&str]| {
        let base = ["explain", "--rules", "rules.toml", "--event", event];
        attributed(folder.path(), &[&base[..], more].concat())
    };
    let said = explain(&[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("✓ answered-by") && said.out.contains("← the first that fails"));
    assert!(!said.out.contains('\u{1b}'), "colours without a terminal");
    assert!(said.err.contains("no configuration"), "{}", said.err);
    let said = explain(&["--rule", "answered-by", "--output", "json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["rules"].as_array().unwrap().len(), 1);
    assert_eq!(json["rules"][0]["holds"], true);
    let said = explain(&["--rule", "answerd-by"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean \"answered-by\"?"), "{}", said.err);
    let said = explain(&["--at", "2026-12-24T10:00:00+01:00", "--rule", "answered-by"]);
    assert!(said.out.contains("at 2026-12-24T09:00:00Z"), "{}", said.out);

    let arguments = ["explain", "--rules", "rules.toml", "--event", "-"];
    let media = fs::read_to_string(samples.join("voice-inbound-03-held.calls.json")).unwrap();
    let said = with(folder.path(), &arguments, &[], &media);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("a media topic tells of one medium only"), "{}", said.out);
    let said = with(folder.path(), &arguments, &[], "{\"topicName\":\"channel.metadata\"}");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("no conversation"), "{}", said.err);
    for (arguments, code) in [
        (&["explain"][..], 2),
        (&["explain", "--event", "e", "--live", "c"], 2),
        (&["explain", "--rules", "rules.toml", "--event", "nowhere.json"], 69),
        (&["explain", "--rules", "nowhere.toml", "--event", event], 78),
        (&["explain", "--rules", event, "--event", event], 78),
        (&["explain", "--event", event], 78),
        (&["explain", "--rules", "rules.toml", "--live", "c"], 2),
    ] {
        let said = attributed(folder.path(), arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_live_conversation_is_asked_for_and_left_as_it_is() {
    let world = WorldAt::quiet(2);
    let queue = world.simulator.look(|world| world.queues()[0].name.clone());
    let rules = format!(
        "{ANSWERED}\n[[rule]]\nname = \"queue\"\nmatch.participant.queue = \"{queue}\"\nset.\"cc.q\" = \"x\"\n"
    );
    let setup: Setup = world.setup(&rules, "");
    world.call("c1", 0);
    let folder = setup.dir.path();
    let said = attributed(folder, &["explain", "--live", "c1", "--output", "json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["rules"][0]["effects"][0]["fate"], "written");
    assert_eq!(json["rules"][1]["holds"], false);
    assert!(!said.err.contains("not known"), "the API knows the queue: {}", said.err);
    let said = attributed(folder, &["explain", "--live", "nowhere"]);
    assert_eq!(said.code, 69, "{}", said.err);
    assert!(world.writes("c1").is_empty());
    assert_eq!(world.asked("POST", "/notifications/channels"), 0);
}
