//! What changes of protection mean: which take away what protects objects, and which what tells of
//! their loss. It reads what the decoder kept of a call, and knows no findings.
//!
//! Detail is read as the decoder writes it: `Rule.Status=Enabled, Expiration.Days=1`.

use super::subject::identity;
use crate::domain::{Actor, Outcome, ProtectionChange, Timestamp};

/// A change that matters, and what it is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) change: &'a ProtectionChange,
    pub(super) words: &'static str,
}

impl<'a> Change<'a> {
    /// The change, if it took away what protects objects.
    pub(super) fn of_protection(change: &'a ProtectionChange) -> Option<Self> {
        let words = taken_from_objects(change)?;
        (change.outcome == Outcome::Ok).then_some(Self { change, words })
    }

    /// The change, if it took away what tells of deletions, or tried to.
    pub(super) fn of_logs(change: &'a ProtectionChange) -> Option<Self> {
        let words = taken_from_logs(change)?;
        (change.outcome != Outcome::Failed).then_some(Self { change, words })
    }

    /// `versioning suspended at 2026-11-23 09:58 by cleaner`.
    pub(super) fn told(&self) -> String {
        let Self { change, words } = self;
        let refused = if change.outcome == Outcome::Denied { " (refused)" } else { "" };
        let at = Self::minute(change.at);
        let of = change.resource.as_deref().filter(|_| change.bucket.is_none());
        let of = of.map_or_else(String::new, |resource| format!(" ({resource})"));
        format!("{words}{of}{refused} at {at} by {}", name_of(&change.actor))
    }

    /// `2026-11-23 09:58`.
    pub(super) fn minute(at: Timestamp) -> String {
        at.to_string().replace('T', " ").chars().take(16).collect()
    }

    /// By whom, under an id that stays; empty for nobody known.
    pub(super) fn subject(&self) -> String {
        identity(&self.change.actor).unwrap_or_default().to_owned()
    }
}

/// What people call whoever made a change.
pub(super) fn name_of(actor: &Actor) -> String {
    actor.principal().map_or_else(|| "somebody".to_owned(), |it| it.name.to_owned())
}

fn taken_from_objects(change: &ProtectionChange) -> Option<&'static str> {
    let detail = change.detail.as_deref().unwrap_or_default();
    let says = |entry: &str| has_entry(detail, entry);
    Some(match change.event_name.as_str() {
        "PutBucketVersioning" if says("MfaDelete=Disabled") => "MFA delete switched off",
        "PutBucketVersioning" => "versioning suspended",
        "PutBucketLifecycle" if detail.contains("xpiration") => "lifecycle rule that expires",
        "PutBucketReplication" if says("Rule.Status=Disabled") || says("Status=Disabled") => {
            "replication switched off"
        }
        "DeleteBucketReplication" => "replication deleted",
        "PutBucketObjectLockConfiguration" => "object lock configuration changed",
        "PutObjectLockLegalHold" if says("LegalHold.Status=OFF") || says("Status=OFF") => {
            "legal hold lifted"
        }
        "PutObjectLockRetention" if detail.to_ascii_lowercase().contains("bypass") => {
            "retention changed past its governance"
        }
        "DeleteBucketPolicy" => "bucket policy deleted",
        "DeleteBucketPublicAccessBlock" | "DeleteAccountPublicAccessBlock" => {
            "public access block deleted"
        }
        "DeleteBucket" => "bucket deleted",
        "DisableKey" => "key disabled",
        "ScheduleKeyDeletion" => "key scheduled for deletion",
        _ => return None,
    })
}

fn taken_from_logs(change: &ProtectionChange) -> Option<&'static str> {
    let detail = change.detail.as_deref().unwrap_or_default();
    Some(match change.event_name.as_str() {
        "StopLogging" => "trail stopped",
        "DeleteTrail" => "trail deleted",
        "UpdateTrail" => "trail changed",
        "PutEventSelectors" | "PutEventConfiguration" => "event selectors changed",
        "PutInsightSelectors" => "insight selectors changed",
        "PutBucketNotification" => "bucket notifications changed",
        "PutBucketLogging" if !detail.contains("TargetBucket") => "access logs switched off",
        _ => return None,
    })
}

/// Whether one of the entries is this one, whatever stands before its name.
fn has_entry(detail: &str, wanted: &str) -> bool {
    detail.split(", ").any(|entry| {
        let start = entry.len().saturating_sub(wanted.len());
        entry.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::has_entry;

    #[test]
    fn an_entry_is_known_by_its_last_name() {
        let detail = "VersioningConfiguration.Status=Enabled, MfaDelete=disabled";
        assert!(has_entry(detail, "MfaDelete=Disabled") && has_entry(detail, "Status=Enabled"));
        assert!(!has_entry(detail, "Status=Suspended") && !has_entry("", "Status=Enabled"));
    }
}
