//! Reading a JSON object for the few members that matter, without building the rest of it. What is
//! refused is what [`Value`] refuses, and of a member that is written twice the last one counts, as
//! there. It knows no names.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::decode::lenient::Spelled;

/// The members of an object that matter; all of them missing at first.
pub(super) trait Members<'de>: Default {
    /// Reads the value of one member: into its place, or as [`unread`].
    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error>;
}

/// The members of a value that should be an object; all of them missing when it is none.
#[derive(Debug, Default)]
pub(super) struct Object<T> {
    pub(super) is_object: bool,
    members: T,
}

impl<T> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.members
    }
}

/// A value that does not matter.
type Unread = Object<()>;

/// Passes over the value of a member that does not matter. It is read all the same: whether half of
/// a surrogate pair or a number out of range is refused must not depend on where it is.
pub(super) fn unread<'de, A: MapAccess<'de>>(value: &mut A) -> Result<(), A::Error> {
    value.next_value::<Unread>().map(|_| ())
}

impl<'de> Members<'de> for () {
    fn read<A: MapAccess<'de>>(&mut self, _: &str, value: &mut A) -> Result<(), A::Error> {
        unread(value)
    }
}

impl<'de, T: Members<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Members<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<Unread>()?.is_some() {}
        Ok(Object::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = T::default();
        while let Some(name) = map.next_key::<Leaf<'de>>()? {
            members.read(name.text().unwrap_or_default(), &mut map)?;
        }
        Ok(Object { is_object: true, members })
    }
}

/// The value of a member that should be a text or a number. A text without escapes is not copied.
#[derive(Debug)]
pub(super) enum Leaf<'de> {
    Text(Cow<'de, str>),
    /// Whatever else it is.
    Other(Value),
}

impl Leaf<'_> {
    /// As a value of its own.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_ref()),
            Self::Other(value) => value.clone(),
        }
    }

    /// Whether it is missing, or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Other(Value::Null))
    }
}

/// Missing.
impl Default for Leaf<'_> {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

impl Spelled for Leaf<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(value) => value.text(),
        }
    }

    fn number(&self) -> Option<&Number> {
        match self {
            Self::Text(_) => None,
            Self::Other(value) => value.number(),
        }
    }
}

/// As JSON.
impl fmt::Display for Leaf<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Leaf<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeafVisitor)
    }
}

struct LeafVisitor;

impl<'de> Visitor<'de> for LeafVisitor {
    type Value = Leaf<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Leaf::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Leaf::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Leaf::default())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Leaf::Other(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Leaf::Other(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Leaf::Other(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Leaf::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(Leaf::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Leaf::Other)
    }
}
