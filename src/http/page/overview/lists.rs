//! Who deletes most, where, and how long it takes: the lists of the overview. It asks nothing.

use deltrail_core::domain::{ActorKind, Basis};
use maud::{Markup, html};

use super::super::chart::share;
use super::super::parameters::link;
use super::super::pieces::{Column, count, duration, grouped, table};
use super::super::text::{foreign, key};
use super::same;
use crate::store::{LatencySummary, PrefixSummary, Summary};

/// What is said where there is nothing to list.
const NOTHING: &str = "Nothing was removed.";

pub(super) fn principals(summary: &Summary) -> Markup {
    let columns =
        [Column::wide("Principal"), Column::number("Removals"), Column::number("Refused")];
    let rows = summary.principals.iter().map(|it| {
        let name = html! {
            @match &it.principal {
                Some(name) => {
                    a href=(same(summary, "/deletions", &[("principal", Some(name))])) {
                        (foreign(name))
                    }
                },
                None => span.muted { (nameless(it.kind)) },
            }
            (share(it.removed, summary.counts.removed, "series-1"))
        };
        vec![name, count(it.removed), count(it.denied)]
    });
    html! {
        @if summary.principals.is_empty() { p.muted { (NOTHING) } }
        @else { (table("Who removed most", &columns, rows)) }
    }
}

/// Whoever has no name.
const fn nameless(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Principal => "no source says who",
        ActorKind::Replication => "replication",
        ActorKind::Lifecycle => "lifecycle rules",
        ActorKind::Service => "an AWS service",
    }
}

pub(super) fn buckets(summary: &Summary) -> Markup {
    let columns = [Column::wide("Bucket"), Column::number("Removals"), Column::number("Refused")];
    let (since, until) = (summary.since.to_string(), summary.until.to_string());
    let rows = summary.buckets.iter().map(|it| {
        let given =
            [("bucket", Some(&*it.bucket)), ("since", Some(&*since)), ("until", Some(&*until))];
        let name = html! {
            a href=(link("/", &given)) { (key(&it.bucket)) }
            (share(it.counts.removed, summary.counts.removed, "series-1"))
        };
        vec![name, count(it.counts.removed), count(it.counts.denied)]
    });
    let more = summary.buckets_total.saturating_sub(summary.buckets.len() as u64);
    html! {
        @if summary.buckets.is_empty() { p.muted { (NOTHING) } }
        @else { (table("Where most was removed", &columns, rows)) }
        @if more > 0 { p.muted { "and " (grouped(more)) " more" } }
    }
}

pub(super) fn prefixes(summary: &Summary) -> Markup {
    let columns = [Column::wide("Prefix"), Column::number("Removals")];
    let is_exact = summary.sample.is_everything;
    let rows = summary.prefixes.iter().map(|it| {
        let about = if is_exact { "" } else { "about " };
        vec![prefix(summary, it), html! { (about) (count(it.removed)) }]
    });
    html! {
        @if summary.prefixes.is_empty() { p.muted { (NOTHING) } }
        @else { (table("What the keys begin with", &columns, rows)) }
        (sample_words(summary))
    }
}

fn prefix(summary: &Summary, it: &PrefixSummary) -> Markup {
    let (since, until) = (summary.since.to_string(), summary.until.to_string());
    let given = [
        ("bucket", Some(&*it.bucket)),
        ("prefix", Some(&*it.prefix)),
        ("since", Some(&*since)),
        ("until", Some(&*until)),
    ];
    html! {
        a href=(link("/deletions", &given)) { (key(&format!("s3://{}/{}", it.bucket, it.prefix))) }
        @if it.prefix.is_empty() { span.muted { " keys without a slash" } }
    }
}

pub(super) fn latencies(summary: &Summary) -> Markup {
    let columns = [
        Column::wide("Measured"),
        Column::number("Half within"),
        Column::number("90 %"),
        Column::number("99 %"),
        Column::number("Longest"),
        Column::number("Of"),
    ];
    let rows = summary.latencies.iter().map(|it: &LatencySummary| {
        vec![
            html! { (basis(it.basis)) },
            duration(it.p50_millis),
            duration(it.p90_millis),
            duration(it.p99_millis),
            duration(it.max_millis),
            count(it.measured),
        ]
    });
    html! {
        @if summary.latencies.is_empty() {
            p.muted { "No source tells how long a delete took." }
        } @else {
            (table("How long deletes took, by what tells of it", &columns, rows))
        }
        (sample_words(summary))
    }
}

fn sample_words(summary: &Summary) -> Markup {
    html! {
        @if !summary.sample.is_everything {
            p.muted { "From a sample of " (grouped(summary.sample.removals)) " removals." }
        }
    }
}

/// From when to when, and who says so.
const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Service => "in S3, by CloudTrail",
        Basis::AccessLog => "in S3, by its access log",
        Basis::Confirmed => "from the call to S3's notice",
        Basis::Intent => "from declared to removed",
    }
}
