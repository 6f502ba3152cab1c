//! What a run of tests tells: for people, and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::coverage::Coverage;
use super::judge::Failure;
use super::{Ran, Tested};
use crate::cli::explain::report::rule as rule_json;
use crate::cli::explain::shown::rule as rule_shown;
use crate::cli::paint::Paint;
use crate::config::duration;

type Covered = (Coverage, u8);

/// For people: a line for each case, and below a failed one what is not as it should be.
pub(super) fn text(tested: &[Tested], coverage: Option<&Covered>, paint: Paint) -> String {
    let mut text = String::new();
    for Tested { file, rules, broken, empty, cases, .. } in tested {
        text += &format!("Testing {}", file.display());
        if *broken {
            text += "\n  FAILED: it cannot be run\n";
            continue;
        }
        text += &format!(" ({})\n", rules.display());
        for Ran { name, failures, .. } in cases {
            let result = if failures.is_empty() { "passed" } else { "FAILED" };
            text += &format!("  {result}  {name}\n");
            for failure in failures {
                text += &shown(file, failure, paint);
            }
        }
        let failed = cases.iter().filter(|case| !case.failures.is_empty()).count();
        text += &match (cases.len(), failed) {
            (0, _) if *empty => "  FAILED: there is no case in it\n".to_owned(),
            (0, _) => "  no case of that name\n".to_owned(),
            (all, 0) => format!("  SUCCESS: {}\n", plural(all, "case")),
            (all, failed) => format!("  FAILED: {failed} of {}\n", plural(all, "case")),
        };
    }
    if let Some((coverage, least)) = coverage {
        let (missing, total) = (coverage.missing(), coverage.total());
        let covered = total - missing.len();
        text += &format!("Coverage: {covered} of {} match\n", plural(total, "rule"));
        for rule in missing {
            text += &format!("  no case makes `{rule}` match\n");
        }
        if coverage.percent() < usize::from(*least) {
            text += &format!("  FAILED: {} %, and {least} % are wanted\n", coverage.percent());
        }
    }
    text.trim_end().to_owned()
}

/// One failure, as lines that begin with what it is: `-` expected, `+` got.
fn shown(file: &std::path::Path, failure: &Failure, paint: Paint) -> String {
    let Failure { line, after, about, expected, got, matched, notes, explained } = failure;
    let after = after.map(|after| format!(", {} after the first event", duration::show(after)));
    let after = after.unwrap_or_default();
    let mut text = format!("          {}:{line}: {about}{after}\n", file.display());
    for (sign, said) in [('-', expected), ('+', got)] {
        let word = if sign == '-' { "expected" } else { "got     " };
        for (at, said) in said.lines().enumerate() {
            let word = if at == 0 { word } else { "        " };
            text += &format!("          {sign} {word} {said}\n");
        }
    }
    let matched = if matched.is_empty() { "(none)".to_owned() } else { matched.join(", ") };
    // Writing to a String cannot fail.
    let _infallible = writeln!(text, "            rules that matched: {matched}");
    for note in notes {
        text += &format!("            {note}\n");
    }
    for one in explained {
        for said in rule_shown(one, paint).lines() {
            text += &format!("            {said}\n");
        }
    }
    text
}

/// For programs.
pub(super) fn json(tested: &[Tested], coverage: Option<&Covered>) -> Value {
    let files = tested.iter().map(|one| {
        json!({
            "file": one.file,
            "rules": one.rules,
            "broken": one.broken,
            "problems": one.problems.iter().map(crate::cli::check::as_json).collect::<Vec<_>>(),
            "cases": one.cases.iter().map(case_json).collect::<Vec<_>>(),
        })
    });
    let cases = || tested.iter().flat_map(|one| &one.cases);
    let failed = cases().filter(|case| !case.failures.is_empty()).count();
    let coverage = coverage.map(|(coverage, _)| {
        json!({
            "rules": coverage.total(),
            "percent": coverage.percent(),
            "missing": coverage.missing(),
        })
    });
    json!({
        "files": files.collect::<Vec<_>>(),
        "passed": cases().count() - failed,
        "failed": failed,
        "coverage": coverage,
    })
}

fn case_json(case: &Ran) -> Value {
    let failures = case.failures.iter().map(|failure| {
        json!({
            "line": failure.line,
            "after": failure.after.map(duration::show),
            "about": failure.about,
            "expected": failure.expected,
            "got": failure.got,
            "matched": failure.matched,
            "notes": failure.notes,
            "explained": failure.explained.iter().map(rule_json).collect::<Vec<_>>(),
        })
    });
    json!({
        "name": case.name,
        "line": case.line,
        "passed": case.failures.is_empty(),
        "failures": failures.collect::<Vec<_>>(),
    })
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
