//! A report in JUnit's XML, as Jenkins, GitLab and others read it.

use super::judge::Failure;
use super::{Ran, Tested};

/// One suite for each test file. A file that cannot be run, or has
/// no case, is an error in a suite of its own.
pub(super) fn report(tested: &[Tested]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for one in tested {
        let file = escaped(&one.file.display().to_string());
        let failed = one.cases.iter().filter(|case| !case.failures.is_empty()).count();
        let (tests, errors) = if one.broken || one.empty { (1, 1) } else { (one.cases.len(), 0) };
        xml += &format!(
            "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\">\n"
        );
        if one.broken || one.empty {
            let message = if one.empty { "there is no case in it" } else { "it cannot be run" };
            let problems: Vec<String> = one.problems.iter().map(ToString::to_string).collect();
            xml += &format!("    <testcase classname=\"{file}\" name=\"{file}\">\n");
            xml += &format!(
                "      <error message=\"{message}\">{}</error>\n    </testcase>\n",
                escaped(&problems.join("\n"))
            );
        }
        for case in &one.cases {
            xml += &testcase(&file, case);
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

fn testcase(file: &str, Ran { name, line, failures }: &Ran) -> String {
    let name = escaped(name);
    let open = format!("    <testcase classname=\"{file}\" name=\"{name}\" line=\"{line}\"");
    if failures.is_empty() {
        return format!("{open}/>\n");
    }
    let mut xml = format!("{open}>\n");
    for Failure { line, about, expected, got, .. } in failures {
        let message = escaped(&format!("{about}: expected {expected}, got {got}"));
        xml += &format!("      <failure message=\"{message}\">{file}:{line}</failure>\n");
    }
    xml + "    </testcase>\n"
}

/// Text fit for an attribute or an element. What XML cannot hold at all becomes a replacement
/// character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push_str(&format!("&#{};", u32::from(c))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_name_holds_the_report_is_well_formed() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{7}\u{ffff}é"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}\u{fffd}é"
        );
    }
}
