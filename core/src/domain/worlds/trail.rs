//! What CloudTrail writes of an act: records of calls, one of each account's copies, and children
//! of bulk calls under each layout that they may have. Lifecycle rules it does not see.

use super::acts::{
    Answer, Call, Caller, ChildRequest, ChildShared, FOREIGN, Named, OWN_REQUEST, OWNER, Removed,
    Timing, Way,
};
use super::writing::{arn, blank, whole_second};
use crate::domain::{
    Actor, Api, Call as Reported, Evidence, Kind, Mark, Outcome, RemovalRole, Source, Target,
    Timestamp,
};

/// The user name that an `UPDATED_DATA` record adds.
pub(super) const AMENDED_ARN: &str = "arn:aws:iam::111122223333:user/amended";

pub(super) fn written_by_cloudtrail(call: &Call) -> Vec<Evidence> {
    let copies: &[&str] = match call.caller {
        Caller::Foreign { .. } => &[OWNER, FOREIGN],
        Caller::Lifecycle => &[],
        Caller::Person(_) | Caller::Replication => &[OWNER],
    };
    let mut records = Vec::new();
    for &account in copies {
        let request = record(call, account, "request", call.timing);
        match call.way {
            Way::Bulk => {
                records.push(Evidence { target: Target::Unknown, ..request });
                let keys = call.answers.iter().filter(|_| call.outcome == Outcome::Ok);
                records.extend(
                    keys.zip(0..).filter_map(|(key, nth)| {
                        child(call, key, &format!("child {nth}"), account)
                    }),
                );
            }
            Way::Single | Way::Lifecycle => records.push(of_key(&call.answers[0], request)),
        }
    }
    records.extend(amendment(call, records.first()));
    records
}

/// A record of the whole call, without any key.
fn record(call: &Call, account: &str, what: &str, timing: Timing) -> Evidence {
    let event = format!("{account} {what} {}", call.request_id);
    let api = if call.way == Way::Bulk { Api::DeleteObjects } else { Api::DeleteObject };
    let is_shared = matches!(call.caller, Caller::Foreign { names_shared: true });
    let millis = |millis: i64| (timing != Timing::Seconds).then(|| Timestamp::from_millis(millis));
    Evidence {
        call: Some(Reported { api, outcome: call.outcome }),
        event_id: Some(event.clone()),
        shared_event_id: is_shared.then(|| format!("shared {what} {}", call.request_id)),
        account: account.to_owned().into(),
        started_at: millis(if timing == Timing::Skewed { started(call) } else { call.received }),
        ended_at: millis(call.completed),
        error_code: call.refusal.map(|refusal| refusal.code.to_owned()),
        actor: Actor {
            arn: arn(call),
            identity_type: Some("IAMUser".into()),
            principal_id: Some("AIDAEXAMPLE".into()),
            source_ip: Some("192.0.2.1".into()),
            user_agent: Some("[aws-cli/2]".into()),
            ..Actor::default()
        }
        .into(),
        ..blank(
            format!("ct:{account}:{event}"),
            Source::CloudTrail,
            call,
            whole_second(call.completed),
        )
    }
}

/// When a call began, by the clock of S3 that writes `startTime`.
pub(super) const fn started(call: &Call) -> i64 {
    match call.timing {
        Timing::Skewed => call.completed + 5,
        Timing::Seconds | Timing::Millis => call.received,
    }
}

/// What a direct record says about its key.
fn of_key(answer: &Answer, record: Evidence) -> Evidence {
    let record =
        Evidence { key: Some(answer.key.clone()), target: answer.named.target(), ..record };
    let Ok(removed) = &answer.result else { return record };
    let mark = match removed.kind {
        Kind::Marker => Mark::Marker,
        Kind::Version => Mark::Version,
        Kind::Object | Kind::Unknown => Mark::Object,
    };
    let marker_version_id = removed.marker.clone();
    Evidence { role: RemovalRole::Claim, mark, marker_version_id, ..record }
}

fn child(call: &Call, answer: &Answer, what: &str, account: &str) -> Option<Evidence> {
    let layout = call.layout;
    let own_request = || format!("{OWN_REQUEST} {what} {}", call.request_id);
    let record = Evidence {
        call: None,
        key: Some(answer.key.clone()),
        request_id: match layout.request {
            ChildRequest::Calls => Some(call.request_id.clone().into()),
            ChildRequest::Own => Some(own_request().into()),
            ChildRequest::None => None,
        },
        shared_event_id: match layout.shared {
            ChildShared::Calls => Some(format!("shared request {}", call.request_id)),
            ChildShared::Own => Some(format!("shared {what} {}", call.request_id)),
            ChildShared::None => None,
        },
        target: child_target(call, answer),
        ..record(call, account, what, layout.timing)
    };
    match &answer.result {
        Err(_) if !layout.tells_refusal => None,
        Err(refusal) => Some(Evidence { error_code: Some(refusal.code.to_owned()), ..record }),
        Ok(removed) => {
            let mark = child_mark(call, answer, removed);
            // A marker's id would tell apart two calls whose children nobody can tell apart.
            let names_marker = mark == Mark::Marker && layout.request == ChildRequest::Calls;
            let marker_version_id = removed.marker.clone().filter(|_| names_marker);
            Some(Evidence { role: RemovalRole::Child, mark, marker_version_id, ..record })
        }
    }
}

/// The target that a child gives, which may be none at all.
pub(super) fn child_target(call: &Call, answer: &Answer) -> Target {
    let is_marker = answer.result.as_ref().is_ok_and(|removed| removed.kind == Kind::Marker);
    match &answer.named {
        Named::Nothing if call.layout.tells_marker && is_marker => Target::Current,
        Named::Null | Named::Version(_) if call.layout.names_version => answer.named.target(),
        _ => Target::Unknown,
    }
}

/// What a child says was removed: without a word of a version or a marker, nothing.
pub(super) fn child_mark(call: &Call, answer: &Answer, removed: &Removed) -> Mark {
    match (&answer.named, removed.kind) {
        (Named::Version(_), _) if call.layout.names_version => Mark::Version,
        (Named::Nothing, Kind::Marker) if call.layout.tells_marker => Mark::Marker,
        _ => Mark::Unknown,
    }
}

/// An `UPDATED_DATA` record: it says again who called, and is no removal and no request.
fn amendment(call: &Call, record: Option<&Evidence>) -> Option<Evidence> {
    let record = record.filter(|_| call.is_amended)?;
    Some(Evidence {
        id: format!("{}:updated", record.id),
        call: None,
        role: RemovalRole::None,
        event_id: Some(format!("update of {}", call.request_id)),
        amends_event_id: record.event_id.clone(),
        actor: Actor { arn: Some(AMENDED_ARN.into()), ..Actor::clone(&record.actor) }.into(),
        ..record.clone()
    })
}
