//! What an administrator sees who has made a mistake.
//!
//! The mistakes are in `mistakes/`, and beside each file is what is said about it.

use std::path::{Path, PathBuf};

use expect_test::{expect, expect_file};

use crate::config::fence::AllowedKeys;
use crate::rules::{Included, RuleFile, Texts};

/// Checks `mistakes/$name.toml` against `mistakes/$name.txt`.
macro_rules! mistakes {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let text = include_str!(concat!("mistakes/", stringify!($name), ".toml"));
            let shown = check(text, "cc.*").1;
            expect_file![concat!("./mistakes/", stringify!($name), ".txt")].assert_eq(&shown);
        })*
    };
}

mistakes! {
    ten
    expressions
    twelve
    twelve_syntax
    syntax
    readable
    slipped
    later
    operators
    several
    never
    effects
    personal
    chase
    types
    odd
    otherwise
    no_list
    empty
    root
    tables
    unused
}

/// Each word stands in a line that is in force, but for `include`, which needs files.
#[test]
fn the_reference_shows_every_word_of_the_language() {
    let text = include_str!("../../../rules.example.toml");
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let in_force: String =
        lines.filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let has = |word: &str| {
        let before = |at: usize| in_force[..at].ends_with([' ', '.', '"', '\n', '{']);
        let after = |at: usize| in_force[at..].starts_with([' ', '.', '"']);
        in_force.match_indices(word).any(|(at, _)| before(at) && after(at + word.len()))
    };
    let lists = ["rows", "key", "match", "ignore_case", "normalize"];
    let others = ["any", "some", "none", "raw", "time", "zone", "open", "closed", "dates"];
    let all = super::operators::OPERATORS.into_iter().chain(super::rule::KEYS);
    let all = all.chain(super::rule::WRITES).chain(lists).chain(others);
    let missing: Vec<&str> = all.filter(|word| !has(word)).collect();
    assert_eq!(missing, [""; 0]);
    assert!(text.contains("include = [") && text.contains("#     file = "));
    assert!(in_force.contains("lookup(") && in_force.contains("lists.vip.manager"));
}

#[test]
fn whatever_it_is_given_it_does_not_panic() {
    let text = include_str!("../../../rules.example.toml");
    let ends = text.char_indices().map(|(at, _)| at).step_by(61);
    let mut refused = 0;
    for end in ends {
        // Both a text that ends early and one from which a piece is missing.
        let rest = text[end..].char_indices().nth(5).map_or("", |(at, _)| &text[end + at..]);
        for text in [&text[..end], &[&text[..end], rest].concat()] {
            refused += usize::from(check(text, "*").0);
        }
    }
    assert!(refused > 100, "{refused}");
}

/// Whether it is refused, and what is said.
fn check(text: &str, fence: &str) -> (bool, String) {
    let allowed = AllowedKeys::new(&[fence.to_owned()]).unwrap();
    let (problems, found) = match RuleFile::parse(Path::new("rules.toml"), text, &allowed) {
        Ok((file, warnings)) => (warnings, Some(file.inventory().to_string())),
        Err(problems) => (problems, None),
    };
    let mut shown: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    shown.push_str(found.as_deref().unwrap_or("refused"));
    shown.push('\n');
    (found.is_none(), shown)
}

/// The main file, with what it includes: `(path, text)`.
fn with_included(main: &str, included: &[(&str, Result<&str, &str>)]) -> String {
    let included = included.iter().map(|(path, text)| Included {
        glob: "rules.d/*.toml".to_owned(),
        path: PathBuf::from(path),
        text: text.map(str::to_owned).map_err(str::to_owned),
    });
    let texts = Texts { main: main.to_owned(), included: included.collect() };
    let found = RuleFile::parse_all(Path::new("rules.toml"), &texts, &AllowedKeys::all());
    let (problems, rules) = match found {
        Ok((file, warnings)) => (warnings, Some(file.rules)),
        Err(problems) => (problems, None),
    };
    let mut shown: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    for rule in rules.iter().flatten() {
        shown.push_str(&format!("{} {:?} {:?}\n", rule.name, rule.write, rule.target));
    }
    shown
}

const MAIN: &str = "
include = ['rules.d/*.toml']
[defaults]
write = 'first'
[lists.vip]
rows = ['+493012345678']
[[rule]]
name = 'main'
match.participant.purpose = 'agent'
match.customer.number.in_list = 'other'
set.a = '1'
";

#[test]
fn included_rules_come_first_and_share_names_and_defaults() {
    let one = "
        [lists.other]
        rows = ['+4930']
        [[rule]]
        name = 'one'
        match.customer.number.in_list = 'vip'
        set.b = '1'
    ";
    let two = "
        [defaults]
        target = 'participant'
        [[rule]]
        name = 'two'
        match.participant.purpose = 'agent'
        set.c = '1'
    ";
    expect![[r#"
        one First Customer
        two First Participant
        main First Customer
    "#]]
    .assert_eq(&with_included(MAIN, &[("rules.d/1.toml", Ok(one)), ("rules.d/2.toml", Ok(two))]));
}

#[test]
fn a_schedule_stands_in_one_file_only() {
    let office = "[schedules.office]\nzone = 'UTC'\nopen = 'daily 08:00-18:00'\n";
    let main = format!(
        "include = ['x.toml']\n{office}[[rule]]\nname = 'r'\nmatch.time = 'office'\nset.a = '1'\n"
    );
    let said = with_included(&main, &[("x.toml", Ok(office))]);
    assert!(said.contains("error: another file has a schedule `office`, too"), "{said}");
}

#[test]
fn mistakes_are_told_of_the_file_in_which_they_are() {
    let one = "include = ['more.toml']\n[[rule]]\nname = 'main'\nmatch.customr.media = 'call'\nset.a = 'x'\n[lists.vip]\nrows = ['1']\n";
    expect![[r#"
        error: a file that is included cannot include others
          --> rules.d/1.toml:1:1
           |
         1 | include = ['more.toml']
           | ^^^^^^^
           = name them all in the main file
        error: unknown subject `customr`
          --> rules.d/1.toml:4:7
           |
         4 | match.customr.media = 'call'
           |       ^^^^^^^
           = did you mean `customer`?
        error: rules.d/2.toml cannot be read: permission denied
          --> rules.toml:2:12
           |
         2 | include = ['rules.d/*.toml']
           |            ^^^^^^^^^^^^^^^^
           = check the path, which is relative to this file, and who may read it
        error: another file has a list `vip`, too
          --> rules.toml:5:8
           |
         5 | [lists.vip]
           |        ^^^
           = give one of them another name
        error: there is already a rule named `main`
          --> rules.toml:8:8
           |
         8 | name = 'main'
           |        ^^^^^^
           = it is in line 3 of rules.d/1.toml; give this one another name
        error: there is no list `other`
          --> rules.toml:10:33
           |
        10 | match.customer.number.in_list = 'other'
           |                                 ^^^^^^^
           = write [lists.other] and below it file = "other.csv", for example
    "#]]
    .assert_eq(&with_included(
        MAIN,
        &[("rules.d/1.toml", Ok(one)), ("rules.d/2.toml", Err("permission denied"))],
    ));
    // Nothing is said of rules while a text cannot be read as TOML.
    expect![[r#"
        error: a bracket is never closed
          --> rules.d/1.toml:1:8
           |
         1 | [[rule]
           |        ^
           = close it with ] on the same line as it opens
    "#]]
    .assert_eq(&with_included(MAIN, &[("rules.d/1.toml", Ok("[[rule]\nx = 'y"))]));
    expect![[r#"
        warning: no file is included by "nothing/*.toml"
          --> rules.toml:1:12
           |
         1 | include = ['nothing/*.toml', 5]
           |            ^^^^^^^^^^^^^^^^
           = it is relative to this file; * stands in the name of a file only
        error: `include` has to be a text in quotes; this is a whole number
          --> rules.toml:1:30
           |
         1 | include = ['nothing/*.toml', 5]
           |                              ^
    "#]]
    .assert_eq(&with_included("include = ['nothing/*.toml', 5]\n", &[]));
}
