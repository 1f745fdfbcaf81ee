//! Who asked for a delete, as far as a source says.

use std::cmp::Reverse;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identity behind a request. Every member may be missing: old records, records of AWS
/// services and the owner's copy of a foreign call carry only some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// The identity's ARN, with the session for an assumed role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// CloudTrail's identity type (`IAMUser`, `AssumedRole`, `AWSService`, ...): an open list.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub identity_type: Option<String>,
    /// The unique id (`AIDA...`, `AROA...:session`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// The account of the identity; `anonymous` for an unsigned call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The user's or role's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The access key that signed the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The ARN of the role behind a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer_arn: Option<String>,
    /// The AWS service that made the call on somebody's behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// The address that the request came from: an IP, a service's DNS name, or `AWS Internal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The user agent, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Whether the call came out of a console session.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub console: bool,
}

/// What kind of actor it was: a label that is stored, so that what AWS itself does can be told from
/// what people and programs do without being dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// A person or a program with an identity of its own, or an unsigned call.
    Principal,
    /// S3 replication, acting with the bucket owner's role.
    Replication,
    /// A lifecycle rule.
    Lifecycle,
    /// Another AWS service.
    Service,
}

impl ActorKind {
    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Replication => "replication",
            Self::Lifecycle => "lifecycle",
            Self::Service => "service",
        }
    }
}

impl Actor {
    /// The kind of actor. `invokedBy` `s3.amazonaws.com` is replication and
    /// `lifecycle.s3.amazonaws.com` a lifecycle rule of a directory bucket.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        match self.invoked_by.as_deref() {
            Some("lifecycle.s3.amazonaws.com") => ActorKind::Lifecycle,
            Some("s3.amazonaws.com") => ActorKind::Replication,
            // A service that passes a caller's own identity on (forward access sessions) acts for
            // that caller; only an identity without a principal is the service itself.
            Some(service) if service.ends_with(".amazonaws.com") && self.is_bare() => {
                ActorKind::Service
            }
            // S3's own notifications name their requester so when a lifecycle rule acted.
            _ if self.principal_id.as_deref() == Some("s3.amazonaws.com") => ActorKind::Lifecycle,
            _ if self.identity_type.as_deref() == Some("AWSService") => ActorKind::Service,
            _ => ActorKind::Principal,
        }
    }

    /// The more telling of two descriptions of one caller: the one with more members, and of equals
    /// the smaller one, so that the choice does not depend on the order of arrival.
    #[must_use]
    pub fn more_telling<'a>(self: &'a Arc<Self>, other: &'a Arc<Self>) -> &'a Arc<Self> {
        // Most evidence of one request shares its description.
        if Arc::ptr_eq(self, other) {
            return self;
        }
        let rank = |actor: &'a Arc<Self>| (Reverse(actor.members()), actor);
        if rank(other) < rank(self) { other } else { self }
    }

    /// The ARN up to where a session begins.
    #[must_use]
    pub fn enduring_arn(&self) -> Option<&str> {
        let arn = self.arn.as_deref()?;
        let Some((head, role)) = arn.split_once(":assumed-role/") else { return Some(arn) };
        let name = role.split_once('/').map_or(role, |(name, _)| name);
        Some(&arn[..head.len() + ":assumed-role/".len() + name.len()])
    }

    /// The id without the `AWS:` of notifications and without a session.
    #[must_use]
    pub fn bare_id(&self) -> Option<&str> {
        let id = self.principal_id.as_deref()?;
        let id = id.strip_prefix("AWS:").unwrap_or(id);
        Some(id.split_once(':').map_or(id, |(id, _)| id))
    }

    /// The same caller whatever its session, address and program are; `None` when no more is known
    /// than an account.
    #[must_use]
    pub fn enduring(&self) -> Option<Self> {
        let is_anybody = self.arn.is_some()
            || self.principal_id.is_some()
            || self.session_issuer_arn.is_some()
            || self.invoked_by.is_some()
            || self.account_id.as_deref() == Some("anonymous");
        is_anybody.then(|| Self {
            arn: self.enduring_arn().map(str::to_owned),
            principal_id: self.bare_id().map(str::to_owned),
            account_id: self.account_id.clone(),
            session_issuer_arn: self.session_issuer_arn.clone(),
            invoked_by: self.invoked_by.clone(),
            ..Self::default()
        })
    }

    fn is_bare(&self) -> bool {
        self.arn.is_none() && self.principal_id.is_none()
    }

    /// Bytes of text that are held.
    pub(super) fn text_bytes(&self) -> usize {
        self.texts().into_iter().flatten().map(String::len).sum()
    }

    fn members(&self) -> usize {
        self.texts().into_iter().flatten().count()
    }

    fn texts(&self) -> [Option<&String>; 10] {
        [
            &self.arn,
            &self.identity_type,
            &self.principal_id,
            &self.account_id,
            &self.user_name,
            &self.access_key_id,
            &self.session_issuer_arn,
            &self.invoked_by,
            &self.source_ip,
            &self.user_agent,
        ]
        .map(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Actor, ActorKind};

    fn invoked_by(service: &str, arn: Option<&str>) -> Actor {
        Actor { invoked_by: Some(service.into()), arn: arn.map(str::to_owned), ..Actor::default() }
    }

    #[test]
    fn replication_and_lifecycle_are_told_from_people() {
        let role = "arn:aws:sts::111122223333:assumed-role/replicate/s3-replication";
        assert_eq!(invoked_by("s3.amazonaws.com", Some(role)).kind(), ActorKind::Replication);
        assert_eq!(invoked_by("lifecycle.s3.amazonaws.com", None).kind(), ActorKind::Lifecycle);
        assert_eq!(invoked_by("backup.amazonaws.com", None).kind(), ActorKind::Service);
        let requester = Some("s3.amazonaws.com".to_owned());
        let noticed = Actor { principal_id: requester, ..Actor::default() };
        assert_eq!(noticed.kind(), ActorKind::Lifecycle);
        assert_eq!(Actor::default().kind(), ActorKind::Principal);
    }

    #[test]
    fn a_service_acting_with_a_callers_identity_is_that_caller() {
        let user = Some("arn:aws:iam::111122223333:user/dev");
        assert_eq!(invoked_by("athena.amazonaws.com", user).kind(), ActorKind::Principal);
    }

    #[test]
    fn the_fuller_description_wins_in_either_order() {
        let full = Arc::new(invoked_by(
            "athena.amazonaws.com",
            Some("arn:aws:iam::111122223333:user/dev"),
        ));
        let bare = Arc::new(invoked_by("athena.amazonaws.com", None));
        assert_eq!(full.more_telling(&bare), &full);
        assert_eq!(bare.more_telling(&full), &full);
    }
}
