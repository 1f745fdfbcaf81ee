//! Adapter to Amazon S3, and to files of this host with the same face: opens one object and hands
//! out its bytes as they are stored; lists objects below a prefix, and files below a folder.
//!
//! It refuses to know what the bytes mean, what may be read and when to try again. It finds the
//! right region of a bucket, and says what went wrong and what to do next. [`Objects`] is the face.

#[cfg(test)]
#[expect(clippy::duplicate_mod, reason = "adapters share a test server, not imports")]
#[path = "../queue/canned_http.rs"]
mod canned_http;
mod client;
mod detail;
mod error;
mod file;
mod folder;
mod listing;
mod object;
mod region;
mod text;

use aws_config::SdkConfig;

pub use client::{ObjectsOptions, Revision, S3Objects};
pub use detail::Detail;
pub use error::{ObjectError, ObjectName};
pub use folder::{FolderError, Found, LocalFile, Walk};
pub use listing::{Listed, Listing, Page};
pub use object::Object;

/// The bucket that stands for the files of this host. No bucket is called so.
pub const FILES: &str = "file:";

/// Where objects are. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Objects {
    /// In S3, and nowhere else, whatever bucket somebody names.
    S3(S3Objects),
    /// Files of this host: a key is the path of one, and the bucket says nothing.
    Files,
    /// Files of this host in the bucket [`FILES`], and all others in S3.
    FilesAndS3(S3Objects),
}

impl Objects {
    /// S3 with the credentials, region and endpoint of `config`. Nothing is sent.
    #[must_use]
    pub fn new(config: &SdkConfig, options: ObjectsOptions) -> Self {
        Self::S3(S3Objects::new(config, options))
    }

    /// All objects below a prefix. Nothing is sent.
    #[must_use]
    pub fn listing(&self, bucket: &str, prefix: &str) -> Listing {
        Listing::of(self.clone(), bucket, prefix)
    }

    /// A page of the objects below a prefix; see [`S3Objects::list`]. Files have no such lists.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Page, ObjectError> {
        match self {
            Self::S3(objects) | Self::FilesAndS3(objects) => {
                objects.list(bucket, prefix, after).await
            }
            Self::Files => Err(ObjectError::InvalidName { object: ObjectName::of_file(prefix) }),
        }
    }

    /// Opens an object; see [`S3Objects::get`]. A file has the revision that it has.
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
        match self {
            Self::FilesAndS3(_) if bucket == FILES => file::open(key).await,
            Self::S3(objects) | Self::FilesAndS3(objects) => {
                objects.get(bucket, key, revision, region_hint).await
            }
            Self::Files => file::open(key).await,
        }
    }
}
