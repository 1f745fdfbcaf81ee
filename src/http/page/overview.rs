//! `/`: what is being deleted, by whom, how fast, and whether it should be; with a way to ask about
//! one key. It decides nothing.

mod lists;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use deltrail_core::domain::{self, Day, Timestamp};
use maud::{Markup, html};

use self::lists::{buckets, latencies, prefixes, principals};
use super::super::app::Shared;
use super::super::app::ask::answer;
use super::super::problem::Problem;
use super::chart::Timeline;
use super::findings::{learning, listed};
use super::layout::{Page, Section};
use super::parameters::{Asked, link};
use super::pieces::{Field, empty, exports, filters, grouped, minute, section, spoken};
use super::sources::states;
use super::text::key;
use crate::store::{FindingFilter, Findings, Summary, SummaryFilter};

const PATH: &str = "/";
/// Buckets with a colour of their own; the others have one together.
const COLOURED: usize = 5;
const FINDINGS: usize = 8;
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
/// Spans that one click leads to, with their words.
const SPANS: [(&str, &str); 5] = [
    ("1h", "last hour"),
    ("6h", "6 hours"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
    ("28d", "28 days"),
];
const SPAN: &str = "24h";

/// Shows the last day, or what the URL asks for.
pub(super) async fn show(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let (asked, now) = (Asked::of(&uri), (shared.state.clock)());
    let filter = filter(&asked, now)?;
    let summary = answer(&shared, |store| store.summary(filter)).await?;
    let open = FindingFilter {
        bucket: asked.text("bucket").map(str::to_owned),
        state: Some(domain::State::Open),
        limit: FINDINGS,
        ..FindingFilter::default()
    };
    let found = answer(&shared, |store| store.findings(open)).await?;
    let page = Page::new(&shared, "Overview")
        .section(Section::Overview)
        .lead(lead(&summary))
        .complete(&summary.completeness);
    Ok(page.show(&body(&asked, &summary, &found, now)))
}

fn filter(asked: &Asked, now: Timestamp) -> Result<SummaryFilter, Problem> {
    let until = asked.time("until", now)?.unwrap_or(now);
    let day_before = Timestamp::from_millis(until.as_millis().saturating_sub(Day::MILLIS));
    let since = asked.time("since", now)?.unwrap_or(day_before);
    let millis = until.millis_since(since);
    if millis <= 0 {
        let detail = format!("nothing lies between since {since} and until {until}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    if millis > SummaryFilter::SPAN_MILLIS_MAX {
        let days = SummaryFilter::SPAN_MILLIS_MAX / Day::MILLIS;
        let detail = format!("since and until are more than {days} days apart; ask for less");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(SummaryFilter { bucket: asked.text("bucket").map(str::to_owned), since, until })
}

fn lead(summary: &Summary) -> Markup {
    html! {
        @match &summary.bucket {
            Some(bucket) => { "Deletions in " (key(bucket)) },
            None => "Deletions in all buckets",
        }
        ", from " (minute(summary.since)) " to " (minute(summary.until)) "."
    }
}

fn body(asked: &Asked, summary: &Summary, found: &Findings, now: Timestamp) -> Markup {
    html! {
        (search())
        (learning(found, now))
        (spans(asked))
        (form(asked))
        (figures(summary))
        (section("Removals over time", &html! {
            (timeline(summary))
            (exports("this summary", &[("JSON", api(summary))]))
        }))
        (section("Open findings", &open(found)))
        div.columns {
            (section("Who", &principals(summary)))
            (section("Buckets", &buckets(summary)))
            (section("Prefixes", &prefixes(summary)))
            (section("From request to delete", &latencies(summary)))
        }
        (section("Sources", &html! {
            (states("How far each source has come", &summary.completeness))
            p { a href="/sources" { "More about the sources" } }
        }))
    }
}

/// The question that people come with.
fn search() -> Markup {
    html! {
        form.search action="/who-deleted" method="get" role="search" {
            label {
                span { "Who deleted this?" }
                input type="text" name="q" required autocomplete="off" spellcheck="false"
                    autocapitalize="none"
                    placeholder="s3://bucket/key, an https URL, an ARN, or a prefix";
            }
            button type="submit" { "Find out" }
        }
    }
}

fn spans(asked: &Asked) -> Markup {
    let chosen = asked.text("since").unwrap_or(SPAN);
    let is_chosen = |span| asked.text("until").is_none() && span == chosen;
    html! {
        nav.spans aria-label="Time" {
            @for (span, words) in SPANS {
                a href=(link(PATH, &[("bucket", asked.text("bucket")), ("since", Some(span))]))
                    aria-current=[is_chosen(span).then_some("true")] { (words) }
            }
        }
    }
}

fn form(asked: &Asked) -> Markup {
    let fields = [
        Field::text("bucket", "Bucket", asked.text("bucket"), "all"),
        Field::text("since", "Since (UTC)", asked.text("since"), "24h or 2026-11-23 10:00"),
        Field::text("until", "Until (UTC)", asked.text("until"), "now"),
    ];
    filters(PATH, &fields, &html! {})
}

fn figures(summary: &Summary) -> Markup {
    let counts = &summary.counts;
    let by_calls = counts.removed.saturating_sub(counts.lifecycle);
    let figures = [
        ("removed", counts.removed, None),
        ("by calls", by_calls, None),
        ("by lifecycle rules", counts.lifecycle, None),
        ("requests refused", counts.denied, None),
        ("deleted twice", counts.duplicates, Some("duplicate")),
        ("fresh uploads lost", counts.stale, Some("stale")),
        ("bulk deletes without keys", summary.unresolved_calls, None),
    ];
    html! {
        dl.figures {
            @for (name, number, only) in figures {
                div {
                    dt { (name) }
                    dd {
                        @match only.filter(|_| number > 0) {
                            Some(only) => {
                                a href=(same(summary, "/deletions", &[("only", Some(only))])) {
                                    (grouped(number))
                                }
                            },
                            None => (grouped(number)),
                        }
                    }
                }
            }
        }
    }
}

/// A URL about the bucket and the span of the summary.
fn same(summary: &Summary, path: &str, more: &[(&str, Option<&str>)]) -> String {
    let (since, until) = (summary.since.to_string(), summary.until.to_string());
    let span = [
        ("bucket", summary.bucket.as_deref()),
        ("since", Some(since.as_str())),
        ("until", Some(until.as_str())),
    ];
    link(path, &[&span[..], more].concat())
}

/// Where programs are told the same.
fn api(summary: &Summary) -> String {
    let hours = (summary.until.millis_since(summary.since) + HOUR_MILLIS - 1) / HOUR_MILLIS;
    let (until, hours) = (summary.until.to_string(), hours.to_string());
    let bucket = summary.bucket.as_deref();
    let given = [("bucket", bucket), ("until", Some(&*until)), ("hours", Some(&*hours))];
    link("/api/v1/summary", &given)
}

fn timeline(summary: &Summary) -> Markup {
    let listed = |since: Timestamp, until: Timestamp| {
        let (since, until) = (since.to_string(), until.to_string());
        let bucket = summary.bucket.as_deref();
        let given = [("bucket", bucket), ("since", Some(&*since)), ("until", Some(&*until))];
        link("/deletions", &given)
    };
    let (coloured, others) = summary.buckets.split_at(COLOURED.min(summary.buckets.len()));
    let mut series: Vec<(Markup, Vec<u64>)> =
        coloured.iter().map(|it| (key(&it.bucket), it.bars.clone())).collect();
    let more = summary.buckets_total.saturating_sub(coloured.len() as u64);
    if more > 0 {
        let bar = |bar: usize, rest: u64| {
            rest + others.iter().filter_map(|it| it.bars.get(bar)).sum::<u64>()
        };
        let bars = summary.other_buckets.iter().enumerate().map(|(at, rest)| bar(at, *rest));
        series.push((html! { (more) " more" }, bars.collect()));
    }
    if series.is_empty() {
        series.push((html! { "removals" }, vec![0; summary.bars.len()]));
    }
    let timeline = Timeline {
        counted: "removals",
        since: summary.since,
        bar_millis: summary.bar_millis,
        series,
        complete_until: summary.completeness.until,
        marked: None,
        link: &listed,
    };
    html! {
        p.muted { "By event time, in bars of " (spoken(summary.bar_millis)) ", times in UTC." }
        (timeline.draw())
    }
}

fn open(found: &Findings) -> Markup {
    let bucket = found.completeness.bucket.as_deref();
    html! {
        @if found.rows.is_empty() {
            (empty(&html! { p { "No finding is open." } }))
        } @else {
            (listed("What does not look as usual, newest first", &found.rows))
        }
        p {
            a href=(link("/findings", &[("bucket", bucket)])) {
                @if found.has_more { "All open and past findings" } @else { "Past findings" }
            }
        }
    }
}
