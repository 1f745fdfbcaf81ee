//! Adapter to Amazon S3, and to files of this host with the same face: opens one object and hands
//! out its bytes as they are stored; lists files below a folder.
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
mod object;
mod region;
mod text;

use aws_config::SdkConfig;

pub use client::{ObjectsOptions, Revision, S3Objects};
pub use detail::Detail;
pub use error::{ObjectError, ObjectName};
pub use folder::{FolderError, Found, LocalFile, Walk};
pub use object::Object;

/// Where objects are. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Objects {
    /// In S3.
    S3(S3Objects),
    /// Files of this host: a key is the path of one, and the bucket says nothing.
    Files,
}

impl Objects {
    /// S3 with the credentials, region and endpoint of `config`. Nothing is sent.
    #[must_use]
    pub fn new(config: &SdkConfig, options: ObjectsOptions) -> Self {
        Self::S3(S3Objects::new(config, options))
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
            Self::S3(objects) => objects.get(bucket, key, revision, region_hint).await,
            Self::Files => file::open(key).await,
        }
    }
}
