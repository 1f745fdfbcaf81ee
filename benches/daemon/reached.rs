//! How the sandbox is reached, and clients of the SDK that do. It asks for nothing.

use anyhow::bail;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};

/// Where S3 and a queue are, and what requests are signed with.
pub struct Reached {
    pub endpoint: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub queue_url: String,
}

impl Reached {
    /// As [`Reached::arguments`] tell it.
    pub fn from_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        let [endpoint, region, access_key_id, secret_access_key, queue_url] = arguments else {
            bail!("endpoint, region, key, secret and queue are told, and nothing else");
        };
        Ok(Self {
            endpoint: endpoint.clone(),
            region: region.clone(),
            access_key_id: access_key_id.clone(),
            secret_access_key: secret_access_key.clone(),
            queue_url: queue_url.clone(),
        })
    }

    /// For another process.
    pub fn arguments(&self) -> [&str; 5] {
        [
            &self.endpoint,
            &self.region,
            &self.access_key_id,
            &self.secret_access_key,
            &self.queue_url,
        ]
    }

    /// A client of the queues, with the SDK's own settings.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .credentials_provider(self.credentials())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// A client of the buckets, with the SDK's own settings.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .credentials_provider(self.credentials())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "the sandbox")
    }
}
