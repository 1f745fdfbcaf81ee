//! Requests as rows and back, exactly. It decides nothing.

use deltrail_core::domain::Request;

use super::rows::{actor, millis, optional_time, sources, time};
use crate::store::session::{Result, Row, Session, SqlError, Value, values};
use crate::store::slices::Name;
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

/// A request that is kept, and where.
pub(super) struct Placed {
    pub(super) slice: i64,
    pub(super) request: Request,
    pub(super) is_backfilled: bool,
}

/// The request of this name in a slice.
pub(super) fn request_in(
    session: &Session<'_>,
    slice: i64,
    bucket: &str,
    identity: &str,
) -> Result<Option<Placed>> {
    session.optional(
        concat!(
            "SELECT ",
            request_columns!(),
            ", is_backfilled FROM requests LEFT JOIN actors ON actors.id = actor_id
             WHERE slice = ?1 AND identity = ?2 AND bucket = ?3"
        ),
        &values![slice, identity, bucket],
        |row| Ok(Placed { slice, request: request_of(row)?, is_backfilled: row.read()? }),
    )
}

/// Adds a request, or gives the one that is there already.
pub(super) fn insert_request(
    session: &Session<'_>,
    request: &Request,
    actor_id: i64,
    is_backfilled: bool,
) -> Result<Option<Placed>> {
    let name = Name::of_request(&request.identity);
    let (newest, others) = session.place(name)?;
    let known = |slice| request_in(session, slice, &request.bucket, &request.identity);
    for slice in others {
        if let Some(known) = known(slice)? {
            return Ok(Some(known));
        }
    }
    let inserted = session.execute(
        "INSERT INTO requests (slice, is_backfilled, bucket, identity, key, api, outcome,
             request_id, account, region, at, started_at, ended_at, total_millis, http_status,
             error_code, sources, actor_kind, actor_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        &values_of(newest, request, actor_id, is_backfilled),
    )?;
    if inserted == 1 {
        session.note(name);
        return Ok(None);
    }
    known(newest)?.map(Some).ok_or(SqlError::NoRow)
}

/// Writes what is known of a request now; how its settling stands is kept, unless it turns out that
/// it was refused.
pub(super) fn update_request(
    session: &Session<'_>,
    slice: i64,
    request: &Request,
    actor_id: i64,
    is_backfilled: bool,
) -> Result<()> {
    session.execute(
        "UPDATE requests SET is_backfilled = ?2, key = ?5, api = ?6, outcome = ?7, request_id = ?8,
             account = ?9, region = ?10, at = ?11, started_at = ?12, ended_at = ?13,
             total_millis = ?14, http_status = ?15, error_code = ?16, sources = ?17,
             actor_kind = ?18, actor_id = ?19,
             resolution = CASE WHEN ?7 = 'ok' THEN resolution END
         WHERE slice = ?1 AND identity = ?4 AND bucket = ?3",
        &values_of(slice, request, actor_id, is_backfilled),
    )?;
    Ok(())
}

/// What a row says of a request, its name after its place and provenance, in the order of the
/// columns.
fn values_of(slice: i64, request: &Request, actor_id: i64, is_backfilled: bool) -> [Value<'_>; 19] {
    values![
        slice,
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
