//! Opening a file of this host as an object. It does not know which files there are.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use aws_sdk_s3::primitives::ByteStream;
use tokio::fs::File;

use super::Detail;
use super::error::{ObjectError, ObjectName};
use super::object::Object;
use super::text::source_chain;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What tells this content of a file from an earlier or a later one: its size and the nanosecond in
/// which it was last written.
pub(super) fn revision_of(metadata: &Metadata) -> String {
    let written = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", metadata.len(), written.unwrap_or_default().as_nanos())
}

/// When a file was last written, in milliseconds since 1970.
pub(super) fn written_millis(metadata: &Metadata) -> Option<i64> {
    let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(written.as_millis()).ok()
}

/// Opens the file at `path`.
pub(super) async fn open(path: &str) -> Result<Object, ObjectError> {
    let unreadable = |detail: String| ObjectError::FileUnreadable {
        object: ObjectName::of_file(path),
        detail: Detail::cause(detail),
    };
    let file = File::open(path).await.map_err(|error| unreadable(error.to_string()))?;
    let metadata = file.metadata().await.map_err(|error| unreadable(error.to_string()))?;
    let stream = ByteStream::read_from().file(file).buffer_size(CHUNK_BYTES).build().await;
    let stream = stream.map_err(|error| unreadable(source_chain(&error)))?;
    Ok(Object::of_file(
        ObjectName::of_file(path),
        revision_of(&metadata),
        metadata.len(),
        written_millis(&metadata),
        stream,
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;

    use super::super::{Objects, Revision};
    use super::*;

    async fn opened(path: &Path) -> Result<Object, ObjectError> {
        let path = path.to_str().unwrap();
        Objects::Files.get("file:", path, Revision::default(), None).await
    }

    async fn bytes_of(object: &mut Object) -> Vec<u8> {
        let mut chunks: Vec<Bytes> = Vec::new();
        while let Some(chunk) = object.chunk().await.unwrap() {
            chunks.push(chunk);
        }
        chunks.concat()
    }

    #[tokio::test]
    async fn a_file_is_read_to_its_end_however_many_chunks_it_has() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let content: Vec<u8> = (0..=255).cycle().take(length).collect();
            let path = folder.path().join(format!("{length} bytes.json"));
            std::fs::write(&path, &content).unwrap();
            let mut object = opened(&path).await.unwrap();
            assert_eq!(object.content_length, Some(length as u64));
            assert!(object.last_modified_millis.unwrap() > 1_700_000_000_000);
            assert_eq!(bytes_of(&mut object).await, content);
        }
    }

    #[tokio::test]
    async fn a_file_that_was_written_again_has_another_revision() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.json");
        std::fs::write(&path, "first").unwrap();
        let first = opened(&path).await.unwrap().revision;
        assert_eq!(opened(&path).await.unwrap().revision, first);
        std::fs::write(&path, "longer").unwrap();
        let longer = opened(&path).await.unwrap().revision;
        assert_ne!(longer, first);
        let later = std::time::SystemTime::now() + std::time::Duration::from_nanos(2_000_000_001);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(later).unwrap();
        assert_ne!(opened(&path).await.unwrap().revision, longer);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = opened(&folder.path().join("not-there.json")).await.unwrap_err();
        assert_eq!(error.kind(), "file_unreadable");
        assert!(!error.is_transient());
        let text = error.to_string();
        assert!(text.contains("not-there.json cannot be read (No such file"), "{text}");
    }

    #[tokio::test]
    async fn a_file_that_is_cut_while_it_is_read_never_looks_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.json");
        std::fs::write(&path, vec![b'x'; 2 * CHUNK_BYTES]).unwrap();
        let mut object = opened(&path).await.unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(10).unwrap();
        let mut last = object.chunk().await;
        while let Ok(Some(_)) = last {
            last = object.chunk().await;
        }
        for _ in 0..2 {
            assert_eq!(last.unwrap_err().kind(), "file_unreadable");
            last = object.chunk().await;
        }
    }
}
