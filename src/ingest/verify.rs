//! Verifies the log files of a bucket or a folder by CloudTrail's digests: each chain in the order
//! of time, each digest by its signature, each log file by its hash, and what no digest names. It
//! knows no store and no queue, and prints nothing.

mod arrived;
mod digests;
mod logs;
mod places;
mod told;

use std::collections::BTreeMap;

use deltrail_core::decode::TimeBounds;
use deltrail_core::decode::digest::{Chain, ChainId, Coverage, DigestFault, Gap};
use deltrail_core::domain::Timestamp;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;

pub(super) use arrived::verify_arrived;
pub use told::{Verified, VerifiedKind, VerifySummary};

use super::scan::ScanSource;
use crate::objects::Objects;
use crate::trail_keys::{KeysError, TrailKeys};
use digests::{Outcome, Read};
use logs::Logs;
use places::{DigestPlace, Places};

/// What is to be verified.
#[derive(Debug, Clone)]
pub struct VerifyOrder {
    /// The folder, or the bucket and prefix, with the digests and the log files.
    pub source: ScanSource,
    /// Which of it.
    pub bounds: TimeBounds,
    /// Log files that are read at a time, at least 1.
    pub at_once: usize,
    /// Bytes that a file may inflate to.
    pub inflated_bytes_max: u64,
}

/// Why nothing could be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// What there is could not be listed.
    #[error("{0}")]
    List(String),
    /// There are no public keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Nobody takes what is told.
    #[error("nobody reads what is told")]
    Unheard,
}

impl VerifyError {
    /// Whether it may pass by itself.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Keys(error) if error.is_transient())
    }
}

/// One verification at work.
struct Verifying {
    order: VerifyOrder,
    objects: Objects,
    keys: TrailKeys,
    tell: Sender<Verified>,
    summary: VerifySummary,
    coverage: Coverage,
}

/// Verifies what an order names and tells the verdict on every digest, log file and gap.
///
/// # Errors
/// What keeps it from going on; a file that cannot be read is a verdict like others.
pub async fn verify(
    order: VerifyOrder,
    objects: Objects,
    keys: TrailKeys,
    tell: Sender<Verified>,
) -> Result<VerifySummary, VerifyError> {
    let places = Places::find(&order, &objects).await?;
    let mut verifying = Verifying {
        order,
        objects,
        keys,
        tell,
        summary: VerifySummary::default(),
        coverage: Coverage::default(),
    };
    verifying.verify(&places).await?;
    Ok(verifying.summary)
}

impl Verifying {
    async fn verify(&mut self, places: &Places) -> Result<(), VerifyError> {
        let mut logs = Logs::new(&self.order, &self.objects, places);
        // Where digests were made afterwards, by the chain whose gaps they may fill.
        let mut gaps: BTreeMap<ChainId, Vec<Gap>> = BTreeMap::new();
        let mut spans: BTreeMap<ChainId, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
        for (id, digests) in places.chains() {
            let chained = self.verify_chain(id, digests, places, &mut logs).await?;
            gaps.insert(id.clone(), chained.gaps);
            if id.is_backfill {
                spans.insert(ChainId { is_backfill: false, ..id.clone() }, chained.spans);
            }
        }
        for (id, gaps) in gaps {
            let told = spans.get(&id).map(Vec::as_slice).unwrap_or_default();
            for gap in gaps.into_iter().filter(|gap| !gap.is_told(told)) {
                self.note(Verified::gap(&id, &gap)).await?;
            }
        }
        while let Some(verified) = logs.next().await {
            self.note(verified).await?;
        }
        let coverage = std::mem::take(&mut self.coverage);
        let mut unnamed = logs.unnamed(&coverage);
        while let Some(verified) = unnamed.next().await? {
            self.note(verified).await?;
        }
        Ok(())
    }

    /// Verifies the digests of one chain, and has the log files read that they name.
    async fn verify_chain(
        &mut self,
        id: &ChainId,
        digests: &[DigestPlace],
        places: &Places,
        logs: &mut Logs<'_>,
    ) -> Result<Chained, VerifyError> {
        let mut chain = Chain::new(self.order.bounds.since.is_some());
        let mut chained = Chained::default();
        let objects = self.objects.clone();
        let mut reading = digests::read_all(&objects, digests);
        let mut next = reading.next().await;
        // One digest is held back until the next one is read, which may tell its signature.
        let mut before: Option<Verified> = None;
        while let Some(read) = next {
            next = reading.next().await;
            let signature = signature(&read, next.as_ref());
            let verdict = verdict(&self.keys, id, &read, signature).await?;
            let mut verified = Verified::digest(id, read.place, &verdict);
            match (&read.outcome, verdict.is_ok()) {
                (Ok(found), true) => {
                    let (digest, hashed) = &**found;
                    let is_here = |file: &str| places.has_digest(file);
                    let linked = chain.add(id, digest, hashed.sha256, is_here);
                    chained.gaps.extend(linked.gap);
                    if linked.differs
                        && let Some(before) = before.as_mut()
                    {
                        before.fail(&DigestFault::OtherContent);
                    }
                    let span = (digest.started_at, digest.ended_at);
                    self.coverage.add(&id.account, &id.region, span);
                    self.summary.cover(span);
                    chained.spans.push(span);
                    verified.span = Some(span);
                    for log in &digest.log_files {
                        for verified in logs.read(log).await {
                            self.note(verified).await?;
                        }
                    }
                }
                (Ok(found), false) => {
                    chain.add_unverified(&read.place.place.key, read.place.ended_at);
                    // What was put in the place of another tells nothing of that.
                    let told = found.0.log_files.iter().filter(|_| !is_moved(&verdict));
                    for verified in told.flat_map(|log| logs.unvouched(log)).collect::<Vec<_>>() {
                        self.note(verified).await?;
                    }
                }
                (Err(_), _) => {
                    chain.add_unverified(&read.place.place.key, read.place.ended_at);
                }
            }
            if let Some(before) = before.replace(verified) {
                self.note(before).await?;
            }
        }
        if let Some(last) = before {
            self.note(last).await?;
        }
        Ok(chained)
    }

    async fn note(&mut self, verified: Verified) -> Result<(), VerifyError> {
        self.summary.count(&verified);
        self.tell.send(verified).await.map_err(|_| VerifyError::Unheard)
    }
}

/// What the digests of a chain came to.
#[derive(Default)]
struct Chained {
    gaps: Vec<Gap>,
    spans: Vec<(Timestamp, Timestamp)>,
}

/// What is wrong with a digest, if anything is.
async fn verdict(
    keys: &TrailKeys,
    id: &ChainId,
    read: &Read<'_>,
    signature: Option<&str>,
) -> Result<Result<(), Outcome>, KeysError> {
    let (digest, hashed) = match &read.outcome {
        Ok(found) => &**found,
        Err(outcome) => return Ok(Err(outcome.clone())),
    };
    if !read.place.place.is_that_of(&digest.bucket, &digest.key) {
        let place = format!("{}/{}", digest.bucket, digest.key);
        return Ok(Err(Outcome::Fault(DigestFault::Moved { place })));
    }
    let at = read.signed_at().unwrap_or(digest.ended_at).as_millis();
    let key = keys.key(&id.region, &digest.fingerprint, at).await?;
    let verdict = digest.verify(hashed, signature, |text, signature| {
        key.map(|key| key.fits(text.as_bytes(), signature))
    });
    Ok(verdict.map_err(Outcome::Fault))
}

fn is_moved(verdict: &Result<(), Outcome>) -> bool {
    matches!(verdict, Err(Outcome::Fault(DigestFault::Moved { .. })))
}

/// The signature of a digest: of its object, else as the next digest tells it.
fn signature<'a>(read: &'a Read<'_>, next: Option<&'a Read<'_>>) -> Option<&'a str> {
    let told = || {
        let (digest, _) = next?.outcome.as_deref().ok()?;
        digest.signature_of(&read.place.place.key)
    };
    read.signature.as_deref().or_else(told)
}
