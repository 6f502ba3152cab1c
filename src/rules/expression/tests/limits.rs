//! What is bounded, is.

use super::{parsed, shown, vocabulary, world};
use crate::rules::expression::run::MAX_TEXT;
use crate::rules::expression::scan::{MAX_DEPTH, MAX_LENGTH, MAX_OPERATORS};
use crate::rules::expression::{Expression, Wanted};

fn refused(text: &str) -> String {
    let refused = Expression::parse(text, Wanted::Value, &vocabulary()).unwrap_err();
    refused.into_iter().map(|mistake| mistake.message).collect::<Vec<_>>().join("; ")
}

/// Texts that nest as deep as they may, in every way that they can.
fn deep() -> Vec<String> {
    let most = MAX_OPERATORS;
    vec![
        format!("raw{}", ".a".repeat(most)),
        format!("raw{}", "[0]".repeat(most)),
        format!("1{}", " + 1".repeat(most)),
        format!("1{}", " * 1".repeat(most)),
        format!("1{}", " - 1".repeat(most)),
        format!("{}true", "!".repeat(most)),
        format!("{}1", "- ".repeat(most)),
        format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)),
        format!("{}1{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)),
        format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH)),
        format!("{}1{}", "has(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)),
        format!("\"x\"{}", ".lower()".repeat(most / 2)),
        format!("{}1", "true ? 1 : ".repeat(MAX_DEPTH)),
        format!("true{}", " && true".repeat(500)),
        format!("true{}", " == true".repeat(most)),
        format!("raw{}", ".map(x, x)".repeat(most / 2)),
    ]
}

#[test]
fn deep_texts_are_read_and_evaluated_on_a_small_stack() {
    for text in deep() {
        match Expression::parse(&text, Wanted::Value, &vocabulary()) {
            Ok(expression) => drop(expression.render(&world())),
            Err(mistakes) => panic!("{text}: {mistakes:?}"),
        }
    }
}

#[test]
fn deeper_ones_are_refused() {
    let more = MAX_OPERATORS + 1;
    assert!(refused(&format!("raw{}", ".a".repeat(more))).contains("operators"));
    assert!(
        refused(&format!("{}1{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1)))
            .contains("too deeply")
    );
    let long = format!("\"{}\"", "x".repeat(MAX_LENGTH));
    assert!(refused(&long).contains("bytes"));
}

#[test]
fn steps_are_counted() {
    let list = format!("[{}]", vec!["1"; 60].join(","));
    let text = format!("{list}.map(a, {list}.map(b, {list}.map(c, a + b + c))).size()");
    assert!(shown(&text).contains("more than 10000 steps"), "{}", shown(&text));
    let twice = "xs".replace("xs", "[1]") + &" .map(x, x)".repeat(3);
    assert_eq!(shown(&twice), "[1]");
    let regexes = "[1,2,3,4,5,6,7,8,9,10,11,12].map(x, 'a'.matches('a' + string(x)))";
    assert!(shown(regexes).contains("more than 10000 steps"));
}

#[test]
fn texts_stay_short() {
    let long = "x".repeat(3_000);
    assert!(shown(&format!("'{long}' + '{long}'")).contains("more than 4096 characters"));
    let ten = "'0123456789'";
    let grown = format!("{ten}{}", ".replace('0', '0000000000').replace('1', '0')".repeat(6));
    assert!(shown(&grown).contains("more than 4096 characters"), "{}", shown(&grown));
    assert!(shown(&format!("['{long}', '{long}'].join()")).contains("more than 4096"));
    assert!(shown(&format!("'%s%s'.format(['{long}', '{long}'])")).contains("more than 4096"));
    assert!(shown(&format!("[[['{long}', '{long}']]].size()")).contains('1'));
    let list = parsed(&format!("['{long}', '{long}']"));
    assert!(list.render(&world()).is_err());
    assert_eq!(shown(&format!("size('{}')", "é".repeat(MAX_TEXT))), "4096");
}
