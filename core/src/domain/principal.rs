//! The names of whoever asked: what people call a principal, and every spelling that it is known
//! by. It reads ARNs and ids as AWS writes them, and knows no policy.

use super::Actor;

/// What people call a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal<'a> {
    /// The name of the role or user, without a session; else the most telling id there is.
    pub name: &'a str,
    /// The session of a role.
    pub session: Option<&'a str>,
}

impl Actor {
    /// The name of the role or user; `None` when no source says who it was.
    #[must_use]
    pub fn principal(&self) -> Option<Principal<'_>> {
        let named = |name| Principal { name, session: None };
        if let Some(principal) = self.arn.as_deref().and_then(of_arn) {
            return Some(principal);
        }
        if let Some(principal) = self.session_issuer_arn.as_deref().and_then(of_arn) {
            return Some(principal);
        }
        let ids = [&self.user_name, &self.arn].into_iter().find_map(|id| id.as_deref());
        ids.map(named)
            .or_else(|| self.principal_id.as_deref().map(of_id))
            .or_else(|| self.invoked_by.as_deref().map(named))
            .or_else(|| self.account_id.as_deref().map(named))
    }

    /// Every spelling that it is known by: names, ARNs and ids with and without a session, the
    /// access key, the service.
    #[must_use]
    pub fn spellings(&self) -> Vec<&str> {
        let mut spellings: Vec<&str> = [
            &self.arn,
            &self.session_issuer_arn,
            &self.user_name,
            &self.principal_id,
            &self.access_key_id,
            &self.invoked_by,
        ]
        .into_iter()
        .filter_map(|text| text.as_deref())
        .collect();
        spellings.extend(self.principal().map(|principal| principal.name));
        spellings.extend(self.arn.as_deref().and_then(without_session));
        if let Some(id) = &self.principal_id {
            spellings.extend([id.strip_prefix("AWS:").unwrap_or(id), of_id(id).name]);
        }
        spellings
    }
}

/// The last part of an ARN, which names the resource.
fn resource(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)
}

fn of_arn(arn: &str) -> Option<Principal<'_>> {
    let resource = resource(arn)?;
    if let Some(role) = resource.strip_prefix("assumed-role/") {
        let (name, session) = role.split_once('/').map_or((role, None), |(n, s)| (n, Some(s)));
        return Some(Principal { name, session });
    }
    // A path may stand before the name: `user/division/name`.
    let name = resource.rsplit('/').next().unwrap_or(resource);
    Some(Principal { name, session: None })
}

/// The ARN of a role's session up to the role.
fn without_session(arn: &str) -> Option<&str> {
    let role = resource(arn)?.strip_prefix("assumed-role/")?;
    let (_, session) = role.split_once('/')?;
    arn.strip_suffix(session)?.strip_suffix('/')
}

/// An id such as `AROA...:session`, before which notifications write `AWS:`.
fn of_id(id: &str) -> Principal<'_> {
    let id = id.strip_prefix("AWS:").unwrap_or(id);
    let (name, session) = id.split_once(':').map_or((id, None), |(n, s)| (n, Some(s)));
    Principal { name, session }
}

#[cfg(test)]
mod tests {
    use super::{Actor, Principal};

    const SESSION_ARN: &str = "arn:aws:sts::111122223333:assumed-role/cleaner/i-0a/b";

    fn with_arn(arn: &str) -> Actor {
        Actor { arn: Some(arn.to_owned()), ..Actor::default() }
    }

    fn name(actor: &Actor) -> Option<(&str, Option<&str>)> {
        actor.principal().map(|Principal { name, session }| (name, session))
    }

    #[test]
    fn roles_users_and_services_are_called_by_their_names() {
        assert_eq!(name(&with_arn(SESSION_ARN)), Some(("cleaner", Some("i-0a/b"))));
        let cases = [
            ("arn:aws:iam::1:user/team/dev", "dev"),
            ("arn:aws-cn:iam::1:root", "root"),
            ("arn:aws:iam::1:role/service-role/job", "job"),
            ("svc_account", "svc_account"),
        ];
        for (arn, expected) in cases {
            assert_eq!(name(&with_arn(arn)), Some((expected, None)), "{arn}");
        }
        let by_id = Actor { principal_id: Some("AWS:AROAX:i-0a".into()), ..Actor::default() };
        assert_eq!(name(&by_id), Some(("AROAX", Some("i-0a"))));
        let service = Actor { invoked_by: Some("s3.amazonaws.com".into()), ..Actor::default() };
        assert_eq!(name(&service), Some(("s3.amazonaws.com", None)));
        assert_eq!(name(&Actor::default()), None);
    }

    #[test]
    fn a_session_is_known_by_its_role_too() {
        let actor = Actor {
            principal_id: Some("AROAX:i-0a".into()),
            access_key_id: Some("ASIAX".into()),
            session_issuer_arn: Some("arn:aws:iam::111122223333:role/path/cleaner".into()),
            ..with_arn(SESSION_ARN)
        };
        let spellings = actor.spellings();
        for spelling in [
            SESSION_ARN,
            "arn:aws:sts::111122223333:assumed-role/cleaner",
            "arn:aws:iam::111122223333:role/path/cleaner",
            "cleaner",
            "AROAX:i-0a",
            "AROAX",
            "ASIAX",
        ] {
            assert!(spellings.contains(&spelling), "{spelling} in {spellings:?}");
        }
    }
}
