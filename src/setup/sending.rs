//! Whether a queue lets a bucket send to it, and the statement of its policy that would. It changes
//! no policy.

use aws_config::SdkConfig;

use super::arn::{Arn, queue_url};
use super::identity::identity;
use super::policy::{Deed, Permission, bucket_arn, permission, statement_to_send};
use super::refusal::{Asked, Refusal};
use crate::queue::Queue;

/// What S3 is, where policies name who acts.
pub(super) const S3: &str = "s3.amazonaws.com";
/// What it does to a queue.
pub(super) const SEND: &str = "sqs:SendMessage";

/// Whether a queue lets a bucket send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// What the queue's policy says now.
    pub permission: Permission,
    /// The statement that lets it, as JSON. Without `aws:SourceAccount` where the account is not
    /// known.
    pub statement: String,
}

/// Reads the policy of the queue, as far as that is allowed. The bucket is taken to be the
/// caller's.
pub async fn sending(aws: &SdkConfig, bucket: &str, region: &str, queue_arn: &str) -> Sending {
    let (identity, _) = identity(aws).await;
    let account = identity.ok().map(|identity| identity.account).filter(|it| !it.is_empty());
    let source_arn = bucket_arn(bucket, region);
    let deed = Deed {
        service: S3,
        source_arn: Some(&source_arn),
        source_account: account.as_deref(),
        action: SEND,
        resource: queue_arn,
    };
    let permission = match policy_of(aws, queue_arn).await {
        Ok(policy) => permission(policy.as_deref(), &deed),
        Err(refusal) => Permission::Unknown(refusal.to_string()),
    };
    let statement = statement_to_send(S3, &source_arn, account.as_deref(), queue_arn);
    Sending { permission, statement }
}

async fn policy_of(aws: &SdkConfig, queue_arn: &str) -> Result<Option<String>, Refusal> {
    let asked = || Asked::new("sqs:GetQueueAttributes", queue_arn);
    let Some(arn) = Arn::parse(queue_arn) else {
        let detail = "it is no ARN".to_owned();
        return Err(Refusal::Absent { asked: asked(), detail });
    };
    let settings = match Queue::with_attempts(aws, &queue_url(&arn), 1) {
        Ok(queue) => queue.settings().await,
        Err(error) => Err(error),
    };
    settings.map(|settings| settings.policy).map_err(|error| Refusal::of_queue(asked(), &error))
}
