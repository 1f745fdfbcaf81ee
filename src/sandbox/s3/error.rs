//! What can go wrong when the sandbox itself writes to a bucket or expires an object.

/// Why it could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxS3Error {
    /// There is no such bucket.
    #[error("bucket {bucket} does not exist in the sandbox; create it first")]
    NoSuchBucket {
        /// Its name.
        bucket: String,
    },
    /// A lifecycle rule would find nothing to expire.
    #[error("s3://{bucket}/{key} shows no object in the sandbox; put it before it can expire")]
    NothingToExpire {
        /// The bucket.
        bucket: String,
        /// The key, which does not exist or is hidden by a delete marker.
        key: String,
    },
}

impl SandboxS3Error {
    /// Never: the sandbox has to be set up otherwise.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoSuchBucket { .. } | Self::NothingToExpire { .. } => false,
        }
    }
}
