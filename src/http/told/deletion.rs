//! Deletions and what belongs to them as JSON: the names that programs rely on. What was told reads
//! back as the row that it was told of, but for what nobody is told. It asks nothing.

use std::sync::Arc;

use deltrail_core::domain::{
    Actor, ActorKind, Cause, Created, Intent, Kind, Moment, Removal, Request, Said, Source,
    SourceSet,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::values::{
    DeclaredState, Learnt, Precision, Seconds, TargetKind, Text, Time, Word, owned, set_of,
    sources_of, told,
};
use crate::store::{DeletionName, DeletionRow, KeyIntent, Repeated, Replacement};

/// One removal.
#[expect(clippy::struct_excessive_bools, reason = "it is JSON, which has no other type for them")]
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Deletion<'a> {
    /// The bucket.
    pub bucket: Text<'a>,
    /// The key; null when no source says which one it was.
    pub key: Option<Text<'a>>,
    /// The name of the removal: opaque, the same in every store, and good for a URL.
    pub id: String,
    /// When it happened.
    pub at: Time,
    /// `second`: it happened within the second that `at` begins.
    pub at_precision: Word<Precision>,
    /// What was taken away.
    pub kind: Word<Kind>,
    /// Why.
    pub cause: Word<Cause>,
    /// What the caller named.
    pub target: Word<TargetKind>,
    /// The version that the caller named.
    pub version_id: Option<Text<'a>>,
    /// The delete marker that was made.
    pub marker_version_id: Option<Text<'a>>,
    /// Whether it removed a delete marker, so that the object is back.
    pub is_undelete: bool,
    /// Whether S3 itself said so.
    pub is_confirmed: bool,
    /// Whether S3's word is missing although it tells of the bucket.
    pub is_unconfirmed: bool,
    /// When S3 had done it, by its own notification.
    pub notified_at: Option<Time>,
    /// What it rests on.
    pub sources: Vec<Word<Source>>,
    /// Whether what is said of it is final; else it may change.
    pub is_settled: bool,
    /// The removal that it repeats.
    pub duplicate_of: Option<Duplicate<'a>>,
    /// Whether it took a fresh upload away; null while no uploads of the bucket are known.
    pub is_stale: Option<bool>,
    /// The uploads behind that, as far as they are still kept.
    pub stale: Option<Stale<'a>>,
    /// Who asked.
    pub actor: Who<'a>,
    /// The id of the request (x-amz-request-id).
    pub request_id: Option<Text<'a>>,
    /// The request, where a source tells of it.
    pub request: Option<Call<'a>>,
    /// How long it took.
    pub latency: Latency,
    /// The declared deletes that it fulfilled.
    pub intents: Vec<Declared<'a>>,
    /// Whether it was learnt as it happened.
    pub provenance: Word<Learnt>,
}

/// The removal that another one repeats.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Duplicate<'a> {
    /// Its name.
    pub id: String,
    /// When it was; null when it is not kept any more.
    pub at: Option<Time>,
    /// Its request.
    pub request_id: Option<Text<'a>>,
}

/// The upload that a stale removal took away, and the one that that had replaced.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Stale<'a> {
    /// The upload that was removed.
    pub uploaded: Upload<'a>,
    /// What it had replaced.
    pub replaced: Upload<'a>,
}

/// An upload.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Upload<'a> {
    /// When it was.
    pub at: Time,
    /// How fine the clock of that is.
    pub at_precision: Word<Precision>,
    /// The version that it made.
    pub version_id: Option<Text<'a>>,
    /// Who uploaded it.
    pub actor: Who<'a>,
}

/// Who asked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Who<'a> {
    /// What kind of actor it is.
    pub kind: Word<ActorKind>,
    /// The role or user without a session, else the most telling id there is.
    pub name: Option<Text<'a>>,
    /// The session of a role.
    pub session: Option<Text<'a>>,
    /// The ARN.
    pub arn: Option<Text<'a>>,
    /// CloudTrail's type of the identity.
    #[serde(rename = "type")]
    pub identity_type: Option<Text<'a>>,
    /// The unique id.
    pub principal_id: Option<Text<'a>>,
    /// The account.
    pub account_id: Option<Text<'a>>,
    /// The name of the user or role.
    pub user_name: Option<Text<'a>>,
    /// The access key that signed the request.
    pub access_key_id: Option<Text<'a>>,
    /// The ARN of the role behind a session.
    pub session_issuer_arn: Option<Text<'a>>,
    /// The AWS service that made the call on somebody's behalf.
    pub invoked_by: Option<Text<'a>>,
    /// Where the request came from.
    pub source_ip: Option<Text<'a>>,
    /// The user agent, as it was sent.
    pub user_agent: Option<Text<'a>>,
    /// Whether the call came out of a console session.
    pub is_console: bool,
}

/// How long a delete took, on each basis that is known.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// In S3, by CloudTrail's times.
    pub service_seconds: Option<Seconds>,
    /// In S3, by the Total Time of the access log.
    pub access_log_seconds: Option<Seconds>,
    /// From the beginning of the request to S3's notification.
    pub confirmed_seconds: Option<Seconds>,
}

/// A declared delete.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Declared<'a> {
    /// Its id.
    pub id: Text<'a>,
    /// When it was declared.
    pub requested_at: Time,
    /// By whom.
    pub by: Option<Text<'a>>,
    /// What it refers to.
    #[serde(rename = "ref")]
    pub reference: Option<Text<'a>>,
    /// What came of it.
    pub state: Word<DeclaredState>,
    /// How long that took.
    pub latency_seconds: Option<Seconds>,
}

impl<'a> Deletion<'a> {
    /// What is told of a row.
    #[must_use]
    pub fn of(row: &'a DeletionRow) -> Self {
        let (removal, said) = (&row.removal, &row.said);
        let (target, version_id) = TargetKind::of(&removal.target);
        let request = row.request.as_ref();
        Self {
            bucket: Text::Borrowed(&row.bucket),
            key: told(row.key.as_deref()),
            id: row.name().to_string(),
            at: Time(removal.at),
            at_precision: Word(Precision::of(removal.is_coarse)),
            kind: Word(removal.kind),
            cause: Word(removal.cause),
            target: Word(target),
            version_id: told(version_id),
            marker_version_id: told(removal.marker_version_id.as_deref()),
            is_undelete: said.is_undelete,
            is_confirmed: removal.is_confirmed,
            is_unconfirmed: said.is_unconfirmed,
            notified_at: removal.notified_at.map(Time),
            sources: sources_of(removal.sources),
            is_settled: row.is_settled,
            duplicate_of: said.duplicate_of.as_deref().map(|identity| Duplicate {
                id: row.name_of(identity).to_string(),
                at: row.repeats.as_ref().map(|repeated| Time(repeated.at)),
                request_id: told(row.repeats.as_ref().and_then(|it| it.request_id.as_deref())),
            }),
            is_stale: said.is_stale,
            stale: row.stale.as_ref().map(|stale| Stale {
                uploaded: Upload::of(&stale.fresh),
                replaced: Upload::of(&stale.replaced),
            }),
            actor: Who::of(&removal.actor),
            request_id: told(removal.request_id.as_deref()),
            request: request.map(Call::of),
            latency: Latency {
                service_seconds: request.and_then(Request::service_millis).map(Seconds),
                access_log_seconds: request.and_then(Request::access_log_millis).map(Seconds),
                confirmed_seconds: row.confirmed_millis().map(Seconds),
            },
            intents: row.intents.iter().map(Declared::of).collect(),
            provenance: Word(Learnt::of(row.provenance)),
        }
    }

    /// The row that it was told of; `None` when its id is none.
    #[must_use]
    pub fn row(&self) -> Option<DeletionRow> {
        let DeletionName { bucket, key, identity } = DeletionName::parse(&self.id)?;
        let duplicate_of = match &self.duplicate_of {
            Some(duplicate) => Some(DeletionName::parse(&duplicate.id)?.identity),
            None => None,
        };
        let repeats = self.duplicate_of.as_ref().and_then(|duplicate| {
            let request_id = owned(duplicate.request_id.as_ref());
            Some(Repeated { at: duplicate.at?.0, request_id })
        });
        let intents = self.intents.iter();
        Some(DeletionRow {
            removal: Removal {
                identity,
                target: self.target.0.target(self.version_id.as_deref()),
                kind: self.kind.0,
                cause: self.cause.0,
                is_confirmed: self.is_confirmed,
                at: self.at.0,
                is_coarse: self.at_precision.0.is_coarse(),
                sequencer: None,
                notified_at: self.notified_at.map(|at| at.0),
                request_id: self.request_id.as_deref().map(Into::into),
                sources: set_of(&self.sources),
                actor: self.actor.actor(),
                marker_version_id: owned(self.marker_version_id.as_ref()),
            },
            said: Said {
                duplicate_of,
                is_stale: self.is_stale,
                is_undelete: self.is_undelete,
                is_unconfirmed: self.is_unconfirmed,
            },
            is_settled: self.is_settled,
            repeats,
            stale: self.stale.as_ref().map(|stale| Replacement {
                fresh: stale.uploaded.created(),
                replaced: stale.replaced.created(),
            }),
            request: self.request.as_ref().map(|call| call.request(&bucket, &self.actor)),
            intents: intents.map(|it| it.intent(&bucket, key.as_deref())).collect(),
            provenance: self.provenance.0.provenance(),
            bucket,
            key,
        })
    }
}

impl<'a> Upload<'a> {
    fn of(write: &'a Created) -> Self {
        Self {
            at: Time(write.moment.at),
            at_precision: Word(Precision::of(write.moment.is_coarse)),
            version_id: told(write.version_id.as_deref()),
            actor: Who::of(&write.actor),
        }
    }

    fn created(&self) -> Created {
        let is_coarse = self.at_precision.0.is_coarse();
        Created {
            identity: String::new(),
            moment: Moment { at: self.at.0, is_coarse, sequencer: None },
            version_id: owned(self.version_id.as_ref()),
            sources: SourceSet::default(),
            actor: self.actor.actor(),
        }
    }
}

impl<'a> Who<'a> {
    /// What is told of an actor.
    #[must_use]
    pub fn of(actor: &'a Actor) -> Self {
        let principal = actor.principal();
        Self {
            kind: Word(actor.kind()),
            name: told(principal.map(|principal| principal.name)),
            session: told(principal.and_then(|principal| principal.session)),
            arn: told(actor.arn.as_deref()),
            identity_type: told(actor.identity_type.as_deref()),
            principal_id: told(actor.principal_id.as_deref()),
            account_id: told(actor.account_id.as_deref()),
            user_name: told(actor.user_name.as_deref()),
            access_key_id: told(actor.access_key_id.as_deref()),
            session_issuer_arn: told(actor.session_issuer_arn.as_deref()),
            invoked_by: told(actor.invoked_by.as_deref()),
            source_ip: told(actor.source_ip.as_deref()),
            user_agent: told(actor.user_agent.as_deref()),
            is_console: actor.console,
        }
    }

    /// The actor that it was told of.
    #[must_use]
    pub fn actor(&self) -> Arc<Actor> {
        Arc::new(Actor {
            arn: owned(self.arn.as_ref()),
            identity_type: owned(self.identity_type.as_ref()),
            principal_id: owned(self.principal_id.as_ref()),
            account_id: owned(self.account_id.as_ref()),
            user_name: owned(self.user_name.as_ref()),
            access_key_id: owned(self.access_key_id.as_ref()),
            session_issuer_arn: owned(self.session_issuer_arn.as_ref()),
            invoked_by: owned(self.invoked_by.as_ref()),
            source_ip: owned(self.source_ip.as_ref()),
            user_agent: owned(self.user_agent.as_ref()),
            console: self.is_console,
        })
    }
}

impl<'a> Declared<'a> {
    /// What is told of a declared delete of one key.
    #[must_use]
    pub fn of(declared: &'a KeyIntent) -> Self {
        let (state, latency_seconds) = DeclaredState::of(declared.state);
        let intent = &declared.intent;
        Self {
            id: Text::Borrowed(&intent.id),
            requested_at: Time(intent.requested_at),
            by: told(intent.by.as_deref()),
            reference: told(intent.reference.as_deref()),
            state: Word(state),
            latency_seconds,
        }
    }

    /// The declared delete that it was told of.
    pub(super) fn intent(&self, bucket: &str, key: Option<&str>) -> KeyIntent {
        KeyIntent {
            intent: Intent {
                id: self.id.to_string(),
                bucket: bucket.to_owned(),
                keys: key.map(str::to_owned).into_iter().collect(),
                requested_at: self.requested_at.0,
                by: owned(self.by.as_ref()),
                reference: owned(self.reference.as_ref()),
            },
            state: self.state.0.state(self.latency_seconds),
        }
    }
}
