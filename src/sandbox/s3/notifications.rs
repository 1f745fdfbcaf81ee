//! What a bucket notifies of, and the message with which S3 tries a queue. It sends nothing and
//! does not know what a notification looks like.

use deltrail_core::domain::Timestamp;
use s3s::dto;
use serde_json::json;

/// Events of a bucket that S3 sends to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRule {
    /// The rule's name, as `s3.configurationId` shows it.
    pub id: String,
    /// The queue.
    pub queue_arn: String,
    /// Kinds of events with their `s3:`, such as `s3:ObjectRemoved:*`.
    pub events: Vec<String>,
    /// Only keys that begin so; may be empty.
    pub prefix: String,
    /// Only keys that end so; may be empty.
    pub suffix: String,
}

/// The message that S3 sends to a queue when a bucket's notifications are configured.
pub(super) fn test_event(at: Timestamp, bucket: &str, request_id: &str, host_id: &str) -> String {
    let event = json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": at.to_string(),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": host_id,
    });
    event.to_string()
}

/// The rules for queues in a configuration. `fresh_id` names a rule that has no name.
pub(super) fn rules_of(
    configuration: dto::NotificationConfiguration,
    fresh_id: impl Fn() -> String,
) -> Vec<NotificationRule> {
    let queues = configuration.queue_configurations.unwrap_or_default();
    let rule = |queue: dto::QueueConfiguration| {
        let filters = queue
            .filter
            .and_then(|filter| filter.key)
            .and_then(|key| key.filter_rules)
            .unwrap_or_default();
        let value = |wanted: &str| {
            let named = |filter: &&dto::FilterRule| {
                // S3 shows the names of its filters as `Prefix` and `Suffix`.
                filter.name.as_ref().is_some_and(|name| name.as_str().eq_ignore_ascii_case(wanted))
            };
            filters.iter().find(named).and_then(|filter| filter.value.clone()).unwrap_or_default()
        };
        NotificationRule {
            id: queue.id.unwrap_or_else(&fresh_id),
            queue_arn: queue.queue_arn,
            events: queue.events.into_iter().map(String::from).collect(),
            prefix: value(dto::FilterRuleName::PREFIX),
            suffix: value(dto::FilterRuleName::SUFFIX),
        }
    };
    queues.into_iter().map(rule).collect()
}

/// A rule as `GetBucketNotificationConfiguration` shows it.
pub(super) fn configuration_of(rule: NotificationRule) -> dto::QueueConfiguration {
    let filter = |name, value: String| {
        (!value.is_empty()).then(|| dto::FilterRule {
            name: Some(dto::FilterRuleName::from_static(name)),
            value: Some(value),
        })
    };
    let filters: Vec<dto::FilterRule> =
        [filter("Prefix", rule.prefix), filter("Suffix", rule.suffix)]
            .into_iter()
            .flatten()
            .collect();
    let filter = (!filters.is_empty()).then_some(dto::NotificationConfigurationFilter {
        key: Some(dto::S3KeyFilter { filter_rules: Some(filters) }),
    });
    dto::QueueConfiguration {
        events: rule.events.into_iter().map(dto::Event::from).collect(),
        filter,
        id: Some(rule.id),
        queue_arn: rule.queue_arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_event_names_the_bucket_and_the_request_and_holds_no_records() {
        let at = Timestamp::from_millis(1_795_435_200_123);
        let body = test_event(at, "trail-logs", "REQ1", "HOST1=");
        let event: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let expected = json!({
            "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-23T12:00:00.123Z",
            "Bucket": "trail-logs", "RequestId": "REQ1", "HostId": "HOST1=",
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn a_rule_is_shown_as_it_was_configured() {
        let rule = NotificationRule {
            id: "removals".into(),
            queue_arn: "arn:aws:sqs:eu-west-1:111122223333:deletions".into(),
            events: vec!["s3:ObjectRemoved:*".into()],
            prefix: "images/".into(),
            suffix: String::new(),
        };
        let configuration = dto::NotificationConfiguration {
            queue_configurations: Some(vec![configuration_of(rule.clone())]),
            ..dto::NotificationConfiguration::default()
        };
        assert_eq!(rules_of(configuration, || "unused".into()), [rule]);
    }
}
