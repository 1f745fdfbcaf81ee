//! Whether a record can matter at all: a quick look at its bytes that passes over nearly all
//! records of a trail, and never over one that matters. It reads no record.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::{Finder, find};

use super::Wanted;
use super::creation::WRITES;
use super::protection::each_change_name;
use super::touch::{ENCRYPTS, READS, may_name_key};
use crate::decode::structure::Marked;
use crate::domain::Api;

static EVENT_NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""eventName""#));

/// The names of the calls that matter, those of one length together.
type Names = Vec<Vec<&'static [u8]>>;

static DELETES: LazyLock<Names> = LazyLock::new(|| by_length(evidence().collect()));
static DELETES_AND_WRITES: LazyLock<Names> =
    LazyLock::new(|| by_length(evidence().chain(WRITES).collect()));
static READING: LazyLock<Names> = LazyLock::new(|| by_length(READS.to_vec()));
static ENCRYPTING: LazyLock<Names> = LazyLock::new(|| by_length(ENCRYPTS.to_vec()));

fn evidence() -> impl Iterator<Item = &'static str> {
    [Api::DeleteObject, Api::DeleteObjects].map(Api::as_str).into_iter().chain(each_change_name())
}

fn by_length(names: Vec<&'static str>) -> Names {
    let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut by_length = vec![Vec::new(); longest + 1];
    for name in names {
        by_length[name.len()].push(name.as_bytes());
    }
    by_length
}

/// Whether the record may name a call that matters. It does only in a member `eventName`: either
/// those bytes are in the record, with such a name behind them or something that is no text; or one
/// of its letters is written `\u`, as no other escape stands for a letter.
pub(super) fn may_tell(record: Marked<'_>, wanted: Wanted) -> bool {
    let names = match wanted {
        Wanted::Deletes => &*DELETES,
        Wanted::DeletesAndWrites => &*DELETES_AND_WRITES,
    };
    names_one(record, names)
}

/// The same for a call that reads an object, or encrypts one with a key that may be foreign.
pub(super) fn may_touch(record: Marked<'_>) -> bool {
    names_one(record, &READING) || (names_one(record, &ENCRYPTING) && may_name_key(record))
}

fn names_one(record: Marked<'_>, names: &Names) -> bool {
    let mut rest = record.bytes;
    while let Some(at) = EVENT_NAME.find(rest) {
        rest = &rest[at + EVENT_NAME.needle().len()..];
        if is_telling(rest, names) {
            return true;
        }
    }
    record.has_backslash && find(record.bytes, br"\u").is_some()
}

/// Whether a colon and a value follow that can be the name of a call that matters.
fn is_telling(rest: &[u8], names: &Names) -> bool {
    let Some(value) = rest.trim_ascii_start().strip_prefix(b":") else { return false };
    let Some(name) = value.trim_ascii_start().strip_prefix(b"\"") else { return true };
    let same_length = |length: usize| {
        names.get(length).is_some_and(|names| names.iter().any(|telling| name.starts_with(telling)))
    };
    // A longer name than any is none of them.
    let longest = names.len();
    let end = name.iter().take(longest).position(|&byte| byte == b'"');
    end.is_some_and(same_length)
}
