//! `/deletions/{id}`: one removal, and everything that it rests on: what each source says side by
//! side, the records themselves when they are asked for, what it repeats or was repeated by, and
//! how to get back what is gone.

mod evidence;
mod indented;
mod records;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::{Cause, Created, Provenance, Request};
use maud::{Markup, html};

use super::extent::extent;
use super::layout::{Page, Section};
use super::parameters::{Asked, link};
use super::pieces::{Column, Tone, coarse_time, duration, notice, pairs, section, table, time};
use super::recovery::way_back;
use super::removal::{
    identity, kind, list_of_key, object, request, sentence, source_names, tags, url, when, who,
};
use super::text::{foreign, foreign_or_dash, key};
use crate::http::app::Shared;
use crate::http::app::ask::answer;
use crate::http::problem::Problem;
use crate::store::{DeletionName, IntentState, KeyIntent, RemovalEvidence};

const EXCERPT_CHARS_MAX: usize = 80;

/// Tells it.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let found = match DeletionName::parse(&id) {
        Some(name) => answer(&shared, |store| store.removal_evidence(name)).await?,
        None => None,
    };
    let Some(found) = found else {
        let id = escaped_excerpt(&id, EXCERPT_CHARS_MAX);
        let detail = format!(
            "there is no removal \"{id}\"; it may be older than what is kept, or what is known of \
             it by now has another name: look for it among the deletions"
        );
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let read = match Asked::of(&uri).text("records") {
        Some(_) => Some(records::read(&shared.state.records, &found.pieces).await),
        None => None,
    };
    let name = found.row.key.as_deref().unwrap_or("a key that no source tells");
    let page = Page::new(&shared, format!("Deletion of {name}")).section(Section::Deletions);
    let page = page.lead(sentence(&found.row)).complete(&found.completeness);
    Ok(page.show(&body(&found, read.as_deref())))
}

fn body(found: &RemovalEvidence, read: Option<&[records::Read]>) -> Markup {
    let row = &found.row;
    html! {
        p { (tags(row)) }
        (section(
            "How to get it back",
            &way_back(&found.recovery(), &row.bucket, row.key.as_deref()),
        ))
        div.columns {
            (section("What is known", &pairs(known(found))))
            (section("Who asked", &caller(found)))
        }
        (partners(found))
        (section("Evidence", &evidence::side_by_side(found)))
        (section("The records themselves", &records::shown(found, read)))
        @if !found.near.is_empty() {
            (section("The same key around that time", &list_of_key(
                "Other removals up to an hour before or after, newest first",
                &found.near,
            )))
        }
        @if !found.writes.is_empty() || found.written_again.is_some() {
            (section("When the key was written", &writes(found)))
        }
        (extent(&found.completeness))
    }
}

fn known(found: &RemovalEvidence) -> Vec<(&'static str, Markup)> {
    let row = &found.row;
    let removal = &row.removal;
    let mut known = vec![
        (
            "Bucket",
            html! {
                a href=(link("/deletions", &[("bucket", Some(&row.bucket))])) {
                    (foreign(&row.bucket))
                }
            },
        ),
        ("Key", object(row)),
        ("What", html! { (kind(row)) }),
        ("When", when(row)),
        ("Request", request(removal.request_id.as_deref())),
    ];
    if let Some(call) = &row.request {
        let outcome = format!("{}, {}", call.api.as_str(), call.outcome.as_str());
        known.push(("Call", html! { (outcome) }));
    }
    let latencies = [
        ("Took in S3", row.request.as_ref().and_then(Request::service_millis)),
        ("Took by the access log", row.request.as_ref().and_then(Request::access_log_millis)),
        ("From request to S3's notification", row.confirmed_millis()),
    ];
    for (name, millis) in latencies {
        known.extend(millis.map(|millis| (name, duration(millis))));
    }
    known.push(("Sources", html! { (source_names(removal.sources)) }));
    known.extend(row.intents.iter().map(|intent| ("Declared", declared(intent))));
    if row.provenance == Provenance::Backfill {
        known.push(("Learnt", html! { "from files of the past" }));
    }
    let settled = if row.is_settled {
        "yes: no source can tell more"
    } else {
        "not yet: more may be on its way, and what is said here may change"
    };
    known.push(("Settled", html! { (settled) }));
    known
}

fn declared(declared: &KeyIntent) -> Markup {
    let intent = &declared.intent;
    html! {
        (foreign(&intent.id))
        @if let Some(by) = &intent.by { " by " (foreign(by)) }
        @if let Some(reference) = &intent.reference { " for " (foreign(reference)) }
        ", at " (time(intent.requested_at))
        @if let IntentState::Fulfilled { millis: Some(millis) } = declared.state {
            ", " (duration(millis)) " before"
        }
    }
}

fn caller(found: &RemovalEvidence) -> Markup {
    let removal = &found.row.removal;
    let all = identity(&removal.actor);
    html! {
        @if all.is_empty() {
            p { (who(&removal.actor, removal.cause)) }
            @if removal.cause == Cause::Api {
                p.muted {
                    "Only CloudTrail's record of the call names its caller, and an access log its \
                     requester: none of them has come."
                }
            }
        } @else {
            (pairs(all))
        }
    }
}

/// What it repeats, what repeats it, and what it took away too soon.
fn partners(found: &RemovalEvidence) -> Markup {
    let row = &found.row;
    let repeated_by: Vec<_> = found.repeated_by().collect();
    html! {
        @if let Some(identity) = &row.said.duplicate_of {
            @let earlier = format!("/deletions/{}", row.name_of(identity));
            @let told = html! { p {
                "It repeats " a href=(earlier) { "an earlier removal" }
                @if let Some(repeated) = &row.repeats {
                    " at " (time(repeated.at))
                    @if let Some(id) = repeated.request_id.as_deref() {
                        ", by request " (request(Some(id)))
                    }
                }
                ", and nobody is known to have written the key between."
            } };
            (notice(Tone::Warning, &told))
        }
        @if !repeated_by.is_empty() {
            @let told = html! { p {
                "It was repeated:"
                @for later in &repeated_by { " " a href=(url(later)) { (when(later)) } }
                "."
            } };
            (notice(Tone::Info, &told))
        }
        @if let Some(stale) = &row.stale {
            @let (fresh, replaced) = (&stale.fresh, &stale.replaced);
            @let told = html! { p {
                "It took away a fresh upload: the key was written at " (moment(fresh))
                " by " (who(&fresh.actor, Cause::Api)) ", "
                (duration(row.removal.at.millis_since(fresh.moment.at)))
                " before, when that replaced what was written at " (moment(replaced))
                ". A delete that was meant for the old one may have come too late."
            } };
            (notice(Tone::Critical, &told))
        } @else if row.said.is_stale == Some(true) {
            (notice(Tone::Critical, &html! {
                p { "It took away an upload that had just replaced another one." }
            }))
        }
    }
}

fn moment(write: &Created) -> Markup {
    let at = write.moment.at;
    if write.moment.is_coarse { coarse_time(at) } else { time(at) }
}

/// The writes around the removal.
fn writes(found: &RemovalEvidence) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Version"),
        Column::text("Who"),
        Column::text("Told by"),
    ];
    let cells = |write: &Created| {
        vec![
            moment(write),
            write.version_id.as_deref().map_or_else(|| foreign_or_dash(None), key),
            who(&write.actor, Cause::Api),
            html! { (source_names(write.sources)) },
        ]
    };
    let all = found.written_again.iter().chain(&found.writes);
    let caption = match found.written_again {
        Some(_) => "The first write after it, and the ones before, newest first",
        None => "The writes before it that are still known, newest first",
    };
    table(caption, &columns, all.map(cells))
}
