//! What a rule can look at: subjects, their fields, and the values that these give.
//!
//! The fields themselves are one table, [`fields`](super::fields); here is what a row of it is made
//! of. One law for all: what is missing, null or empty is absent (`None`), never an error.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::events::conversation::{Communication, Conversation, Media, Participant};
use crate::genesys::names::{Listed, Names, NamesWanted};

/// Whom a condition or a value speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Conversation,
    /// The one being tested, with the communication being tested.
    Participant,
    /// The newest of purpose customer, else external; ended or not.
    Customer,
    /// The newest agent who has been connected.
    Agent,
    /// The newest queue leg, ended or not.
    Acd,
    /// A not-ended participant whose user is watched.
    Watched,
}

/// Which table of fields a subject has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    Conversation,
    Party,
}

/// What type of value a field gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Flag,
    Number,
    Time,
    Duration,
    /// Several texts.
    Texts,
    /// Texts by name, one level.
    Attributes,
    /// Compared by id, written by name or id, shown by name.
    Queue,
    /// Compared by id, written by e-mail address, name or id, shown by name.
    User,
    /// Compared by id, written by name or id, shown by name.
    Wrapup,
    /// As [`Kind::Wrapup`].
    Language,
    /// As [`Kind::Wrapup`].
    Flow,
    /// Several, each compared by id, written by name or id, shown by name.
    Skills,
    /// As [`Kind::Skills`].
    Divisions,
}

/// What the directory has names for. Fields of it compare by id, and rules call it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    Queue,
    User,
    Listed(Listed),
}

/// The value of a field, once found. It is never empty: what is empty counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Number(i64),
    Time(Timestamp),
    Duration(SignedDuration),
    Texts(Vec<&'a str>),
}

/// One subject of one conversation, looked at with one of its communications.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    pub conversation: &'a Conversation,
    /// `None` if and only if the subject is the conversation.
    pub participant: Option<&'a Participant>,
    pub communication: Option<&'a Communication>,
    pub names: &'a Names,
    /// What running durations count up to.
    pub now: Timestamp,
}

/// How a field is read.
pub type Read = for<'a> fn(&Glance<'a>) -> Option<Value<'a>>;

/// One row of the table of fields.
pub struct Field {
    pub name: &'static str,
    pub of: Of,
    pub kind: Kind,
    /// It changes with time alone.
    pub running: bool,
    /// The media it exists in; empty for all.
    pub media: &'static [Media],
    /// The words it is known to take, if it takes words; others may come.
    pub words: &'static [&'static str],
    /// Where it comes from, in Genesys Cloud's own terms.
    pub genesys: &'static str,
    pub example: &'static str,
    /// What it compares by. Attributes are read by their names instead.
    pub read: Read,
    /// What `{{ }}` gives.
    pub show: Read,
}

/// A field of a subject, and which of its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub subject: Subject,
    pub field: &'static Field,
    /// The attribute's name; there if and only if the field is `attributes`.
    pub key: Option<Arc<str>>,
}

impl Subject {
    pub const ALL: [Subject; 6] = [
        Subject::Conversation,
        Subject::Participant,
        Subject::Customer,
        Subject::Agent,
        Subject::Acd,
        Subject::Watched,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Subject::Conversation => "conversation",
            Subject::Participant => "participant",
            Subject::Customer => "customer",
            Subject::Agent => "agent",
            Subject::Acd => "acd",
            Subject::Watched => "watched",
        }
    }

    pub fn from_name(name: &str) -> Option<Subject> {
        Subject::ALL.into_iter().find(|subject| subject.name() == name)
    }

    pub fn of(self) -> Of {
        match self {
            Subject::Conversation => Of::Conversation,
            Subject::Participant
            | Subject::Customer
            | Subject::Agent
            | Subject::Acd
            | Subject::Watched => Of::Party,
        }
    }
}

impl Kind {
    /// It is compared with one text, be it a name.
    pub fn is_text(self) -> bool {
        use Kind::{Attributes, Flow, Language, Queue, Text, User, Wrapup};
        matches!(self, Text | Attributes | Queue | User | Wrapup | Language | Flow)
    }

    /// It gives several values.
    pub fn is_several(self) -> bool {
        matches!(self, Kind::Texts | Kind::Skills | Kind::Divisions)
    }

    /// How it is called in front of an administrator.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Flag => "true or false",
            Kind::Number => "a whole number",
            Kind::Time => "a time",
            Kind::Duration => "a duration",
            Kind::Texts => "a list of texts",
            Kind::Attributes => "attributes",
            Kind::Queue => "a queue, by name or id",
            Kind::User => "a user, by e-mail address, name or id",
            Kind::Wrapup => "a wrap-up code, by name or id",
            Kind::Language => "a language, by name or id",
            Kind::Flow => "a flow, by name or id",
            Kind::Skills => "a list of skills, by name or id",
            Kind::Divisions => "a list of divisions, by name or id",
        }
    }

    /// What its values are the ids of, if the directory has names for that.
    pub fn named(self) -> Option<Named> {
        match self {
            Kind::Queue => Some(Named::Queue),
            Kind::User => Some(Named::User),
            Kind::Wrapup => Some(Named::Listed(Listed::WrapupCode)),
            Kind::Language => Some(Named::Listed(Listed::Language)),
            Kind::Flow => Some(Named::Listed(Listed::Flow)),
            Kind::Skills => Some(Named::Listed(Listed::Skill)),
            Kind::Divisions => Some(Named::Listed(Listed::Division)),
            Kind::Text
            | Kind::Flag
            | Kind::Number
            | Kind::Time
            | Kind::Duration
            | Kind::Texts
            | Kind::Attributes => None,
        }
    }
}

impl Named {
    /// `queue`, `user`, `skill`, ….
    pub fn word(self) -> &'static str {
        match self {
            Named::Queue => "queue",
            Named::User => "user",
            Named::Listed(of) => of.word(),
        }
    }

    /// The ids of all that is called so, by name or by id. Empty if nothing is.
    pub fn ids(self, names: &Names, name: &str) -> Vec<Arc<str>> {
        match self {
            Named::Queue => names.queue(name).into_iter().map(Arc::from).collect(),
            Named::User => names.user(name).into_iter().map(Arc::from).collect(),
            Named::Listed(of) => names.listed(of, name).into_iter().map(Arc::from).collect(),
        }
    }

    /// Where names are noted that have to be resolved.
    pub fn wanted(self, wanted: &mut NamesWanted) -> &mut BTreeSet<String> {
        match self {
            Named::Queue => &mut wanted.queues,
            Named::User => &mut wanted.users,
            Named::Listed(of) => &mut wanted.listed.entry(of).or_default().names,
        }
    }
}

impl<'a> Value<'a> {
    /// A text that is there and not empty.
    pub fn text(text: Option<&'a str>) -> Option<Value<'a>> {
        text.filter(|text| !text.is_empty()).map(|text| Value::Text(Cow::Borrowed(text)))
    }

    /// Texts, if there are any.
    pub fn texts(texts: impl Iterator<Item = &'a str>) -> Option<Value<'a>> {
        let texts: Vec<&str> = texts.collect();
        (!texts.is_empty()).then_some(Value::Texts(texts))
    }

    /// What stands on the wire for it: a text as it is, all else in its JSON form.
    pub fn into_text(self) -> String {
        match self {
            Value::Text(text) => text.into_owned(),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Time(time) => time.to_string(),
            Value::Duration(duration) => seconds(duration),
            Value::Texts(texts) => serde_json::Value::from(texts).to_string(),
        }
    }
}

impl Path {
    /// What the condition on this path compares.
    pub fn read<'a>(&self, glance: &Glance<'a>) -> Option<Value<'a>> {
        match &self.key {
            Some(key) => attribute(glance, key),
            None => (self.field.read)(glance),
        }
    }

    /// What `{{ }}` gives for this path.
    pub fn show<'a>(&self, glance: &Glance<'a>) -> Option<Value<'a>> {
        match &self.key {
            Some(key) => attribute(glance, key),
            None => (self.field.show)(glance),
        }
    }
}

/// As CEL writes durations: `90s`, `1.5s`.
fn seconds(duration: SignedDuration) -> String {
    let (whole, millis) = (duration.as_secs(), duration.subsec_millis().unsigned_abs());
    let sign = if duration.is_negative() && whole == 0 && millis > 0 { "-" } else { "" };
    if millis == 0 {
        return format!("{whole}s");
    }
    let part = format!("{millis:03}");
    format!("{sign}{whole}.{}s", part.trim_end_matches('0'))
}

impl<'a> Glance<'a> {
    /// The attribute of that name, if it is there and not empty.
    pub fn attribute(&self, key: &str) -> Option<Value<'a>> {
        attribute(self, key)
    }
}

fn attribute<'a>(glance: &Glance<'a>, key: &str) -> Option<Value<'a>> {
    Value::text(glance.participant?.attributes.get(key))
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        (self.of, self.name) == (other.of, other.name)
    }
}

impl Eq for Field {}

impl Hash for Field {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.of, self.name).hash(state);
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.subject.name(), self.field.name)?;
        match &self.key {
            Some(key) => write!(f, ".{key:?}"),
            None => Ok(()),
        }
    }
}
