//! Requests as rows and back, exactly. It decides nothing.

use deltrail_core::domain::Request;

use super::rows::{actor, millis, optional_time, sources, time};
use crate::store::session::{Result, Row, Session, Value, values};
use crate::store::words;

/// The columns of [`request_of`], of `requests` beside `actors`.
macro_rules! request_columns {
    () => {
        "identity, bucket, key, api, outcome, request_id, account, region, at, started_at, \
         ended_at, total_millis, http_status, error_code, sources, actor"
    };
}
pub(super) use request_columns;

/// Reads a row of `requests`.
pub(super) fn request_of(row: &mut Row<'_>) -> Result<Request> {
    Ok(Request {
        identity: row.read()?,
        bucket: row.short_text()?,
        key: row.read()?,
        api: row.text(words::api)?,
        outcome: row.text(words::outcome)?,
        request_id: row.optional_short_text()?,
        account: row.short_text()?,
        region: row.short_text()?,
        at: time(row)?,
        started_at: optional_time(row)?,
        ended_at: optional_time(row)?,
        total_millis: row.read()?,
        http_status: row.read()?,
        error_code: row.read()?,
        sources: sources(row)?,
        actor: actor(row)?.into(),
    })
}

/// Adds a request; false when it is there already.
pub(super) fn insert_request(
    session: &Session<'_>,
    request: &Request,
    actor_id: i64,
    is_backfilled: bool,
) -> Result<bool> {
    let inserted = session.execute(
        "INSERT INTO requests (is_backfilled, bucket, identity, key, api, outcome, request_id,
             account, region, at, started_at, ended_at, total_millis, http_status, error_code,
             sources, actor_kind, actor_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &values_of(request, actor_id, is_backfilled),
    )?;
    Ok(inserted == 1)
}

/// Writes what is known of a request now; how its settling stands is kept, unless it turns out that
/// it was refused.
pub(super) fn update_request(
    session: &Session<'_>,
    request: &Request,
    actor_id: i64,
    is_backfilled: bool,
) -> Result<()> {
    session.execute(
        "UPDATE requests SET is_backfilled = ?1, key = ?4, api = ?5, outcome = ?6, request_id = ?7,
             account = ?8, region = ?9, at = ?10, started_at = ?11, ended_at = ?12,
             total_millis = ?13, http_status = ?14, error_code = ?15, sources = ?16,
             actor_kind = ?17, actor_id = ?18,
             resolution = CASE WHEN ?6 = 'ok' THEN resolution END
         WHERE bucket = ?2 AND identity = ?3",
        &values_of(request, actor_id, is_backfilled),
    )?;
    Ok(())
}

/// What a row says of a request, its name after its provenance, in the order of the columns.
fn values_of(request: &Request, actor_id: i64, is_backfilled: bool) -> [Value<'_>; 18] {
    values![
        is_backfilled,
        request.bucket.as_str(),
        request.identity,
        request.key,
        request.api.as_str(),
        request.outcome.as_str(),
        request.request_id.as_deref(),
        request.account.as_str(),
        request.region.as_str(),
        request.at.as_millis(),
        millis(request.started_at),
        millis(request.ended_at),
        request.total_millis,
        request.http_status,
        request.error_code,
        request.sources.bits(),
        request.actor.kind().as_str(),
        actor_id,
    ]
}
