//! What is printed is read again, and is the same: of files that there are, and of generated ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::printed;
use crate::config::fence::AllowedKeys;
use crate::rules::lists::{ListSource, Origin};
use crate::rules::tests::random;
use crate::rules::{Included, RuleFile, Texts};

fn parse(text: &str) -> Option<RuleFile> {
    parse_all(&Texts::alone(text))
}

fn parse_all(texts: &Texts) -> Option<RuleFile> {
    let read = RuleFile::parse_all(Path::new("rules.toml"), texts, &AllowedKeys::all());
    read.ok().map(|(file, _)| file)
}

/// All that lists say, without the places where they stood.
fn lists(file: &RuleFile) -> BTreeMap<&str, String> {
    let said = |ListSource { origin, keying, .. }: &ListSource| match origin {
        Origin::File { path, key } => format!("{} {key:?} {keying:?}", path.display()),
        Origin::Rows(rows) => format!("{:?} {:016x}", rows.columns(), rows.hash()),
    };
    file.lists.iter().map(|one| (&*one.name, said(one))).collect()
}

/// Why what is printed of the rules does not say the same.
fn differs(file: &RuleFile) -> Result<(), String> {
    let text = printed(file);
    let Some(again) = parse(&text) else { return Err(format!("it cannot be read:\n{text}")) };
    let schedules = |file: &RuleFile| -> BTreeMap<String, String> {
        let one = file.schedules.iter();
        one.map(|schedule| (schedule.name.to_string(), format!("{schedule:?}"))).collect()
    };
    if again.rules != file.rules || again.hash() != file.hash() {
        return Err(format!("the rules are others:\n{text}"));
    }
    if lists(&again) != lists(file) || schedules(&again) != schedules(file) {
        return Err(format!("the lists or schedules are others:\n{text}"));
    }
    let twice = printed(&again);
    if twice == text { Ok(()) } else { Err(format!("it does not stay:\n{text}\n---\n{twice}")) }
}

#[track_caller]
fn check(file: &RuleFile) {
    if let Err(why) = differs(file) {
        panic!("{why}");
    }
}

/// A file with all that can be said.
const WHOLE: &str = r#"
include = ["more.toml"]
[defaults]
target = "participant"
write = "first"
mode = "dry-run"

[lists.vip]
rows = [ { phone = "0049 30 1234567", segment = "gold" }, { phone = "+49307654321", note = "a\tb" } ]
key = "phone"
normalize = "phone"
match = "prefix"
[lists."black list"]
rows = ["ä", 'b"', "c'\"\\"]
ignore_case = true
[lists.banned]
file = 'banned.txt'
[lists.holidays]
file = 'days/holidays.csv'
key = "day"

[schedules.office]
zone = "Europe/Berlin"
open = ["Mon-Fri 8:00-12:00, 13:00-18:00", "sat,sun 09:00-13:00", "2026-12-24..2026-12-26 10:00-11:00", "12-31 00:00-24:00"]
closed = ["12-25", 2026-05-01, { in_list = "holidays" }]
[schedules.sale]
zone = "UTC"
dates = "2026-11-27"

[[rule]]
name = "all of it"
description = """
Two lines,
and 'quotes'."""
labels = ["a", "b c"]
enabled = false
match.any = [ { participant.held = true, participant.state = "connected" }, { customer.attributes."crm.tier" = ["gold", "silver"] } ]
match.some = [ { participant.purpose = "agent" } , { participant.purpose = "acd" } ]
match.none = [ { participant.media = "email" } ]
match.raw = [ { path = ["participants", "*", 0, "x"], is = true }, { path = ["a"], prefix = "b", not = { suffix = ["c", "d"] } } ]
match.time = { not = "office" }
match.customer.number = { in_list = "vip" }
match.customer.address = { in_list = ["black list", "banned"], ignore_case = true, glob = "*@*" }
match.participant.queue = ["Billing", "Support"]
match.participant.held_for = { gt = "90s", le = "26h" }
match.agent.connected_time = { ge = 2026-11-22T17:00:00+01:00 }
match.acd.skills = { has_all = ["german", "vip"], has_any = "x" }
match.acd.priority = [1, 0x10]
when = '''customer.attributes["a"] == "b"
  && !has(customer.name)'''
set.plain = 5
set."cc.name" = "Case {{customer.attributes.case}} of {{ lists.vip.segment }}."
otherwise.plain = true
clear = ["cc.old", "b"]
target = "customer"
write = "if-absent"
mode = "live"
during_flow = true
useless_after = "90s"
urgency = "high"
max_writes_per_minute = 60

[[rule]]
name = "short"
match.time = "sale"
match.participant.purpose = "acd"
set.a = "b"
"#;

#[test]
fn everything_that_can_be_said_is_written_down_again() {
    let more = "[defaults]\nmode = \"live\"\n[[rule]]\nname = \"first\"\nmatch.customer.held = true\nset.x = \"y\"\n";
    let included = Included {
        glob: "more.toml".to_owned(),
        path: PathBuf::from("more.toml"),
        text: Ok(more.to_owned()),
    };
    let texts = Texts { main: WHOLE.to_owned(), included: vec![included] };
    let read = RuleFile::parse_all(Path::new("rules.toml"), &texts, &AllowedKeys::all());
    let file = read.map(|(file, _)| file).map_err(|problems| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    });
    let file = file.unwrap();
    expect_file!["./whole.toml"].assert_eq(&printed(&file));
    check(&file);
}

#[test]
fn rules_that_there_are_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("rules.example.toml"), root.join("src/simulator/rules.toml")];
    let corpus = fs::read_dir(root.join("fuzz/corpus/rules_file")).unwrap();
    files.extend(corpus.map(|entry| entry.unwrap().path()));
    let mut good = 0;
    for path in files {
        // Some are no text at all.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Some(file) = parse(&text) else { continue };
        good += 1;
        if let Err(why) = differs(&file) {
            panic!("{}: {why}", path.display());
        }
    }
    assert!(good >= 8, "only {good} files are in order");
}

#[test]
fn an_outer_table_says_that_case_does_not_count_where_an_inner_one_cannot() {
    for inner in [
        "not = { ignore_case = 'Q', glob = '*', is = 'Ab' }",
        "is = { ignore_case = 'Q', contains = 'é', is = 'Ab' }",
    ] {
        let raw = format!("match.raw = [{{ path = ['x'], ignore_case = true, {inner} }}]");
        let file = parse(&format!("[[rule]]\nname = 'r'\nset.x = 'y'\n{raw}\n")).unwrap();
        assert_eq!(differs(&file), Ok(()));
    }
}

#[test]
fn quotes_hold_whatever_stands_in_them() {
    for name in ["a", "", "a.b", "é", "a\"b", "a'b", "a\"b'c", "a\\", "\t", "\u{7f}\u{85}"] {
        let mut file = parse("[[rule]]\nname = 'r'\nset.x = 'y'\n").unwrap();
        let rule = std::sync::Arc::make_mut(&mut file.rules[0]);
        rule.description = Some(format!("{name}\nin '''lines'''\r\n").into());
        rule.labels = vec![name.into(), format!("{name}\n{name}'").into()].into();
        // A key is one line.
        if !name.is_empty() && !name.chars().any(char::is_control) {
            rule.set[0].key = format!("{name} x").into();
        }
        check(&file);
    }
}

/// Whatever can be asked, tables in tables included; not all of it can be asked of everything.
fn asked() -> impl Strategy<Value = String> {
    let plain = select(vec![
        "'Ab'",
        "[\"a'\", 'é']",
        "['x', 5, true]",
        "[5, 6]",
        "true",
        "-3",
        "['a']",
        "'90s'",
        "'2026-11-22T17:00:00.5Z'",
    ]);
    plain.prop_map(str::to_owned).prop_recursive(3, 24, 4, |inner| {
        let operators = [
            "ignore_case = true",
            "ignore_case = false",
            "ignore_case = 'Q'",
            "ignore_case = ['Q', 'R']",
            "exists = true",
            "prefix = 'a'",
            "prefix = ['a', 'b']",
            "suffix = 'z'",
            "contains = 'é'",
            "glob = ['*', '?']",
            "regex = '^a\\d'",
            "in_list = 'l'",
            "in_list = ['l', 'm']",
            "cidr = ['10.0.0.0/8', '::1']",
            "has_any = ['a']",
            "has_all = ['a', 'b']",
            "gt = 3",
            "le = 5",
            "ge = '1m'",
        ];
        (
            subsequence(operators.to_vec(), 0..4),
            prop::option::of(inner.clone()),
            prop::option::of(inner),
        )
            .prop_map(|(operators, is, not)| {
                let mut entries: Vec<String> = operators.into_iter().map(str::to_owned).collect();
                entries.extend(is.map(|is| format!("is = {is}")));
                entries.extend(not.map(|not| format!("not = {not}")));
                format!("{{ {} }}", entries.join(", "))
            })
    })
}

fn asking() -> impl Strategy<Value = String> {
    let paths = [
        "customer.address",
        "customer.attributes.\"a.b\"",
        "participant.queue",
        "participant.held",
        "participant.held_for",
        "acd.skills",
        "acd.priority",
        "agent.connected_time",
    ];
    (select(paths.to_vec()), asked()).prop_map(|(path, asked)| format!("{path} = {asked}"))
}

fn body() -> impl Strategy<Value = String> {
    let raw = asked().prop_map(|asked| match asked.strip_prefix('{') {
        Some(operators) => format!("{{ path = ['*', 2, 'x'],{operators}"),
        None => format!("{{ path = ['a'], is = {asked} }}"),
    });
    let nested = (select(vec!["any", "some", "none"]), prop::collection::vec(asking(), 1..3));
    let values =
        ["'x'", "'{{ customer.name }}'", "'a {{participant.user_name + \"}}\"}} b'", "5.5", "true"];
    let whens =
        ["", "when = 'customer.held && now > agent.connected_time'", "when = \"has(acd.queue)\""];
    (asking(), raw, nested, select(values.to_vec()), select(whens.to_vec()))
        .prop_map(|(asking, raw, (name, all), value, when)| {
            let nested: Vec<String> = all.iter().map(|one| format!("{{ {one} }}")).collect();
            format!(
                "match.{asking}\nmatch.raw = [ {raw} ]\nmatch.{name} = [ {} ]\nmatch.time = 'o'\n\
                 set.a = {value}\n{when}\n",
                nested.join(", ")
            )
        })
        .boxed()
}

/// Parts of a rule that are in order, each in a rule of its own where it can be.
fn of_body(text: &str) -> Option<RuleFile> {
    let tables = "[lists.l]\nrows = ['a']\n[lists.m]\nfile = 'm.csv'\n\
                  [schedules.o]\nzone = 'UTC'\nopen = 'daily 00:00-12:00'\n";
    let whole = |lines: &str| format!("{tables}[[rule]]\nname = 'r'\nset.b = 'c'\n{lines}");
    let good = text.lines().filter(|line| parse(&whole(line)).is_some());
    parse(&whole(&good.map(|line| format!("{line}\n")).collect::<String>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_read_printed_and_read_again_is_the_same(text in body()) {
        let Some(file) = of_body(&text) else {
            return Err(TestCaseError::fail("lines that are in order alone are not together"));
        };
        if let Err(why) = differs(&file) {
            return Err(TestCaseError::fail(why));
        }
    }

    #[test]
    fn rules_of_every_shape_come_back(bodies in prop::collection::vec(random::rule(), 1..6)) {
        let Some((file, _)) = random::accepted(&bodies) else {
            return Err(TestCaseError::fail("rules that are in order alone are not together"));
        };
        if let Err(why) = differs(&file) {
            return Err(TestCaseError::fail(why));
        }
    }

    #[test]
    fn any_text_stands_in_quotes(text in "\\PC*|[\\x00-\\x7f']{0,9}") {
        let mut file = parse("[[rule]]\nname = 'r'\nset.x = 'y'\n").unwrap();
        std::sync::Arc::make_mut(&mut file.rules[0]).description = Some(text.into());
        if let Err(why) = differs(&file) {
            return Err(TestCaseError::fail(why));
        }
    }
}
