//! `/requests/{id}`: one call of S3, all keys of it, and what S3 refused of it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::{Cause, Outcome, Provenance, Request, Target};
use maud::{Markup, html};

use super::extent::extent;
use super::layout::{Page, Section};
use super::parameters::link;
use super::pieces::{
    Column, Tone, coarse_time, counted, duration, exports, notice, pages, pairs, section, table,
    tag, time,
};
use super::removal::{identity, list, source_names};
use super::text::{foreign, foreign_or_dash, key};
use crate::http::app::Shared;
use crate::http::app::ask::answer;
use crate::http::problem::Problem;
use crate::store::{RefusedKey, RequestHistory, RequestRow};

const EXCERPT_CHARS_MAX: usize = 80;

/// Tells it.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let asking = id.clone();
    let Some(found) = answer(&shared, |store| store.request(asking)).await? else {
        let id = escaped_excerpt(&id, EXCERPT_CHARS_MAX);
        let detail = format!(
            "no source tells of a request \"{id}\"; the id is that of the x-amz-request-id header, \
             and CloudTrail delivers after some minutes"
        );
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let page = Page::new(&shared, format!("Request {id}")).section(Section::Deletions);
    let page = page.lead(lead(&found)).complete(&found.deletions.completeness);
    Ok(page.show(&body(&id, &found)))
}

/// How many keys, and what became of them.
fn lead(found: &RequestHistory) -> Markup {
    let rows = found.deletions.rows.len() as u64;
    let refused = found.refused.len() as u64;
    html! {
        @if found.deletions.has_more { "At least " }
        (counted(rows, "removal", "removals"))
        @if refused > 0 { ", " (counted(refused, "key refused", "keys refused")) }
        "."
    }
}

fn body(id: &str, found: &RequestHistory) -> Markup {
    let here = |path: &str, more: &[(&str, Option<&str>)]| {
        let mut given = vec![("request_id", Some(id))];
        given.extend_from_slice(more);
        link(path, &given)
    };
    let older = found.deletions.next.as_ref().map(|next| {
        let next = next.to_string();
        here("/deletions", &[("cursor", Some(&next))])
    });
    html! {
        @if found.calls.is_empty() {
            (notice(Tone::Info, &html! { p {
                "No record of the call itself is known, only of what it did. CloudTrail's record \
                 or the line of an access log would tell who called, and how long it took."
            } }))
        }
        @for call in &found.calls { (told(call, found.deletions.rows.len())) }
        @if !found.deletions.rows.is_empty() {
            @let keys = html! {
                (list("What it removed", &found.deletions.rows))
                (pages(None, older.as_deref()))
                (exports("what it removed", &[
                    ("CSV", here("/deletions.csv", &[])),
                    ("JSON", here("/deletions.json", &[])),
                ]))
            };
            (section("Keys", &keys))
        }
        @if !found.refused.is_empty() { (section("Refused", &refused(&found.refused))) }
        (extent(&found.deletions.completeness))
    }
}

fn told(call: &RequestRow, keys: usize) -> Markup {
    let request = &call.request;
    let heading = format!("{} in {}", request.api.as_str(), request.bucket);
    let caller = identity(&request.actor);
    html! {
        @if call.is_unresolved {
            (notice(Tone::Warning, &html! { p {
                "No source tells which keys it removed, and none will. Since June 2025 CloudTrail \
                 writes a record for each key, unless the trail's selectors leave AwsServiceEvent \
                 out; notifications of the bucket (s3:ObjectRemoved:*) tell keys too."
            } }))
        } @else if keys == 0 && request.outcome == Outcome::Ok {
            (notice(Tone::Info, &html! { p { "Its keys may still be on their way." } }))
        }
        div.columns {
            (section(&heading, &pairs(facts(call))))
            @if !caller.is_empty() { (section("Who asked", &pairs(caller))) }
        }
    }
}

fn facts(call: &RequestRow) -> Vec<(&'static str, Markup)> {
    let request = &call.request;
    let (tone, words) = match request.outcome {
        Outcome::Ok => (Tone::Good, "S3 accepted it"),
        Outcome::Denied => (Tone::Warning, "denied"),
        Outcome::Failed => (Tone::Warning, "failed"),
    };
    let mut facts = vec![
        ("Outcome", tag(tone, words)),
        (
            "Bucket",
            html! {
                a href=(link("/deletions", &[("bucket", Some(&request.bucket))])) {
                    (foreign(&request.bucket))
                }
            },
        ),
        ("At", coarse_time(request.at)),
    ];
    facts.extend(request.key.as_deref().map(|name| ("Key", key(name))));
    facts.extend(request.started_at.map(|at| ("Begun", time(at))));
    facts.extend(request.ended_at.map(|at| ("Ended", time(at))));
    let latencies = [
        ("Took in S3", Request::service_millis(request)),
        ("Took by the access log", Request::access_log_millis(request)),
    ];
    for (name, millis) in latencies {
        facts.extend(millis.map(|millis| (name, duration(millis))));
    }
    facts.extend(request.http_status.map(|status| ("Status", html! { (status) })));
    facts.extend(request.error_code.as_deref().map(|code| ("Error", foreign(code))));
    let place = [request.account.as_str(), request.region.as_str()];
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    if !place.is_empty() {
        facts.push(("Written for", foreign(&place.join(", "))));
    }
    facts.push(("Told by", html! { (source_names(request.sources)) }));
    if call.provenance == Provenance::Backfill {
        facts.push(("Learnt", html! { "from files of the past" }));
    }
    facts
}

/// The keys that S3 did not remove.
fn refused(keys: &[RefusedKey]) -> Markup {
    let columns =
        [Column::wide("Key"), Column::text("Version"), Column::text("Error"), Column::text("Who")];
    let cells = |it: &RefusedKey| {
        let refusal = &it.refusal;
        let error = refusal.error_code.as_deref().unwrap_or(refusal.outcome.as_str());
        let version = match &refusal.target {
            Target::Version(id) => Some(id.as_str()),
            Target::Current | Target::Unknown => None,
        };
        vec![
            it.key.as_deref().map_or_else(|| foreign_or_dash(None), key),
            version.map_or_else(|| foreign_or_dash(None), key),
            foreign(error),
            super::removal::who(&refusal.actor, Cause::Api),
        ]
    };
    table("Keys that S3 refused to remove", &columns, keys.iter().map(cells))
}
