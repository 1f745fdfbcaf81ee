//! An opened object: its revision and its bytes, chunk by chunk, as stored.

use std::collections::HashMap;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::Detail;
use super::error::{ObjectError, ObjectName};
use super::text::source_chain;

/// An object whose bytes are being read.
#[derive(Debug)]
pub struct Object {
    name: ObjectName,
    /// What tells this content of the key from others: the version id, else the `ETag`. The version
    /// id `null` does not (a bucket with suspended versioning writes over it). Empty if the answer
    /// had neither. Of a file it is made of size and time.
    pub revision: String,
    /// The entity tag without its quotes.
    pub etag: Option<String>,
    /// Bytes to come, if the answer said so.
    pub content_length: Option<u64>,
    /// When it was last written, in milliseconds since 1970 (S3 says whole seconds).
    pub last_modified_millis: Option<i64>,
    /// User metadata, names without `x-amz-meta-`; none of a file.
    pub metadata: HashMap<String, String>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Open { stream: ByteStream, received_bytes: u64 },
    Ended,
    Broken { received_bytes: u64, detail: Detail },
}

impl Object {
    pub(super) fn of(name: ObjectName, answer: GetObjectOutput) -> Self {
        let etag = answer.e_tag.as_deref().map(unquoted).map(str::to_owned);
        let version = answer.version_id.filter(|version| !version.is_empty() && version != "null");
        Self {
            name,
            revision: version.or_else(|| etag.clone()).unwrap_or_default(),
            etag,
            content_length: answer.content_length.and_then(|length| u64::try_from(length).ok()),
            last_modified_millis: answer.last_modified.and_then(|at| at.to_millis().ok()),
            metadata: answer.metadata.unwrap_or_default(),
            body: Body::Open { stream: answer.body, received_bytes: 0 },
        }
    }

    /// An opened file, of which `length` bytes are promised.
    pub(super) fn of_file(
        name: ObjectName,
        revision: String,
        length: u64,
        last_modified_millis: Option<i64>,
        stream: ByteStream,
    ) -> Self {
        Self {
            name,
            revision,
            etag: None,
            content_length: Some(length),
            last_modified_millis,
            metadata: HashMap::new(),
            body: Body::Open { stream, received_bytes: 0 },
        }
    }

    /// The next bytes, never empty; `None` when all of them were handed out.
    ///
    /// # Errors
    /// [`ObjectError::Interrupted`] if the connection broke, stalled, or ended before the promised
    /// length, [`ObjectError::FileUnreadable`] for a file; every later call says the same, so a
    /// broken object never looks complete.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ObjectError> {
        loop {
            let (stream, received_bytes) = match &mut self.body {
                Body::Open { stream, received_bytes } => (stream, received_bytes),
                Body::Ended => return Ok(None),
                Body::Broken { received_bytes, detail } => {
                    let (object, detail) = (self.name.clone(), detail.clone());
                    let received_bytes = *received_bytes;
                    return Err(if object.is_of_file() {
                        ObjectError::FileUnreadable { object, detail }
                    } else {
                        ObjectError::Interrupted { object, received_bytes, detail }
                    });
                }
            };
            self.body = match stream.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(bytes)) => {
                    *received_bytes += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => {
                    let detail = Detail::cause(source_chain(&error));
                    Body::Broken { received_bytes: *received_bytes, detail }
                }
                // The SDK watches over the length of answers, but not of files.
                None if self.content_length.is_some_and(|length| *received_bytes < length) => {
                    let detail = format!("it ended after {received_bytes} bytes, too early");
                    Body::Broken { received_bytes: *received_bytes, detail: Detail::cause(detail) }
                }
                None => Body::Ended,
            };
        }
    }
}

fn unquoted(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}
