//! Which entries S3 refuses beside each other: an event of a key may be told by one entry alone,
//! whatever that leads to (S3 user guide, "Configuring event notifications using object key name
//! filtering"). `EventBridge` stands apart from that.

use std::fmt;

use super::{Listed, Target, Wish};

/// An entry that is in the way of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The entry.
    pub entry: Listed,
    /// The kinds of events that both would tell of, as the wish names them.
    pub events: Vec<String>,
}

impl Overlap {
    /// What stands in the way of a wish in this entry.
    pub(super) fn between(wish: &Wish, entry: &Listed) -> Option<Self> {
        if entry.target == Target::EventBridge {
            return None;
        }
        let shares = |event: &&String| {
            entry.events.iter().any(|kind| covers(kind, event) || covers(event, kind))
        };
        let events: Vec<String> = wish.events.iter().filter(shares).cloned().collect();
        let is_same_key = overlaps(&wish.prefix, entry.prefix(), |a, b| a.starts_with(b))
            && overlaps(&wish.suffix, entry.suffix(), |a, b| a.ends_with(b));
        (is_same_key && !events.is_empty()).then(|| Self { entry: entry.clone(), events })
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, events } = self;
        write!(f, "the bucket tells {} of {} already", entry.told_target(), events.join(", "))?;
        match (entry.prefix(), entry.suffix()) {
            ("", "") => write!(f, " for all keys")?,
            (prefix, "") => write!(f, " for keys that begin with {prefix:?}")?,
            ("", suffix) => write!(f, " for keys that end with {suffix:?}")?,
            (prefix, suffix) => write!(f, " for keys {prefix:?}...{suffix:?}")?,
        }
        if let Some(name) = &entry.name {
            write!(f, " (configuration {name:?})")?;
        }
        f.write_str(
            ", and S3 lets one configuration alone tell of an event of a key; ask for other \
             --events, --prefix or --suffix, or let both be told: lead the bucket's events to an \
             SNS topic or to EventBridge, and from there to each of them",
        )
    }
}

/// Whether a kind of events holds another one: it is the same, or ends with a star.
pub(super) fn covers(kind: &str, event: &str) -> bool {
    kind == event
        || kind.strip_suffix('*').is_some_and(|stem| stem.ends_with(':') && event.starts_with(stem))
}

/// Whether a key may fit both.
fn overlaps(one: &str, other: &str, is_within: impl Fn(&str, &str) -> bool) -> bool {
    is_within(one, other) || is_within(other, one)
}
