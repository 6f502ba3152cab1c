//! Whatever is written: nothing panics, everything ends.

use proptest::prelude::*;

use super::{vocabulary, world};
use crate::rules::expression::{Expression, Wanted};

const PIECES: &[&str] = &[
    "customer",
    "participant",
    "participants",
    "raw",
    "now",
    "lists",
    "vip",
    ".",
    ".name",
    ".attributes",
    ".attributes.tier",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ":",
    ",",
    "\"a\"",
    "'b'",
    "r'\\d'",
    "1",
    "-1",
    "2.5",
    "1e300",
    "9223372036854775807",
    "true",
    "null",
    " && ",
    " || ",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "<",
    "<=",
    "==",
    "!=",
    " in ",
    " ? ",
    " : ",
    "has(",
    "default(",
    "lookup(\"vip\", ",
    ".exists(x, ",
    ".map(x, ",
    ".filter(x, ",
    "x",
    ".size()",
    ".matches(",
    ".format([",
    ".split(",
    ".replace(",
    ".substring(",
    "duration(\"5m\")",
    "timestamp(",
    "int(",
    "string(",
    " ",
    "é",
    "“",
    "\\",
    "\"",
    "//",
    "\n",
    "=",
    "&",
    ".held",
    ".skills",
    ".queue",
    "\u{0}",
    "?.",
    "`",
    "1u",
    "b'x'",
    "if",
    "0x",
    "1e",
    "..",
    "🙂",
];

fn tried(text: &str) -> bool {
    let world = world();
    let Ok(expression) = Expression::parse(text, Wanted::Value, &vocabulary()) else {
        return false;
    };
    drop((expression.render(&world), expression.holds(&world), expression.conjuncts()));
    true
}

/// An expression of the language, of any kind and depth.
fn sound() -> impl Strategy<Value = String> {
    let leaves: Vec<&str> = vec![
        "participant.held",
        "customer.name",
        "customer.attributes.count",
        "agent.name",
        "raw",
        "raw.count",
        "raw.participants",
        "now",
        "participants",
        "participant.skills",
        "1",
        "0",
        "-3",
        "2.5",
        "9223372036854775807",
        "\"a\"",
        "\"+\"",
        "null",
        "true",
        "duration(\"5m\")",
        "conversation.transfers",
        "lists.vip.segment",
        "raw.nowhere",
        "raw.id",
        "raw.count",
        "raw.big",
        "raw.yes",
        "raw.empty",
        "raw.participants[0]",
        "raw.id",
        "raw.count",
        "raw.yes",
        "raw.participants",
        "raw.participants[0].calls",
        "raw[\"count\"]",
        "raw.big",
        "raw",
    ];
    let leaf = prop::sample::select(leaves).prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let forms: Vec<&str> = vec![
            "({a} + {b})",
            "({a} - {b})",
            "({a} * {b})",
            "({a} / {b})",
            "({a} % {b})",
            "({a} == {b})",
            "({a} < {b})",
            "({a} != {b})",
            "({a} && {b})",
            "({a} || {b})",
            "({a} in {b})",
            "!({a})",
            "-({a})",
            "has({a})",
            "default({a}, {b})",
            "({a} ? {b} : {a})",
            "[{a}, {b}]",
            "{\"k\": {a}}",
            "({a})[{b}]",
            "size({a})",
            "int({a})",
            "string({a})",
            "({a}).matches({b})",
            "({a}).split({b})",
            "({a}).replace({b}, {a})",
            "({a}).join({b})",
            "({a}).exists(x, x == {b})",
            "({a}).map(x, [x, {b}])",
            "({a}).filter(x, {b})",
            "({a}).all(x, has(x))",
            "({a}).substring({b})",
            "\"%s %s\".format([{a}, {b}])",
            "({a}).k",
            "double({a})",
            "timestamp({a})",
            "duration({a})",
            "({a}).getHours()",
        ];
        (prop::sample::select(forms), two)
            .prop_map(|(form, (a, b))| form.replace("{a}", &a).replace("{b}", &b))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        tried(&text);
    }

    #[test]
    fn no_heap_of_pieces_panics(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)
    ) {
        tried(&pieces.concat());
    }

    #[test]
    fn no_expression_panics(text in sound()) {
        tried(&text);
    }
}

#[test]
fn many_of_them_are_evaluated() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let texts = (0..400).map(|_| sound().new_tree(&mut runner).unwrap().current());
    let evaluated = texts.filter(|text| tried(text)).count();
    assert!(evaluated > 50, "{evaluated}");
}
