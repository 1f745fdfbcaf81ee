//! Opening objects of S3 in any region. Which objects may be opened is decided by the caller.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
use aws_sdk_s3::types::EncodingType;

use super::error::{ObjectError, ObjectName, Place, Request};
use super::listing::Page;
use super::object::Object;
use super::region::{self, LearntRegions};

type GetError = SdkError<GetObjectError, HttpResponse>;
type ListError = SdkError<ListObjectsV2Error, HttpResponse>;

const BACKOFF_MAX: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the head of an answer. The body is watched by the SDK's stall protection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Where a request goes when nothing names a region; S3 answers with the right one.
const REGION_OF_LAST_RESORT: &str = "us-east-1";

/// Settings of [`S3Objects`].
#[derive(Debug, Clone)]
pub struct ObjectsOptions {
    /// Whether the bucket goes into the path of the URL, as many emulators need it.
    pub path_style: bool,
    /// The account that must own every bucket that is read; S3 answers 403 if another does.
    pub expected_bucket_owner: Option<String>,
    /// Tries of one request before its error is given back, at least 1.
    pub attempts: u32,
}

impl Default for ObjectsOptions {
    fn default() -> Self {
        Self { path_style: false, expected_bucket_owner: None, attempts: 3 }
    }
}

/// Which content of a key is wanted. With neither, the current one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revision<'a> {
    /// This version, in a versioned bucket.
    pub version_id: Option<&'a str>,
    /// Only if the object still has this entity tag (with or without quotes).
    pub etag: Option<&'a str>,
}

/// S3 in all regions. Cheap to clone; clones share connections and what was learnt about regions.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: Client,
    default_region: String,
    expected_bucket_owner: Option<String>,
    learnt: LearntRegions,
}

impl S3Objects {
    /// S3 with the credentials, region and endpoint of `config`. Nothing is sent.
    ///
    /// One client serves all regions, each request naming its own: connections, credentials and
    /// memory do not grow with the number of regions. Checksums of answers are not verified, since
    /// S3 may keep kinds that a reader does not know; a gzip stream has its own.
    #[must_use]
    pub fn new(config: &SdkConfig, options: ObjectsOptions) -> Self {
        let default_region =
            config.region().map_or_else(|| REGION_OF_LAST_RESORT.to_owned(), ToString::to_string);
        let retries = RetryConfig::standard()
            .with_max_attempts(options.attempts.max(1))
            .with_max_backoff(BACKOFF_MAX);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .build();
        let client_config = Builder::from(config)
            .region(Region::new(default_region.clone()))
            .force_path_style(options.path_style)
            .retry_config(retries)
            .timeout_config(timeouts)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(client_config),
            default_region,
            expected_bucket_owner: options.expected_bucket_owner,
            learnt: LearntRegions::default(),
        }
    }

    /// Opens an object. The request goes to the region that the bucket is known to be in, else to
    /// `region_hint` if that looks like a region, else to the configured one; an answer that names
    /// another region is followed once and remembered.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn get(
        &self,
        bucket: &str,
        key: &str,
        revision: Revision<'_>,
        region_hint: Option<&str>,
    ) -> Result<Object, ObjectError> {
        let name = ObjectName::new(bucket, key, revision.version_id);
        if !is_bucket_name(bucket) || key.is_empty() {
            return Err(ObjectError::InvalidName { object: name });
        }
        let first = self.region_of(bucket, region_hint);
        let refusal = match self.send(bucket, key, revision, &first).await {
            Ok(answer) => return Ok(Object::of(name, answer)),
            Err(error) => error,
        };
        let Some(right) = self.redirected(bucket, &first, &refusal) else {
            return Err(self.error(name, Request::Get, &first, &refusal));
        };
        match self.send(bucket, key, revision, &right).await {
            Ok(answer) => Ok(Object::of(name, answer)),
            Err(error) => Err(self.error(name, Request::Get, &right, &error)),
        }
    }

    /// A page of the objects whose keys begin with `prefix` and come after `after`, in the order of
    /// their keys: the next page begins after the last of them. The region is found as for
    /// [`S3Objects::get`].
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Page, ObjectError> {
        let name = ObjectName::new(bucket, prefix, None);
        if !is_bucket_name(bucket) {
            return Err(ObjectError::InvalidName { object: name });
        }
        let first = self.region_of(bucket, None);
        let refusal = match self.send_list(bucket, prefix, after, &first).await {
            Ok(answer) => return Ok(Page::of(answer)),
            Err(error) => error,
        };
        let Some(right) = self.redirected(bucket, &first, &refusal) else {
            return Err(self.error(name, Request::List, &first, &refusal));
        };
        match self.send_list(bucket, prefix, after, &right).await {
            Ok(answer) => Ok(Page::of(answer)),
            Err(error) => Err(self.error(name, Request::List, &right, &error)),
        }
    }

    /// Where a request about a bucket goes first.
    fn region_of(&self, bucket: &str, hint: Option<&str>) -> String {
        let hint = hint.filter(|hint| region::is_region_name(hint));
        self.learnt.of(bucket).unwrap_or_else(|| hint.unwrap_or(&self.default_region).to_owned())
    }

    /// The other region that a refusal names, which is remembered.
    fn redirected<E>(
        &self,
        bucket: &str,
        asked: &str,
        refusal: &SdkError<E, HttpResponse>,
    ) -> Option<String> {
        let right = refusal.raw_response().and_then(region::named_by)?;
        if right == asked {
            return None;
        }
        tracing::debug!(bucket, asked, region = right, "bucket is in another region");
        self.learnt.learn(bucket, &right);
        Some(right)
    }

    async fn send(
        &self,
        bucket: &str,
        key: &str,
        revision: Revision<'_>,
        region: &str,
    ) -> Result<GetObjectOutput, GetError> {
        let asked = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(revision.version_id.map(str::to_owned))
            .set_if_match(revision.etag.map(quoted))
            .set_expected_bucket_owner(self.expected_bucket_owner.clone());
        if region == self.default_region {
            return asked.send().await;
        }
        // Settings of one request's own cost a tenth of it.
        asked.customize().config_override(in_region(region)).send().await
    }

    async fn send_list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        region: &str,
    ) -> Result<ListObjectsV2Output, ListError> {
        let asked = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            // XML cannot hold every character that a key can.
            .encoding_type(EncodingType::Url)
            .set_start_after(after.map(str::to_owned))
            .set_expected_bucket_owner(self.expected_bucket_owner.clone());
        asked.customize().config_override(in_region(region)).send().await
    }

    fn error<E>(
        &self,
        object: ObjectName,
        request: Request,
        region: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> ObjectError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let expected_bucket_owner = self.expected_bucket_owner.as_deref();
        ObjectError::of(Place { object, request, region, expected_bucket_owner }, error)
    }
}

fn in_region(region: &str) -> Builder {
    Builder::new().region(Region::new(region.to_owned()))
}

/// The characters of bucket names, old ones in us-east-1 included. Access point ARNs, which would
/// lead elsewhere, have others.
fn is_bucket_name(bucket: &str) -> bool {
    (3..=255).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && bucket.bytes().any(|byte| byte != b'.')
}

fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_matches('"'))
}

#[cfg(test)]
mod tests;
