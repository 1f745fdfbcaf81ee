//! Questions about findings: the rows, and how complete what they rest on is.

use deltrail_core::domain::Finding;

use super::super::finding_rows;
use super::super::observations::observed_since;
use super::completeness::completeness;
use super::touched::Touched;
use crate::store::session::{Result, Session};
use crate::store::{FindingFilter, FindingRow, Findings};

/// The findings that fit, newest first.
pub(in crate::store) fn findings(
    session: &Session<'_>,
    filter: &FindingFilter,
) -> Result<Findings> {
    let one_more = FindingFilter { limit: filter.limit.saturating_add(1), ..filter.clone() };
    let touched = Touched::of(session, filter)?;
    let is_about_it = |finding: &Finding| touched.as_ref().is_none_or(|it| it.fits(finding));
    let mut rows = finding_rows::findings(session, &one_more, is_about_it)?;
    let has_more = rows.len() > filter.limit;
    rows.truncate(filter.limit);
    told(session, filter.bucket.as_deref(), (rows, has_more))
}

/// One finding, or none.
pub(in crate::store) fn finding(session: &Session<'_>, id: &str) -> Result<Findings> {
    let row = finding_rows::finding(session, id)?;
    let bucket = row.as_ref().map(|row| row.finding.bucket.clone());
    let bucket = bucket.filter(|bucket| !bucket.is_empty());
    told(session, bucket.as_deref(), (row.into_iter().collect(), false))
}

fn told(
    session: &Session<'_>,
    bucket: Option<&str>,
    (rows, has_more): (Vec<FindingRow>, bool),
) -> Result<Findings> {
    Ok(Findings {
        rows,
        has_more,
        completeness: completeness(session, bucket)?,
        observed_since: observed_since(session)?,
        has_traces: session.is_any("SELECT 1 FROM traces LIMIT 1", &[])?,
    })
}
