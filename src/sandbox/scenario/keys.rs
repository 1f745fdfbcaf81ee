//! What became of each key in a scenario: what was written, removed and declared of it, in the
//! order in which it happened. It knows no figure and asks no bucket.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Intent, Timestamp};

use super::truth::{ByBucket, Removed};

/// Within this a second request for the same thing is a duplicate.
const DUPLICATE_MILLIS: i64 = 10 * 60 * 1_000;
/// Within this after a write that replaced something a removal is stale.
const STALE_MILLIS: i64 = 15 * 60 * 1_000;

/// All keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    keys: BTreeMap<(&'static str, String), Key>,
}

/// One key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Key {
    /// When each object was written that none but its successors have taken the place of.
    written: Vec<Timestamp>,
    /// When each thing was last removed, since the last write: the object, or a version.
    removed: BTreeMap<Option<String>, Timestamp>,
    /// The intents that wait for a removal, by id.
    intents: BTreeSet<String>,
}

/// What a removal means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// There was something to remove, so that S3 tells of it.
    pub(super) is_notified: bool,
    /// It was removed before.
    pub(super) is_duplicate: bool,
    /// It had just been replaced.
    pub(super) is_stale: bool,
    /// How many intents it fulfils.
    pub(super) intents: u64,
}

impl Keys {
    pub(super) fn uploaded(&mut self, bucket: &'static str, key: &str, at: Timestamp) {
        let key = self.key(bucket, key);
        key.written.push(at);
        key.removed.clear();
    }

    pub(super) fn declared(&mut self, bucket: &'static str, intent: &Intent) {
        for key in &intent.keys {
            self.key(bucket, key).intents.insert(intent.id.clone());
        }
    }

    pub(super) fn expired(&mut self, bucket: &'static str, key: &str) {
        self.key(bucket, key).written.clear();
    }

    /// A removal by a request.
    pub(super) fn removed(
        &mut self,
        bucket: &'static str,
        key: &str,
        removed: Removed<'_>,
        at: Timestamp,
    ) -> Meant {
        let key = self.key(bucket, key);
        let intents = std::mem::take(&mut key.intents).len() as u64;
        let version = match removed {
            Removed::Object | Removed::Marker => None,
            Removed::Version(id) => Some(id.to_owned()),
        };
        let takes_current = version.is_none();
        let before = key.removed.insert(version, at);
        let is_stale = takes_current
            && key.written.len() > 1
            && key.written.last().is_some_and(|&written| at.millis_since(written) <= STALE_MILLIS);
        let is_notified = match removed {
            Removed::Object => !key.written.is_empty(),
            Removed::Marker => true,
            Removed::Version(_) => before.is_none(),
        };
        if takes_current {
            key.written.clear();
        }
        Meant {
            is_notified,
            is_duplicate: before.is_some_and(|before| at.millis_since(before) <= DUPLICATE_MILLIS),
            is_stale,
            intents,
        }
    }

    /// Intents that still wait, each once for its bucket.
    pub(super) fn unfulfilled(&self) -> ByBucket {
        let mut waiting: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
        for ((bucket, _), key) in self.keys.iter().filter(|(_, key)| !key.intents.is_empty()) {
            let ids = key.intents.iter().map(String::as_str);
            waiting.entry(bucket).or_default().extend(ids);
        }
        waiting.into_iter().map(|(bucket, ids)| (bucket, ids.len() as u64)).collect()
    }

    fn key(&mut self, bucket: &'static str, key: &str) -> &mut Key {
        self.keys.entry((bucket, key.to_owned())).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: &str = "example-images";

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_435_200_000 + minute * 60_000)
    }

    fn removed(keys: &mut Keys, minute: i64) -> Meant {
        keys.removed(BUCKET, "a.jpg", Removed::Object, at(minute))
    }

    #[test]
    fn the_second_delete_of_a_key_finds_nothing_and_is_a_duplicate_for_ten_minutes() {
        let mut keys = Keys::default();
        keys.uploaded(BUCKET, "a.jpg", at(0));
        let first = removed(&mut keys, 1);
        assert_eq!(first, Meant { is_notified: true, ..Meant::default() });
        let again = Meant { is_duplicate: true, ..Meant::default() };
        assert_eq!(removed(&mut keys, 11), again);
        assert_eq!(removed(&mut keys, 22), Meant::default(), "too late to be one");
        keys.uploaded(BUCKET, "a.jpg", at(23));
        assert_eq!(removed(&mut keys, 24), first, "a write came between");
    }

    #[test]
    fn a_removal_is_stale_soon_after_a_write_that_replaced_another() {
        for (writes, minute, is_stale) in [
            (&[0, 60][..], 75, true),
            (&[0, 60], 76, false),
            (&[60], 65, false),
            (&[0, 30, 60], 60, true),
        ] {
            let mut keys = Keys::default();
            for &minute in writes {
                keys.uploaded(BUCKET, "a.jpg", at(minute));
            }
            assert_eq!(removed(&mut keys, minute).is_stale, is_stale, "{writes:?}, {minute}");
        }
        let mut keys = Keys::default();
        keys.uploaded(BUCKET, "a.jpg", at(0));
        removed(&mut keys, 1);
        keys.uploaded(BUCKET, "a.jpg", at(2));
        assert!(!removed(&mut keys, 3).is_stale, "what it replaced was gone");
    }

    #[test]
    fn a_version_is_a_thing_of_its_own() {
        let mut keys = Keys::default();
        keys.uploaded(BUCKET, "a.jpg", at(0));
        keys.uploaded(BUCKET, "a.jpg", at(1));
        let mut remove = |removed| keys.removed(BUCKET, "a.jpg", removed, at(2));
        let only_notified = Meant { is_notified: true, ..Meant::default() };
        assert_eq!(remove(Removed::Version("V1")), only_notified);
        assert!(!remove(Removed::Version("V1")).is_notified, "it is gone");
        assert!(remove(Removed::Marker).is_stale);
        let again = remove(Removed::Marker);
        assert!(again.is_notified && again.is_duplicate, "one more marker was made");
    }

    #[test]
    fn an_intent_waits_until_each_of_its_keys_is_removed() {
        let mut keys = Keys::default();
        let intent = Intent {
            id: "one".into(),
            bucket: BUCKET.into(),
            keys: vec!["a.jpg".into(), "b.jpg".into()],
            requested_at: at(0),
            by: None,
            reference: None,
        };
        keys.declared(BUCKET, &intent);
        assert_eq!(removed(&mut keys, 1).intents, 1);
        assert_eq!(keys.unfulfilled(), ByBucket::from([(BUCKET, 1)]));
        assert_eq!(removed(&mut keys, 2).intents, 0, "it was the first that counts");
        assert_eq!(keys.removed(BUCKET, "b.jpg", Removed::Object, at(3)).intents, 1);
        assert_eq!(keys.unfulfilled(), ByBucket::new());
    }
}
