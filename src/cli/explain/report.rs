//! An explanation for programs. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::events::conversation::Conversation;
use crate::genesys::UserId;
use crate::rules::explain::{Checked, Effect, Explained, Explanation, Fate, Test, Who};

/// What an explanation is about.
pub(super) struct Scope<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) now: Timestamp,
    pub(super) watched: &'a BTreeSet<UserId>,
    /// Rules that were asked for and are not enabled.
    pub(super) off: Vec<&'a str>,
    pub(super) remarks: Vec<String>,
}

/// The whole of it.
pub(super) fn as_json(explanation: &Explanation, scope: &Scope<'_>) -> Value {
    let Explanation { conversation, over, in_flow, rules } = explanation;
    json!({
        "conversation": conversation.as_str(),
        "at": scope.now.to_string(),
        "over": over,
        "in_flow": in_flow,
        "watched": scope.watched.iter().map(UserId::as_str).collect::<Vec<_>>(),
        "not_enabled": scope.off,
        "remarks": scope.remarks,
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// One rule.
pub(in crate::cli) fn rule(explained: &Explained) -> Value {
    let Explained { rule, tests, effects, errors } = explained;
    json!({
        "rule": &*rule.name,
        "holds": explained.holds(),
        "dry_run": rule.dry_run,
        "write": rule.write.word(),
        "tests": tests.iter().map(test).collect::<Vec<_>>(),
        "effects": effects.iter().map(effect).collect::<Vec<_>>(),
        "errors": errors,
    })
}

fn test(test: &Test) -> Value {
    json!({
        "participant": who(&test.participant),
        "watched": test.watched.as_ref().map(|watched| watched.id.as_str()),
        "looked_at": !test.passed_over,
        "holds": test.holds(),
        "first_failed": test.first_failed(),
        "conditions": test.conditions.iter().map(condition).collect::<Vec<_>>(),
    })
}

fn who(who: &Who) -> Value {
    let leg = who.communication.as_ref();
    json!({
        "id": who.id.as_str(),
        "purpose": who.purpose,
        "media": leg.map(|leg| leg.media.word()),
        "state": leg.and_then(|leg| leg.state.as_deref()),
        "ended": who.ended,
    })
}

fn condition(checked: &Checked) -> Value {
    let Checked { subject, wanted, found, holds, note, parts } = checked;
    let mut value = json!({
        "subject": subject,
        "wanted": wanted,
        "found": found,
        "holds": holds,
    });
    if let Some(note) = note {
        value["note"] = json!(note);
    }
    if !parts.is_empty() {
        let part = |part: &Vec<Checked>| Value::from_iter(part.iter().map(condition));
        value["parts"] = parts.iter().map(part).collect();
    }
    value
}

fn effect(effect: &Effect) -> Value {
    let Effect { target, key, value, now, otherwise, fate } = effect;
    let (word, more) = match fate {
        Fate::Written => ("written", Value::Null),
        Fate::Met => ("met", Value::Null),
        Fate::Exists => ("exists", Value::Null),
        Fate::DryRun => ("dry-run", Value::Null),
        Fate::AfterFlow => ("after-flow", Value::Null),
        Fate::Abstained { absent } => ("abstained", json!({ "absent": absent })),
        Fate::Older => ("older", Value::Null),
        Fate::Lost { to } => ("lost", json!({ "to": &**to })),
        Fate::NoTarget => ("no-target", Value::Null),
    };
    json!({
        "participant": target.as_ref().map(|who| who.id.as_str()),
        "purpose": target.as_ref().and_then(|who| who.purpose.as_deref()),
        "key": &**key,
        "value": value.as_deref(),
        "now": now,
        "otherwise": otherwise,
        "fate": word,
        "why": more,
    })
}
