//! Digests in their order: whether each is the one that CloudTrail signed, whether it follows the
//! one before, and which time none tells of. It takes what was read, and asks for nothing.

use super::content::{Hashed, Sha256Sum, decode_hexadecimal};
use super::document::{Digest, PreviousDigest};
use super::verdict::DigestFault;
use crate::decode::log_time::compact_time;
use crate::domain::Timestamp;

/// The trail, account and region whose digests follow one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    /// The account whose events they vouch for.
    pub account: String,
    /// The region whose events they vouch for, and whose keys sign them.
    pub region: String,
    /// The name of the trail, and its home region.
    pub trail: String,
    /// Whether they were made afterwards, for hours that had none: these follow one another apart.
    pub is_backfill: bool,
}

/// A time that no digest tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Since the end of the digest before; unknown when that is not here.
    pub from: Option<Timestamp>,
    /// Until the beginning of the next.
    pub to: Timestamp,
    /// The key of the digest that is missing; none when CloudTrail began anew or left a hole.
    pub missing: Option<String>,
}

/// How a digest follows the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// What lies between.
    pub gap: Option<Gap>,
    /// Whether it vouches for another content of the one before than is here.
    pub differs: bool,
}

/// The digests of a chain so far.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    last: Option<Last>,
    /// Whether what came before the first one is not asked for.
    begins_anywhere: bool,
}

#[derive(Debug, Clone)]
struct Last {
    file: String,
    ended_at: Timestamp,
    sha256: Option<Sha256Sum>,
}

impl ChainId {
    /// What the name of a digest's file tells: its chain, and the end of its hour.
    /// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHmmssZ[_backfill].json.gz`.
    #[must_use]
    pub fn of_file(key: &str) -> Option<(Self, Timestamp)> {
        let (account, rest) = file_of(key).split_once("_CloudTrail-Digest_")?;
        let rest = rest.strip_suffix(".json.gz")?;
        let stem = rest.strip_suffix("_backfill");
        let (names, time) = stem.unwrap_or(rest).rsplit_once('_')?;
        let (region, trail) = names.split_once('_')?;
        let id = Self {
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            is_backfill: stem.is_some(),
        };
        Some((id, compact_time(time)?))
    }
}

impl Chain {
    /// A chain of which nothing was read. When it `begins_anywhere`, nobody asks for what its first
    /// digest follows.
    #[must_use]
    pub const fn new(begins_anywhere: bool) -> Self {
        Self { last: None, begins_anywhere }
    }

    /// Adds a digest that was verified, in the order of their ends. `is_here` says whether there is
    /// a digest with this file name anywhere.
    pub fn add(
        &mut self,
        id: &ChainId,
        digest: &Digest,
        sha256: Sha256Sum,
        is_here: impl Fn(&str) -> bool,
    ) -> Linked {
        let file = file_of(&digest.key).to_owned();
        let linked = match &self.last {
            // A copy of the one before.
            Some(last) if last.file == file => return Linked::default(),
            last => self.link(id, last.as_ref(), digest, is_here),
        };
        self.last = Some(Last { file, ended_at: digest.ended_at, sha256: Some(sha256) });
        linked
    }

    /// Adds one that was not, of which no more is known than its name.
    pub fn add_unverified(&mut self, key: &str, ended_at: Timestamp) {
        self.last = Some(Last { file: file_of(key).to_owned(), ended_at, sha256: None });
    }

    fn link(
        &self,
        id: &ChainId,
        last: Option<&Last>,
        digest: &Digest,
        is_here: impl Fn(&str) -> bool,
    ) -> Linked {
        let from = last.map(|last| last.ended_at);
        let to = digest.started_at;
        let hole = || {
            let is_hole = !id.is_backfill && from.is_some_and(|from| from < to);
            is_hole.then_some(Gap { from, to, missing: None })
        };
        let Some(previous) = &digest.previous else {
            return Linked { gap: hole(), differs: false };
        };
        let file = file_of(&previous.key);
        match last {
            Some(last) if last.file == file => {
                let differs = last.sha256.is_some_and(|sha256| sha256 != previous.sha256);
                Linked { gap: hole(), differs }
            }
            None if self.begins_anywhere => Linked::default(),
            _ if is_here(file) => Linked { gap: hole(), differs: false },
            _ => {
                let missing = Some(previous.key.clone());
                Linked { gap: Some(Gap { from, to, missing }), differs: false }
            }
        }
    }
}

impl Gap {
    /// Whether digests that were made afterwards tell of all of it: of these times, from and to, in
    /// any order.
    #[must_use]
    pub fn is_told(&self, spans: &[(Timestamp, Timestamp)]) -> bool {
        let Some(mut from) = self.from else { return false };
        let mut spans = spans.to_vec();
        spans.sort_unstable();
        for (start, end) in spans {
            if start <= from {
                from = from.max(end);
            }
        }
        self.to <= from
    }
}

impl Digest {
    /// Whether it is what CloudTrail signed. `signature` is that of its object, else that which the
    /// next digest tells. `verify` says whether a signature fits a text by the key of the digest's
    /// fingerprint, and nothing when that key is not known.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(
        &self,
        hashed: &Hashed,
        signature: Option<&str>,
        verify: impl FnOnce(&str, &[u8]) -> Option<bool>,
    ) -> Result<(), DigestFault> {
        let signature = signature.ok_or(DigestFault::Unsigned)?;
        let bytes = decode_hexadecimal(signature.trim()).ok_or(DigestFault::Signature)?;
        match verify(&self.signed_text(&hashed.sha256), &bytes) {
            None => return Err(DigestFault::KeyUnknown { fingerprint: self.fingerprint.clone() }),
            Some(false) => return Err(DigestFault::Signature),
            Some(true) => {}
        }
        match hashed.appended_bytes {
            0 => Ok(()),
            bytes => Err(DigestFault::Appended { bytes }),
        }
    }

    /// The signature of the digest with this key, as this one tells it.
    #[must_use]
    pub fn signature_of(&self, key: &str) -> Option<&str> {
        let told = self.previous.as_ref().filter(|it| file_of(&it.key) == file_of(key));
        told.map(|previous: &PreviousDigest| previous.signature.as_str())
    }
}

/// The last part of a key or path. It is the same wherever a copy lies, and no two digests share
/// one.
fn file_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
