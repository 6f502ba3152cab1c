//! An explanation for people: marks and columns, and colours where they are seen. Pure.

use crate::status::counted::{counted, either};
use std::fmt::Write as _;

use super::report::Scope;
use crate::cli::paint::{Paint, padded};
use crate::rules::explain::{Checked, Effect, Explained, Explanation, Fate, Test, Who};

/// Wider columns would push the values off the screen.
const WIDEST: usize = 44;

/// The whole of it.
pub(super) fn explanation(explanation: &Explanation, scope: &Scope<'_>, paint: Paint) -> String {
    let mut text = String::new();
    let state = match (explanation.over, explanation.in_flow) {
        (true, _) => "over",
        (false, true) => "alive, in a flow",
        (false, false) => "alive",
    };
    line(
        &mut text,
        0,
        &format!("conversation {}, {state}, at {}", explanation.conversation, scope.now),
    );
    for participant in &scope.conversation.participants {
        let purpose = participant.purpose.as_deref().unwrap_or("participant");
        let mut legs = participant.communications.iter().map(|leg| {
            format!("{} {}", leg.media.word(), leg.state.as_deref().unwrap_or("in no state"))
        });
        let legs: Vec<String> = legs.by_ref().collect();
        let legs = if legs.is_empty() { "no communication".to_owned() } else { legs.join(", ") };
        let watched = participant.user_id.as_ref().is_some_and(|id| scope.watched.contains(id));
        let watched = if watched && !participant.ended() { ", watched" } else { "" };
        let ended = if participant.ended() { ", ended" } else { "" };
        line(
            &mut text,
            2,
            &paint.dim(format!("{purpose} {}: {legs}{watched}{ended}", participant.id)),
        );
    }
    for remark in &scope.remarks {
        line(&mut text, 2, &paint.yellow(format!("! {remark}")));
    }
    for explained in &explanation.rules {
        text.push('\n');
        text.push_str(&rule(explained, paint));
    }
    for name in &scope.off {
        text.push('\n');
        let off = paint.dim("not enabled: it is not looked at");
        line(&mut text, 0, &format!("{} {}  {off}", paint.dim('-'), paint.bold(name)));
    }
    let held = explanation.rules.iter().filter(|one| one.holds()).count();
    let effects = || explanation.rules.iter().flat_map(|one| &one.effects);
    let written = effects().filter(|effect| effect.fate == Fate::Written).count();
    text.push('\n');
    let all = explanation.rules.len();
    write_to(
        &mut text,
        format_args!(
            "{held} of {} {}, {} would be written",
            counted(all, "rule"),
            either(all, "holds", "hold"),
            counted(written, "key")
        ),
    );
    if written > 0 {
        text.push_str(
            "\n(what was written before is not known here: a key that somebody else has changed \
             since is left to them, and write = \"first\" is done once)",
        );
    }
    text
}

/// One rule: where it was tested, what was found, and what comes of it. Ends with a line end.
pub(in crate::cli) fn rule(explained: &Explained, paint: Paint) -> String {
    let mut text = String::new();
    let (mark, verdict) = if explained.holds() {
        (paint.green('✓'), paint.green("holds"))
    } else {
        (paint.red('✗'), paint.red("does not hold"))
    };
    let name = paint.bold(&explained.rule.name);
    let trial = if explained.rule.dry_run { ", in dry run" } else { "" };
    line(&mut text, 0, &format!("{mark} {name}  {verdict}{trial}"));
    if explained.tests.is_empty() {
        let none = if explained.rule.speaks_of_watched() {
            "nobody who is watched is in the conversation"
        } else {
            "nobody is in the conversation"
        };
        line(&mut text, 4, &paint.dim(none));
    }
    for error in &explained.errors {
        line(&mut text, 4, &paint.red(format!("cannot be evaluated: {error}")));
    }
    explained.tests.iter().for_each(|one| test(&mut text, one, paint));
    if !explained.effects.is_empty() {
        effects(&mut text, explained, paint);
    }
    text
}

fn test(text: &mut String, test: &Test, paint: Paint) {
    let watched = test.watched.as_ref().map(|one| format!(", watched {}", one.id));
    let who = format!("{}{}", test.participant, watched.unwrap_or_default());
    if test.passed_over {
        let why = "has ended, and the rule does not name `ended`: not looked at";
        return line(text, 2, &paint.dim(format!("- {who}: {why}")));
    }
    let mark = if test.holds() { paint.green('✓') } else { paint.red('✗') };
    line(text, 2, &format!("{mark} {who}"));
    conditions(text, 4, &test.conditions, paint);
}

/// A conjunction, in columns; the first condition that fails stands out.
fn conditions(text: &mut String, indent: usize, conditions: &[Checked], paint: Paint) {
    let widest = |width: fn(&Checked) -> usize| {
        let widths = conditions.iter().filter(|one| one.parts.is_empty()).map(width);
        widths.max().unwrap_or_default().min(WIDEST)
    };
    let subjects = widest(|one| one.subject.chars().count());
    let wishes = widest(|one| one.wanted.chars().count());
    let first = conditions.iter().position(|one| !one.holds);
    for (at, one) in conditions.iter().enumerate() {
        let (subject, wanted) = (padded(&one.subject, subjects), padded(&one.wanted, wishes));
        let found =
            one.found.as_deref().map_or("(absent)".to_owned(), |found| format!("{found:?}"));
        let found = if one.parts.is_empty() { found } else { composed(one) };
        let row = format!("{subject}  {wanted}  {found}");
        let row = row.trim_end();
        let note = one.note.map(|note| format!("  ({note})")).unwrap_or_default();
        let row = match (one.holds, first) {
            (true, _) => format!("{} {row}", paint.green('✓')),
            (false, Some(first)) if first == at => {
                paint.red(format!("✗ {row}{note}  ← the first that fails"))
            }
            (false, _) => format!("{} {}", paint.red('✗'), paint.dim(format!("{row}{note}"))),
        };
        line(text, indent, &row);
        for (number, part) in one.parts.iter().enumerate() {
            if one.parts.len() > 1 {
                line(text, indent + 4, &paint.dim(format!("alternative {}", number + 1)));
            }
            self::conditions(text, indent + 4, part, paint);
        }
    }
}

fn composed(one: &Checked) -> String {
    match &one.found {
        Some(found) => found.clone(),
        None if one.parts.len() > 1 => "none holds".to_owned(),
        None => "nobody; who comes nearest:".to_owned(),
    }
}

fn effects(text: &mut String, explained: &Explained, paint: Paint) {
    let rows: Vec<(&Effect, String, String)> = explained
        .effects
        .iter()
        .map(|effect| {
            let whom = effect.target.as_ref().map_or_else(|| "nobody".to_owned(), Who::to_string);
            let value =
                effect.value.as_deref().map_or("(no value)".to_owned(), |v| format!("{v:?}"));
            (effect, whom, format!("{} = {value}", effect.key))
        })
        .collect();
    let width = |get: fn(&(&Effect, String, String)) -> usize| {
        rows.iter().map(get).max().unwrap_or_default().min(WIDEST)
    };
    let whom_width = width(|row| row.1.chars().count());
    let value_width = width(|row| row.2.chars().count());
    line(text, 2, "sets");
    for (effect, whom, value) in &rows {
        let fate = fate(effect, explained);
        let fate = match effect.fate {
            Fate::Written => paint.green(fate),
            Fate::Met => paint.dim(fate),
            Fate::Exists
            | Fate::DryRun
            | Fate::AfterFlow
            | Fate::Abstained { .. }
            | Fate::Older
            | Fate::Lost { .. }
            | Fate::NoTarget => paint.yellow(fate),
        };
        let (whom, value) = (padded(whom, whom_width), padded(value, value_width));
        line(text, 4, &format!("{whom}  {value}  {fate}"));
    }
}

/// What becomes of it, and why.
fn fate(effect: &Effect, explained: &Explained) -> String {
    let now = effect.now.as_deref().map_or("absent".to_owned(), |now| format!("{now:?}"));
    let otherwise = if effect.otherwise { "otherwise, " } else { "" };
    let fate = match &effect.fate {
        Fate::Written => format!("written; now {now}"),
        Fate::Met => "is so already".to_owned(),
        Fate::Exists => format!("not written: write = \"if-absent\", and it is {now}"),
        Fate::DryRun => format!("not written: dry run; now {now}"),
        Fate::AfterFlow => {
            format!("waits until the flow has ended (no during_flow); now {now}")
        }
        Fate::Abstained { absent } if absent.is_empty() => {
            "not written: it has no value".to_owned()
        }
        Fate::Abstained { absent } => format!("not written: {} absent", are(absent)),
        Fate::Older => {
            "not written: a newer participant or communication gives the value".to_owned()
        }
        Fate::Lost { to } => format!("not written: rule {to} has the last word"),
        Fate::NoTarget => {
            format!("not written: no {} is there", target(&explained.rule.target))
        }
    };
    format!("{otherwise}{fate}")
}

fn are(absent: &[String]) -> String {
    let verb = if absent.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", absent.join(", "))
}

/// As it stands in the rules file.
fn target(target: &crate::rules::target::Target) -> &str {
    use crate::rules::target::Target;
    match target {
        Target::Customer => "customer",
        Target::Participant => "participant",
        Target::Agent => "agent",
        Target::Acd => "acd",
        Target::Watched => "watched",
        Target::Agents => "agents",
        Target::All => "participant",
        Target::Purpose(purpose) => purpose,
    }
}

fn line(text: &mut String, indent: usize, content: &str) {
    write_to(text, format_args!("{:indent$}{content}\n", ""));
}

fn write_to(text: &mut String, content: std::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(content);
}
