//! One removal in words for people, and where its links lead: what several pages say alike. It
//! asks nothing.

use deltrail_core::domain::{Actor, Address, Cause, Kind, Source, SourceSet, Target};
use maud::{Markup, html};

use super::parameters::{link, segment};
use super::pieces::{Column, Tone, coarse_time, table, tag, time};
use super::text::{foreign, foreign_or_dash, key};
use crate::store::DeletionRow;

/// Where all of a removal is told.
pub(super) fn url(row: &DeletionRow) -> String {
    format!("/deletions/{}", row.name())
}

/// Where a request is told.
pub(super) fn request_url(request_id: &str) -> String {
    format!("/requests/{}", segment(request_id))
}

/// Where the history of a key is told. One that would read as something else when it is pasted has
/// parameters of its own.
pub(super) fn key_url(bucket: &str, name: &str) -> String {
    let pasted = format!("s3://{bucket}/{name}");
    let is_itself = Address::parse(&pasted).is_ok_and(|address| {
        address.key == name && address.version_id.is_none() && address.prefix().is_none()
    });
    if is_itself {
        return link("/who-deleted", &[("q", Some(&pasted))]);
    }
    link("/who-deleted", &[("bucket", Some(bucket)), ("key", Some(name))])
}

/// A request, with the way to all of it.
pub(super) fn request(request_id: Option<&str>) -> Markup {
    html! {
        @match request_id {
            Some(id) => a href=(request_url(id)) { (key(id)) },
            None => span.muted { "no id" },
        }
    }
}

/// The object, with the way to its history. No source may tell the key.
pub(super) fn object(row: &DeletionRow) -> Markup {
    html! {
        @match &row.key {
            Some(name) => a href=(key_url(&row.bucket, name)) { (key(name)) },
            None => span.muted { "a key that no source tells" },
        }
    }
}

/// When it was, on the clock that it has.
pub(super) fn when(row: &DeletionRow) -> Markup {
    let at = row.removal.at;
    if row.removal.is_coarse { coarse_time(at) } else { time(at) }
}

/// Who asked, as short as can be.
pub(super) fn who(actor: &Actor, cause: Cause) -> Markup {
    html! {
        @match actor.principal() {
            Some(principal) => {
                a href=(link("/deletions", &[("principal", Some(principal.name))])) {
                    (foreign(principal.name))
                }
            },
            None if cause == Cause::Lifecycle => "a lifecycle rule",
            None => span.muted { "no source tells who" },
        }
    }
}

/// What was taken away, in a word or two.
pub(super) fn kind(row: &DeletionRow) -> &'static str {
    match (row.removal.kind, row.said.is_undelete) {
        (_, true) => "delete marker removed",
        (Kind::Object, _) => "object",
        (Kind::Version, _) => "version",
        (Kind::Marker, _) => "hidden by a marker",
        (Kind::Unknown, _) => "not known",
    }
}

/// What happened, as a sentence that begins with who did it.
pub(super) fn sentence(row: &DeletionRow) -> Markup {
    let removal = &row.removal;
    let version = match &removal.target {
        Target::Version(id) => Some(id.as_str()),
        Target::Current | Target::Unknown => None,
    };
    html! {
        (subject(row)) " "
        @match (removal.kind, version) {
            (_, Some(id)) if row.said.is_undelete => {
                "brought it back, by removing the delete marker " (key(id)) ","
            },
            (Kind::Version, Some(id)) => { "removed version " (key(id)) " of it for good" },
            (Kind::Version, None) => "removed a version of it for good",
            (Kind::Object, _) => "removed it for good",
            (Kind::Marker, _) => {
                "hid it behind a delete marker"
                @if let Some(id) = &removal.marker_version_id { " (" (key(id)) ")" }
            },
            (Kind::Unknown, _) => "removed it",
        }
        " at " (when(row))
        @if removal.is_coarse { " (within this second)" }
        @if let Some(id) = removal.request_id.as_deref() { ", with request " (request(Some(id))) }
        ". "
        @if removal.kind == Kind::Unknown {
            "No source tells whether it went for good or a delete marker hides it. "
        }
        (confirmation(row))
    }
}

fn subject(row: &DeletionRow) -> Markup {
    let actor = &row.removal.actor;
    html! {
        @match actor.principal() {
            Some(principal) => {
                strong { (foreign(principal.name)) }
                @if let Some(session) = principal.session { ", session " (foreign(session)) "," }
                @if row.removal.cause == Cause::Lifecycle { " (a lifecycle rule)" }
            },
            None if row.removal.cause == Cause::Lifecycle => strong { "A lifecycle rule" },
            None => strong { "Somebody whom no source names" },
        }
    }
}

fn confirmation(row: &DeletionRow) -> &'static str {
    match (row.removal.is_confirmed, row.said.is_unconfirmed) {
        (true, _) => "S3 itself confirmed it.",
        (false, true) => "S3 has not confirmed it, although it tells of this bucket.",
        (false, false) => "S3 has not confirmed it.",
    }
}

/// What is said of a removal, in words that stand out.
pub(super) fn tags(row: &DeletionRow) -> Markup {
    let words = [
        (row.removal.is_confirmed, Tone::Good, "confirmed"),
        (row.said.is_unconfirmed, Tone::Warning, "unconfirmed"),
        (row.said.duplicate_of.is_some(), Tone::Warning, "duplicate"),
        (row.said.is_stale == Some(true), Tone::Critical, "stale"),
        (row.said.is_undelete, Tone::Info, "undelete"),
        (row.removal.cause == Cause::Lifecycle, Tone::Plain, "lifecycle"),
        (!row.intents.is_empty(), Tone::Good, "declared"),
        (!row.is_settled, Tone::Plain, "provisional"),
    ];
    html! {
        span.cluster {
            @for (_, tone, word) in words.into_iter().filter(|(is_so, _, _)| *is_so) {
                (tag(tone, word)) " "
            }
        }
    }
}

/// Removals of any keys, the time of each leading to all of it.
pub(super) fn list(caption: &str, rows: &[DeletionRow]) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Bucket"),
        Column::wide("Key"),
        Column::text("What"),
        Column::text("Who"),
        Column::text("Request"),
        Column::text("Said of it"),
    ];
    let cells = |row: &DeletionRow| {
        vec![
            html! { a href=(url(row)) { (when(row)) } },
            foreign(&row.bucket),
            object(row),
            html! { (kind(row)) },
            who(&row.removal.actor, row.removal.cause),
            request(row.removal.request_id.as_deref()),
            tags(row),
        ]
    };
    table(caption, &columns, rows.iter().map(cells))
}

/// Removals of one key.
pub(super) fn list_of_key(caption: &str, rows: &[DeletionRow]) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::text("Version"),
        Column::text("Who"),
        Column::text("From"),
        Column::text("Request"),
        Column::text("Said of it"),
    ];
    let cells = |row: &DeletionRow| {
        let removal = &row.removal;
        let version = match &removal.target {
            Target::Version(id) => Some(id.as_str()),
            Target::Current | Target::Unknown => removal.marker_version_id.as_deref(),
        };
        vec![
            html! { a href=(url(row)) { (when(row)) } },
            html! { (kind(row)) },
            html! { @match version { Some(id) => (key(id)), None => (foreign_or_dash(None)) } },
            who(&removal.actor, removal.cause),
            foreign_or_dash(removal.actor.source_ip.as_deref()),
            request(removal.request_id.as_deref()),
            tags(row),
        ]
    };
    table(caption, &columns, rows.iter().map(cells))
}

/// How sources are called for people.
pub(super) const fn source_name(source: Source) -> &'static str {
    match source {
        Source::CloudTrail => "CloudTrail",
        Source::S3Notification => "S3 notification",
        Source::EventBridge => "EventBridge",
        Source::AccessLog => "Access log",
        Source::Intent => "Declared intent",
    }
}

/// The names of sources, one after the other.
pub(super) fn source_names(sources: SourceSet) -> String {
    let named = Source::ALL.into_iter().filter(|source| sources.contains(*source));
    named.map(source_name).collect::<Vec<_>>().join(", ")
}

/// Who asked, in all that is known of them.
pub(super) fn identity(actor: &Actor) -> Vec<(&'static str, Markup)> {
    let principal = actor.principal();
    let texts = [
        ("Name", principal.map(|it| it.name)),
        ("Session", principal.and_then(|it| it.session)),
        ("ARN", actor.arn.as_deref()),
        ("Role", actor.session_issuer_arn.as_deref()),
        ("Identity type", actor.identity_type.as_deref()),
        ("Unique id", actor.principal_id.as_deref()),
        ("Account", actor.account_id.as_deref()),
        ("Access key", actor.access_key_id.as_deref()),
        ("Through", actor.invoked_by.as_deref()),
        ("From address", actor.source_ip.as_deref()),
        ("Program", actor.user_agent.as_deref()),
    ];
    let mut pairs: Vec<(&'static str, Markup)> =
        texts.into_iter().filter_map(|(name, text)| Some((name, foreign(text?)))).collect();
    if actor.console {
        pairs.push(("Console", html! { "in a console session" }));
    }
    pairs
}
