//! `/findings/{id}`: one finding, with all that a person needs to judge it and to act. What makes a
//! finding, and the words for it, are decided elsewhere.

mod facts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::{Timestamp, next_steps};
use maud::{Markup, html};

use self::facts::facts;
use super::super::app::Shared;
use super::super::app::ask::answer;
use super::super::app::findings::is_id;
use super::super::problem::Problem;
use super::chart::{Timeline, compared};
use super::findings::{listed, short_title, standing};
use super::layout::{Page, Section};
use super::parameters::link;
use super::pieces::{Tone, badge, command, minute, notice, section, tag};
use super::sources::states;
use super::text::{foreign, key};
use crate::store::{
    DeliveryState, FindingFilter, FindingRow, Findings, Informed, Summary, SummaryFilter,
};

const ID_CHARS_SHOWN: usize = 80;
/// How much of the time around a finding is drawn with it, on each side, at least.
const AROUND_MILLIS_MIN: i64 = 60 * 60 * 1_000;
/// Other findings of the same bucket and time.
const OTHERS: usize = 10;

/// What there is to say about one finding.
struct Told {
    found: Findings,
    deliveries: Vec<DeliveryState>,
    /// What was deleted around it; none when it is about an account as a whole.
    around: Option<Summary>,
    others: Vec<FindingRow>,
}

/// Shows one finding.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if !is_id(&id) {
        return Err(unknown(&id));
    }
    let found = answer(&shared, |store| store.finding(id.clone())).await?;
    let Some(row) = found.rows.first().cloned() else { return Err(unknown(&id)) };
    let deliveries = answer(&shared, |store| store.deliveries(id.clone())).await?;
    let around = match span(&row) {
        Some(filter) => Some(answer(&shared, |store| store.summary(filter)).await?),
        None => None,
    };
    let others = answer(&shared, |store| store.findings(beside(&row))).await?.rows;
    let others = others.into_iter().filter(|other| other.id != id).collect();
    let page = Page::new(&shared, short_title(&row))
        .section(Section::Findings)
        .lead(html! { (badge(row.finding.severity)) " " (standing(&row)) })
        .complete(&found.completeness);
    let now = (shared.state.clock)();
    Ok(page.show(&body(&row, &Told { found, deliveries, around, others }, now)))
}

fn unknown(id: &str) -> Problem {
    let id = escaped_excerpt(id, ID_CHARS_SHOWN);
    let detail = format!("there is no finding \"{id}\"; those that are kept are under Findings");
    Problem::new(StatusCode::NOT_FOUND, detail)
}

/// The time of a finding and as long before and after it.
fn span(row: &FindingRow) -> Option<SummaryFilter> {
    let finding = &row.finding;
    let millis = finding.last_at.millis_since(finding.first_at).max(AROUND_MILLIS_MIN);
    let (since, until) = (finding.first_at.as_millis(), finding.last_at.as_millis());
    (!finding.bucket.is_empty()).then(|| SummaryFilter {
        bucket: Some(finding.bucket.clone()),
        since: Timestamp::from_millis(since.saturating_sub(millis)),
        until: Timestamp::from_millis(until.saturating_add(millis)),
    })
}

/// Other findings of its bucket that lasted at the same time.
fn beside(row: &FindingRow) -> FindingFilter {
    FindingFilter {
        bucket: Some(row.finding.bucket.clone()),
        since: Some(row.finding.first_at),
        until: Some(row.finding.last_at),
        limit: OTHERS + 1,
        ..FindingFilter::default()
    }
}

fn body(row: &FindingRow, told: &Told, now: Timestamp) -> Markup {
    let finding = &row.finding;
    html! {
        (notice(Tone::Plain, &html! {
            strong { "How unusual: " } (foreign(&finding.reason.sentence)) "."
        }))
        div.columns {
            (section("Seen against what is usual", &measure(row)))
            (section("What to do", &steps(row)))
        }
        @if let Some(around) = &told.around {
            (section("When", &timeline(row, around)))
        }
        (section("What is known", &facts(row)))
        (section("Keys", &keys(row)))
        @if !told.others.is_empty() {
            (section("At the same time", &listed("Other findings of this bucket", &told.others)))
        }
        (section("How complete the log was", &completeness(row, &told.found)))
        (section("Who was told", &deliveries(row, &told.deliveries)))
        p.muted {
            "Finding " code { (row.id) } ", found " (minute(row.opened_at)) ", revision "
            (row.revision) " of " (minute(row.changed_at))
            @if let Some(at) = row.closed_at { ", " (row.state.as_str()) " " (minute(at)) }
            @else if now < row.finding.last_at { ", still going on" }
            ". " a href={ "/api/v1/findings/" (row.id) } { "As JSON" }
        }
    }
}

fn measure(row: &FindingRow) -> Markup {
    let reason = &row.finding.reason;
    let rows = [
        ("Seen", reason.observed, "series-2"),
        ("Too much from", reason.threshold, "series-6"),
        ("Usual before", reason.baseline, "series-1"),
    ];
    compared(&rows)
}

fn steps(row: &FindingRow) -> Markup {
    html! {
        ol.steps {
            @for step in next_steps(&row.finding) {
                @let is_command = step.starts_with("deltrail ");
                li { @if is_command { (command(&step)) } @else { (foreign(&step)) } }
            }
        }
    }
}

fn timeline(row: &FindingRow, around: &Summary) -> Markup {
    let (finding, bucket) = (&row.finding, Some(row.finding.bucket.as_str()));
    let listed = |since: Timestamp, until: Timestamp| {
        let (since, until) = (since.to_string(), until.to_string());
        link("/deletions", &[("bucket", bucket), ("since", Some(&since)), ("until", Some(&until))])
    };
    let counts = around.bars.iter().map(|bar| bar.counts.removed).collect();
    let timeline = Timeline {
        counted: "removals",
        since: around.since,
        bar_millis: around.bar_millis,
        series: vec![(html! { "removals" }, counts)],
        complete_until: around.completeness.until,
        marked: Some((finding.first_at, finding.last_at)),
        link: &listed,
    };
    html! {
        p {
            (minute(finding.first_at)) " to " (minute(finding.last_at))
            span.muted { " (marked), among all removals in this bucket" }
        }
        (timeline.draw())
        p { a href=(listed(finding.first_at, finding.last_at)) { "All deletions of that time" } }
    }
}

fn keys(row: &FindingRow) -> Markup {
    let finding = &row.finding;
    let address = |name: &str| format!("s3://{}/{name}", finding.bucket);
    html! {
        @if finding.sample_keys.is_empty() {
            p.muted { "No source tells a key of it." }
        } @else {
            ul.keys {
                @for name in &finding.sample_keys {
                    @let href = link("/who-deleted", &[("q", Some(&address(name)))]);
                    li { a href=(href) { (key(name)) } }
                }
            }
            @let more = finding.tally.removed().saturating_sub(finding.sample_keys.len() as u64);
            @if more > 0 { p.muted { "These are some; " (more) " more were removed." } }
        }
    }
}

/// Each source, and whether it had told everything of that time.
fn completeness(row: &FindingRow, found: &Findings) -> Markup {
    let end = row.finding.last_at;
    let is_complete = found.completeness.until.is_some_and(|until| until >= end);
    html! {
        @if is_complete {
            p { "All sources that tell of this bucket have told everything up to its end." }
        } @else {
            p {
                "Not every source has told everything up to its end, " (minute(end))
                ": numbers may still grow."
            }
        }
        (states("Sources that tell of this bucket", &found.completeness))
    }
}

fn deliveries(row: &FindingRow, deliveries: &[DeliveryState]) -> Markup {
    let why_nobody = match row.telling() {
        "history" => "Nobody: only log files of the past tell of it.",
        "dry_run" => "Nobody: its detector is in dry run.",
        _ => "Nobody is set up to be told, or only of what is more severe.",
    };
    html! {
        @if deliveries.is_empty() { p.muted { (why_nobody) } }
        @else {
            ul.plain {
                @for delivery in deliveries {
                    @let (tone, words) = words(delivery.informed);
                    li {
                        (foreign(&delivery.notifier)) " " (tag(tone, words))
                        @if delivery.attempts > 0 && delivery.informed != Informed::Fully {
                            span.muted { ", tried " (delivery.attempts) " times" }
                        }
                    }
                }
            }
        }
    }
}

const fn words(informed: Informed) -> (Tone, &'static str) {
    match informed {
        Informed::Fully => (Tone::Good, "told"),
        Informed::Earlier => (Tone::Info, "told before it last changed"),
        Informed::NotYet => (Tone::Warning, "not yet"),
        Informed::GaveUp => (Tone::Critical, "could not be reached"),
    }
}
