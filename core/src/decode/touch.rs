//! What a record or a line tells of a key that it did not remove: that its content was read, or
//! that it was encrypted with a foreign key. It knows no format and keeps nothing.

use std::sync::Arc;

use compact_str::CompactString;

use crate::domain::{Actor, Deed, Timestamp, Touched};

/// Something that was done to one key, and succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) bucket: CompactString,
    pub(super) key: String,
    pub(super) deed: Deed,
    /// Whether the call read the same key first.
    pub(super) is_of_itself: bool,
    pub(super) at: Timestamp,
    pub(super) actor: Arc<Actor>,
}

impl Touch {
    /// Everything that was done to the key.
    pub(super) fn each(&self) -> impl Iterator<Item = Touched<'_>> {
        let Self { bucket, key, at, actor, .. } = self;
        let read_first = self.is_of_itself.then_some(Deed::Read);
        [Some(self.deed), read_first].into_iter().flatten().map(|deed| Touched {
            bucket,
            key,
            deed,
            at: *at,
            actor,
        })
    }
}
