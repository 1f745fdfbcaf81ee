//! `userIdentity`: who called, as CloudTrail tells the kinds of principals apart. It knows no call.

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::act::Act;
use crate::sandbox::principal::{Kind, Principal};
use crate::sandbox::record::text::second;

const HOUR_MILLIS: i64 = 3_600_000;

/// The `userIdentity` of an act.
pub(super) fn user_identity(act: &Act) -> Value {
    let Some(principal) = &act.caller.principal else {
        return json!({ "type": "AWSAccount", "principalId": "", "accountId": "anonymous" });
    };
    match &principal.kind {
        Kind::Service => json!({ "type": "AWSService", "invokedBy": principal.name }),
        Kind::User => json!({
            "type": "IAMUser",
            "principalId": principal.principal_id(),
            "arn": principal.arn(),
            "accountId": principal.account,
            "accessKeyId": principal.access_key_id,
            "userName": principal.name,
        }),
        Kind::Role { .. } => json!({
            "type": "AssumedRole",
            "principalId": principal.principal_id(),
            "arn": principal.arn(),
            "accountId": principal.account,
            "accessKeyId": principal.access_key_id,
            "sessionContext": session_context(principal, act.started_at),
        }),
    }
}

/// Whether an AWS service made the call by itself.
pub(super) fn is_service(act: &Act) -> bool {
    act.caller.principal.as_ref().is_some_and(|principal| principal.kind == Kind::Service)
}

/// The sandbox's sessions begin at the full hour: credentials of a role last that long by default.
fn session_context(role: &Principal, at: Timestamp) -> Value {
    let began = at.as_millis() - at.as_millis().rem_euclid(HOUR_MILLIS);
    let (name, account) = (&role.name, &role.account);
    json!({
        "sessionIssuer": {
            "type": "Role",
            "principalId": role.unique_id("AROA"),
            "arn": format!("arn:aws:iam::{account}:role/{name}"),
            "accountId": account,
            "userName": name,
        },
        "attributes": {
            "creationDate": second(Timestamp::from_millis(began)),
            "mfaAuthenticated": "false",
        },
    })
}
