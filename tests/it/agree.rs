//! The daemon's rules and the simulator's oracle, which share no code, wish the same of every
//! snapshot of a world.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use attributed::config::fence::AllowedKeys;
use attributed::events::conversation::Conversation;
use attributed::events::{read_generic, read_rest};
use attributed::genesys::names::Names;
use attributed::genesys::{QueueId, UserId};
use attributed::rules::{Context, RuleFile, Standing, Tables};
use attributed::simulator::RULES;
use attributed::simulator::oracle::Oracle;
use attributed::simulator::world::{Shape, World};
use jiff::{SignedDuration, Timestamp};

#[test]
fn rules_and_oracle_wish_the_same_of_every_snapshot() {
    let start = Timestamp::from_second(1_790_000_000).unwrap();
    let mut compared = 0;
    for seed in [1, 7, 42] {
        println!("seed {seed}");
        let mut world = World::new(seed, &Shape { rate: 5.0, ..Shape::default() }, start);
        let users: BTreeSet<String> = world.users().iter().map(|user| user.id.clone()).collect();
        let mut oracle = Oracle::new(&world, users.clone());
        oracle.rules(RULES, start).unwrap();
        let (file, _) =
            RuleFile::parse(Path::new("rules.toml"), RULES, &AllowedKeys::all()).unwrap();
        let (rules, unknown) = file.bind(Arc::new(names(&world)), &Tables::default());
        assert!(unknown.is_empty());
        let watched: BTreeSet<UserId> = users.iter().map(|id| UserId::new(id)).collect();

        let wishes = |conversation: &Conversation| -> BTreeMap<(String, String), String> {
            let context = Context { watched: &watched, now: start, raw: None };
            let looked = rules.look(conversation, &context, &mut Standing::default());
            let live = looked.wishes.iter().filter(|wish| !wish.dry_run);
            live.map(|wish| {
                ((wish.participant.to_string(), wish.key.to_string()), wish.value.to_string())
            })
            .collect()
        };
        for step in 0..800 {
            for changed in world.advance(start + SignedDuration::from_millis(step * 50)) {
                let body = changed.generic();
                let of_event = wishes(&read_generic(&body.to_string()).unwrap());
                assert_eq!(of_event, oracle.wishes(body), "seed {seed}, step {step}, of\n{body:#}");
                compared += of_event.len();
                // The API's own shape, as a read brings it.
                let Some(body) = world.rest_body(&changed.conversation) else { continue };
                let of_read = wishes(&read_rest(body.to_string().as_bytes()).unwrap());
                assert_eq!(of_read, oracle.wishes(&body), "seed {seed}, step {step}, of\n{body:#}");
                compared += of_read.len();
            }
        }
    }
    assert!(compared > 10_000, "only {compared} wishes were compared");
}

pub(crate) fn names(world: &World) -> Names {
    let mut names = Names::default();
    for queue in world.queues() {
        let id = QueueId::new(&queue.id);
        names.queues.entry(queue.name.to_lowercase()).or_default().insert(id.clone());
        names.queue_names.insert(id, queue.name.clone());
    }
    for user in world.users() {
        let id = UserId::new(&user.id);
        names.users.entry(user.email.to_lowercase()).or_default().insert(id.clone());
        names.users.entry(user.name.to_lowercase()).or_default().insert(id.clone());
        names.user_names.insert(id, user.name.clone());
    }
    names
}
