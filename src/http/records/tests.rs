//! Records read again: the right ones of the right object, and of no other. Files stand for
//! objects; a file's revision tells its contents apart as an entity tag does.

use std::io::Write as _;
use std::path::Path;

use deltrail_core::domain::Source;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// Objects that are files, of a bucket named `logs`.
fn reader() -> RecordReader {
    RecordReader::new(Objects::Files, Arc::new(|bucket, _| bucket == "logs"))
}

async fn object_at(path: &Path) -> LogObject {
    let key = path.to_str().unwrap().to_owned();
    let opened = Objects::Files.get("logs", &key, Revision::default(), None).await.unwrap();
    let (bucket, revision) = ("logs".to_owned(), opened.revision);
    LogObject { bucket, key, revision, source: Source::CloudTrail }
}

fn write(path: &Path, text: &str) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    std::fs::write(path, encoder.finish().unwrap()).unwrap();
}

#[tokio::test]
async fn records_are_read_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trail.json.gz");
    write(&path, r#"{"Records":[{"n":0},{"n": 1},{"n":2}]}"#);
    let object = object_at(&path).await;
    let read = reader().read(object.clone(), vec![1, 2]).await.unwrap();
    let texts: Vec<_> = read.into_iter().map(|raw| (raw.record_index, raw.bytes)).collect();
    assert_eq!(texts, [(1, Some(br#"{"n": 1}"#.to_vec())), (2, Some(br#"{"n":2}"#.to_vec()))]);
    assert_eq!(reader().read(object, vec![9]).await.unwrap(), []);
}

#[tokio::test]
async fn only_what_the_settings_allow_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trail.json.gz");
    write(&path, r#"{"Records":[{"n":0}]}"#);
    let object = object_at(&path).await;
    let elsewhere = LogObject { bucket: "somebody-else".into(), ..object.clone() };
    let refused = reader().read(elsewhere, vec![0]).await.unwrap_err();
    assert!(matches!(refused, RecordError::NotAllowed { .. }), "{refused}");
    assert!(refused.to_string().contains("--log-bucket only"), "{refused}");

    let everything = RecordReader::new(Objects::Files, Arc::new(|_, _| true));
    let scanned = LogObject { bucket: FILES.into(), ..object };
    let refused = everything.read(scanned, vec![0]).await.unwrap_err();
    assert!(matches!(refused, RecordError::File { .. }), "{refused}");
}

#[tokio::test]
async fn what_was_written_again_is_not_shown_for_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trail.json.gz");
    write(&path, r#"{"Records":[{"n":0}]}"#);
    let object = object_at(&path).await;
    write(&path, r#"{"Records":[{"n":"another one"}]}"#);
    let error = reader().read(object.clone(), vec![0]).await.unwrap_err();
    assert!(matches!(error, RecordError::Rewritten { .. }), "{error}");
    assert!(!error.is_transient());

    std::fs::remove_file(&path).unwrap();
    let error = reader().read(object, vec![0]).await.unwrap_err();
    assert!(error.to_string().contains("trail.json.gz"), "{error}");
}

#[tokio::test]
async fn an_object_that_is_no_log_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd");
    std::fs::write(&path, "nothing of the kind").unwrap();
    let error = reader().read(object_at(&path).await, vec![0]).await.unwrap_err();
    assert!(matches!(error, RecordError::Decode { .. }), "{error}");
}

#[tokio::test]
async fn nobody_waits_for_a_turn_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trail.json.gz");
    write(&path, r#"{"Records":[{"n":0}]}"#);
    let object = object_at(&path).await;
    let hasty = RecordReader { timeout: Duration::from_millis(20), ..reader() };
    let reader = RecordReader { timeout: OBJECT_TIMEOUT, ..hasty.clone() };
    let turns = Arc::clone(&reader.turns).acquire_many_owned(2).await.unwrap();
    let error = hasty.read(object.clone(), vec![0]).await.unwrap_err();
    assert!(error.is_transient() && matches!(error, RecordError::TooSlow(_)), "{error}");
    drop(turns);
    assert_eq!(reader.read(object, vec![0]).await.unwrap().len(), 1);
}

#[test]
fn a_tag_is_told_from_a_version_id() {
    for tag in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-3"] {
        assert!(is_etag(tag), "{tag}");
    }
    for version in ["3HL4kqtJlcpXroDTDmJ_rmSpXd3dIbrH", "", "d41d8cd9", "4096-1700000000"] {
        assert!(!is_etag(version), "{version}");
    }
}
