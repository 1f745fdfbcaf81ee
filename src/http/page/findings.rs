//! `/findings`: what was found, newest first, by the filters of its URL. What makes a finding is
//! decided elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use deltrail_core::domain::{self, Detector, Severity, Timestamp, title};
use maud::{Markup, html};

use super::super::app::Shared;
use super::super::app::ask::answer;
use super::super::app::findings::after;
use super::super::problem::Problem;
use super::super::told::{FindingList, cursor_after, findings_csv};
use super::layout::{Page, Section};
use super::parameters::{Asked, link};
use super::pieces::{
    Column, Field, Tone, badge, empty, exports, filters, minute, notice, pages, table, tag,
};
use super::text::{foreign, key};
use crate::store::{FindingFilter, FindingRow, Findings};

const PATH: &str = "/findings";
pub(super) const CSV: &str = "/findings.csv";
pub(super) const JSON: &str = "/findings.json";
const ROWS: usize = 50;
/// Rows of a file.
const ROWS_EXPORTED: usize = 10_000;

/// Lists the findings that fit.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let (asked, now) = (Asked::of(&uri), (shared.state.clock)());
    let filter = filter(&asked, now, ROWS)?;
    let found = answer(&shared, |store| store.findings(filter)).await?;
    let lead = "Deletions that do not look like what is usual here, each with its reason.";
    let page = Page::new(&shared, "Findings")
        .section(Section::Findings)
        .lead(html! { (lead) })
        .complete(&found.completeness);
    Ok(page.show(&body(&asked, &found, now)))
}

/// The findings that fit as comma separated values.
pub(super) async fn csv(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let (found, _) = exported(&shared, &uri).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"findings.csv\""),
    ];
    Ok((headers, findings_csv(&found.rows)).into_response())
}

/// The findings that fit as the API tells them.
pub(super) async fn json(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let (found, now) = exported(&shared, &uri).await?;
    let headers = [(header::CONTENT_DISPOSITION, "attachment; filename=\"findings.json\"")];
    Ok((headers, Json(FindingList::of(&found, now))).into_response())
}

async fn exported(shared: &Shared, uri: &Uri) -> Result<(Findings, Timestamp), Problem> {
    let now = (shared.state.clock)();
    let filter = filter(&Asked::of(uri), now, ROWS_EXPORTED)?;
    Ok((answer(shared, |store| store.findings(filter)).await?, now))
}

fn filter(asked: &Asked, now: Timestamp, limit: usize) -> Result<FindingFilter, Problem> {
    let own = |name| asked.text(name).map(str::to_owned);
    Ok(FindingFilter {
        bucket: own("bucket"),
        prefix: None,
        request_id: None,
        principal: own("principal"),
        since: asked.time("since", now)?,
        until: asked.time("until", now)?,
        detector: asked.word("detector", Detector::named)?,
        severity: asked.word("severity", Severity::named)?,
        state: asked.word("state", domain::State::named)?,
        with_withdrawn: false,
        after: asked.read("cursor", |text| after(text).map_err(|_| "is none of this list"))?,
        limit,
    })
}

fn body(asked: &Asked, found: &Findings, now: Timestamp) -> Markup {
    let older = found.rows.last().filter(|_| found.has_more).map(cursor_after);
    let older = older.map(|cursor| same(asked, PATH, &[("cursor", Some(&cursor))]));
    let newest = asked.text("cursor").map(|_| same(asked, PATH, &[]));
    let files = [("CSV", same(asked, CSV, &[])), ("JSON", same(asked, JSON, &[]))];
    html! {
        (form(asked))
        (learning(found, now))
        @if found.rows.is_empty() {
            (nothing(asked, found))
        } @else {
            (listed("Findings, newest first", &found.rows))
            (pages(newest.as_deref(), older.as_deref()))
            (exports("these findings", &files))
        }
        @let off = found.detectors_off().len();
        @if off > 0 {
            p.muted {
                "Of " (Detector::ALL.len()) " detectors, " (off) " cannot look: "
                a href="/sources#detectors" { "which, and why" } "."
            }
        }
    }
}

/// The URL of the same filters, and of these parameters besides.
fn same(asked: &Asked, path: &str, more: &[(&str, Option<&str>)]) -> String {
    let names = ["bucket", "principal", "since", "until", "detector", "severity", "state"];
    let given = names.map(|name| (name, asked.text(name)));
    link(path, &[&given[..], more].concat())
}

fn form(asked: &Asked) -> Markup {
    let words = |all: &[&'static str]| all.iter().map(|word| (*word, *word)).collect::<Vec<_>>();
    let detectors: Vec<&'static str> = Detector::ALL.iter().map(|it| it.as_str()).collect();
    let fields = [
        Field::text("bucket", "Bucket", asked.text("bucket"), "any"),
        Field::text("principal", "Principal", asked.text("principal"), "any"),
        Field::text("since", "Since (UTC)", asked.text("since"), "7d or 2026-11-23 10:00"),
        Field::text("until", "Until (UTC)", asked.text("until"), "now"),
        Field::choice("detector", "Detector", asked.text("detector"), words(&detectors)),
        Field::choice(
            "severity",
            "Severity",
            asked.text("severity"),
            words(&["critical", "warning", "info"]),
        ),
        Field::choice(
            "state",
            "State",
            asked.text("state"),
            words(&["open", "resolved", "withdrawn"]),
        ),
    ];
    filters(PATH, &fields, &html! {})
}

/// Findings as a table.
pub(super) fn listed(caption: &str, rows: &[FindingRow]) -> Markup {
    let columns = [
        Column::wide("Finding"),
        Column::text("Severity"),
        Column::text("State"),
        Column::text("From"),
        Column::text("To"),
    ];
    let row = |row: &FindingRow| {
        vec![
            html! { a href={ (PATH) "/" (row.id) } { (foreign(&short_title(row))) } },
            badge(row.finding.severity),
            standing(row),
            minute(row.finding.first_at),
            minute(row.finding.last_at),
        ]
    };
    table(caption, &columns, rows.iter().map(row))
}

/// Its title without what stands beside it.
pub(super) fn short_title(row: &FindingRow) -> String {
    let title = title(&row.finding, row.state);
    title.split_once("] ").map_or(title.as_str(), |(_, rest)| rest).to_owned()
}

/// How far a finding has come, and whether nobody is told of it.
pub(super) fn standing(row: &FindingRow) -> Markup {
    let tone = match row.state {
        domain::State::Open => Tone::Warning,
        domain::State::Resolved => Tone::Good,
        domain::State::Withdrawn => Tone::Plain,
    };
    html! {
        (tag(tone, row.state.as_str()))
        @match row.telling() {
            "history" => { " " (tag(Tone::Plain, "history")) },
            "dry_run" => { " " (tag(Tone::Plain, "dry run")) },
            _ => {},
        }
    }
}

/// As long as too little was observed to know what is usual.
pub(super) fn learning(found: &Findings, now: Timestamp) -> Markup {
    let Some((since, until)) = found.observed_since.zip(found.learning_until(now)) else {
        return html! {};
    };
    notice(
        Tone::Info,
        &html! {
            "Learning until " (minute(until)) ": the log was first seen at " (minute(since))
            ", and what is usual is known after 28 days. Older log files make it known at once: "
            code { "deltrail scan" } "."
        },
    )
}

fn nothing(asked: &Asked, found: &Findings) -> Markup {
    let is_filtered = same(asked, PATH, &[]) != PATH;
    empty(&html! {
        @if found.observed_since.is_none() {
            p {
                "Nothing was observed yet, so nothing can be found. "
                a href="/sources" { "Sources" } " shows what has arrived."
            }
        } @else if is_filtered {
            p { "No finding fits these filters. " a href=(PATH) { "Show all findings" } }
        } @else {
            p { "No finding: what was deleted looks like what is usual." }
        }
        @if let Some(bucket) = asked.text("bucket") {
            p {
                a href=(link("/deletions", &[("bucket", Some(bucket))])) {
                    "All deletions in " (key(bucket))
                }
            }
        }
    })
}

#[cfg(test)]
pub(super) mod tests;
