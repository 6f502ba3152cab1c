//! What is JSON and what is not, held against `serde_json`; and what is read out of it.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn skipped(text: &str) -> Result<(), Unreadable> {
    let mut lexer = Lexer::new(text);
    lexer.skip_value().and_then(|()| lexer.end()).map_err(|Broken| lexer.unreadable())
}

#[test]
fn what_serde_takes_is_taken_and_what_it_refuses_is_refused() {
    for text in [
        "",
        " ",
        "{}",
        "[]",
        " { } ",
        "[ ]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e5",
        "1E+5",
        "1e",
        "1e-",
        "-1.25e-7",
        "nul",
        "nulll",
        "tru",
        "falsE",
        "{",
        "[",
        "}",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1 "b":2}"#,
        r#"{a:1}"#,
        r#"{"a":1}x"#,
        r#"[{"a":[1,{"b":null}]},"x"]"#,
        r#"{"a":[}"#,
        r#"[{]"#,
        r#"[1}"#,
        r#"{"a":1]"#,
        r#""a"#,
        r#""a\"#,
        r#""a\""#,
        r#""\q""#,
        r#""\u12g4""#,
        r#""\u12"#,
        "\"\n\"",
        "\"\u{7f}ü\u{1f600}\"",
        "\"12345678\t\"",
        "\"1234567",
        "<html>",
        "{\"ü\":\"\\u00fc\"}",
    ] {
        let expected = serde_json::from_str::<IgnoredAny>(text).map(drop);
        assert_eq!(skipped(text).is_ok(), expected.is_ok(), "{text:?}: {expected:?}");
    }
}

#[test]
fn arrays_in_arrays_are_bounded() {
    let nested = |depth: usize| format!("{}1{}", "[{\"a\":".repeat(depth), "}]".repeat(depth));
    assert!(skipped(&nested(64)).is_ok());
    assert!(skipped(&nested(65)).is_err());
    assert!(skipped(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn escapes_are_read() {
    for (raw, expected) in [
        (r"", ""),
        (r"plain ü", "plain ü"),
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u00e9x\u00E9", "éxé"),
        (r"\ud83d\ude00!", "\u{1f600}!"),
        (r"cut \ud83d", "cut \u{fffd}"),
        (r"\ude00 \ud83d\ud83d\ude00", "\u{fffd} \u{fffd}\u{1f600}"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83dé", "\u{fffd}é"),
        (r"\\ud83d", "\\ud83d"),
    ] {
        let text = format!("\"{raw}\"");
        let quoted = Lexer::new(&text).text().unwrap().unwrap();
        assert_eq!(quoted.text(), expected, "{raw}");
        assert_eq!(quoted.escaped, raw.contains('\\'));
    }
}

#[test]
fn plain_bytes_are_counted_to_the_first_special_one() {
    for special in ["\"", "\\", "\0", "\u{1f}"] {
        for before in 0..40 {
            let text = format!(
                "{}{special}!!\"\\\u{1}",
                "ü!".repeat(20).chars().take(before).collect::<String>()
            );
            let expected = text.find(special).unwrap();
            assert_eq!(plain(text.as_bytes()), expected, "{text:?}");
        }
    }
    assert_eq!(plain("ü".repeat(9).as_bytes()), 18);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        let object = prop::collection::vec((".*", inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Value::from),
            object.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_is_taken(value in value(), pretty in any::<bool>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert!(skipped(&text).is_ok());
    }

    #[test]
    fn a_spoilt_value_is_judged_as_serde_judges_it(
        value in value(), at in any::<prop::sample::Index>(), put in "[\\[\\]{}:,\"\\\\0-9a-f -]{0,2}",
    ) {
        let text = value.to_string();
        let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        places.push(text.len());
        let at = at.get(&places);
        let spoilt = format!("{}{put}{}", &text[..*at], text[*at..].chars().skip(1).collect::<String>());
        let expected = serde_json::from_str::<IgnoredAny>(&spoilt);
        prop_assert_eq!(skipped(&spoilt).is_ok(), expected.is_ok(), "{:?} {:?}", spoilt, expected.err());
    }
}
