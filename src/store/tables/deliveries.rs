//! Who has to be told of which finding. A row is claimed before anything is sent, so that of
//! several replicas one sends it. It sends nothing.

use deltrail_core::domain::Timestamp;

use super::finding_rows::finding;
use crate::store::session::{Result, Session, values};
use crate::store::{Delivery, DeliveryEnd, DeliveryState, Informed};

/// How long a claim holds, in milliseconds: longer than anything takes to be sent.
const CLAIM_MILLIS: i64 = 2 * 60 * 1_000;

/// Claims what is due first, if anything is.
pub(in crate::store) fn claim_delivery(
    session: &Session<'_>,
    claimed_by: &str,
    now: Timestamp,
) -> Result<Option<Delivery>> {
    let due = session.optional(
        "SELECT finding_id, notifier, told_revision, attempts FROM deliveries
         WHERE told_revision < revision AND gave_up = 0 AND due_at <= ?1 AND claimed_until <= ?1
         ORDER BY due_at, finding_id, notifier LIMIT 1 /*pg FOR UPDATE SKIP LOCKED */",
        &values![now.as_millis()],
        |row| {
            let (id, notifier): (String, String) = (row.read()?, row.read()?);
            Ok((id, notifier, row.read::<i64>()?, row.read::<i64>()?))
        },
    )?;
    let Some((id, notifier, told, attempts)) = due else { return Ok(None) };
    let claimed_until = now.as_millis().saturating_add(CLAIM_MILLIS);
    session.execute(
        "UPDATE deliveries SET claimed_until = ?3, claimed_by = ?4, attempts = attempts + 1
         WHERE finding_id = ?1 AND notifier = ?2",
        &values![id, notifier, claimed_until, claimed_by],
    )?;
    let row = finding(session, &id)?;
    Ok(row.map(|row| Delivery {
        row,
        notifier,
        was_told: told > 0,
        attempts: u32::try_from(attempts + 1).unwrap_or(u32::MAX),
    }))
}

/// Notes how telling somebody of this revision ended.
pub(in crate::store) fn end_delivery(
    session: &Session<'_>,
    (finding_id, notifier, revision): (&str, &str, i64),
    end: DeliveryEnd,
) -> Result<()> {
    match end {
        DeliveryEnd::Told => session.execute(
            "UPDATE deliveries SET told_revision = ?3, attempts = 0, claimed_until = 0
             WHERE finding_id = ?1 AND notifier = ?2",
            &values![finding_id, notifier, revision],
        ),
        DeliveryEnd::Again(at) => session.execute(
            "UPDATE deliveries SET due_at = ?3, claimed_until = 0
             WHERE finding_id = ?1 AND notifier = ?2",
            &values![finding_id, notifier, at.as_millis()],
        ),
        DeliveryEnd::GaveUp => session.execute(
            "UPDATE deliveries SET gave_up = 1, claimed_until = 0
             WHERE finding_id = ?1 AND notifier = ?2",
            &values![finding_id, notifier],
        ),
    }?;
    Ok(())
}

/// Everybody who is to be told of a finding, and how far that has come.
pub(in crate::store) fn deliveries_of(
    session: &Session<'_>,
    finding_id: &str,
) -> Result<Vec<DeliveryState>> {
    session.rows(
        "SELECT notifier, revision, told_revision, attempts, gave_up FROM deliveries
         WHERE finding_id = ?1 ORDER BY notifier",
        &values![finding_id],
        |row| {
            let notifier = row.read()?;
            let (revision, told_revision): (i64, i64) = (row.read()?, row.read()?);
            let (attempts, gave_up): (i64, i64) = (row.read()?, row.read()?);
            let informed = match (told_revision >= revision, gave_up != 0) {
                (true, _) => Informed::Fully,
                (false, true) => Informed::GaveUp,
                (false, false) if told_revision > 0 => Informed::Earlier,
                (false, false) => Informed::NotYet,
            };
            Ok(DeliveryState { notifier, informed, attempts: u32::try_from(attempts).unwrap_or(0) })
        },
    )
}
