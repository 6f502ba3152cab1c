//! `attributed explain`: why a rule matches one conversation, or does not, and what becomes of what
//! it sets.
//!
//! Values are shown to whoever sits there; they are in no log. What is told is what the daemon's own
//! rules make of the conversation; only what was written before is not known here.

mod live;
pub(super) mod report;
pub(super) mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::report::{Scope, as_json};
use super::Output;
use super::exit::Exit;
use super::failure::Failure;
use super::ground::{Ground, RuleSet, read};
use super::paint::Paint;
use super::print::{eprint, print};
use crate::config::problem::did_you_mean;
use crate::events::conversation::Conversation;
use crate::events::recorded::{Recorded, Shape};
use crate::genesys::UserId;
use crate::rules::{Context, RuleFile, Rules, Standing};

/// Examples.
pub(super) const AFTER_HELP: &str = "\
Examples:
  attributed explain --event event.json
  attributed explain --event - --rules new-rules.toml --rule vip-pop < event.json
  attributed explain --live 0cfda4f3-… --output json

The event is a frame as it was received, the body of an event, or the API's answer for a
conversation. --live asks the API once and writes nothing.

Exit codes: 0 explained, whatever holds; 1 it is no event; 2 usage; 69 not found or not reachable;
75 try again; 77 not permitted; 78 bad configuration or rules.";

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["event", "live"])))]
pub(super) struct ExplainArguments {
    /// The conversation, as JSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// This conversation as it is now, by asking the API
    #[arg(long, value_name = "CONVERSATION")]
    live: Option<String>,
    /// Rules to explain [default: the configuration's]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Only this rule; can be given several times
    #[arg(long, value_name = "NAME")]
    rule: Vec<String>,
    /// As if it were this time, such as 2026-12-24T10:00:00+01:00 [default: when the event was
    /// received, else now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// A conversation to explain, wherever it is from.
struct Subject {
    conversation: Conversation,
    /// As it was sent.
    raw: String,
    /// Whose topic brought it.
    user: Option<UserId>,
    received_at: Option<Timestamp>,
    rules: Rules,
}

pub(super) fn explain(file: Option<&Path>, output: Output, arguments: &ExplainArguments) -> Exit {
    let ground = match Ground::new(file, arguments.rules.is_some()) {
        Ok(ground) => ground,
        Err(exit) => return exit,
    };
    let rules = match ground.read_rules(arguments.rules.as_deref()) {
        Ok(rules) => rules,
        Err(exit) => return exit,
    };
    match explained(&ground, &rules, output, arguments) {
        Ok(()) => Exit::Fine,
        Err(failure) => {
            eprint(&failure.to_string());
            failure.exit
        }
    }
}

fn explained(
    ground: &Ground,
    rules: &RuleSet,
    output: Output,
    arguments: &ExplainArguments,
) -> Result<(), Failure> {
    let file = &rules.file;
    let wanted = chosen(file, &arguments.rule)?;
    let subject = match (&arguments.event, &arguments.live) {
        (Some(event), _) => from_event(ground, rules, event)?,
        (None, Some(id)) => live::ask(ground, rules, id)?,
        (None, None) => return Err(Failure::usage("name a conversation: --event or --live")),
    };
    let now = arguments.at.or(subject.received_at).unwrap_or_else(Timestamp::now);
    let watched = watched(ground, &subject);
    let context = Context { watched: &watched, now, raw: Some(&subject.raw) };
    let mut explanation =
        subject.rules.explain(&subject.conversation, &context, &Standing::default());
    explanation.rules.retain(|one| wanted.contains(&*one.rule.name));
    let off = file.rules.iter().filter(|rule| !rule.enabled && wanted.contains(&*rule.name));
    let scope = Scope {
        conversation: &subject.conversation,
        now,
        watched: &watched,
        off: off.map(|rule| &*rule.name).collect(),
        remarks: remarks(ground, &subject.conversation),
    };
    match output {
        Output::Text => print(&shown::explanation(&explanation, &scope, Paint::of_output())),
        Output::Json => print(&format!("{:#}", as_json(&explanation, &scope))),
    }
    Ok(())
}

fn from_event(ground: &Ground, rules: &RuleSet, event: &Path) -> Result<Subject, Failure> {
    let text = read(event)?;
    let recorded = Recorded::read(text.trim()).map_err(|error| {
        let message = format!("{}: {error}", event.display());
        Failure::new(Exit::Failed, message)
            .help("give one frame, one event body, or one answer of GET /api/v2/conversations/{id}")
    })?;
    if let Shape::Media(media) = recorded.shape {
        let word = media.word();
        eprint(&format!("note: it has the form of a media topic, and is taken for a {word}"));
    }
    Ok(Subject {
        raw: text.trim()[recorded.body.clone()].to_owned(),
        user: recorded.topic.as_ref().and_then(|topic| topic.user().cloned()),
        conversation: recorded.conversation,
        received_at: recorded.received_at,
        rules: ground.bind(rules),
    })
}

/// The names of the rules that are asked for; all, if none is named.
fn chosen<'f>(file: &'f RuleFile, named: &[String]) -> Result<BTreeSet<&'f str>, Failure> {
    let all = || file.rules.iter().map(|rule| &*rule.name);
    if named.is_empty() {
        return Ok(all().collect());
    }
    let find = |name: &String| {
        all().find(|known| known == name).ok_or_else(|| {
            let failure = Failure::usage(format!("there is no rule named {name:?}"));
            match did_you_mean(name, all()) {
                Some(near) => failure.help(format!("did you mean {near:?}?")),
                None => failure,
            }
        })
    };
    named.iter().map(find).collect()
}

/// Who is watched: as the daemon knows it; where it does not, everybody.
fn watched(ground: &Ground, subject: &Subject) -> BTreeSet<UserId> {
    let mut watched = ground.watched().unwrap_or_else(|| {
        let participants = subject.conversation.participants.iter();
        participants.filter_map(|participant| participant.user_id.clone()).collect()
    });
    watched.extend(subject.user.clone());
    watched
}

/// What the configuration has to say, beside the rules.
fn remarks(ground: &Ground, conversation: &Conversation) -> Vec<String> {
    let mut remarks = Vec::new();
    if conversation.partial {
        remarks.push(
            "an event of a media topic tells of one medium only; the daemon listens to generic ones"
                .to_owned(),
        );
    }
    let Some(config) = &ground.config else { return remarks };
    if config.updates.dry_run {
        remarks.push("updates.dry_run is true in the configuration: nothing is written".to_owned());
    }
    if config.watch.acd_only && conversation.acd().is_none() {
        remarks.push(
            "watch.acd_only is true, and no queue has seen this conversation: the daemon does not \
             look at it"
                .to_owned(),
        );
    }
    remarks
}
