//! The one table of functions: name, what it takes, what it gives, how it is shown.
//!
//! Every function can be written both ways, `lower(x)` and `x.lower()`. Those that do not evaluate
//! all of their arguments, and those that speak of names, are not here: `has`, `default`, `lookup`
//! and the macros.

use super::typing::Type;

/// What a function does with values that are there: if an argument is absent, so is what it gives,
/// and what asks a question says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    Matches,
    Size,
    Lower,
    Upper,
    Trim,
    Replace,
    Split,
    Join,
    Substring,
    IndexOf,
    LastIndexOf,
    CharAt,
    Reverse,
    Format,
    Int,
    Uint,
    Double,
    Text,
    Bool,
    Type,
    Duration,
    Timestamp,
    Year,
    Month,
    DayOfMonth,
    Date,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    Whole,
    /// Any list.
    List,
    /// A text, a list or a table.
    Sized,
    Time,
    /// A time or a duration.
    Clock,
    /// What `int`, `double`, `string`, `bool` can read.
    Plain,
    TextOrDuration,
    TextOrTime,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Flag,
    Whole,
    Fraction,
    Text,
    Texts,
    Time,
    Duration,
}

/// One row of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) takes: &'static [Takes],
    /// So many of them, the last ones, may be left out.
    pub(super) optional: usize,
    pub(super) gives: Gives,
    pub(super) form: &'static str,
}

macro_rules! functions {
    ($($name:literal $function:ident ($($takes:ident)*) $optional:literal $gives:ident $form:literal;)*) => {
        pub(super) static FUNCTIONS: &[Row] = &[$(Row {
            name: $name,
            function: Function::$function,
            takes: &[$(Takes::$takes),*],
            optional: $optional,
            gives: Gives::$gives,
            form: $form,
        }),*];
    };
}

functions! {
    "startsWith" StartsWith (Text Text) 0 Flag "x.startsWith(\"+49\")";
    "endsWith" EndsWith (Text Text) 0 Flag "x.endsWith(\"@example.com\")";
    "contains" Contains (Text Text) 0 Flag "x.contains(\"invoice\")";
    "matches" Matches (Text Text) 0 Flag "x.matches(r\"^[0-9]+$\")";
    "size" Size (Sized) 0 Whole "size(x)";
    "lower" Lower (Text) 0 Text "x.lower()";
    "lowerAscii" Lower (Text) 0 Text "x.lowerAscii()";
    "upper" Upper (Text) 0 Text "x.upper()";
    "upperAscii" Upper (Text) 0 Text "x.upperAscii()";
    "trim" Trim (Text) 0 Text "x.trim()";
    "replace" Replace (Text Text Text Whole) 1 Text "x.replace(\"old\", \"new\")";
    "split" Split (Text Text Whole) 1 Texts "x.split(\",\")";
    "join" Join (List Text) 1 Text "list.join(\", \")";
    "substring" Substring (Text Whole Whole) 1 Text "x.substring(0, 3)";
    "indexOf" IndexOf (Text Text) 0 Whole "x.indexOf(\"@\")";
    "lastIndexOf" LastIndexOf (Text Text) 0 Whole "x.lastIndexOf(\"@\")";
    "charAt" CharAt (Text Whole) 0 Text "x.charAt(0)";
    "reverse" Reverse (Text) 0 Text "x.reverse()";
    "format" Format (Text List) 0 Text "\"%s of %d\".format([x, 3])";
    "int" Int (Plain) 0 Whole "int(x)";
    "uint" Uint (Plain) 0 Whole "uint(x)";
    "double" Double (Plain) 0 Fraction "double(x)";
    "string" Text (Plain) 0 Text "string(x)";
    "bool" Bool (Plain) 0 Flag "bool(x)";
    "duration" Duration (TextOrDuration) 0 Duration "duration(\"90s\")";
    "timestamp" Timestamp (TextOrTime) 0 Time "timestamp(\"2026-11-20T14:00:00Z\")";
    "getFullYear" Year (Time Text) 1 Whole "now.getFullYear(\"Europe/Berlin\")";
    "getMonth" Month (Time Text) 1 Whole "now.getMonth(\"Europe/Berlin\")";
    "getDate" Date (Time Text) 1 Whole "now.getDate(\"Europe/Berlin\")";
    "getDayOfMonth" DayOfMonth (Time Text) 1 Whole "now.getDayOfMonth(\"Europe/Berlin\")";
    "getDayOfWeek" DayOfWeek (Time Text) 1 Whole "now.getDayOfWeek(\"Europe/Berlin\")";
    "getDayOfYear" DayOfYear (Time Text) 1 Whole "now.getDayOfYear(\"Europe/Berlin\")";
    "getHours" Hours (Clock Text) 1 Whole "now.getHours(\"Europe/Berlin\")";
    "getMinutes" Minutes (Clock Text) 1 Whole "now.getMinutes(\"Europe/Berlin\")";
    "getSeconds" Seconds (Clock Text) 1 Whole "now.getSeconds()";
    "getMilliseconds" Milliseconds (Clock Text) 1 Whole "now.getMilliseconds()";
}

/// What `type` gives, by the names that CEL has for it.
pub(super) const TYPES: [&str; 9] = [
    "bool",
    "int",
    "double",
    "string",
    "list",
    "map",
    "null_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
];

/// Functions that the checker knows by itself, with how they are written.
pub(super) const SPECIAL: [(&str, &str); 11] = [
    ("has", "has(customer.number)"),
    ("default", "default(customer.name, \"unknown\")"),
    ("type", "type(raw.address) == string"),
    ("dyn", "dyn(x)"),
    ("lookup", "lookup(\"vip\", customer.number).segment"),
    ("exists", "participants.exists(p, p.purpose == \"agent\")"),
    ("all", "participants.all(p, p.ended)"),
    ("exists_one", "participants.exists_one(p, p.purpose == \"agent\")"),
    ("existsOne", "participants.existsOne(p, p.purpose == \"agent\")"),
    ("filter", "participants.filter(p, p.held)"),
    ("map", "participants.map(p, p.user_name)"),
];

pub(super) fn find(name: &str) -> Option<&'static Row> {
    FUNCTIONS.iter().find(|row| row.name == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|row| row.name).chain(SPECIAL.iter().map(|(name, _)| *name))
}

impl Takes {
    pub(super) fn allows(self, given: &Type) -> bool {
        let list = matches!(given, Type::List(_));
        let table = matches!(given, Type::Map(_));
        given.is_open()
            || match self {
                Takes::Text => *given == Type::Text,
                Takes::Whole => *given == Type::Whole,
                Takes::List => list,
                Takes::Sized => list || table || *given == Type::Text,
                Takes::Time => *given == Type::Time,
                Takes::Clock => matches!(given, Type::Time | Type::Duration),
                Takes::Plain => *given != Type::Party,
                Takes::TextOrDuration => matches!(given, Type::Text | Type::Duration),
                Takes::TextOrTime => matches!(given, Type::Text | Type::Time | Type::Whole),
            }
    }

    pub(super) fn called(self) -> &'static str {
        match self {
            Takes::Text | Takes::TextOrDuration | Takes::TextOrTime => "a text",
            Takes::Whole => "a whole number",
            Takes::List => "a list",
            Takes::Sized => "a text, a list or a table",
            Takes::Time => "a time",
            Takes::Clock => "a time or a duration",
            Takes::Plain => "a plain value",
        }
    }
}

impl Gives {
    pub(super) fn of(self) -> Type {
        match self {
            Gives::Flag => Type::Flag,
            Gives::Whole => Type::Whole,
            Gives::Fraction => Type::Fraction,
            Gives::Text => Type::Text,
            Gives::Texts => Type::Text.list(),
            Gives::Time => Type::Time,
            Gives::Duration => Type::Duration,
        }
    }
}
