//! What S3 itself writes of an act: notifications, `EventBridge` events and access-log lines, as
//! decoders hand it on. It knows the truth of the act and nothing of what is made of it.

use super::acts::{Answer, Call, Caller, Named, OWNER, Removed, Upload, Way, World};
use super::trail::written_by_cloudtrail;
use crate::domain::{
    Actor, Api, Call as Reported, Cause, Creation, Evidence, Kind, Mark, Outcome, RemovalRole,
    Source, Target, Timestamp,
};

/// Everything that all sources write of the deletes of a world.
pub(super) fn written(world: &World) -> Vec<Evidence> {
    world
        .calls
        .iter()
        .flat_map(|call| {
            let mut pieces = written_by_cloudtrail(call);
            pieces.extend(told(call));
            pieces.extend(logged(call));
            pieces
        })
        .collect()
}

/// Everything that is written of the uploads of a world.
pub(super) fn written_of_uploads(world: &World) -> Vec<Creation> {
    let written = |upload: &Upload, source: Source, tag: &str, at: i64| Creation {
        id: format!("{tag}:{}", upload.request_id),
        source,
        bucket: upload.bucket.clone(),
        key: upload.key.clone(),
        version_id: upload.version.clone(),
        request_id: Some(upload.request_id.clone()),
        sequencer: Some(upload.sequencer.clone()),
        account: OWNER.into(),
        region: "eu-west-1".into(),
        at: Timestamp::from_millis(at),
        actor: Actor::default().into(),
    };
    let both = |upload: &Upload| {
        [
            written(upload, Source::S3Notification, "n", upload.done),
            written(upload, Source::EventBridge, "eb", whole_second(upload.done)),
        ]
    };
    world.uploads.iter().flat_map(both).collect()
}

/// The whole second that a time lies in.
pub(super) fn whole_second(millis: i64) -> i64 {
    millis / 1_000 * 1_000
}

/// Evidence from `source` that says nothing yet but which request it is about.
pub(super) fn blank(id: String, source: Source, call: &Call, at: i64) -> Evidence {
    Evidence {
        id,
        source,
        call: None,
        role: RemovalRole::None,
        bucket: call.bucket.clone().into(),
        key: None,
        target: Target::Current,
        mark: Mark::Unknown,
        cause: Cause::Api,
        request_id: Some(call.request_id.clone().into()),
        event_id: None,
        shared_event_id: None,
        amends_event_id: None,
        account: OWNER.into(),
        region: "eu-west-1".into(),
        at: Timestamp::from_millis(at),
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: None,
        error_code: None,
        marker_version_id: None,
        actor: Actor::default().into(),
    }
}

/// Who calls, as the sources that know say it.
pub(super) fn arn(call: &Call) -> Option<String> {
    match call.caller {
        Caller::Person(person) => Some(format!("arn:aws:iam::{OWNER}:user/person-{person}")),
        Caller::Foreign { .. } => Some("arn:aws:iam::444455556666:user/foreign".into()),
        Caller::Replication => {
            Some(format!("arn:aws:sts::{OWNER}:assumed-role/replicate/s3-replication"))
        }
        Caller::Lifecycle => None,
    }
}

/// Notifications and events, one each for every key that S3 tells its subscribers of.
fn told(call: &Call) -> Vec<Evidence> {
    let mut pieces = Vec::new();
    for (nth, (answer, removed)) in accepted(call).enumerate().filter(|(_, (_, r))| r.is_told) {
        for (source, tag, at) in [
            (Source::S3Notification, "n", removed.done),
            (Source::EventBridge, "eb", whole_second(removed.done)),
        ] {
            let id = format!("{tag}:{}:{nth}", call.request_id);
            let principal = match source {
                Source::S3Notification => Actor {
                    principal_id: Some("AWS:AIDAEXAMPLE".into()),
                    source_ip: Some("192.0.2.1".into()),
                    ..Actor::default()
                },
                _ => Actor { account_id: Some(OWNER.into()), ..Actor::default() },
            };
            pieces.push(Evidence {
                role: RemovalRole::Claim,
                key: Some(answer.key.clone()),
                target: answer.named.target(),
                mark: match removed.kind {
                    Kind::Marker => Mark::Marker,
                    Kind::Version => Mark::Version,
                    Kind::Object | Kind::Unknown => Mark::Object,
                },
                cause: removed.cause,
                sequencer: Some(removed.sequencer.clone()),
                marker_version_id: removed.marker.clone(),
                actor: principal.into(),
                ..blank(id, source, call, at)
            });
        }
    }
    pieces
}

/// The keys of a call that S3 accepted.
pub(super) fn accepted(call: &Call) -> impl Iterator<Item = (&Answer, &Removed)> {
    call.answers.iter().filter_map(|answer| Some((answer, answer.result.as_ref().ok()?)))
}

/// Lines of the access log: one for the request, and for a bulk call one for each key as well.
fn logged(call: &Call) -> Vec<Evidence> {
    if !call.is_logged {
        return Vec::new();
    }
    let line = |nth: usize| {
        let id = format!("al:{}:{nth}", call.request_id);
        Evidence {
            actor: Actor {
                arn: arn(call),
                source_ip: Some("192.0.2.1".into()),
                user_agent: Some("aws-cli/2".into()),
                ..Actor::default()
            }
            .into(),
            ..blank(id, Source::AccessLog, call, whole_second(call.received))
        }
    };
    let of_request = |api: Api, nth: usize| Evidence {
        call: Some(Reported { api, outcome: call.outcome }),
        total_millis: Some(call.completed - call.received),
        http_status: Some(call.refusal.map_or(if api == Api::DeleteObject { 204 } else { 200 }, {
            |refusal| refusal.status
        })),
        error_code: call.refusal.map(|refusal| refusal.code.to_owned()),
        ..line(nth)
    };
    match call.way {
        Way::Single => {
            call.answers.iter().map(|one| of_key(one, of_request(Api::DeleteObject, 0))).collect()
        }
        Way::Bulk => {
            let request = of_request(Api::DeleteObjects, 0);
            // A call that was refused as a whole came to no key.
            let keys = call.answers.iter().filter(|_| call.outcome == Outcome::Ok);
            let batch = keys.zip(1..).map(|(answer, nth)| of_key(answer, line(nth)));
            std::iter::once(Evidence { target: Target::Unknown, ..request }).chain(batch).collect()
        }
        Way::Lifecycle => call
            .answers
            .iter()
            .zip(0..)
            .map(|(answer, nth)| {
                let nobody = Actor::default();
                Evidence { actor: nobody.into(), ..of_key(answer, line(nth)) }
            })
            .collect(),
    }
}

/// What a line says about a key. Status 204 does not tell an object from a marker that was made;
/// the operation names of lifecycle rules do.
fn of_key(answer: &Answer, line: Evidence) -> Evidence {
    let line = Evidence { key: Some(answer.key.clone()), target: answer.named.target(), ..line };
    let removed = match &answer.result {
        Ok(removed) => removed,
        Err(refusal) => {
            return Evidence {
                http_status: Some(refusal.status),
                error_code: Some(refusal.code.to_owned()),
                ..line
            };
        }
    };
    Evidence {
        role: RemovalRole::Claim,
        mark: match (&answer.named, removed.cause, removed.kind) {
            (Named::Version(_), _, _) => Mark::Version,
            (_, Cause::Lifecycle, Kind::Marker) => Mark::Marker,
            (Named::Null, _, _) | (_, Cause::Lifecycle, _) => Mark::Object,
            (Named::Nothing, Cause::Api, _) => Mark::Unknown,
        },
        cause: removed.cause,
        http_status: Some(204),
        ..line
    }
}
