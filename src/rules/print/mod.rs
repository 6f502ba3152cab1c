//! Rules back into text: the one way to write a set of rules that is in order.
//!
//! What was written in several files, with defaults for all, stands in one then; each rule says for
//! itself what differs from the defaults of the program. Read again, the text gives rules that are
//! equal to those it was made of, and printed again it is the same text. Comments and layout are
//! lost, and so is what counts for nothing: of two rows of a list with one key, the earlier.
//!
//! Pure, and a reader only: it asks rules what they say and keeps nothing.

mod conditions;
mod pattern;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use self::text::{key, list, quoted};
use super::file::{Assignment, Rule, RuleFile, Setting};
use super::target::Target;
use crate::config::duration;
use crate::updates::wish::Write;

/// Writes rules as TOML, in one piece: lists and schedules by their names, and the rules in the order
/// in which they count. The files of lists stay where they are, and are named as they were.
pub fn printed(file: &RuleFile) -> String {
    let mut blocks = tables::lists(&file.lists);
    blocks.extend(tables::schedules(&file.schedules));
    blocks.extend(file.rules.iter().map(|one| rule(one)));
    blocks.join("\n")
}

fn rule(rule: &Rule) -> String {
    let mut text = "[[rule]]\n".to_owned();
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key} = {value}\n"));
    line("name", &quoted(&rule.name));
    if let Some(description) = &rule.description {
        line("description", &quoted(description));
    }
    if !rule.labels.is_empty() {
        line("labels", &list(rule.labels.iter().map(|label| quoted(label))));
    }
    if !rule.enabled {
        line("enabled", "false");
    }
    for (path, value) in conditions::lines(&rule.conditions) {
        line(&format!("match.{path}"), &value);
    }
    if let Some(when) = &rule.when {
        line("when", &quoted(when.text()));
    }
    if rule.target != Target::default() {
        line("target", &quoted(rule.target.word()));
    }
    for (table, assignments) in [("set", &rule.set), ("otherwise", &rule.otherwise)] {
        for Assignment { key: name, value } in assignments {
            line(&format!("{table}.{}", key(name)), &setting(value));
        }
    }
    if !rule.clear.is_empty() {
        line("clear", &list(rule.clear.iter().map(|key| quoted(key))));
    }
    effects(rule, &mut line);
    text
}

/// How it writes, where that is not as the program does anyway.
fn effects(rule: &Rule, line: &mut impl FnMut(&str, &str)) {
    if rule.write != Write::default() {
        line("write", &quoted(rule.write.word()));
    }
    if rule.dry_run {
        line("mode", "\"dry-run\"");
    }
    if rule.during_flow {
        line("during_flow", "true");
    }
    if let Some(useless_after) = rule.useless_after {
        line("useless_after", &quoted(&duration::show(useless_after)));
    }
    if rule.urgent {
        line("urgency", "\"high\"");
    }
    if let Some(cap) = rule.max_writes_per_minute {
        line("max_writes_per_minute", &cap.to_string());
    }
}

fn setting(setting: &Setting) -> String {
    match setting {
        Setting::Plain(text) => quoted(text),
        Setting::Template(template) => quoted(&template.to_string()),
    }
}
