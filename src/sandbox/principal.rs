//! Who calls S3 in the sandbox: an identity with the key that it signs with. It knows no request.

/// What kind of identity it is, as CloudTrail tells them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A role that somebody or something has taken on, with the name of the session.
    Role {
        /// The session's name, which services set to their own and people to theirs.
        session: String,
    },
    /// A user of the account.
    User,
    /// A service of AWS, such as `cloudtrail.amazonaws.com`, which signs with no key of ours.
    Service,
}

/// An identity of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The role's, user's or service's name.
    pub name: String,
    /// What kind of identity it is.
    pub kind: Kind,
    /// The account that it belongs to, 12 digits; for a service the one it works for.
    pub account: String,
    /// The access key id that its requests name; empty for a service.
    pub access_key_id: String,
    /// The secret that its requests are signed with; empty for a service.
    pub secret_access_key: String,
}

impl Principal {
    /// The unique id that AWS gives the identity, as in `userIdentity.principalId`.
    #[must_use]
    pub fn principal_id(&self) -> String {
        match &self.kind {
            Kind::Role { session } => format!("{}:{session}", self.unique_id("AROA")),
            Kind::User => self.unique_id("AIDA"),
            Kind::Service => self.name.clone(),
        }
    }

    /// The Amazon resource name that requests are logged with.
    #[must_use]
    pub fn arn(&self) -> String {
        let Self { name, account, .. } = self;
        match &self.kind {
            Kind::Role { session } => {
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
            }
            Kind::User => format!("arn:aws:iam::{account}:user/{name}"),
            Kind::Service => name.clone(),
        }
    }

    /// The id without a session: four letters for its kind and 17 that follow from the name.
    #[must_use]
    pub fn unique_id(&self, prefix: &str) -> String {
        identifier(prefix, &self.name, 17)
    }
}

/// An identifier of AWS' shape: its prefix, and so many upper-case letters and digits that follow
/// from the name.
#[must_use]
pub fn identifier(prefix: &str, name: &str, letters: usize) -> String {
    let body = name.bytes().filter(u8::is_ascii_alphanumeric).take(letters);
    let body: String = body.map(|byte| byte.to_ascii_uppercase() as char).collect();
    format!("{prefix}{body:X<letters$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(kind: Kind) -> Principal {
        Principal {
            name: "image-service".into(),
            kind,
            account: "111122223333".into(),
            access_key_id: "AKIAIMAGESERVICE".into(),
            secret_access_key: "secret".into(),
        }
    }

    #[test]
    fn a_role_is_named_with_its_session() {
        let role = principal(Kind::Role { session: "i-0abc".into() });
        assert_eq!(role.arn(), "arn:aws:sts::111122223333:assumed-role/image-service/i-0abc");
        assert_eq!(role.principal_id(), "AROAIMAGESERVICEXXXXX:i-0abc");
    }

    #[test]
    fn a_user_is_named_by_itself() {
        let user = principal(Kind::User);
        assert_eq!(user.arn(), "arn:aws:iam::111122223333:user/image-service");
        assert_eq!(user.principal_id(), "AIDAIMAGESERVICEXXXXX");
    }
}
