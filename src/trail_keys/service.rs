//! Public keys from CloudTrail's `ListPublicKeys`, in any region. It remembers nothing.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::retry::RetryConfig;
use aws_sdk_cloudtrail::config::timeout::TimeoutConfig;
use aws_sdk_cloudtrail::config::{Builder, Region};
use aws_sdk_cloudtrail::primitives::DateTime;

use super::Told;
use super::error::KeysError;
use super::key::PublicKey;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Pages of one answer; AWS gives one.
const PAGES_MAX: usize = 20;
/// A digest is signed after its hour, and may come a day late. What is made afterwards is signed
/// with a key of its own time, which the second question finds.
const AROUND_MILLIS: [(i64, i64); 2] = [(-HOUR_MILLIS, DAY_MILLIS), (DAY_MILLIS, 90 * DAY_MILLIS)];
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// CloudTrail in all regions.
#[derive(Debug, Clone)]
pub(super) struct Service(Client);

impl Service {
    pub fn new(config: &SdkConfig, attempts: u32) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .build();
        let config = Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(attempts))
            .timeout_config(timeouts)
            .build();
        Self(Client::from_conf(config))
    }

    /// The keys with which digests of this region were signed around this time.
    pub async fn list(&self, region: &str, at_millis: i64) -> Result<Vec<Told>, KeysError> {
        let mut told = Vec::new();
        for (from, to) in AROUND_MILLIS {
            let from = at_millis.saturating_add(from);
            told.extend(self.list_between(region, from, at_millis.saturating_add(to)).await?);
        }
        Ok(told)
    }

    async fn list_between(
        &self,
        region: &str,
        from_millis: i64,
        to_millis: i64,
    ) -> Result<Vec<Told>, KeysError> {
        let mut told = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let asked = self
                .0
                .list_public_keys()
                .start_time(DateTime::from_millis(from_millis))
                .end_time(DateTime::from_millis(to_millis))
                .set_next_token(token);
            let there = Builder::new().region(Region::new(region.to_owned()));
            let answer = asked.customize().config_override(there).send().await;
            let answer = answer.map_err(|error| KeysError::of(region, &error))?;
            for key in answer.public_key_list.unwrap_or_default() {
                if let (Some(fingerprint), Some(value)) = (key.fingerprint, key.value) {
                    told.push((fingerprint, PublicKey::of_der(value.as_ref())));
                }
            }
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(told)
    }
}
