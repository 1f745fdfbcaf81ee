//! `GET /api/v1/summary`: a span of time as a whole; and `GET /api/v1/sources`: how those are who
//! tell. What is counted is decided elsewhere.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use deltrail_core::domain::Timestamp;

use super::super::problem::Problem;
use super::super::told::{ToldSources, ToldSummary};
use super::Shared;
use super::ask::answer;
use super::form::json;
use super::parameters::Parameters;
use crate::store::SummaryFilter;

/// The parameters of a summary.
pub(super) const SUMMARY: [&str; 3] = ["bucket", "until", "hours"];
/// How long a span is, unless one says so.
pub(super) const HOURS: usize = 24;
/// How long it is at most: a year.
pub(super) const HOURS_MAX: usize = 24 * 366;
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;

/// Tells what happened in a span of time.
pub(super) async fn summary(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let filter = filter(&uri, (shared.state.clock)())?;
    let summary = answer(&shared, |store| store.summary(filter)).await?;
    Ok(json(&ToldSummary::of(&summary)))
}

/// Tells how those are who tell.
pub(super) async fn sources(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri, &[])?.finish(())?;
    let health = answer(&shared, |store| store.source_health()).await?;
    Ok(json(&ToldSources::of(&health, (shared.state.clock)())))
}

/// The span that is asked for, or everything that is wrong with it.
fn filter(uri: &Uri, now: Timestamp) -> Result<SummaryFilter, Problem> {
    let mut given = Parameters::of(uri, &SUMMARY)?;
    let until = given.time("until").unwrap_or(now);
    let hours = given.number("hours", HOURS_MAX).unwrap_or(HOURS);
    let millis = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(HOUR_MILLIS);
    let filter = SummaryFilter {
        bucket: given.text("bucket"),
        since: Timestamp::from_millis(until.as_millis().saturating_sub(millis)),
        until,
    };
    given.finish(filter)
}
