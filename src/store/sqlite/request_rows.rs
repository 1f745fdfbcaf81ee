//! Requests as rows and back, exactly. It decides nothing.

use deltrail_core::domain::{Request, SourceSet};
use rusqlite::{Connection, Result, Row, ToSql, params, params_from_iter};

use super::rows::{actor, millis, optional_short_text, optional_time, short_text, time, word};
use crate::store::words;

/// Reads a row of `requests`.
pub(super) fn request_of(row: &Row<'_>) -> Result<Request> {
    Ok(Request {
        identity: row.get("identity")?,
        bucket: short_text(row, "bucket")?,
        key: row.get("key")?,
        api: word(row, "api", words::api)?,
        outcome: word(row, "outcome", words::outcome)?,
        request_id: optional_short_text(row, "request_id")?,
        account: short_text(row, "account")?,
        region: short_text(row, "region")?,
        at: time(row, "at")?,
        started_at: optional_time(row, "started_at")?,
        ended_at: optional_time(row, "ended_at")?,
        total_millis: row.get("total_millis")?,
        http_status: row.get("http_status")?,
        error_code: row.get("error_code")?,
        sources: SourceSet::from_bits(row.get("sources")?),
        actor: actor(row)?.into(),
    })
}

/// Adds a request; false when it is there already.
pub(super) fn insert_request(
    connection: &Connection,
    request: &Request,
    actor_id: i64,
    is_backfilled: bool,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO requests (bucket, identity, key, api, outcome, request_id, account,
             region, at, started_at, ended_at, total_millis, http_status, error_code, sources,
             actor_kind, actor_id, is_backfilled)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    let is_backfilled: &dyn ToSql = &is_backfilled;
    let inserted = with_values(request, actor_id, |values| {
        statement.execute(params_from_iter(values.iter().chain([&is_backfilled])))
    })?;
    Ok(inserted == 1)
}

/// Writes what is known of a request now; how its settling stands is kept, unless it turns out that
/// it was refused.
pub(super) fn update_request(
    connection: &Connection,
    request: &Request,
    actor_id: i64,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE requests SET key = ?3, api = ?4, outcome = ?5, request_id = ?6, account = ?7,
             region = ?8, at = ?9, started_at = ?10, ended_at = ?11, total_millis = ?12,
             http_status = ?13, error_code = ?14, sources = ?15, actor_kind = ?16, actor_id = ?17,
             resolution = iif(?5 = 'ok', resolution, NULL)
         WHERE bucket = ?1 AND identity = ?2",
    )?;
    with_values(request, actor_id, |values| statement.execute(values))?;
    Ok(())
}

/// Calls `write` with what a row says of a request, in the order of the columns, the name of the
/// row first.
fn with_values<T>(request: &Request, actor_id: i64, write: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
    write(params![
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
    ])
}
