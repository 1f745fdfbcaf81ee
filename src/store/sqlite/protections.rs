//! Changes of what protects objects, as they were told. Nothing is derived from them here.

use deltrail_core::domain::ProtectionChange;
use rusqlite::{Result, Row, params};

use super::journal::Journal;
use super::rows::{Place, actor, actor_text, amount, time, word};
use crate::store::words;

/// Adds a change to the set.
pub(super) fn write_protection(
    journal: &mut Journal<'_>,
    change: &ProtectionChange,
    place: Place,
) -> Result<()> {
    let inserted = journal
        .connection
        .prepare_cached(
            "INSERT INTO protection_changes (id, service, event_name, bucket, resource, detail,
                 outcome, error_code, request_id, event_id, shared_event_id, account, region, at,
                 actor_kind, actor, log_object_id, record_index)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            change.id,
            change.service,
            change.event_name,
            change.bucket,
            change.resource,
            change.detail,
            change.outcome.as_str(),
            change.error_code,
            change.request_id,
            change.event_id,
            change.shared_event_id,
            change.account,
            change.region,
            change.at.as_millis(),
            change.actor.kind().as_str(),
            actor_text(&change.actor)?,
            place.log_object_id,
            place.record_index.map(amount),
        ])?;
    journal.note(inserted == 1);
    Ok(())
}

/// Reads a row of `protection_changes`.
pub(super) fn protection_of(row: &Row<'_>) -> Result<ProtectionChange> {
    Ok(ProtectionChange {
        id: row.get("id")?,
        service: row.get("service")?,
        event_name: row.get("event_name")?,
        bucket: row.get("bucket")?,
        resource: row.get("resource")?,
        detail: row.get("detail")?,
        outcome: word(row, "outcome", words::outcome)?,
        error_code: row.get("error_code")?,
        request_id: row.get("request_id")?,
        event_id: row.get("event_id")?,
        shared_event_id: row.get("shared_event_id")?,
        account: row.get("account")?,
        region: row.get("region")?,
        at: time(row, "at")?,
        actor: actor(row)?.into(),
    })
}
