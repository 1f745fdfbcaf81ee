//! What is known of one key, or why nothing is.

use deltrail_core::domain::{ProtectionChange, Recovery};
use maud::{Markup, html};

use super::super::extent::extent;
use super::super::parameters::link;
use super::super::pieces::{Column, Tone, coarse_time, notice, section, table, tag, time};
use super::super::recovery::way_back;
use super::super::removal::{
    key_url, list, list_of_key, request, sentence, source_names, tags, url, who,
};
use super::super::text::{foreign, foreign_or_dash, key};
use crate::store::{
    DeletionRow, IntentState, KeyHistory, KeyIntent, KeyQuestion, Refusal, RemovalEvidence,
    UnresolvedCall,
};
use deltrail_core::domain::Cause;

/// The key as it is pasted.
pub(super) fn name_of(question: &KeyQuestion) -> String {
    let version = question.version_id.as_ref().map(|id| format!("?versionId={id}"));
    format!("s3://{}/{}{}", question.bucket, question.key, version.unwrap_or_default())
}

/// The answer; `newest` is all of the newest removal.
pub(super) fn of_key(
    question: &KeyQuestion,
    history: &KeyHistory,
    newest: Option<&RemovalEvidence>,
) -> Markup {
    html! {
        @match history.deletions.first() {
            Some(row) => {
                (found(row, newest))
                @if history.deletions.len() > 1 { (others(question, history)) }
            },
            None => (not_found(question, history)),
        }
        (surroundings(question, history))
        (extent(&history.completeness))
    }
}

/// Who, when, by which request, what kind, and whether it can be got back.
fn found(row: &DeletionRow, newest: Option<&RemovalEvidence>) -> Markup {
    let recovery = newest.map(RemovalEvidence::recovery);
    html! {
        div.card.answer {
            p.lead { (sentence(row)) }
            p { (tags(row)) }
            @if let Some(recovery) = &recovery {
                (way_back(recovery, &row.bucket, row.key.as_deref()))
                @if let Some(note) = written_again(newest, recovery) { p { (note) } }
            }
            p {
                "It rests on " (source_names(row.removal.sources)) ". "
                a href=(url(row)) { "All of the evidence, and the records themselves" }
            }
        }
    }
}

/// That something else is under the key by now.
fn written_again(newest: Option<&RemovalEvidence>, recovery: &Recovery) -> Option<Markup> {
    let write = newest?.written_again.as_ref()?;
    let marker = matches!(recovery, Recovery::RemoveMarker { .. } | Recovery::FindMarker);
    Some(html! {
        "The key was written again at " (time(write.moment.at))
        @if marker {
            ", so it can be read as it is now; what it held before is still under the marker"
        }
        "."
    })
}

fn others(question: &KeyQuestion, history: &KeyHistory) -> Markup {
    let count = history.deletions.len();
    let caption = if history.has_more {
        "The newest removals of this key, newest first"
    } else {
        "All removals of this key, newest first"
    };
    let rest =
        link("/deletions", &[("bucket", Some(&question.bucket)), ("prefix", Some(&question.key))]);
    let body = html! {
        (list_of_key(caption, &history.deletions))
        @if history.has_more {
            p { "These are the newest " (count) ". " a href=(rest) { "The older ones" } }
        }
    };
    section("Every removal of this key", &body)
}

/// That nobody is known to have removed it, and what may explain that.
fn not_found(question: &KeyQuestion, history: &KeyHistory) -> Markup {
    let telling = history.completeness.telling();
    let told = html! {
        p.lead {
            "No removal of " (key(&name_of(question))) " is known"
            @if let Some(until) = history.completeness.until {
                " up to " (coarse_time(until))
            }
            "."
        }
        @if telling.is_empty() {
            p {
                "Nothing has ever told of the bucket " (key(&question.bucket))
                ": its name may be written otherwise, or nobody sends its events here."
            }
        } @else {
            p {
                "It may have happened later, before deltrail was told of the bucket, or unseen by \
                 the sources that tell of it. Or the key is written otherwise: capital letters, \
                 spaces and slashes count."
            }
        }
    };
    html! {
        (notice(Tone::Info, &told))
        @if question.key.trim() != question.key {
            p {
                "The key begins or ends with a space. "
                a href=(key_url(&question.bucket, question.key.trim())) { "Ask without it" }
            }
        }
        @if !history.unknown_keys.is_empty() {
            (section(
                "It may be one of these",
                &list("Removals in the bucket whose keys no source tells", &history.unknown_keys),
            ))
        }
        @if !history.unresolved_calls.is_empty() {
            (section("It may have been among their keys", &unresolved(&history.unresolved_calls)))
        }
    }
}

/// What stands beside the removals of a key.
fn surroundings(question: &KeyQuestion, history: &KeyHistory) -> Markup {
    let folder = format!("{}/", question.key.trim_end_matches('/'));
    let below =
        link("/deletions", &[("bucket", Some(&question.bucket)), ("prefix", Some(&folder))]);
    html! {
        @if history.has_removed_below {
            p { "Keys below it were removed, as below a folder. " a href=(below) { "List them" } }
        }
        @if !history.refused.is_empty() {
            (section("Refused attempts", &refused(&history.refused)))
        }
        @if !history.intents.is_empty() {
            (section("Declared, and not removed since", &declared(&history.intents)))
        }
        @if !history.protection_changes.is_empty() {
            (section("Changes of protection before", &protection(&history.protection_changes)))
        }
    }
}

fn unresolved(bulk: &[UnresolvedCall]) -> Markup {
    let columns =
        [Column::text("When"), Column::text("Who"), Column::text("Request"), Column::text("Keys")];
    let cells = |call: &UnresolvedCall| {
        let request_row = &call.request;
        vec![
            coarse_time(request_row.at),
            who(&request_row.actor, Cause::Api),
            request(request_row.request_id.as_deref()),
            html! {
                @if call.is_settled { "no source tells any" } @else { "may still come" }
            },
        ]
    };
    table("Bulk deletes of the bucket of which no key is known", &columns, bulk.iter().map(cells))
}

fn refused(refusals: &[Refusal]) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Call"),
        Column::text("Error"),
        Column::text("Who"),
        Column::text("Request"),
    ];
    let cells = |refusal: &Refusal| {
        let error = refusal.error_code.as_deref().unwrap_or(refusal.outcome.as_str());
        vec![
            coarse_time(refusal.at),
            html! { (refusal.api.map_or("a key of a bulk delete", |api| api.as_str())) },
            html! { (tag(Tone::Warning, refusal.outcome.as_str())) " " (foreign(error)) },
            who(&refusal.actor, Cause::Api),
            request(refusal.request_id.as_deref()),
        ]
    };
    table("Attempts that S3 refused, newest first", &columns, refusals.iter().map(cells))
}

fn declared(intents: &[KeyIntent]) -> Markup {
    let columns = [
        Column::text("Declared"),
        Column::text("Intent"),
        Column::text("By"),
        Column::text("Reference"),
        Column::text("What came of it"),
    ];
    let cells = |declared: &KeyIntent| {
        let intent = &declared.intent;
        vec![
            time(intent.requested_at),
            foreign(&intent.id),
            foreign_or_dash(intent.by.as_deref()),
            foreign_or_dash(intent.reference.as_deref()),
            html! { @match declared.state {
                IntentState::Unfulfilled => (tag(Tone::Warning, "not carried out")),
                IntentState::Pending => "may still come",
                IntentState::Fulfilled { .. } => "carried out",
            } },
        ]
    };
    table("Deletes that were declared and not seen", &columns, intents.iter().map(cells))
}

fn protection(changes: &[ProtectionChange]) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::wide("How"),
        Column::text("Outcome"),
        Column::text("Who"),
    ];
    let cells = |change: &ProtectionChange| {
        let trail = change.bucket.is_none().then_some(change.resource.as_deref()).flatten();
        vec![
            coarse_time(change.at),
            html! {
                (foreign(&change.event_name))
                @if let Some(trail) = trail { " of " (foreign(trail)) }
            },
            foreign_or_dash(change.detail.as_deref()),
            html! { (change.outcome.as_str()) },
            who(&change.actor, Cause::Api),
        ]
    };
    table("In the 48 hours before, newest first", &columns, changes.iter().map(cells))
}
