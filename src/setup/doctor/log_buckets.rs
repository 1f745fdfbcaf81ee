//! Asking S3, SNS and KMS about a log bucket: where it is, whom it tells of new objects, and
//! whether the newest of them can be read.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::Object;
use futures_util::future::join_all;

use super::or_none;
use super::seen::{Answer, Inside, KeyState, NewestObject, SeenLogBucket};
use crate::setup::arn::Arn;
use crate::setup::attach;
use crate::setup::client::{Bucket, config, in_time};
use crate::setup::notification::{Listed, Target, listed};
use crate::setup::refusal::{Asked, Refusal};

/// Folders from the bucket down to a day of `CloudTrail`, and some more.
const DEPTH_MAX: usize = 12;
/// Subscriptions of a topic that are looked at, in pages of 100.
const PAGES_MAX: usize = 20;
/// Folders beside those of log files.
const OTHER_FOLDERS: [&str; 4] = [
    "CloudTrail-Digest/",
    "CloudTrail-Insight/",
    "CloudTrail-NetworkActivity/",
    "CloudTrail-Aggregated/",
];

/// All about a log bucket.
pub(super) async fn read(
    aws: &SdkConfig,
    name: &str,
    prefix: &str,
    path_style: bool,
) -> SeenLogBucket {
    let inside = match Bucket::find(aws, name, path_style).await {
        Ok(bucket) => Ok(Box::pin(inside(aws, &bucket, prefix)).await),
        Err(refusal) => Err(refusal),
    };
    SeenLogBucket { name: name.to_owned(), prefix: prefix.to_owned(), inside }
}

async fn inside(aws: &SdkConfig, bucket: &Bucket, prefix: &str) -> Inside {
    let told = async {
        let notifications = attach::read(bucket).await.map(|(told, _)| listed(&told));
        let subscribers = subscribers(aws, notifications.as_deref().unwrap_or_default()).await;
        (notifications, subscribers)
    };
    let listing = bucket.asked("s3:ListBucket");
    let ((notifications, subscribers), newest, key_id) =
        tokio::join!(told, in_time(listing, newest(bucket, prefix)), key_id(bucket));
    let of_object = newest.as_ref().ok().and_then(Option::as_ref);
    let of_object = of_object.and_then(|newest| newest.read.as_ref().ok()?.clone());
    let key = match of_object.or_else(|| key_id.clone().ok().flatten()) {
        Some(id) => Some(key(aws, &bucket.region, &id).await),
        None => None,
    };
    let region = bucket.region.clone();
    Inside { region, notifications, subscribers, newest, key_id, key }
}

/// The queues behind each topic that a bucket tells.
async fn subscribers(aws: &SdkConfig, entries: &[Listed]) -> BTreeMap<String, Answer<Vec<String>>> {
    let topics = entries.iter().filter(|entry| entry.target == Target::Topic);
    let all = topics.map(async |entry| (entry.arn.clone(), queues_behind(aws, &entry.arn).await));
    join_all(all).await.into_iter().collect()
}

/// The queues that are subscribed to a topic.
pub(super) async fn queues_behind(aws: &SdkConfig, topic_arn: &str) -> Answer<Vec<String>> {
    in_time(asked_of_topic(topic_arn), subscribed(aws, topic_arn)).await
}

fn asked_of_topic(topic_arn: &str) -> Asked {
    Asked::new("sns:ListSubscriptionsByTopic", format!("topic {topic_arn}"))
}

async fn subscribed(aws: &SdkConfig, topic_arn: &str) -> Answer<Vec<String>> {
    let region = Arn::parse(topic_arn).map_or("", |arn| arn.region);
    let client = aws_sdk_sns::Client::new(&config(aws, region));
    let mut queues = Vec::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page = client.list_subscriptions_by_topic().topic_arn(topic_arn);
        let page = page.set_next_token(token).send().await;
        let page = page.map_err(|error| Refusal::of(asked_of_topic(topic_arn), &error))?;
        for subscription in page.subscriptions.unwrap_or_default() {
            let is_confirmed =
                subscription.subscription_arn.as_deref().is_some_and(|arn| arn.starts_with("arn:"));
            if is_confirmed && subscription.protocol.as_deref() == Some("sqs") {
                queues.extend(subscription.endpoint);
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(queues)
}

/// The newest object below a prefix, and its first byte. Folders of days are gone down by their
/// newest names, so that no listing is long.
async fn newest(bucket: &Bucket, prefix: &str) -> Answer<Option<NewestObject>> {
    let mut folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    for _ in 0..DEPTH_MAX {
        let page = bucket.client.list_objects_v2().bucket(&bucket.name);
        let page = page.prefix(&folder).delimiter("/").send().await;
        let page = page.map_err(|error| Refusal::of(bucket.asked("s3:ListBucket"), &error))?;
        let objects = page.contents.unwrap_or_default();
        let objects = objects.into_iter().filter(|object| object.size.is_some_and(|size| size > 0));
        let order =
            |object: &Object| (object.last_modified.map(|at| at.secs()), object.key.clone());
        let newest = objects.max_by_key(order);
        let folders = page.common_prefixes.unwrap_or_default();
        let folders = folders.into_iter().filter_map(|folder| folder.prefix);
        let deeper = best_folder(folders.collect());
        match (deeper, newest.and_then(|object| Some((object.key?, object.last_modified)))) {
            (Some(deeper), _) => folder = deeper,
            (None, Some((key, at))) => {
                let read = first_byte(bucket, &key).await;
                return Ok(Some(NewestObject { key, age: at.and_then(age), read }));
            }
            (None, None) => return Ok(None),
        }
    }
    Ok(None)
}

/// The folder in which the newest log file is looked for: of `CloudTrail` if there is one, else the
/// one that comes last, as that of the newest day does.
fn best_folder(folders: Vec<String>) -> Option<String> {
    let is_other = |folder: &String| OTHER_FOLDERS.iter().any(|other| folder.ends_with(other));
    let folders: Vec<String> = folders.into_iter().filter(|folder| !is_other(folder)).collect();
    let of_trail = folders.iter().find(|folder| folder.ends_with("/CloudTrail/")).cloned();
    of_trail.or_else(|| folders.into_iter().max())
}

fn age(at: DateTime) -> Option<Duration> {
    let at = SystemTime::try_from(at).ok()?;
    SystemTime::now().duration_since(at).ok()
}

/// Reads one byte, which needs all that reading the object needs; gives the key of KMS.
async fn first_byte(bucket: &Bucket, key: &str) -> Answer<Option<String>> {
    let asked = Asked::new("s3:GetObject", format!("s3://{}/{key}", bucket.name));
    let get = bucket.client.get_object().bucket(&bucket.name).key(key).range("bytes=0-0");
    match get.send().await {
        Ok(answer) => Ok(answer.ssekms_key_id),
        Err(error) => Err(Refusal::of(asked, &error)),
    }
}

/// The key of KMS that the bucket encrypts with by itself.
async fn key_id(bucket: &Bucket) -> Answer<Option<String>> {
    let get = bucket.client.get_bucket_encryption().bucket(&bucket.name).send().await;
    let asked = || bucket.asked("s3:GetEncryptionConfiguration");
    let answer = or_none(get.map_err(|error| Refusal::of(asked(), &error)))?;
    let rules = answer.and_then(|answer| answer.server_side_encryption_configuration);
    let rules = rules.map(|rules| rules.rules).unwrap_or_default();
    let default = rules.into_iter().find_map(|rule| rule.apply_server_side_encryption_by_default);
    Ok(default.and_then(|default| default.kms_master_key_id))
}

async fn key(aws: &SdkConfig, region: &str, id: &str) -> Answer<KeyState> {
    let region = Arn::parse(id).map_or(region, |arn| arn.region);
    let client = aws_sdk_kms::Client::new(&config(aws, region));
    let answer = client.describe_key().key_id(id).send().await;
    let asked = || Asked::new("kms:DescribeKey", format!("key {id}"));
    let answer = answer.map_err(|error| Refusal::of(asked(), &error))?;
    let told = answer.key_metadata;
    let state = told.as_ref().and_then(|told| told.key_state.as_ref());
    Ok(KeyState {
        state: state.map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_owned()),
        arn: told.and_then(|told| told.arn).unwrap_or_else(|| id.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::best_folder;

    #[test]
    fn the_newest_log_file_is_looked_for_where_trails_write() {
        let best =
            |folders: &[&str]| best_folder(folders.iter().map(|&it| it.to_owned()).collect());
        let of_account =
            ["AWSLogs/1/CloudTrail-Digest/", "AWSLogs/1/CloudTrail/", "AWSLogs/1/Config/"];
        assert_eq!(best(&of_account).as_deref(), Some("AWSLogs/1/CloudTrail/"));
        assert_eq!(best(&["a/2025/", "a/2026/"]).as_deref(), Some("a/2026/"));
        assert_eq!(best(&["AWSLogs/1/CloudTrail-Digest/"]), None);
    }
}
