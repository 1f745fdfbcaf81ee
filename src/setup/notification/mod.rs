//! What a bucket tells of its events, and the change that adds our part or takes it away. S3 keeps
//! one configuration for a bucket and replaces all of it, so the change carries everything else
//! along unchanged. It sends nothing.

mod listed;
mod overlap;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use md5::{Digest as _, Md5};

pub use listed::{Listed, Target, difference, is_same, listed};
pub use overlap::Overlap;

/// How the names of our entries begin.
const OUR_NAME: &str = "deltrail-";
/// Entries that S3 takes for a bucket (S3 user guide, "Amazon S3 service quotas").
const ENTRIES_MAX: usize = 100;

/// What we want a bucket to tell a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The queue.
    pub queue_arn: String,
    /// Kinds of events, such as `s3:ObjectRemoved:*`.
    pub events: Vec<String>,
    /// Only keys that begin so; may be empty.
    pub prefix: String,
    /// Only keys that end so; may be empty.
    pub suffix: String,
}

/// Why our part cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// S3 lets one entry alone tell of an event of a key.
    #[error("{0}")]
    Overlap(Box<Overlap>),
    /// The bucket has as many as it can have.
    #[error(
        "the bucket has {ENTRIES_MAX} notification configurations, and S3 takes no more; remove \
         one that is not needed"
    )]
    TooMany,
}

impl Refused {
    /// Never: somebody has to change the configuration.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

impl Wish {
    /// The name of our entry: the same for the same queue, prefix and suffix, so that it is known
    /// again, and a wish for other events takes its place.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.queue_arn, &self.prefix, &self.suffix)
    }

    fn entry(&self) -> Option<QueueConfiguration> {
        let rule = |name, value: &str| {
            let rule = FilterRule::builder().name(name).value(value).build();
            (!value.is_empty()).then_some(rule)
        };
        let rules = [
            rule(FilterRuleName::Prefix, &self.prefix),
            rule(FilterRuleName::Suffix, &self.suffix),
        ];
        let rules: Vec<FilterRule> = rules.into_iter().flatten().collect();
        let key = S3KeyFilter::builder().set_filter_rules(Some(rules.clone())).build();
        let filter = NotificationConfigurationFilter::builder().key(key).build();
        QueueConfiguration::builder()
            .id(self.name())
            .queue_arn(&self.queue_arn)
            .set_events(Some(self.events.iter().map(|event| Event::from(event.as_str())).collect()))
            .set_filter((!rules.is_empty()).then_some(filter))
            .build()
            .ok()
    }
}

fn name_of(queue_arn: &str, prefix: &str, suffix: &str) -> String {
    let digest = Md5::digest(format!("{queue_arn}\n{prefix}\n{suffix}"));
    let mut name = OUR_NAME.to_owned();
    for byte in digest.iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Whether an entry was made by a wish: its name is what we would call it.
fn is_ours(entry: &Listed) -> bool {
    let name = name_of(&entry.arn, entry.prefix(), entry.suffix());
    entry.target == Target::Queue && entry.name.as_deref() == Some(name.as_str())
}

/// The configuration with our part in it; the same one when it tells the queue all of that already.
///
/// # Errors
/// When S3 would refuse it.
pub fn with(
    before: &NotificationConfiguration,
    wish: &Wish,
) -> Result<NotificationConfiguration, Refused> {
    let name = wish.name();
    let others: Vec<Listed> = listed(before)
        .into_iter()
        .filter(|entry| entry.target != Target::Queue || entry.name.as_deref() != Some(&name))
        .collect();
    if others.iter().any(|entry| entry.fulfils(wish)) {
        return Ok(before.clone());
    }
    if let Some(overlap) = others.iter().find_map(|entry| Overlap::between(wish, entry)) {
        return Err(Refused::Overlap(Box::new(overlap)));
    }
    if others.len() >= ENTRIES_MAX {
        return Err(Refused::TooMany);
    }
    let mut after = before.clone();
    let queues = after.queue_configurations.get_or_insert_default();
    if let Some(ours) = wish.entry() {
        match queues.iter_mut().find(|entry| entry.id.as_deref() == Some(name.as_str())) {
            Some(earlier) => *earlier = ours,
            None => queues.push(ours),
        }
    }
    Ok(after)
}

/// The configuration without what we added for a queue; with a prefix only what we added for that.
#[must_use]
pub fn without(
    before: &NotificationConfiguration,
    queue_arn: &str,
    prefix: Option<&str>,
) -> NotificationConfiguration {
    let mut after = before.clone();
    let Some(queues) = after.queue_configurations.take() else { return after };
    let stays = |entry: &QueueConfiguration| {
        let entry = Listed::of_queue(entry);
        let is_meant = entry.arn == queue_arn && prefix.is_none_or(|it| it == entry.prefix());
        !(is_meant && is_ours(&entry))
    };
    let left: Vec<QueueConfiguration> = queues.into_iter().filter(stays).collect();
    after.queue_configurations = (!left.is_empty()).then_some(left);
    after
}

/// The names of elements in an answer of S3 that this program does not know. What it does not know
/// it could not send back.
#[must_use]
pub fn unknown_elements(xml: &str) -> Vec<String> {
    const KNOWN: [&str; 17] = [
        "NotificationConfiguration",
        "TopicConfiguration",
        "QueueConfiguration",
        "CloudFunctionConfiguration",
        "EventBridgeConfiguration",
        "Id",
        "Topic",
        "Queue",
        "CloudFunction",
        "Event",
        "Filter",
        "S3Key",
        "FilterRule",
        "Name",
        "Value",
        // Of an answer of an old kind, which the SDK understands as well.
        "LambdaFunctionConfiguration",
        "LambdaFunctionArn",
    ];
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '>');
    let names = xml.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?', '!']));
    let names = names.map(|tag| &tag[..tag.find(ends).unwrap_or(tag.len())]);
    let names = names.map(|name| name.rsplit_once(':').map_or(name, |(_, name)| name));
    let mut unknown: Vec<String> =
        names.filter(|name| !KNOWN.contains(name)).map(str::to_owned).collect();
    unknown.dedup();
    unknown
}
