//! What a bucket holds: keys, their versions and delete markers, and what a put or a delete makes
//! of them. It knows no request, no caller and no fault.

use std::collections::BTreeMap;

use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use md5::{Digest, Md5};

use super::super::act::Effect;
use super::super::record::text::hexadecimal;

/// The id of a version that was made while versioning was off or suspended.
pub(super) const NULL_VERSION: &str = "null";

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// Never was on: a key has one object, and a delete destroys it.
    Off,
    /// Each put makes a version, and a delete without a version id makes a marker.
    Enabled,
    /// Was on: puts and markers take the place of the null version, older versions stay.
    Suspended,
}

/// The bytes under a key, and what was told about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub body: Bytes,
    pub content_type: String,
    pub content_encoding: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// MD5 of the body in hexadecimal digits.
    pub etag: String,
}

impl Object {
    pub fn new(
        body: Bytes,
        content_type: String,
        content_encoding: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> Self {
        let etag = hexadecimal(&Md5::digest(&body));
        Self { body, content_type, content_encoding, metadata, etag }
    }
}

/// One version of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// Its id, [`NULL_VERSION`] if it has none of its own.
    pub id: String,
    /// When it was made, in whole seconds as S3 shows it.
    pub last_modified: Timestamp,
    /// The object; none for a delete marker.
    pub object: Option<Object>,
}

/// Why a key, or the named version of it, has no object to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Absence {
    /// There is no such key.
    Key,
    /// The key has no such version.
    Version,
    /// The current version is this delete marker.
    Hidden { marker_id: String },
    /// The named version is a delete marker.
    Marker { marker_id: String, last_modified: Timestamp },
}

/// The objects of a bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    versioning: Versioning,
    /// For each key its versions, the newest last; never an empty list.
    keys: BTreeMap<String, Vec<Version>>,
}

impl Bucket {
    pub fn new(versioning: Versioning) -> Self {
        Self { versioning, keys: BTreeMap::new() }
    }

    pub fn versioning(&self) -> Versioning {
        self.versioning
    }

    /// Once on, versioning can be suspended but never be off again.
    pub fn set_versioning(&mut self, versioning: Versioning) {
        self.versioning = match (self.versioning, versioning) {
            (Versioning::Enabled | Versioning::Suspended, Versioning::Off) => Versioning::Suspended,
            (_, wanted) => wanted,
        };
    }

    /// Whether it holds no version and no marker, so that it may be deleted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Stores an object. `fresh_id` becomes the version's id if versioning is enabled.
    ///
    /// Returns the id as an answer shows it: none if versioning never was on.
    pub fn put(
        &mut self,
        key: &str,
        object: Object,
        at: Timestamp,
        fresh_id: String,
    ) -> Option<String> {
        let id = self.push(key, Some(object), at, fresh_id);
        self.shown(id)
    }

    /// The current object of a key, or the version that is named.
    pub fn find(&self, key: &str, named: Option<&str>) -> Result<(&Version, &Object), Absence> {
        let versions = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(named) = named else {
            let current = versions.last().ok_or(Absence::Key)?;
            let object = current.object.as_ref();
            return object
                .map(|object| (current, object))
                .ok_or_else(|| Absence::Hidden { marker_id: current.id.clone() });
        };
        let version =
            versions.iter().find(|version| version.id == named).ok_or(Absence::Version)?;
        let object = version.object.as_ref();
        object.map(|object| (version, object)).ok_or_else(|| Absence::Marker {
            marker_id: version.id.clone(),
            last_modified: version.last_modified,
        })
    }

    /// Deletes as `DeleteObject` does: the named version for good, else the object if versioning
    /// is off, else what is seen by putting a marker (`fresh_id`) over it.
    pub fn delete(
        &mut self,
        key: &str,
        named: Option<&str>,
        at: Timestamp,
        fresh_id: String,
    ) -> Effect {
        match (self.versioning, named) {
            (Versioning::Off, None) => match self.keys.remove(key) {
                Some(_) => Effect::Object,
                None => Effect::Nothing,
            },
            (_, Some(named)) => self.remove(key, named),
            (Versioning::Enabled | Versioning::Suspended, None) => {
                Effect::Marker { id: self.push(key, None, at, fresh_id) }
            }
        }
    }

    /// Expires the current object as a lifecycle rule does. A key without one is left alone.
    pub fn expire(&mut self, key: &str, at: Timestamp, fresh_id: String) -> Effect {
        match self.find(key, None) {
            Ok(_) => self.delete(key, None, at, fresh_id),
            Err(_) => Effect::Nothing,
        }
    }

    /// What is seen without naming versions, in key order.
    pub fn objects(&self) -> impl Iterator<Item = (&str, (&Version, &Object))> {
        self.keys.iter().filter_map(|(key, versions)| {
            let current = versions.last()?;
            Some((key.as_str(), (current, current.object.as_ref()?)))
        })
    }

    /// All versions and markers in key order, of each key the newest first; with whether it is the
    /// current one.
    pub fn versions(&self) -> impl Iterator<Item = (&str, (&Version, bool))> {
        self.keys.iter().flat_map(|(key, versions)| {
            let newest_first = versions.iter().rev().enumerate();
            newest_first.map(move |(age, version)| (key.as_str(), (version, age == 0)))
        })
    }

    /// A version's id as an answer shows it: none if versioning never was on.
    pub fn shown(&self, id: String) -> Option<String> {
        (self.versioning != Versioning::Off).then_some(id)
    }

    /// Puts an object or a marker on top. A null version takes the place of the one before it.
    fn push(
        &mut self,
        key: &str,
        object: Option<Object>,
        at: Timestamp,
        fresh_id: String,
    ) -> String {
        let versions = self.keys.entry(key.to_owned()).or_default();
        let id = if self.versioning == Versioning::Enabled {
            fresh_id
        } else {
            versions.retain(|version| version.id != NULL_VERSION);
            NULL_VERSION.to_owned()
        };
        let last_modified = Timestamp::from_millis(at.as_millis().div_euclid(1_000) * 1_000);
        versions.push(Version { id: id.clone(), last_modified, object });
        id
    }

    fn remove(&mut self, key: &str, named: &str) -> Effect {
        let Some(versions) = self.keys.get_mut(key) else { return Effect::Nothing };
        let Some(place) = versions.iter().position(|version| version.id == named) else {
            return Effect::Nothing;
        };
        let removed = versions.remove(place);
        if versions.is_empty() {
            self.keys.remove(key);
        }
        if self.versioning == Versioning::Off {
            return Effect::Object;
        }
        Effect::Version { id: removed.id, was_marker: removed.object.is_none() }
    }
}

#[cfg(test)]
mod tests;
