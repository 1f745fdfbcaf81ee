//! `/deletions`: the removals that fit a filter, newest first, a page at a time. The filter is the
//! URL's, so that it can be sent to somebody else. What is a removal is decided elsewhere.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use deltrail_core::domain::{Kind, Timestamp};
use maud::{Markup, html};

use super::extent::extent;
use super::layout::{Page, Section};
use super::parameters::{Asked, link};
use super::pieces::{
    Column, Field, Tone, empty, exports, filters, notice, pages, section, table, time,
};
use super::removal::list;
use super::text::{foreign, foreign_or_dash, key};
use crate::http::app::Shared;
use crate::http::app::ask::answer;
use crate::http::problem::Problem;
use crate::http::told::{DeletionList, deletions_csv};
use crate::store::{Cursor, DeletionFilter, Deletions, KeyIntent, Only, PrincipalPattern, Within};

const LIMIT: usize = 100;
/// A page of more is for a program.
const LIMIT_MAX: usize = 1_000;

/// The parameters that make a filter, in the order of the form.
const FILTERS: [&str; 8] =
    ["bucket", "prefix", "principal", "since", "until", "request_id", "kind", "only"];

const KINDS: [(&str, &str); 4] = [
    ("object", "objects, for good"),
    ("version", "versions, for good"),
    ("marker", "hidden by a delete marker"),
    ("unknown", "not known which"),
];

const ONLIES: [(&str, &str); 4] = [
    ("duplicate", "duplicates"),
    ("stale", "stale ones: a fresh upload went"),
    ("unconfirmed", "those S3 has not confirmed"),
    ("provisional", "those that may still change"),
];

/// Lists them.
pub(super) async fn show(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let asked = Asked::of(&uri);
    let filter = filter(&asked, (shared.state.clock)())?;
    let found = answer(&shared, |store| store.deletions(filter)).await?;
    let page = Page::new(&shared, "Deletions").section(Section::Deletions);
    Ok(page.complete(&found.completeness).show(&body(&asked, &found)))
}

/// The same as a file for a spreadsheet.
pub(super) async fn export_csv(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = exported(&shared, &uri).await?;
    Ok(file("text/csv; charset=utf-8", "deletions.csv", deletions_csv(&found.rows)))
}

/// The same as a file for a program, as the API tells it.
pub(super) async fn export_json(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = exported(&shared, &uri).await?;
    // None of our values is a map with keys that are no texts, the only thing that fails.
    let json = serde_json::to_string_pretty(&DeletionList::of(&found)).unwrap_or_default();
    Ok(file("application/json", "deletions.json", json))
}

async fn exported(shared: &Shared, uri: &Uri) -> Result<Deletions, Problem> {
    let asked = Asked::of(uri);
    let filter = filter(&asked, (shared.state.clock)())?;
    let filter = DeletionFilter { limit: DeletionFilter::LIMIT_MAX, after: None, ..filter };
    answer(shared, |store| store.deletions(filter)).await
}

fn file(media_type: &'static str, name: &str, content: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, content).into_response()
}

/// What the URL asks for.
fn filter(asked: &Asked, now: Timestamp) -> Result<DeletionFilter, Problem> {
    let text = |name| asked.text(name).map(str::to_owned);
    let within = match (text("bucket"), text("prefix")) {
        (None, None) => Within::Everything,
        (None, Some(prefix)) => Within::Below(prefix),
        (Some(bucket), None) => Within::Bucket(bucket),
        (Some(bucket), Some(prefix)) => Within::Prefix { bucket, prefix },
    };
    let limit = asked.read("limit", |text| {
        let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or("is no number from 1 to 1000")
    })?;
    let after = asked.read("cursor", |text| {
        Cursor::parse(text).ok_or("is no place in this list; begin at its newest page")
    })?;
    Ok(DeletionFilter {
        within,
        principal: asked.text("principal").map(PrincipalPattern::new),
        since: asked.time("since", now)?,
        until: asked.time("until", now)?,
        request_id: text("request_id"),
        kind: asked.word("kind", Kind::named)?,
        only: asked.word("only", Only::named)?,
        after,
        limit: limit.unwrap_or(LIMIT),
    })
}

fn body(asked: &Asked, found: &Deletions) -> Markup {
    let here = |path: &str, more: &[(&str, Option<&str>)]| {
        let mut given: Vec<_> = FILTERS.iter().map(|name| (*name, asked.text(name))).collect();
        given.extend_from_slice(more);
        link(path, &given)
    };
    let is_first = asked.text("cursor").is_none();
    let newest = (!is_first).then(|| here("/deletions", &[("limit", asked.text("limit"))]));
    let older = found.next.as_ref().map(|next| {
        let next = next.to_string();
        here("/deletions", &[("limit", asked.text("limit")), ("cursor", Some(&next))])
    });
    html! {
        (filters("/deletions", &fields(asked), &html! {}))
        @if asked.text("only").is_some_and(|only| only != "provisional") {
            p.muted {
                "This is said once it is settled, when no source can tell more: of removals of \
                 about the last hour it is not said here yet."
            }
        }
        @if found.rows.is_empty() {
            (nothing(asked, is_first))
        } @else {
            (list(caption(found, is_first), &found.rows))
            (pages(newest.as_deref(), older.as_deref()))
            (exports("what this filter finds", &[
                ("CSV", here("/deletions.csv", &[])),
                ("JSON", here("/deletions.json", &[])),
            ]))
        }
        @if !found.unfulfilled.is_empty() { (unfulfilled(&found.unfulfilled)) }
        (extent(&found.completeness))
    }
}

fn caption(found: &Deletions, is_first: bool) -> &'static str {
    match (is_first, found.has_more) {
        (true, false) => "All that fit, newest first",
        (true, true) => "The newest that fit, newest first",
        (false, true) => "Older ones that fit, newest first",
        (false, false) => "The oldest that fit, newest first",
    }
}

fn nothing(asked: &Asked, is_first: bool) -> Markup {
    let has_filter = FILTERS.iter().any(|name| asked.text(name).is_some());
    empty(&html! {
        @if !is_first {
            p { "There are no older ones." }
        } @else if has_filter {
            p { "No removal is known that fits." }
            p { a href="/deletions" { "All removals, without a filter" } }
        } @else {
            p { "No removal is known yet." }
            p {
                "CloudTrail delivers after some minutes. If there should be some by now, "
                a href="/sources" { "Sources" } " says what has been delivered."
            }
        }
    })
}

fn fields(asked: &Asked) -> Vec<Field<'_>> {
    let text = |name, label, hint| Field::text(name, label, asked.text(name), hint);
    vec![
        text("bucket", "Bucket", "photos"),
        text("prefix", "Key begins with", "2026/"),
        text("principal", "By whom", "role, user, ARN or key id; * for any"),
        text("since", "Since", "24h or 2026-11-23 10:00"),
        text("until", "Before", "2026-11-23"),
        text("request_id", "Request id", "x-amz-request-id"),
        Field::choice("kind", "What", asked.text("kind"), KINDS.to_vec()),
        Field::choice("only", "Only", asked.text("only"), ONLIES.to_vec()),
    ]
}

/// Declared deletes that nobody carried out.
fn unfulfilled(intents: &[KeyIntent]) -> Markup {
    let columns = [
        Column::text("Declared"),
        Column::text("Bucket"),
        Column::wide("Key not removed since"),
        Column::text("By"),
        Column::text("Intent"),
        Column::text("Reference"),
    ];
    let cells = |declared: &KeyIntent| {
        let intent = &declared.intent;
        vec![
            time(intent.requested_at),
            foreign(&intent.bucket),
            intent.keys.first().map_or_else(|| foreign_or_dash(None), |name| key(name)),
            foreign_or_dash(intent.by.as_deref()),
            foreign(&intent.id),
            foreign_or_dash(intent.reference.as_deref()),
        ]
    };
    let said = html! {
        p { "An application declared these deletes, and no source has seen the removal." }
    };
    let body = html! {
        (notice(Tone::Warning, &said))
        (table("Newest first", &columns, intents.iter().map(cells)))
    };
    section("Declared, and not carried out", &body)
}
