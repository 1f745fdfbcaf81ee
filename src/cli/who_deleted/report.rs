//! The history of one key as text for people.

use std::fmt::Write as _;

use deltrail_core::domain::{Cause, Kind, ProtectionChange, Provenance, Request, Target};

use super::super::output::completeness::{STALE_IS_OFF, lines};
use super::super::output::text::{
    duration, origin, shown, shown_or_dash, source_names, time, who, who_briefly,
};
use crate::store::{
    DeletionRow, IntentState, KeyHistory, KeyIntent, KeyQuestion, Refusal, UnresolvedCall,
};

/// All that is known of a key.
pub(super) fn report(question: &KeyQuestion, history: &KeyHistory) -> String {
    if history.deletions.is_empty() {
        return why_unknown(question, history);
    }
    let mut text = String::new();
    let count = history.deletions.len();
    let removals = match (count, history.has_more) {
        (1, _) => "1 removal".to_owned(),
        (_, false) => format!("{count} removals, newest first"),
        (_, true) => format!("the newest {count} removals, newest first"),
    };
    let _ = writeln!(text, "{}: {removals}", name_of(question));
    for row in &history.deletions {
        let _ = writeln!(text, "\n{}  {}", when(row), what(row));
        for (label, value) in details(row) {
            let _ = writeln!(text, "  {label:8}  {value}");
        }
    }
    text.push_str(&surroundings(question, history));
    text
}

/// That no removal of a key is known, and what may explain it.
pub(super) fn why_unknown(question: &KeyQuestion, history: &KeyHistory) -> String {
    let mut text = format!("{}: no removal is known\n", name_of(question));
    let unknown: Vec<String> = history
        .unknown_keys
        .iter()
        .map(|row| format!("{}  {}", when(row), who_briefly(&row.removal.actor)))
        .collect();
    section(&mut text, "It may be one of these removals, whose keys no source tells", &unknown);
    let calls: Vec<String> = history.unresolved_calls.iter().map(unresolved).collect();
    section(
        &mut text,
        "It may have been among the keys of these bulk deletes, which no source tells",
        &calls,
    );
    text.push_str(&surroundings(question, history));
    text
}

fn name_of(question: &KeyQuestion) -> String {
    let version = question.version_id.as_ref().map(|id| format!("?versionId={}", shown(id)));
    let (bucket, key) = (shown(&question.bucket), shown(&question.key));
    format!("s3://{bucket}/{key}{}", version.unwrap_or_default())
}

fn when(row: &DeletionRow) -> String {
    let within = if row.removal.is_coarse { ", within this second" } else { "" };
    format!("{}{within}", time(row.removal.at, row.removal.is_coarse))
}

/// What happened, in one line.
fn what(row: &DeletionRow) -> String {
    let removal = &row.removal;
    let marker = removal.marker_version_id.as_deref().map(|id| format!(" {}", shown(id)));
    let mut text = match (removal.kind, &removal.target) {
        (_, Target::Version(id)) if row.said.is_undelete => {
            format!("delete marker {} removed by its id, so that the object is back", shown(id))
        }
        (Kind::Version, Target::Version(id)) => format!("version {} removed", shown(id)),
        (Kind::Version, _) => "a version removed".to_owned(),
        (Kind::Object, _) => "object removed".to_owned(),
        (Kind::Marker, _) => format!("hidden by delete marker{}", marker.unwrap_or_default()),
        (Kind::Unknown, _) => {
            "removed; no source tells whether for good or by a delete marker".to_owned()
        }
    };
    if removal.cause == Cause::Lifecycle {
        text.push_str(", by a lifecycle rule");
    }
    text.push_str(match (removal.is_confirmed, row.said.is_unconfirmed) {
        (true, _) => ", confirmed by S3",
        (false, true) => ", not confirmed by S3, although it tells of this bucket",
        (false, false) => ", not confirmed by S3",
    });
    text
}

fn details(row: &DeletionRow) -> Vec<(&'static str, String)> {
    let removal = &row.removal;
    let mut details = Vec::new();
    let by_rule = removal.cause == Cause::Lifecycle;
    let nobody = if by_rule { "S3, for a lifecycle rule" } else { "no source tells" };
    details.push(("who", who(&removal.actor).unwrap_or_else(|| nobody.to_owned())));
    details.extend(origin(&removal.actor).map(|origin| ("from", origin)));
    details.extend(request_of(row).map(|request| ("request", request)));
    details.push(("sources", source_names(removal.sources).join(", ")));
    details.extend(took(row).map(|took| ("took", took)));
    if row.said.duplicate_of.is_some() {
        details.push(("repeats", repeats(row)));
    }
    details.extend(stale(row).map(|stale| ("stale", stale)));
    details.extend(row.intents.iter().map(|intent| ("intent", fulfilled(intent))));
    if row.provenance == Provenance::Backfill {
        details.push(("learnt", "from files of the past".to_owned()));
    }
    if !row.is_settled {
        let open = "not yet: more may be on its way, and what is said here may change";
        details.push(("settled", open.to_owned()));
    }
    details
}

fn request_of(row: &DeletionRow) -> Option<String> {
    let id = row.removal.request_id.as_deref();
    match &row.request {
        None => id.map(shown),
        Some(request) => {
            let (api, outcome) = (request.api.as_str(), request.outcome.as_str());
            Some(format!("{}, {api}, {outcome}", shown_or_dash(id)))
        }
    }
}

fn took(row: &DeletionRow) -> Option<String> {
    let request = row.request.as_ref();
    let parts = [
        (request.and_then(Request::service_millis), "in S3"),
        (request.and_then(Request::access_log_millis), "by the access log"),
        (row.confirmed_millis(), "from the request to S3's notification"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(millis, what)| Some(format!("{} {what}", duration(millis?))))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn repeats(row: &DeletionRow) -> String {
    match &row.repeats {
        None => "an earlier removal".to_owned(),
        Some(repeated) => {
            let request = repeated.request_id.as_deref().map(shown);
            let by = request.map(|id| format!(" by request {id}")).unwrap_or_default();
            format!("the removal at {}{by}", repeated.at)
        }
    }
}

fn stale(row: &DeletionRow) -> Option<String> {
    match (row.said.is_stale, &row.stale) {
        (Some(false), _) => None,
        (None, _) if row.removal.cause == Cause::Lifecycle => None,
        (None, _) => Some(STALE_IS_OFF.to_owned()),
        (Some(true), None) => Some("it had just replaced another upload".to_owned()),
        (Some(true), Some(stale)) => {
            let (fresh, replaced) = (&stale.fresh.moment, &stale.replaced.moment);
            let age = duration(row.removal.at.millis_since(fresh.at));
            Some(format!(
                "uploaded at {}, {age} before, when it replaced the upload of {}",
                time(fresh.at, fresh.is_coarse),
                time(replaced.at, replaced.is_coarse),
            ))
        }
    }
}

fn declared(declared: &KeyIntent) -> String {
    let intent = &declared.intent;
    let mut text = shown(&intent.id);
    for (what, value) in [(" by ", &intent.by), (" for ", &intent.reference)] {
        if let Some(value) = value {
            let _ = write!(text, "{what}{}", shown(value));
        }
    }
    let _ = write!(text, ", declared at {}", intent.requested_at);
    text
}

fn fulfilled(intent: &KeyIntent) -> String {
    let before = match intent.state {
        IntentState::Fulfilled { millis: Some(millis) } => {
            format!(", {} before", duration(millis))
        }
        _ => String::new(),
    };
    format!("{}{before}", declared(intent))
}

/// What stands beside the removals of a key.
fn surroundings(question: &KeyQuestion, history: &KeyHistory) -> String {
    let mut text = String::new();
    let refused: Vec<String> = history.refused.iter().map(refusal).collect();
    section(&mut text, "Refused attempts", &refused);
    let intents: Vec<String> = history.intents.iter().map(unfulfilled).collect();
    section(&mut text, "Declared, and not removed since", &intents);
    let changes: Vec<String> = history.protection_changes.iter().map(protection).collect();
    section(&mut text, "Changes of protection in the 48 h before", &changes);
    if history.has_removed_below {
        let (bucket, folder) = (shown(&question.bucket), shown(&question.key));
        let folder = folder.trim_end_matches('/');
        let hint =
            format!("`deltrail deletions --bucket {bucket} --prefix '{folder}/'` lists them");
        section(&mut text, "Keys below it were removed", &[hint]);
    }
    section(&mut text, "How complete this is", &lines(&history.completeness));
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn refusal(refusal: &Refusal) -> String {
    let error = refusal.error_code.as_deref().unwrap_or(refusal.outcome.as_str());
    let api = refusal.api.map_or("a key of a bulk delete", |api| api.as_str());
    let who = who_briefly(&refusal.actor);
    format!("{}  {api}: {}, by {who}", time(refusal.at, true), shown(error))
}

fn unfulfilled(intent: &KeyIntent) -> String {
    let state = match intent.state {
        IntentState::Unfulfilled => "",
        IntentState::Pending | IntentState::Fulfilled { .. } => "; it may still come",
    };
    format!("{}{state}", declared(intent))
}

fn unresolved(call: &UnresolvedCall) -> String {
    let request = &call.request;
    let who = who_briefly(&request.actor);
    let id = shown_or_dash(request.request_id.as_deref());
    let open = if call.is_settled { "" } else { "; its keys may still come" };
    format!("{}  request {id}, by {who}{open}", time(request.at, true))
}

fn protection(change: &ProtectionChange) -> String {
    let detail = change.detail.as_deref().map(|detail| format!(" ({})", shown(detail)));
    let what = change.bucket.is_none().then_some(change.resource.as_deref()).flatten();
    let what = what.map(|resource| format!(" of {}", shown(resource))).unwrap_or_default();
    let who = who_briefly(&change.actor);
    format!(
        "{}  {}{what}{}: {}, by {who}",
        time(change.at, true),
        shown(&change.event_name),
        detail.unwrap_or_default(),
        change.outcome.as_str(),
    )
}
