//! Who made a call, as a CloudTrail record tells it. Every member may be missing or of another
//! type; what cannot be read is left out.

use super::outline::{Field, Outline};
pub(super) use crate::decode::lenient::{capped, shown};
use crate::decode::lenient::{filled_text, identifier, is_true, without_brackets};
use crate::domain::Actor;

/// The caller of the record. A member that cannot be held counts as missing: a delete is not lost
/// for an odd description of who made it.
pub(super) fn caller_of(outline: &Outline<'_>) -> Actor {
    let identity = outline.readable(Field::UserIdentity);
    let source_ip = outline.readable(Field::SourceIpAddress);
    let user_agent = outline.readable(Field::UserAgent);
    let console = outline.readable(Field::SessionCredentialFromConsole);
    Actor {
        arn: shown(&identity["arn"]),
        identity_type: shown(&identity["type"]),
        principal_id: shown(&identity["principalId"]),
        account_id: identifier(&identity["accountId"]).map(|id| capped(&id)),
        user_name: shown(&identity["userName"]),
        access_key_id: shown(&identity["accessKeyId"]),
        session_issuer_arn: shown(&identity["sessionContext"]["sessionIssuer"]["arn"]),
        invoked_by: shown(&identity["invokedBy"]),
        source_ip: shown(&source_ip),
        user_agent: filled_text(&user_agent).map(|agent| capped(without_brackets(agent))),
        console: is_true(&console),
    }
}

#[cfg(test)]
mod tests {
    use super::caller_of;
    use crate::decode::cloudtrail::outline::Outline;
    use crate::decode::lenient::TEXT_BYTES_MAX;
    use crate::domain::Actor;

    fn caller(record: &str) -> Actor {
        caller_of(&Outline::read(record).unwrap())
    }

    #[test]
    fn an_assumed_role_is_told_with_its_issuer() {
        let actor = caller(
            r#"{"userIdentity": {"type": "AssumedRole", "principalId": "AROA:s", "accountId": 1234,
                 "arn": "arn:aws:sts::1:assumed-role/r/s", "accessKeyId": "",
                 "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/r"}}},
                "sourceIPAddress": "AWS Internal", "userAgent": "[[aws-cli]]",
                "sessionCredentialFromConsole": "true"}"#,
        );
        assert_eq!(actor.session_issuer_arn.as_deref(), Some("arn:aws:iam::1:role/r"));
        assert_eq!(actor.account_id.as_deref(), Some("1234"));
        assert_eq!(actor.access_key_id, None);
        assert_eq!(actor.user_agent.as_deref(), Some("[aws-cli]"), "one pair of brackets");
        assert_eq!(actor.source_ip.as_deref(), Some("AWS Internal"));
        assert!(actor.console);
    }

    #[test]
    fn an_identity_of_any_shape_is_read_as_far_as_it_goes() {
        let service = caller(r#"{"userIdentity": {"type": "AWSService", "invokedBy": "x.y"}}"#);
        assert_eq!(service.invoked_by.as_deref(), Some("x.y"));
        for odd in ["null", "\"omitted\"", "{\"omitted\":true}", "[]", "7"] {
            assert_eq!(caller(&format!(r#"{{"userIdentity": {odd}}}"#)), Actor::default(), "{odd}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let record = format!(r#"{{"userAgent": "x{}"}}"#, "가".repeat(TEXT_BYTES_MAX));
        let agent = caller(&record).user_agent.unwrap();
        assert!(agent.len() <= TEXT_BYTES_MAX && agent.len() > TEXT_BYTES_MAX - 3);
    }
}
