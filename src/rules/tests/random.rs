//! Rules of every shape, at random: none makes anything panic, and all keep what is promised of them.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::rules::condition::Condition;
use crate::rules::field::Subject;
use crate::rules::fields;

/// What can stand behind a field; not all of it suits every field.
const ASKED: [&str; 22] = [
    "'agent'",
    "['agent', 'connected', 'call']",
    "true",
    "5",
    "'90s'",
    "2026-11-22T17:00:00Z",
    "{ not = 'agent' }",
    "{ exists = true }",
    "{ exists = false }",
    "{ prefix = '+49' }",
    "{ suffix = '239', ignore_case = true }",
    "{ contains = 'é' }",
    "{ glob = '*[a-c]*' }",
    "{ regex = '^.+$', not = { prefix = 'a' } }",
    "{ ignore_case = ['AGENT', 'ÀÉ'] }",
    "{ cidr = '0.0.0.0/0' }",
    "{ has_any = ['german'] }",
    "{ has_all = ['german', 'vip'] }",
    "{ gt = 3, lt = 5 }",
    "{ ge = '1m', lt = '0s' }",
    "{ lt = 1970-01-01T00:00:09Z }",
    "{}",
];

const WORLDS: [&str; 3] = [
    "customer c1 at=0 address=+4930239 @tier=gold | call connected other=+4930239\n\
     agent a1 at=5 user=avery queue=billing | call connected held | callback connected callback=+4930239",
    "customer c1 at=0 ended=9 address=agent@é.example | email disconnected subject=agent over=9\n\
     acd q1 at=1 queue=billing skill=german skill=vip priority=4 | email connected",
    "",
];

/// One condition, such as `acd.priority = { gt = 3 }`.
fn condition() -> impl Strategy<Value = String> {
    let of = |subject: Subject| {
        let names: Vec<&'static str> = fields::names(subject.of()).collect();
        (Just(subject.name()), select(names))
    };
    (select(Subject::ALL.to_vec()).prop_flat_map(of), select(ASKED.to_vec())).prop_map(
        |((subject, field), asked)| match field {
            "attributes" => format!("{subject}.attributes.tier = {asked}"),
            field => format!("{subject}.{field} = {asked}"),
        },
    )
}

pub(in crate::rules) fn rule() -> impl Strategy<Value = String> {
    let several = prop::collection::vec(condition(), 0..3);
    let nested = (select(vec!["any", "some", "none"]), prop::collection::vec(several, 1..3));
    let targets = ["customer", "participant", "agents", "watched", "all", "acd"];
    (
        prop::collection::vec(condition(), 0..3),
        prop::option::of(nested),
        select(targets.to_vec()),
        select(vec!["follow", "first", "if-absent", "enforce"]),
        any::<[bool; 3]>(),
    )
        .prop_map(|(conditions, nested, target, write, [otherwise, clear, trial])| {
            let mut text = format!("target = '{target}'\nwrite = '{write}'\nset.a = 'x'\n");
            for condition in conditions {
                text.push_str(&format!("match.{condition}\n"));
            }
            if let Some((name, all)) = nested {
                let all: Vec<String> =
                    all.iter().map(|one| format!("{{ {} }}", one.join(", "))).collect();
                text.push_str(&format!("match.{name} = [ {} ]\n", all.join(", ")));
            }
            text.push_str(if otherwise { "otherwise.a = 'y'\n" } else { "" });
            text.push_str(if clear { "clear = ['b']\n" } else { "" });
            text.push_str(if trial { "mode = 'dry-run'\n" } else { "" });
            text
        })
}

/// The rules that are in order, alone and together.
pub(in crate::rules) fn accepted(bodies: &[String]) -> Option<(RuleFile, Vec<String>)> {
    let parse = |text: &str| RuleFile::parse(Path::new("r.toml"), text, &AllowedKeys::all());
    let text = |(at, body): (usize, &String)| format!("[[rule]]\nname = 'r{at}'\n{body}");
    let good = bodies.iter().enumerate().map(text).filter(|text| parse(text).is_ok());
    let (file, warnings) = parse(&good.collect::<String>()).ok()?;
    Some((file, warnings.iter().map(ToString::to_string).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn looking_is_repeatable_and_wishes_one_value_for_a_key(
        bodies in prop::collection::vec(rule(), 1..6)
    ) {
        let Some((file, warnings)) = accepted(&bodies) else {
            return Err(TestCaseError::fail("rules that are in order alone are not together"));
        };
        let rules = file.bind(Arc::new(names()), &Tables::default()).0;
        let watched = BTreeSet::from([UserId::new("u-avery")]);
        let context = Context { watched: &watched, now: time("100").unwrap(), raw: None };
        let mut standing = Standing::default();
        for world in WORLDS {
            let conversation = conversation(world);
            let looked = rules.look(&conversation, &context, &mut standing);
            prop_assert_eq!(&looked, &rules.look(&conversation, &context, &mut standing.clone()));
            let spots: BTreeSet<_> =
                looked.wishes.iter().map(|wish| (&wish.participant, &wish.key)).collect();
            prop_assert_eq!(spots.len(), looked.wishes.len());
            // Each rule alone holds where it holds among others: the index loses none.
            for rule in &file.rules {
                let alone = RuleFile { rules: vec![Arc::clone(rule)], ..RuleFile::default() };
                let alone = alone.bind(Arc::new(names()), &Tables::default()).0;
                let held = alone.look(&conversation, &context, &mut Standing::default()).held;
                prop_assert_eq!(looked.held.contains(&rule.name), !held.is_empty());
                let never = rule.conditions.iter().any(Condition::is_never);
                prop_assert!(!never || held.is_empty(), "{} holds and never can", rule.name);
            }
        }
        prop_assert!(warnings.iter().all(|warning| warning.starts_with("warning")));
    }

    #[test]
    fn no_text_panics(
        pieces in prop::collection::vec(
            prop_oneof![
                condition().prop_map(|one| format!("match.{one}\n")),
                rule(),
                select(vec!["[[rule]]\n", "name = 'x'\n", "match.any = [{", "}]\n", "[defaults]\n", "é",
                    "[schedules.s]\n", "[lists.l]\n", "match.raw = [{ path = ['*'], ", "set", ".", "\"",
                    "'", "{{", "}}", "include = ['*']\n", "clear = [''", "\\u{0}", "="]).prop_map(str::to_owned),
                ".{0,9}",
            ],
            0..9,
        )
    ) {
        let text = pieces.concat();
        match RuleFile::parse(Path::new("r.toml"), &text, &AllowedKeys::all()) {
            Ok((_, problems)) | Err(problems) => {
                problems.iter().for_each(|problem| drop(problem.to_string()));
            }
        }
    }
}
