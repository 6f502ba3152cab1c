//! Reads JSON that somebody else may change tomorrow.
//!
//! Nothing in an event is required, and nothing says that a type stays what it is (FACTS 2.5). With
//! these types a field that is missing, null or of another type is simply not there; only a text
//! that is not JSON is an error. Values are read straight into what they become, so that no text is
//! copied twice.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Error, Visitor};

use super::mend::mended;
use super::unreadable::Unreadable;
use crate::events::conversation::Attributes;
use crate::genesys::{ConversationId, ParticipantId, QueueId, UserId};

/// Reads a whole body.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Unreadable> {
    let object = match serde_json::from_str::<Object<T>>(body) {
        Ok(object) => object,
        Err(error) => match mended(body) {
            Some(text) => serde_json::from_str(&text)?,
            None => return Err(error.into()),
        },
    };
    object.0.ok_or(Unreadable::NotAnObject)
}

/// What a single JSON value can be read as. A kind of value that makes no sense is `None`.
pub(super) trait Scalar: Sized {
    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    fn from_flag(_flag: bool) -> Option<Self> {
        None
    }

    fn from_whole(_number: i64) -> Option<Self> {
        None
    }

    fn from_fraction(_number: f64) -> Option<Self> {
        None
    }
}

/// One value, if it is there and makes sense.
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// An object, if it is one.
pub(super) struct Object<T>(pub(super) Option<T>);

/// The elements of an array, none if it is no array.
pub(super) struct List<T>(Vec<T>);

/// The attributes of a participant: `{}` if there are none.
pub(super) struct AttributeMap(pub(super) Arc<Attributes>);

impl<T> List<Object<T>> {
    pub(super) fn objects(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(|object| object.0)
    }
}

impl<T> List<Maybe<T>> {
    pub(super) fn values(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(|value| value.0)
    }
}

impl<T> Default for Maybe<T> {
    fn default() -> Maybe<T> {
        Maybe(None)
    }
}

impl<T> Default for Object<T> {
    fn default() -> Object<T> {
        Object(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

impl Default for AttributeMap {
    fn default() -> AttributeMap {
        AttributeMap(Arc::new(Attributes::new()))
    }
}

impl Scalar for String {
    fn from_text(text: &str) -> Option<String> {
        // The empty text counts as absent wherever rules look (SEMANTICS 5).
        if text.is_empty() { None } else { Some(text.to_owned()) }
    }
}

impl Scalar for bool {
    fn from_flag(flag: bool) -> Option<bool> {
        Some(flag)
    }
}

impl Scalar for i64 {
    fn from_whole(number: i64) -> Option<i64> {
        Some(number)
    }
}

impl Scalar for Timestamp {
    fn from_text(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }
}

macro_rules! ids {
    ($($id:ident)*) => {$(
        impl Scalar for $id {
            fn from_text(text: &str) -> Option<$id> {
                if text.is_empty() { None } else { Some($id::new(text)) }
            }
        }
    )*};
}

ids! { ConversationId ParticipantId QueueId UserId }

/// The value of an attribute. Genesys declares strings (FACTS 1.1); should a number or a flag come
/// all the same, it is there, in its JSON form, and not free to be written over by `if-absent`.
struct AttributeValue(String);

impl Scalar for AttributeValue {
    fn from_text(text: &str) -> Option<AttributeValue> {
        Some(AttributeValue(text.to_owned()))
    }

    fn from_flag(flag: bool) -> Option<AttributeValue> {
        Some(AttributeValue(flag.to_string()))
    }

    fn from_whole(number: i64) -> Option<AttributeValue> {
        Some(AttributeValue(number.to_string()))
    }

    fn from_fraction(number: f64) -> Option<AttributeValue> {
        serde_json::Number::from_f64(number).map(|number| AttributeValue(number.to_string()))
    }
}

/// Visitor methods for the kinds of value that are nothing where something else is expected.
macro_rules! nothing {
    ($value:expr; $($kind:ident)*) => {$( nothing!(@ $kind, $value); )*};
    (@ flag, $value:expr) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> { Ok($value) }
    };
    (@ number, $value:expr) => {
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> { Ok($value) }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> { Ok($value) }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> { Ok($value) }
    };
    (@ text, $value:expr) => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> { Ok($value) }
    };
    (@ null, $value:expr) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok($value) }
    };
    (@ list, $value:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
    (@ object, $value:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
}

struct Visit<T>(PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for Visit<Maybe<T>> {
    type Value = Maybe<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Maybe<T>, E> {
        Ok(Maybe(T::from_text(text)))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Maybe<T>, E> {
        Ok(Maybe(T::from_flag(flag)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Maybe<T>, E> {
        Ok(Maybe(T::from_whole(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Maybe<T>, E> {
        Ok(Maybe(i64::try_from(number).ok().and_then(T::from_whole)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Maybe<T>, E> {
        Ok(Maybe(T::from_fraction(number)))
    }

    nothing!(Maybe(None); null list object);
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<Object<T>> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|object| Object(Some(object)))
    }

    nothing!(Object(None); flag number text null list);
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<List<T>> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(List(elements))
    }

    nothing!(List(Vec::new()); flag number text null object);
}

impl<'de> Visitor<'de> for Visit<AttributeMap> {
    type Value = AttributeMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<AttributeMap, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some((key, value)) = object.next_entry::<String, Maybe<AttributeValue>>()? {
            if let Some(AttributeValue(value)) = value.0 {
                attributes.insert(key, value);
            }
        }
        Ok(AttributeMap(Arc::new(attributes)))
    }

    nothing!(AttributeMap::default(); flag number text null list);
}

macro_rules! whatever_it_is {
    ($(<$($t:ident: $bound:path),*> $name:ty;)*) => {$(
        impl<'de, $($t: $bound),*> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Visit::<$name>(PhantomData))
            }
        }
    )*};
}

whatever_it_is! {
    <T: Scalar> Maybe<T>;
    <T: Deserialize<'de>> Object<T>;
    <T: Deserialize<'de>> List<T>;
    <> AttributeMap;
}
