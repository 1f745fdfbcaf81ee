//! Questions about a span of time as a whole. What detectors count by answers most of it; what it
//! does not hold is told of a sample of removals. It writes nothing.

use std::collections::HashMap;

use deltrail_core::detect::{Counts, Window};
use deltrail_core::domain::{Actor, ActorKind, Severity};

use super::super::rows::actor;
use super::super::settle::each_bucket;
use super::completeness::completeness;
use super::sample::{Part, sample};
use crate::store::session::{Result, Session, column, values};
use crate::store::summary::Span;
use crate::store::{
    Bar, BucketSummary, OpenFindings, PrincipalSummary, Summary, SummaryCounts, SummaryFilter,
};

/// How many of each list are told.
const LISTED_MAX: usize = 10;
/// Callers of one bucket that are looked at, the busiest first.
const CALLERS_MAX: i64 = 1_000;

/// What happened in a span of time.
pub(in crate::store) fn summary(session: &Session<'_>, filter: &SummaryFilter) -> Result<Summary> {
    let span = filter.span();
    let buckets = match &filter.bucket {
        Some(bucket) => vec![bucket.clone()],
        None => each_bucket(session, "SELECT min(bucket) FROM rollups WHERE bucket > ?1")?,
    };
    let mut totals = vec![Counts::default(); span.bars];
    let mut told: Vec<(BucketSummary, Vec<Counts>)> = Vec::new();
    let mut callers: HashMap<i64, Counts> = HashMap::new();
    for bucket in buckets {
        let bars = bars_of(session, &bucket, span)?;
        let counts = bars.iter().fold(Counts::default(), |sum, bar| sum + *bar);
        if counts == Counts::default() {
            continue;
        }
        for (total, bar) in totals.iter_mut().zip(&bars) {
            *total += *bar;
        }
        add_callers(session, &bucket, span, &mut callers)?;
        let removed = bars.iter().map(|bar| SummaryCounts::from(*bar).removed).collect();
        told.push((BucketSummary { bucket, counts: counts.into(), bars: removed }, bars));
    }
    let all = totals.iter().fold(Counts::default(), |sum, bar| sum + *bar);
    let parts: Vec<Part<'_>> = told.iter().flat_map(|(it, _)| parts_of(it, span)).collect();
    let looked_at = sample(session, &parts)?;
    drop(parts);
    let mut buckets: Vec<BucketSummary> = told.into_iter().map(|(told, _)| told).collect();
    buckets.sort_by(|a, b| {
        let counts = |it: &BucketSummary| (it.counts.removed, it.counts.denied);
        counts(b).cmp(&counts(a)).then_with(|| a.bucket.cmp(&b.bucket))
    });
    let buckets_total = buckets.len() as u64;
    let rest = buckets.split_off(buckets.len().min(LISTED_MAX));
    let other_of = |bar: usize| rest.iter().map(|it| it.bars[bar]).sum();
    let bar_of =
        |(bar, counts): (usize, &Counts)| Bar { at: span.start_of(bar), counts: (*counts).into() };
    Ok(Summary {
        bucket: filter.bucket.clone(),
        since: span.start_of(0),
        until: span.start_of(span.bars),
        bar_millis: span.bar_millis(),
        bars: totals.iter().enumerate().map(bar_of).collect(),
        counts: all.into(),
        buckets,
        buckets_total,
        other_buckets: (0..span.bars).map(other_of).collect(),
        principals: principals(session, callers)?,
        prefixes: looked_at.prefixes,
        latencies: looked_at.latencies,
        sample: looked_at.sample,
        unresolved_calls: unresolved_calls(session, filter.bucket.as_deref(), span)?,
        open_findings: open_findings(session, filter.bucket.as_deref())?,
        completeness: completeness(session, filter.bucket.as_deref())?,
    })
}

/// What a bucket's bars hold, as far as removals go.
fn parts_of(told: &BucketSummary, span: Span) -> impl Iterator<Item = Part<'_>> {
    told.bars.iter().enumerate().filter(|(_, removed)| **removed > 0).map(move |(bar, removed)| {
        let (from, to) = (span.start_of(bar), span.start_of(bar + 1));
        Part { bucket: &told.bucket, from, to, removed: *removed }
    })
}

/// What happened in a bucket, for each bar.
fn bars_of(session: &Session<'_>, bucket: &str, span: Span) -> Result<Vec<Counts>> {
    let mut bars = vec![Counts::default(); span.bars];
    let found = session.rows(
        "SELECT (window_number - ?2) / ?4, CAST(sum(removed) AS BIGINT),
             CAST(sum(markers) AS BIGINT), CAST(sum(versions) AS BIGINT),
             CAST(sum(objects) AS BIGINT), CAST(sum(lifecycle) AS BIGINT),
             CAST(sum(denied) AS BIGINT), CAST(sum(without_cloudtrail) AS BIGINT),
             CAST(sum(without_confirmation) AS BIGINT), CAST(sum(stale) AS BIGINT),
             CAST(sum(repeated) AS BIGINT)
         FROM rollups WHERE bucket = ?1 AND window_number >= ?2 AND window_number < ?3
         GROUP BY 1",
        &values![bucket, span.from, span.to(), span.bar_windows],
        |row| {
            let bar: i64 = row.read()?;
            let mut numbers = [0; 10];
            for number in &mut numbers {
                *number = row.read()?;
            }
            Ok((bar, Counts::from_numbers(numbers)))
        },
    )?;
    for (bar, counts) in found {
        if let Some(slot) = usize::try_from(bar).ok().and_then(|bar| bars.get_mut(bar)) {
            *slot = counts;
        }
    }
    Ok(bars)
}

/// Adds what the busiest callers of a bucket did there.
fn add_callers(
    session: &Session<'_>,
    bucket: &str,
    span: Span,
    callers: &mut HashMap<i64, Counts>,
) -> Result<()> {
    let found = session.rows(
        "SELECT actor_id, CAST(sum(removed) AS BIGINT), CAST(sum(lifecycle) AS BIGINT),
             CAST(sum(denied) AS BIGINT)
         FROM rollups WHERE bucket = ?1 AND window_number >= ?2 AND window_number < ?3
         GROUP BY actor_id
         ORDER BY sum(removed) + sum(lifecycle) + sum(denied) DESC, actor_id LIMIT ?4",
        &values![bucket, span.from, span.to(), CALLERS_MAX],
        |row| {
            let actor_id: i64 = row.read()?;
            let (removed, lifecycle, denied) = (row.read()?, row.read()?, row.read()?);
            Ok((actor_id, Counts { removed, lifecycle, denied, ..Counts::default() }))
        },
    )?;
    for (actor_id, counts) in found {
        *callers.entry(actor_id).or_default() += counts;
    }
    Ok(())
}

/// The principals that these callers are, those with most removals first.
fn principals(
    session: &Session<'_>,
    callers: HashMap<i64, Counts>,
) -> Result<Vec<PrincipalSummary>> {
    let mut sums: HashMap<(Option<String>, ActorKind), Counts> = HashMap::new();
    for (actor_id, counts) in callers {
        let find = "SELECT actor FROM actors WHERE id = ?1";
        let caller: Option<Actor> = session.optional(find, &values![actor_id], actor)?;
        let caller = caller.unwrap_or_default();
        let name = caller.principal().map(|principal| principal.name.to_owned());
        *sums.entry((name, caller.kind())).or_default() += counts;
    }
    let mut principals: Vec<PrincipalSummary> = sums
        .into_iter()
        .map(|((principal, kind), counts)| {
            let SummaryCounts { removed, denied, .. } = counts.into();
            PrincipalSummary { principal, kind, removed, denied }
        })
        .collect();
    principals.sort_by(|a, b| {
        let counts = |it: &PrincipalSummary| (it.removed, it.denied);
        counts(b).cmp(&counts(a)).then_with(|| a.principal.cmp(&b.principal))
    });
    principals.truncate(LISTED_MAX);
    Ok(principals)
}

fn unresolved_calls(session: &Session<'_>, bucket: Option<&str>, span: Span) -> Result<u64> {
    let [from, to] = [span.from, span.to()].map(|it| Window::numbered(it).start().as_millis());
    let count: i64 = session.one(
        "SELECT count(*) FROM requests WHERE resolution = 'unresolved' AND at >= ?2 AND at < ?3
             AND (CAST(?1 AS TEXT) IS NULL OR bucket = ?1)",
        &values![bucket, from, to],
        column,
    )?;
    Ok(u64::try_from(count).unwrap_or_default())
}

fn open_findings(session: &Session<'_>, bucket: Option<&str>) -> Result<OpenFindings> {
    let counts = session.rows(
        "SELECT severity, count(*) FROM findings
         WHERE state = 'open' AND mode = 'live' AND (CAST(?1 AS TEXT) IS NULL OR bucket = ?1)
         GROUP BY severity",
        &values![bucket],
        |row| Ok((row.text(|it| Some(Severity::named(it)))?, row.read::<i64>()?)),
    )?;
    let mut open = OpenFindings::default();
    for (severity, count) in counts {
        let count = u64::try_from(count).unwrap_or_default();
        match severity {
            Some(Severity::Critical) => open.critical = count,
            Some(Severity::Warning) => open.warning = count,
            Some(Severity::Info) => open.info = count,
            // Of a newer version, and left to that version.
            None => {}
        }
    }
    Ok(open)
}
