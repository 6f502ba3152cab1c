//! What an administrator sees who has made a mistake.
//!
//! The mistakes are in `mistakes/`, and beside each file is what is said about it.

use std::path::Path;

use expect_test::expect_file;

use crate::config::fence::AllowedKeys;
use crate::rules::RuleFile;

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
