//! What is said of a removal by its verdict, by which sources tell of its bucket, and by what was
//! said before. Settling and reading ask it alike.

use crate::store::session::{Result, Session, column, values};
use deltrail_core::domain::{PAIR_MILLIS_MAX, Removal, Said, Settling, Verdict};

/// Which sources tell of a bucket besides CloudTrail, and when they did.
pub(super) struct Told {
    /// From when to when S3 itself told of it, for each of its ways, in milliseconds.
    notices: Vec<(i64, i64)>,
    pub(super) has_creations: bool,
}

impl Told {
    pub(super) fn of(session: &Session<'_>, bucket: &str) -> Result<Self> {
        let notices = session.rows(
            "SELECT oldest_event_at, newest_event_at FROM bucket_sources
             WHERE bucket = ?1 AND source IN ('s3_notification', 'eventbridge')",
            &values![bucket],
            |row| Ok((row.read()?, row.read()?)),
        )?;
        let has_creations = session.is_any(
            "SELECT 1 FROM bucket_sources
                 WHERE bucket = ?1 AND newest_creation_at IS NOT NULL LIMIT 1",
            &values![bucket],
        )?;
        Ok(Self { notices, has_creations })
    }

    /// Whether S3 itself ever told of the bucket.
    pub(super) fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }

    /// What is said of a removal of the bucket now, by its verdict and by what was said before.
    /// What came before a write of before `writes_kept_from`, in milliseconds, may have been
    /// forgotten.
    pub(super) fn said(
        &self,
        session: &Session<'_>,
        slot_id: i64,
        (removal, verdict): (&Removal, Verdict),
        before: &Settling,
        writes_kept_from: i64,
    ) -> Result<Said> {
        let at = removal.at.as_millis();
        let said = Said {
            duplicate_of: verdict.duplicate_of,
            is_stale: self.has_creations.then_some(verdict.is_stale),
            is_undelete: verdict.is_undelete,
            is_unconfirmed: !removal.is_confirmed && self.was_noticed_before(at),
        };
        match before {
            Settling::Reopened(before) if self.has_creations => {
                remembered(session, (slot_id, at), writes_kept_from, before, said)
            }
            _ => Ok(said),
        }
    }

    /// Whether S3 told of the bucket in the 24 h before.
    fn was_noticed_before(&self, at: i64) -> bool {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
        self.notices
            .iter()
            .any(|&(oldest, newest)| oldest <= at && newest >= at.saturating_sub(DAY_MILLIS))
    }
}

/// What is said again of a removal at this time, when it was said before with the help of writes
/// that may be forgotten by now: to forget is no evidence.
fn remembered(
    session: &Session<'_>,
    (slot_id, at): (i64, i64),
    writes_kept_from: i64,
    before: &Said,
    said: Said,
) -> Result<Said> {
    let was_no_duplicate = before.duplicate_of.is_none() && at < writes_kept_from;
    let was_stale = before.is_stale == Some(true)
        && said.is_stale != Some(true)
        && writes_before(session, slot_id, at)? < 2;
    Ok(Said {
        duplicate_of: said.duplicate_of.filter(|_| !was_no_duplicate),
        is_stale: if was_stale { before.is_stale } else { said.is_stale },
        ..said
    })
}

/// How many writes are known that a removal at this time came after: up to two.
fn writes_before(session: &Session<'_>, slot_id: i64, at: i64) -> Result<i64> {
    session.one(
        "SELECT count(*) FROM (
                 SELECT 1 FROM creations WHERE slot_id = ?1 AND at <= ?2 LIMIT 2
             ) AS writes",
        &values![slot_id, at.saturating_add(PAIR_MILLIS_MAX)],
        column,
    )
}
