//! Which keys somebody read, removed or encrypted in a bucket within an hour, in a bounded size: a
//! sketch of the set of keys. It knows no wire format, and judges nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use super::{Actor, Timestamp};

/// The length of an hour, in milliseconds.
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
/// How many hashes a sketch keeps: a share that is told from so many is right within 6 % of one
/// in two cases of three, and a full sketch takes 2 KiB.
const KEPT: usize = 256;
/// Hashes are below this: 48 bits, so that two keys of ten million share one in a sketch once in a
/// hundred thousand times.
const HASHES: u64 = 1 << 48;
/// Letters of a hash as it is written, of 6 bits each.
const LETTERS: usize = 8;
/// The first of the 64 letters; they follow one another in ASCII.
const FIRST_LETTER: u8 = b'0';

/// What was done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Its content was read.
    Read,
    /// It was removed by a call, or a version of it.
    Removed,
    /// It was written with a key that only the caller has (SSE-C).
    CustomerKey,
    /// It was written with a KMS key of another account than its bucket's.
    ForeignKey,
}

impl Deed {
    /// Every deed, in order.
    pub const ALL: [Self; 4] = [Self::Read, Self::Removed, Self::CustomerKey, Self::ForeignKey];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Removed => "removed",
            Self::CustomerKey => "customer_key",
            Self::ForeignKey => "foreign_key",
        }
    }

    /// The deed of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == word)
    }
}

/// An hour of event time, by number since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour with this number.
    #[must_use]
    pub const fn numbered(number: i64) -> Self {
        Self(number)
    }

    /// The hour that `at` lies in.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(HOUR_MILLIS))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The hour so many hours later; earlier when negative.
    #[must_use]
    pub const fn plus(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours))
    }

    /// When it begins.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(HOUR_MILLIS))
    }
}

/// A set of keys by the smallest of their hashes (a k minimum values sketch, after Bar-Yossef and
/// others, "Counting distinct elements in a data stream", 2002). Of few keys it is the set itself;
/// of more, the same random sample whatever came in which order, how often, and in how many parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySketch {
    /// Ascending, each once, no more than [`KEPT`].
    hashes: Vec<u64>,
}

impl KeySketch {
    /// Adds a key; whether that changed anything.
    pub fn insert(&mut self, key: &str) -> bool {
        self.insert_hash(hash_of(key))
    }

    fn insert_hash(&mut self, hash: u64) -> bool {
        if self.hashes.len() == KEPT && self.hashes.last().is_some_and(|largest| hash > *largest) {
            return false;
        }
        let Err(place) = self.hashes.binary_search(&hash) else { return false };
        self.hashes.insert(place, hash);
        self.hashes.truncate(KEPT);
        true
    }

    /// Adds the keys of another one; whether that changed anything.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut is_other = false;
        for hash in &other.hashes {
            is_other |= self.insert_hash(*hash);
        }
        is_other
    }

    /// The hashes that it keeps, ascending.
    #[must_use]
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Up to which hash, included, it keeps those of all keys.
    #[must_use]
    pub fn complete_to(&self) -> u64 {
        match self.hashes.get(KEPT - 1) {
            Some(largest) => *largest,
            None => HASHES,
        }
    }

    /// How many keys there are: exact below 256, and from there on within 6 % in two cases of
    /// three.
    #[must_use]
    pub fn keys(&self) -> u64 {
        match self.hashes.get(KEPT - 1) {
            // The k-th smallest of n evenly spread numbers lies at k of n + 1 parts.
            Some(&largest) => {
                let others = (KEPT - 1) as u64;
                (others * HASHES / largest.max(1)).max(others + 1)
            }
            None => self.hashes.len() as u64,
        }
    }

    /// As it is stored: 8 letters for each hash.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.hashes.len() * LETTERS);
        for hash in &self.hashes {
            for place in (0..LETTERS).rev() {
                let bits = (hash >> (6 * place)) & 0x3f;
                text.push(char::from(FIRST_LETTER + u8::try_from(bits).unwrap_or(0)));
            }
        }
        text
    }

    /// Reads [`KeySketch::text`]; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (words, []) = text.as_bytes().as_chunks::<LETTERS>() else { return None };
        let mut sketch = Self::default();
        for word in words {
            let mut hash = 0;
            for letter in word {
                let bits = letter.checked_sub(FIRST_LETTER).filter(|bits| *bits < 64)?;
                hash = hash << 6 | u64::from(bits);
            }
            sketch.insert_hash(hash);
        }
        Some(sketch)
    }
}

/// The same for the same key for ever: sketches are stored.
fn hash_of(key: &str) -> u64 {
    let digest = Sha256::digest(key);
    digest[..6].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// What one caller did to keys of a bucket within an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The bucket.
    pub bucket: CompactString,
    /// When, by event time.
    pub hour: Hour,
    /// What.
    pub deed: Deed,
    /// Who, without a session ([`Actor::enduring`]).
    pub actor: Arc<Actor>,
    /// To which keys.
    pub keys: KeySketch,
    /// The first of them, by event time.
    pub first_at: Timestamp,
    /// The last of them, by event time.
    pub last_at: Timestamp,
}

impl Trace {
    /// Roughly how many bytes of memory it holds.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.keys.hashes()) + self.actor.text_bytes()
    }

    /// Adds what another one of the same bucket, hour, deed and caller says; whether that changed
    /// anything. Commutative, associative and idempotent.
    pub fn join(&mut self, other: &Self) -> bool {
        let times = (self.first_at.min(other.first_at), self.last_at.max(other.last_at));
        let is_longer = times != (self.first_at, self.last_at);
        (self.first_at, self.last_at) = times;
        self.keys.merge(&other.keys) | is_longer
    }
}

/// Something that was done to one key.
#[derive(Debug, Clone, Copy)]
pub struct Touched<'a> {
    /// In which bucket.
    pub bucket: &'a str,
    /// To which key, decoded.
    pub key: &'a str,
    /// What.
    pub deed: Deed,
    /// When, by event time.
    pub at: Timestamp,
    /// Who did it.
    pub actor: &'a Arc<Actor>,
}

/// Traces in the making.
#[derive(Debug, Default)]
pub struct Traces {
    /// By bucket, hour, deed, and where the caller lies: a file shares its descriptions, and each
    /// is kept, so that nobody else comes to lie there.
    cells: HashMap<(CompactString, Hour, Deed, usize), Trace, FixedState>,
    memory_bytes: usize,
}

impl Traces {
    /// Adds something that was done.
    pub fn note(&mut self, touched: &Touched<'_>) {
        let Touched { bucket, key, deed, at, actor } = *touched;
        let place = (CompactString::from(bucket), Hour::of(at), deed, Arc::as_ptr(actor).addr());
        let trace = self.cells.entry(place).or_insert_with_key(|(bucket, hour, deed, _)| {
            let trace = Trace {
                bucket: bucket.clone(),
                hour: *hour,
                deed: *deed,
                actor: Arc::clone(actor),
                keys: KeySketch::default(),
                first_at: at,
                last_at: at,
            };
            self.memory_bytes += trace.memory_bytes();
            trace
        });
        trace.first_at = trace.first_at.min(at);
        trace.last_at = trace.last_at.max(at);
        let before = trace.keys.hashes.len();
        trace.keys.insert(key);
        self.memory_bytes += (trace.keys.hashes.len() - before) * size_of::<u64>();
    }

    /// Roughly how many bytes of memory they hold.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// What was added since the last time, in order, each caller without its session. Callers of
    /// whom no more is known than an account are left out.
    pub fn take(&mut self) -> Vec<Trace> {
        self.memory_bytes = 0;
        let mut joined: BTreeMap<(CompactString, Hour, Deed, Arc<Actor>), Trace> = BTreeMap::new();
        for (_, trace) in self.cells.drain() {
            let Some(actor) = trace.actor.enduring().map(Arc::new) else { continue };
            let place = (trace.bucket.clone(), trace.hour, trace.deed, Arc::clone(&actor));
            let trace = Trace { actor, ..trace };
            joined
                .entry(place)
                .and_modify(|known| {
                    known.join(&trace);
                })
                .or_insert(trace);
        }
        joined.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
