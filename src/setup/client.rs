//! How the services of AWS are called here: soon given up, seldom repeated, and each in the region
//! of what is asked about. It knows no question.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use super::refusal::{Asked, Refusal};

/// How long one question may take, its repetition included.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a question may take that is asked page by page.
const PAGES_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(3);
const ATTEMPTS: u32 = 2;
/// Where a request goes when nothing names a region.
const REGION_OF_LAST_RESORT: &str = "us-east-1";

/// The settings of all clients, for one region.
pub(super) fn config(aws: &SdkConfig, region: &str) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_MAX).operation_timeout(ANSWER_MAX).build();
    aws.to_builder()
        .region(Region::new(region.to_owned()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .build()
}

/// The region of the settings.
pub(super) fn default_region(aws: &SdkConfig) -> String {
    aws.region().map_or_else(|| REGION_OF_LAST_RESORT.to_owned(), ToString::to_string)
}

/// The answer to a question that is asked page by page, given up when that takes too long.
pub(super) async fn in_time<T>(
    asked: Asked,
    answer: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::time::timeout(PAGES_MAX, answer).await.unwrap_or_else(|_| {
        let detail = format!("not all of it within {} s", PAGES_MAX.as_secs());
        Err(Refusal::Silent { asked, detail })
    })
}

/// S3 in the region of one bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub region: String,
    pub(super) client: aws_sdk_s3::Client,
}

impl Bucket {
    /// Finds out where a bucket is; where S3 does not say, it is taken to be in the region of the
    /// settings.
    ///
    /// # Errors
    /// When there is no such bucket, or nobody answers. That it may not be listed is none.
    pub async fn find(aws: &SdkConfig, name: &str, path_style: bool) -> Result<Self, Refusal> {
        let default = default_region(aws);
        let client = s3(aws, &default, path_style);
        let region = match client.head_bucket().bucket(name).send().await {
            Ok(answer) => answer.bucket_region,
            Err(error) => {
                let named = error.raw_response().and_then(|response| {
                    response.headers().get("x-amz-bucket-region").map(str::to_owned)
                });
                let asked = Asked::new("s3:ListBucket", format!("bucket {name}"));
                match (named, Refusal::of(asked, &error)) {
                    (Some(region), _) => Some(region),
                    (None, Refusal::Denied { .. }) => None,
                    (None, refusal) => return Err(refusal),
                }
            }
        };
        let region = region.filter(|region| !region.is_empty()).unwrap_or(default);
        Ok(Self { client: s3(aws, &region, path_style), name: name.to_owned(), region })
    }

    /// What is asked of this bucket.
    pub(super) fn asked(&self, action: &'static str) -> Asked {
        Asked::new(action, format!("bucket {}", self.name))
    }
}

fn s3(aws: &SdkConfig, region: &str, path_style: bool) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&config(aws, region));
    aws_sdk_s3::Client::from_conf(config.force_path_style(path_style).build())
}
