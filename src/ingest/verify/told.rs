//! What a verification tells: one verdict on each digest, log file and gap, and how many there were
//! of each. It does not write it down.

use std::collections::BTreeMap;

use deltrail_core::decode::digest::{ChainId, DigestFault, Gap, LogFault, LogState};
use deltrail_core::domain::Timestamp;

use super::digests::Outcome;
use super::places::{DigestPlace, Place};
use crate::objects::ObjectError;

/// The verdict that all is well.
const VERIFIED: &str = "verified";
const NOT_YET_COVERED: &str = "not_yet_covered";

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifiedKind {
    /// A digest.
    Digest,
    /// A log file.
    LogFile,
    /// A time that no digest tells of.
    Gap,
}

impl VerifiedKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::LogFile => "log_file",
            Self::Gap => "gap",
        }
    }
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it is about.
    pub kind: VerifiedKind,
    /// Its name: `s3://BUCKET/KEY`, or a path; of a gap the missing digest, if one is named.
    pub name: String,
    /// The verdict, one of a closed set of words.
    pub verdict: &'static str,
    /// Whether it keeps the whole from being intact.
    pub is_fault: bool,
    /// What is wrong, for people; empty when nothing is.
    pub detail: String,
    /// From when to when a digest or a gap goes; the beginning of a gap may not be known.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Verified {
    pub(super) fn digest(id: &ChainId, place: &DigestPlace, verdict: &Result<(), Outcome>) -> Self {
        let told = Self::well(VerifiedKind::Digest, place.place.to_string());
        match verdict {
            Ok(()) => told,
            Err(Outcome::Fault(fault)) => {
                let detail = match fault {
                    DigestFault::KeyUnknown { .. } => format!("{fault} in {}", id.region),
                    _ => fault.to_string(),
                };
                Self { verdict: fault.as_str(), is_fault: true, detail, ..told }
            }
            Err(Outcome::Unreadable { reason, message }) => {
                Self { verdict: *reason, is_fault: true, detail: message.clone(), ..told }
            }
        }
    }

    pub(super) fn log(place: &Place, state: LogState) -> Self {
        let told = Self::well(VerifiedKind::LogFile, place.to_string());
        match state {
            LogState::Verified => told,
            LogState::NotYetCovered => Self {
                verdict: NOT_YET_COVERED,
                detail: "its digest is still to come".to_owned(),
                ..told
            },
            LogState::Failed(fault) => {
                Self { verdict: fault.as_str(), is_fault: true, detail: fault.to_string(), ..told }
            }
        }
    }

    pub(super) fn unreadable_log(place: &Place, error: &ObjectError) -> Self {
        if let ObjectError::Gone { .. } = error {
            return Self::log(place, LogState::Failed(LogFault::Missing));
        }
        Self {
            verdict: error.kind(),
            is_fault: true,
            detail: error.to_string(),
            ..Self::well(VerifiedKind::LogFile, place.to_string())
        }
    }

    /// A log file of another bucket than the one that was named.
    pub(super) fn elsewhere(place: &Place) -> Self {
        Self {
            verdict: "elsewhere",
            is_fault: true,
            detail: "it is in a bucket that was not named, and is not read".to_owned(),
            ..Self::well(VerifiedKind::LogFile, place.to_string())
        }
    }

    pub(super) fn gap(id: &ChainId, gap: &Gap) -> Self {
        let detail = match (&gap.missing, gap.from) {
            (Some(_), Some(_)) => "the digest is missing: it was deleted, or moved",
            (Some(_), None) => {
                "the first digest here follows one that is missing: name an earlier --since to \
                 look for it, or a later one to leave it out"
            }
            (None, _) => {
                "no digest tells of this time: validation or the trail was switched off, or \
                 CloudTrail wrote none"
            }
        };
        let ChainId { account, region, trail, .. } = id;
        let chain = format!("{account} {region} {trail}");
        Self {
            kind: VerifiedKind::Gap,
            name: gap.missing.clone().unwrap_or(chain),
            verdict: if gap.missing.is_some() { "digest_missing" } else { "gap" },
            is_fault: true,
            detail: detail.to_owned(),
            span: Some((gap.from.unwrap_or(gap.to), gap.to)),
        }
    }

    /// Says that a digest does not hold.
    pub(super) fn fail(&mut self, fault: &DigestFault) {
        if !self.is_fault {
            (self.verdict, self.is_fault, self.detail) = (fault.as_str(), true, fault.to_string());
        }
    }

    fn well(kind: VerifiedKind, name: String) -> Self {
        let (verdict, detail) = (VERIFIED, String::new());
        Self { kind, name, verdict, is_fault: false, detail, span: None }
    }
}

/// What a verification came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifySummary {
    /// How many there were of each kind, by verdict.
    pub counts: BTreeMap<VerifiedKind, BTreeMap<&'static str, u64>>,
    /// How many of them keep the whole from being intact.
    pub faults: u64,
    /// The beginning of the first verified digest and the end of the last.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl VerifySummary {
    /// Whether there is a digest at all, everything is as CloudTrail wrote it, and nothing is
    /// missing between.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.faults == 0 && self.span.is_some()
    }

    /// How many of a kind have this verdict.
    #[must_use]
    pub fn count_of(&self, kind: VerifiedKind, verdict: &str) -> u64 {
        self.counts.get(&kind).and_then(|counts| counts.get(verdict)).copied().unwrap_or(0)
    }

    pub(super) fn count(&mut self, verified: &Verified) {
        let counts = self.counts.entry(verified.kind).or_default();
        *counts.entry(verified.verdict).or_default() += 1;
        self.faults += u64::from(verified.is_fault);
    }

    pub(super) fn cover(&mut self, span: (Timestamp, Timestamp)) {
        let known = self.span.unwrap_or(span);
        self.span = Some((known.0.min(span.0), known.1.max(span.1)));
    }
}
