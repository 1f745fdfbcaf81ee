//! Changes of what protects objects, as they were told. Nothing is derived from them here.

use deltrail_core::domain::ProtectionChange;

use super::journal::Journal;
use super::rows::{Place, actor, actor_text, amount, time};
use crate::store::session::{Result, Row, values};
use crate::store::words;

/// Adds a change to the set.
pub(super) fn write_protection(
    journal: &mut Journal<'_>,
    change: &ProtectionChange,
    place: Place,
) -> Result<()> {
    let inserted = journal.session.execute(
        "INSERT INTO protection_changes (id, service, event_name, bucket, resource, detail,
                 outcome, error_code, request_id, event_id, shared_event_id, account, region, at,
                 actor_kind, actor, log_object_id, record_index)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &values![
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
        ],
    )?;
    if inserted == 1 {
        journal.mark(change.bucket.as_deref().unwrap_or_default(), change.at);
    }
    journal.note(inserted == 1);
    Ok(())
}

/// The columns of [`protection_of`].
macro_rules! protection_columns {
    () => {
        "id, service, event_name, bucket, resource, detail, outcome, error_code, request_id, \
         event_id, shared_event_id, account, region, at, actor"
    };
}
pub(super) use protection_columns;

/// Reads a row of `protection_changes`.
pub(super) fn protection_of(row: &mut Row<'_>) -> Result<ProtectionChange> {
    Ok(ProtectionChange {
        id: row.read()?,
        service: row.read()?,
        event_name: row.read()?,
        bucket: row.read()?,
        resource: row.read()?,
        detail: row.read()?,
        outcome: row.text(words::outcome)?,
        error_code: row.read()?,
        request_id: row.read()?,
        event_id: row.read()?,
        shared_event_id: row.read()?,
        account: row.read()?,
        region: row.read()?,
        at: time(row)?,
        actor: actor(row)?.into(),
    })
}
