//! Whether a resource's policy lets somebody do something, as far as the policy alone can tell: its
//! statements, principals, actions, resources and the common conditions. It reads nothing, and what
//! it does not understand it does not guess.
//!
//! The rules are those of the IAM user guide ("Policy evaluation logic", "IAM JSON policy
//! elements"): a statement that denies wins, else one that allows is needed.

mod condition;
mod document;

use serde_json::{Value, json};

use super::arn::partition_of;
use document::{Effect, Policy, Statement};

/// Who does what to which resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed<'a> {
    /// The service that acts, such as `s3.amazonaws.com`.
    pub service: &'a str,
    /// For which resource of its own it acts (`aws:SourceArn`); `None` when that is not known.
    pub source_arn: Option<&'a str>,
    /// Whose resource that is (`aws:SourceAccount`); `None` when that is not known.
    pub source_account: Option<&'a str>,
    /// The action, such as `sqs:SendMessage`.
    pub action: &'a str,
    /// What it is done to.
    pub resource: &'a str,
}

/// What a policy says of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It is allowed.
    Allowed,
    /// A statement denies it, whatever the others say: how people find the statement.
    Denied(String),
    /// No statement allows it.
    NotAllowed,
    /// It depends on what is not understood or not known: on what.
    Unknown(String),
}

/// Whether something fits, in three values: what is not known is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    Unknown(String),
}

impl Fit {
    fn of(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }

    /// Whether both fit.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Whether one of them fits.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::No, Self::No) => Self::No,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

/// What a policy says of a deed. No policy allows nothing.
#[must_use]
pub fn permission(policy: Option<&str>, deed: &Deed<'_>) -> Permission {
    let Some(text) = policy.filter(|text| !text.trim().is_empty()) else {
        return Permission::NotAllowed;
    };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(problem) => return Permission::Unknown(format!("the policy {problem}")),
    };
    let mut allowed = Fit::No;
    let mut denied = Fit::No;
    for statement in &policy.statements {
        let fits = statement.fits(deed);
        match statement.effect {
            Effect::Deny if fits == Fit::Yes => return Permission::Denied(statement.name.clone()),
            Effect::Deny => denied = denied.or(fits),
            Effect::Allow => allowed = allowed.or(fits),
        }
    }
    match (allowed, denied) {
        (Fit::No, _) => Permission::NotAllowed,
        (_, Fit::Unknown(why)) => {
            Permission::Unknown(format!("whether a statement denies it depends on {why}"))
        }
        (Fit::Unknown(why), _) => Permission::Unknown(format!("it depends on {why}")),
        (Fit::Yes, _) => Permission::Allowed,
    }
}

/// How open a policy is to people that nobody meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openness {
    /// Not as far as it can be read.
    Closed,
    /// A statement allows the action to everybody, without any condition: how people find it.
    Everybody(String),
    /// A statement allows it to an AWS service, for the resources of any account.
    AnyAccount(String),
}

/// Whether a policy allows an action on a resource to more than it should: whoever may send to a
/// queue may claim that something was deleted.
#[must_use]
pub fn openness(policy: Option<&str>, action: &str, resource: &str) -> Openness {
    let Some(Ok(policy)) = policy.map(Policy::parse) else { return Openness::Closed };
    let grants = |statement: &&Statement| {
        statement.effect == Effect::Allow
            && statement.conditions.is_empty()
            && statement.is_about(action, resource) == Fit::Yes
    };
    let mut found = Openness::Closed;
    for statement in policy.statements.iter().filter(grants) {
        if statement.is_for_everybody() {
            return Openness::Everybody(statement.name.clone());
        }
        if statement.is_for_a_service() {
            found = Openness::AnyAccount(statement.name.clone());
        }
    }
    found
}

/// The statement that lets a service send to a queue for one resource of its own, as indented JSON.
#[must_use]
pub fn statement_to_send(
    service: &str,
    source_arn: &str,
    source_account: Option<&str>,
    queue_arn: &str,
) -> String {
    let name: String = source_arn.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut condition = json!({ "ArnLike": { "aws:SourceArn": source_arn } });
    if let (Some(account), Value::Object(condition)) = (source_account, &mut condition) {
        condition.insert("StringEquals".to_owned(), json!({ "aws:SourceAccount": account }));
    }
    let statement = json!({
        "Sid": format!("deltrail{name}"),
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": condition
    });
    format!("{statement:#}")
}

/// What policies call a bucket.
#[must_use]
pub fn bucket_arn(bucket: &str, region: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition_of(region))
}

#[cfg(test)]
mod tests;
