//! Rules found by the index are those that hold when every rule is tested by itself: over generated
//! rules and generated conversations, in which most values are met now and then.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::rules::bound::Bound;
use crate::rules::standpoint::Standpoint;
use crate::rules::subjects::{Scene, Tested};

/// One that values are in as a whole, and one that they begin with.
const LISTS: &str = "[lists.few]\nrows = [\"a\", \"abc\", \"+493012\"]\n\
    [lists.begun]\nrows = [\"xa\", \"+49\"]\nmatch = \"prefix\"\n";

fn text_pattern() -> impl Strategy<Value = String> {
    let word = || select(&["", "a", "ab", "abc", "b", "bc", "+49", "+4930"][..]);
    prop_oneof![
        word().prop_filter("a name", |word| !word.is_empty()).prop_map(|word| format!("{word:?}")),
        prop::collection::vec(word(), 1..4).prop_map(|words| format!("{words:?}")),
        word().prop_map(|word| format!("{{ prefix = {word:?} }}")),
        word().prop_map(|word| format!("{{ suffix = {word:?} }}")),
        (word(), word()).prop_map(|(one, other)| format!("{{ glob = \"{one}*{other}\" }}")),
        word().prop_map(|word| format!("{{ not = {word:?} }}")),
        (word(), word()).prop_map(|(one, other)| {
            format!("{{ prefix = {one:?}, not = {{ suffix = {other:?} }} }}")
        }),
        word().prop_map(|word| format!("{{ prefix = {word:?}, ignore_case = true }}")),
        any::<bool>().prop_map(|there| format!("{{ exists = {there} }}")),
        prop::collection::vec(select(&["few", "begun"][..]), 1..3)
            .prop_map(|lists| format!("{{ in_list = {lists:?} }}")),
        word().prop_map(|word| format!("{{ in_list = \"few\", not = {word:?} }}")),
        Just("{ not = { in_list = \"begun\" } }".to_owned()),
    ]
}

fn field() -> impl Strategy<Value = String> {
    let queues =
        prop::collection::vec(select(&["Billing", "Support", "Sales", "Claims"][..]), 1..4);
    let words = |words: &'static [&'static str]| {
        prop::collection::vec(select(words), 1..3).prop_map(|words| format!("{words:?}"))
    };
    let subject = || select(&["participant", "customer", "agent", "acd", "watched"][..]);
    prop_oneof![
        (subject(), queues).prop_map(|(of, queues)| format!("{of}.queue = {queues:?}")),
        words(&["customer", "agent", "acd"])
            .prop_map(|list| format!("participant.purpose = {list}")),
        (subject(), words(&["connected", "alerting"]))
            .prop_map(|(of, list)| format!("{of}.state = {list}")),
        (subject(), text_pattern()).prop_map(|(of, text)| format!("{of}.address = {text}")),
        (subject(), text_pattern())
            .prop_map(|(of, text)| format!("{of}.attributes.\"x\" = {text}")),
        any::<bool>().prop_map(|held| format!("participant.held = {held}")),
        any::<bool>().prop_map(|ended| format!("participant.ended = {ended}")),
        (0..3).prop_map(|count| format!("conversation.transfers = {count}")),
    ]
}

/// Fields of one conjunction, each path once.
fn fields(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(field(), 1..=most).prop_map(|mut fields| {
        fields.sort();
        fields.dedup_by_key(|field| field.split(" = ").next().map(str::to_owned));
        fields
    })
}

fn rule() -> impl Strategy<Value = String> {
    let alternatives = prop::option::of(prop::collection::vec(fields(2), 1..3));
    (fields(4), alternatives).prop_map(|(fields, alternatives)| {
        let mut text: String = fields.iter().map(|field| format!("match.{field}\n")).collect();
        if let Some(alternatives) = alternatives {
            let each = alternatives.iter().map(|fields| format!("{{ {} }}", fields.join(", ")));
            text += &format!("match.any = [{}]\n", each.collect::<Vec<_>>().join(", "));
        }
        text
    })
}

fn somebody() -> impl Strategy<Value = String> {
    let text = || select(&["", "a", "abc", "xab", "bc", "+493012", "ABC"][..]);
    let leg =
        (select(&["call", "message"][..]), select(&["connected", "alerting"][..]), any::<bool>())
            .prop_map(|(media, state, over)| {
                format!(" | {media} {state}{}", if over { " over=9" } else { "" })
            });
    (
        select(&["customer", "agent", "acd"][..]),
        select(&["", " queue=billing", " queue=support", " queue=sales"][..]),
        select(&["", " user=avery", " user=blake"][..]),
        text(),
        text(),
        select(&["", "", " ended=8"][..]),
        prop::collection::vec(leg, 0..3),
    )
        .prop_map(|(purpose, queue, user, address, x, ended, legs)| {
            let address =
                if address.is_empty() { String::new() } else { format!(" address={address}") };
            format!("{purpose} ID at=1{queue}{user}{address} @x={x}{ended}{}\n", legs.concat())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_index_finds_what_testing_every_rule_finds(
        texts in prop::collection::vec(rule(), 1..24),
        people in prop::collection::vec(prop::collection::vec(somebody(), 0..5), 1..6),
    ) {
        let rules: String = [LISTS.to_owned()].into_iter().chain(texts
            .iter()
            .enumerate()
            .map(|(at, text)| format!("[[rule]]\nname = \"r{at}\"\n{text}set.\"k{at}\" = \"v\"\n")))
            .collect();
        let allowed = AllowedKeys::new(&["*".to_owned()]).unwrap();
        // What can never hold, and the like, is refused by the reader.
        let parsed = RuleFile::parse(Path::new("rules.toml"), &rules, &allowed);
        let Ok((file, _)) = parsed else { return Err(TestCaseError::reject("not a file")) };
        let rules = file.bind(Arc::new(names()), &Tables::inline(&file.lists)).0;
        let watched = BTreeSet::from([UserId::new("u-avery")]);
        for people in people {
            let lines = people.iter().enumerate();
            let lines = lines.map(|(at, line)| line.replace("ID", &format!("p{at}")));
            let conversation = conversation(&lines.collect::<String>());
            let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
            let looked = rules.look(&conversation, &context, &mut Standing::default());
            prop_assert_eq!(looked.held, held_one_by_one(&rules, &conversation, &context));
        }
    }
}

/// Which rules hold at some element: all are tested, each condition by itself, without any art.
fn held_one_by_one(
    rules: &Rules,
    conversation: &Conversation,
    context: &Context<'_>,
) -> Vec<Arc<str>> {
    let scene = Scene::new(conversation, rules.names(), context);
    let holds = |bound: &&Bound| {
        let elements = scene.elements.iter();
        let mut elements = elements.filter(|one| bound.looks_at_ended || !one.ended);
        elements.any(|element| {
            let watched: Vec<Option<usize>> = if bound.speaks_of_watched {
                scene.watched.iter().copied().map(Some).collect()
            } else {
                vec![None]
            };
            watched.into_iter().any(|watched| {
                let tested = Tested { watched, ..element.tested };
                let (tables, rows) = (rules.tables(), &bound.rows[..]);
                let standpoint = Standpoint { scene: &scene, tested, tables, rows };
                let when = bound.rule.when.as_ref();
                rules.conditions().at(&bound.conditions).all(|one| one.holds(&scene, tested))
                    && when.is_none_or(|when| when.holds(&standpoint) == Ok(true))
            })
        })
    };
    rules.bound().iter().filter(holds).map(|bound| Arc::clone(&bound.rule.name)).collect()
}
