//! Who made a request, as the requester column tells it. It knows no other source's way to tell.

use crate::decode::lenient::capped;
use crate::domain::Actor;

/// The caller of a request, out of its requester: an ARN, the canonical id of an account, an AWS
/// service, or `-`, which is an unsigned call if there was a call at all.
pub(super) fn actor_of(requester: &str, is_called: bool) -> Actor {
    let own = |text: &str| Some(capped(text));
    if requester == "-" {
        let account_id = is_called.then(|| "anonymous".to_owned());
        return Actor { account_id, ..Actor::default() };
    }
    if let Some(service) = service_of(requester) {
        let identity_type = own("AWSService");
        return Actor { identity_type, invoked_by: own(service), ..Actor::default() };
    }
    match Arn::of(requester) {
        Some(arn) => Actor {
            arn: own(requester),
            identity_type: arn.identity_type().map(str::to_owned),
            account_id: own(arn.account),
            user_name: arn.user_name().and_then(own),
            ..Actor::default()
        },
        None => Actor { principal_id: own(requester), ..Actor::default() },
    }
}

/// Lifecycle rules and the like are `AmazonS3`; other services are `svc:` and their name.
fn service_of(requester: &str) -> Option<&str> {
    match requester.strip_prefix("svc:") {
        Some(service) => Some(service),
        None => (requester == "AmazonS3").then_some(requester),
    }
}

/// `arn:PARTITION:SERVICE::ACCOUNT:RESOURCE`
struct Arn<'a> {
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let (_partition, _service, _region) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { account: parts.next()?, resource: parts.next()? })
    }

    /// In the words of CloudTrail, where the ARN leaves no doubt.
    fn identity_type(&self) -> Option<&'static str> {
        match self.resource.split('/').next() {
            Some("root") => Some("Root"),
            Some("user") => Some("IAMUser"),
            Some("assumed-role") => Some("AssumedRole"),
            Some("federated-user") => Some("FederatedUser"),
            _ => None,
        }
    }

    fn user_name(&self) -> Option<&'a str> {
        self.resource.strip_prefix("user/")?.rsplit('/').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ActorKind;

    #[test]
    fn an_arn_tells_its_kind_and_its_account() {
        let user = actor_of("arn:aws:iam::111122223333:user/team/dev", true);
        assert_eq!(user.arn.as_deref(), Some("arn:aws:iam::111122223333:user/team/dev"));
        assert_eq!(user.identity_type.as_deref(), Some("IAMUser"));
        assert_eq!(user.user_name.as_deref(), Some("dev"));
        assert_eq!(user.account_id.as_deref(), Some("111122223333"));
        let role = actor_of("arn:aws-cn:sts::111122223333:assumed-role/cleaner/i-0abc", true);
        assert_eq!(role.identity_type.as_deref(), Some("AssumedRole"));
        assert_eq!((role.kind(), role.user_name), (ActorKind::Principal, None));
    }

    #[test]
    fn a_canonical_id_is_the_principal() {
        let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
        let owner = actor_of(id, true);
        assert_eq!(owner, Actor { principal_id: Some(id.into()), ..Actor::default() });
    }

    #[test]
    fn services_are_told_from_people() {
        for (requester, name) in
            [("AmazonS3", "AmazonS3"), ("svc:backup.amazonaws.com", "backup.amazonaws.com")]
        {
            let service = actor_of(requester, false);
            assert_eq!(service.kind(), ActorKind::Service, "{requester}");
            assert_eq!(service.invoked_by.as_deref(), Some(name));
        }
    }

    #[test]
    fn nobody_is_anonymous_only_where_there_was_a_call() {
        assert_eq!(actor_of("-", true).account_id.as_deref(), Some("anonymous"));
        assert_eq!(actor_of("-", false), Actor::default());
    }
}
