//! Rules played against small conversations, which are written down in a few words:
//!
//! ```text
//! customer c1 at=0 @crm.tier=gold | call connected other=+4930123456
//! acd      q1 at=5 queue=billing  | call connected
//! agent    a1 user=avery          | call alerting
//! ---
//! (the next snapshot)
//! ```
//!
//! A line is a participant; what follows `|` are its communications. Times are seconds.

mod derived;
mod example;
mod expressions;
mod indexed;
mod language;
mod listed;
mod look;
pub(super) mod random;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Context, Rules, Standing, Tables};
use crate::config::fence::AllowedKeys;
use crate::events::conversation::{
    Attributes, Communication, Conversation, Direction, Media, Original, Participant, Routing, Text,
};
use crate::genesys::names::{Listed, Names};
use crate::genesys::{ConversationId, ListedId, ParticipantId, QueueId, UserId};
use crate::rules::RuleFile;

/// Reads rules that have to be free of problems, and binds them to the names of this world.
#[track_caller]
pub(super) fn rules(text: &str) -> Rules {
    let allowed = AllowedKeys::new(&["*".to_owned()]).unwrap();
    match RuleFile::parse(Path::new("rules.toml"), text, &allowed) {
        Ok((file, _)) => file.bind(Arc::new(names()), &Tables::inline(&file.lists)).0,
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}", problems.join("\n"));
        }
    }
}

/// Queues `Billing` (`q-billing`), …; users `avery@example.com` (`u-avery`, "Avery Agent"), ….
fn names() -> Names {
    let mut names = Names::default();
    for name in ["Billing", "Support", "Sales", "Claims"] {
        let id = QueueId::new(&format!("q-{}", name.to_lowercase()));
        names.queues.insert(name.to_lowercase(), BTreeSet::from([id.clone()]));
        names.queue_names.insert(id, name.to_owned());
    }
    for (of, name, id) in [
        (Listed::WrapupCode, "Sale", "w-sale"),
        (Listed::WrapupCode, "Call back", "w-back"),
        (Listed::Skill, "German", "s-german"),
        (Listed::Skill, "VIP", "s-vip"),
        (Listed::Skill, "Billing", "s-billing"),
        (Listed::Skill, "French", "s-french"),
        (Listed::Skill, "Polish", "s-polish"),
        (Listed::Language, "Deutsch", "l-de"),
        (Listed::Division, "Home", "d-home"),
        (Listed::Flow, "Main menu", "f-main"),
    ] {
        names.listed.entry(of).or_default().insert(ListedId::new(id), name);
    }
    for name in ["Avery", "Blake", "Casey"] {
        let id = UserId::new(&format!("u-{}", name.to_lowercase()));
        let email = format!("{}@example.com", name.to_lowercase());
        names.users.insert(email, BTreeSet::from([id.clone()]));
        names.user_names.insert(id, format!("{name} Agent"));
    }
    names
}

/// Looks at each snapshot in turn, and shows what is wished.
fn play(rules: &Rules, snapshots: &str) -> String {
    let watched = BTreeSet::from([UserId::new("u-avery"), UserId::new("u-blake")]);
    let mut standing = Standing::default();
    let mut shown = String::new();
    for (at, snapshot) in snapshots.split("---").enumerate() {
        let context = Context { watched: &watched, now: Timestamp::UNIX_EPOCH, raw: None };
        let looked = rules.look(&conversation(snapshot), &context, &mut standing);
        shown.push_str(&format!("{at}:"));
        if looked.targets_missing > 0 {
            shown.push_str(&format!(" missing {}", looked.targets_missing));
        }
        shown.push('\n');
        for wish in looked.wishes {
            let (participant, key, value) = (&wish.participant, &wish.key, &wish.value);
            let trial = if wish.dry_run { ", dry run" } else { "" };
            shown.push_str(&format!("  {participant} {key} = {value} ({}{trial})\n", wish.rule));
        }
    }
    shown
}

pub(super) fn conversation(text: &str) -> Conversation {
    let mut conversation = Conversation {
        id: ConversationId::new("conversation"),
        participants: Vec::new(),
        address: None,
        external_tag: None,
        recording_state: None,
        secure_pause: None,
        division_ids: Vec::new(),
        recent_transfers: 0,
        partial: false,
        original: Original::default(),
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some(("transfers", count)) => {
                conversation.recent_transfers = count.trim().parse().unwrap();
            }
            Some(("division", id)) => conversation.division_ids.push(id.into()),
            _ => conversation.participants.push(participant(line)),
        }
    }
    conversation
}

fn participant(line: &str) -> Participant {
    let mut sections = line.split('|');
    let mut words = sections.next().unwrap().split_whitespace();
    let mut participant = nobody(words.next().unwrap(), words.next().unwrap());
    let mut attributes = BTreeMap::new();
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        let text = Some(Text::from(value));
        match name {
            "at" => participant.connected_time = time(value),
            "ended" => participant.end_time = time(value),
            "user" => participant.user_id = Some(UserId::new(&format!("u-{value}"))),
            "queue" => participant.queue_id = Some(QueueId::new(&format!("q-{value}"))),
            "name" => participant.name = text,
            "address" => participant.address = text,
            "contact" => participant.external_contact_id = text,
            "wrapup" => participant.wrapup_code = text,
            "priority" => participant.routing.priority = value.parse().ok(),
            "skill" => participant.routing.skill_ids.push(value.into()),
            "language" => participant.routing.language_id = text,
            "flow" => participant.flow_id = text,
            "consults" => participant.consult_participant_id = Some(ParticipantId::new(value)),
            _ => {
                attributes.insert(name.strip_prefix('@').unwrap(), value);
            }
        }
    }
    participant.attributes = attributes.into_iter().collect();
    let connected = participant.connected_time;
    participant.communications =
        sections.map(|section| communication(section, connected)).collect();
    participant
}

fn communication(text: &str, connected: Option<Timestamp>) -> Communication {
    let mut words = text.split_whitespace();
    let media = match words.next().unwrap() {
        "call" => Media::Call,
        "callback" => Media::Callback,
        "email" => Media::Email,
        "message" => Media::Message,
        other => panic!("{other}"),
    };
    let mut it = silence(media);
    it.state = words.next().map(Text::from);
    it.connected_time = connected;
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let text = Some(Text::from(value));
        match name {
            "held" => it.held = Some(true),
            "out" => it.direction = Some(Direction::Outbound),
            "at" => it.connected_time = time(value),
            "over" => it.disconnected_time = time(value),
            "self" => it.self_address = text,
            "other" => it.other_address = text,
            "subject" => it.subject = text,
            "type" => it.message_type = text,
            "wrapup" => it.wrapup_code = text,
            "callback" => it.callback_numbers = vec![value.into()],
            other => panic!("{other}"),
        }
    }
    it
}

fn time(seconds: &str) -> Option<Timestamp> {
    Timestamp::from_second(seconds.parse().unwrap()).ok()
}

fn nobody(purpose: &str, id: &str) -> Participant {
    Participant {
        id: ParticipantId::new(id),
        purpose: Some(purpose.into()),
        name: None,
        user_id: None,
        queue_id: None,
        team_id: None,
        group_id: None,
        external_contact_id: None,
        external_organization_id: None,
        connected_time: None,
        end_time: None,
        start_acw_time: None,
        end_acw_time: None,
        wrapup_required: None,
        wrapup_expected: None,
        wrapup_code: None,
        address: None,
        flow_id: None,
        consult_participant_id: None,
        monitored_participant_id: None,
        coached_participant_id: None,
        barged_participant_id: None,
        routing: Routing::default(),
        attributes: Attributes::default(),
        communications: Vec::new(),
    }
}

fn silence(media: Media) -> Communication {
    Communication {
        media,
        id: None,
        state: None,
        initial_state: None,
        direction: Some(Direction::Inbound),
        held: Some(false),
        muted: None,
        recording: None,
        disconnect_type: None,
        connected_time: None,
        disconnected_time: None,
        start_hold_time: None,
        after_call_work: None,
        after_call_work_ended: None,
        wrapup_code: None,
        self_address: None,
        other_address: None,
        other_name: None,
        provider: None,
        script_id: None,
        peer_id: None,
        message_type: None,
        message_ids: Vec::new(),
        subject: None,
        callback_numbers: Vec::new(),
        callback_user_name: None,
    }
}

/// Of ten thousand rules each has a few of these: `benches/matching` says what that comes to.
#[test]
fn what_rules_are_made_of_is_small() {
    use crate::rules::condition::{Condition, FieldCondition};
    use crate::rules::file::Rule;
    let sizes = [
        size_of::<Condition>(),
        size_of::<FieldCondition>(),
        size_of::<Rule>(),
        size_of::<crate::rules::bound::Bound>(),
        size_of::<crate::rules::pattern::Scalar>(),
        size_of::<crate::rules::file::Assignment>(),
    ];
    assert_eq!(sizes, [16, 56, 176, 64, 24, 40]);
}
