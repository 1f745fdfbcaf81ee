//! Real CloudTrail files, and files that are none, through the decoder: nothing panics, every
//! record is accounted for, and the sums equal a count that Python made without the decoder. The
//! data lies beside the project and is no part of it; nothing of it is written down here but file
//! names, positions and reasons.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use deltrail_core::decode::{
    Content, DecodeError, Decoded, Limits, LogDecoder, LogKey, LogPath, Rejected, Summary,
};
use deltrail_core::domain::{Api, Evidence};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::requirement::{root, skipped};

/// What `scripts/count_records.py` prints; its definitions stand there.
#[derive(Deserialize)]
struct PythonCount {
    files: BTreeMap<String, CountedFile>,
    embedded: Vec<Value>,
    renamed: Vec<Value>,
}

#[derive(Deserialize)]
struct CountedFile {
    shape: String,
    records: u64,
    s3_data_events: u64,
    deletes: BTreeMap<String, u64>,
}

fn real_data() -> Option<PathBuf> {
    let folder = root().join("../shared/data/real");
    if !folder.is_dir() {
        skipped("real data: ../shared/data/real is not there");
        return None;
    }
    Some(folder)
}

fn python_count(folder: &Path) -> PythonCount {
    let output = Command::new("python3")
        .arg(root().join("scripts/count_records.py"))
        .arg(folder)
        .output()
        .expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything a document decodes to, fed in pieces of `chunk_bytes`.
fn decode(
    path: LogPath,
    bytes: &[u8],
    chunk_bytes: usize,
) -> Result<(Summary, Decoded), DecodeError> {
    let limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };
    let mut decoder = LogDecoder::new(limits, path);
    for chunk in bytes.chunks(chunk_bytes) {
        decoder.push(chunk)?;
    }
    let summary = decoder.finish()?;
    Ok((summary, decoder.take()))
}

fn path_of(name: &str) -> LogPath {
    match LogKey::of(name) {
        LogKey::Log(path) if name.contains("AWSLogs/") => path,
        _ => LogPath::default(),
    }
}

/// The name of the event that a piece of evidence came from.
fn event_name(evidence: &Evidence) -> &'static str {
    match evidence.call {
        Some(call) => call.api.as_str(),
        // A child or an update; an update of an aggregate would name no key.
        None if evidence.key.is_none() => Api::DeleteObjects.as_str(),
        None => Api::DeleteObject.as_str(),
    }
}

/// The name of an error without what it quotes.
fn variant(error: &DecodeError) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn deletes_of(decoded: &Decoded) -> BTreeMap<String, u64> {
    let names = [Api::DeleteObject.as_str(), Api::DeleteObjects.as_str()];
    let mut deletes: BTreeMap<String, u64> = names.map(|name| (name.to_owned(), 0)).into();
    for evidence in decoded.facts.iter().filter_map(|located| located.fact.clone().deletion()) {
        *deletes.get_mut(event_name(&evidence)).unwrap() += 1;
    }
    deletes
}

#[test]
fn every_real_file_decodes_to_what_python_counts_in_it() {
    let Some(folder) = real_data() else { return };
    let mut rejects = String::new();
    let (mut records, mut s3_data_events, mut log_files) = (0, 0, 0);
    for (name, counted) in python_count(&folder).files {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let decoded = decode(path_of(&name), &bytes, 4096);
        let in_small_pieces = decode(path_of(&name), &bytes, 61);
        assert_eq!(decoded, in_small_pieces, "{name}: cut into other pieces");
        match &decoded {
            Ok((_, decoded)) => {
                for Rejected { record_index, reason, .. } in &decoded.rejected {
                    let at = record_index.map_or("file".to_owned(), |index| format!("#{index}"));
                    writeln!(rejects, "{name} {at} {}", reason.as_str()).unwrap();
                }
            }
            Err(error) => writeln!(rejects, "{name} file {}", variant(error)).unwrap(),
        }
        match (counted.shape.as_str(), decoded) {
            ("records" | "list", Ok((summary, decoded))) => {
                assert_eq!(summary.content, Content::CloudTrail, "{name}");
                assert_eq!(summary.records, counted.records, "{name}: records");
                let refused = decoded.rejected.iter().filter(|r| r.record_index.is_some()).count();
                let sum = decoded.facts.len() + refused;
                assert_eq!(sum as u64 + decoded.ignored, counted.records, "{name}: accounted for");
                assert_eq!(deletes_of(&decoded), counted.deletes, "{name}: deletes");
                log_files += 1;
            }
            ("records" | "list", Err(error)) => panic!("{name}: {error}"),
            ("object", decoded) => {
                let (summary, _) = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(matches!(summary.content, Content::NoRecords | Content::Digest), "{name}");
                assert_eq!(summary.records, 0, "{name}");
            }
            ("empty", decoded) => assert_eq!(decoded.unwrap().0.content, Content::Empty, "{name}"),
            // No JSON, but a format of its own, with tests of its own.
            ("not_json", Ok((summary, _))) if summary.content == Content::AccessLog => {}
            // The first line of a file of many JSON values is a document; the rest is reported.
            (shape, Ok((summary, _))) => {
                assert!(summary.trailing_bytes > 0, "{name}: {shape}, and yet decoded");
            }
            (_, Err(_)) => {}
        }
        records += counted.records;
        s3_data_events += counted.s3_data_events;
    }
    // The data may grow; what is there must not be lost on the way.
    assert!(log_files > 1000 && records > 10_000 && s3_data_events > 1000, "too little real data");
    insta::assert_snapshot!("rejects", rejects);
}

/// Each of these records is evidence of what it says.
fn expect_evidence_of_each(records: &[Value]) {
    let document = json!({ "Records": records }).to_string();
    let (summary, decoded) = decode(LogPath::default(), document.as_bytes(), 4096).unwrap();
    assert_eq!(summary.records, records.len() as u64);
    assert_eq!(decoded.facts.len(), records.len(), "{:?}", decoded.rejected);
    for (located, record) in decoded.facts.iter().zip(records) {
        let evidence = &located.fact.clone().deletion().unwrap();
        let written = |field: &str| record[field].as_str();
        assert_eq!(Some(event_name(evidence)), written("eventName"));
        assert_eq!(evidence.request_id.as_deref(), written("requestID"));
        assert_eq!(evidence.event_id.as_deref(), written("eventID"));
        assert_eq!(evidence.actor.arn.as_deref(), record["userIdentity"]["arn"].as_str());
        assert_eq!(evidence.error_code.as_deref(), written("errorCode"));
        let at = evidence.at.to_string().replace(".000Z", "Z");
        assert_eq!(Some(at.as_str()), written("eventTime"));
        let parameter = |name: &str| record["requestParameters"][name].as_str();
        assert_eq!(Some(evidence.bucket.as_str()), parameter("bucketName"));
        assert_eq!(evidence.key.as_deref(), parameter("key"));
    }
}

#[test]
fn every_real_delete_that_stands_elsewhere_is_evidence() {
    let Some(folder) = real_data() else { return };
    let embedded = python_count(&folder).embedded;
    assert!(embedded.len() >= 3, "samples were found in documents");
    expect_evidence_of_each(&embedded);
}

#[test]
fn every_real_s3_data_event_would_be_evidence_if_it_were_a_delete() {
    let Some(folder) = real_data() else { return };
    let PythonCount { files, renamed, .. } = python_count(&folder);
    let s3_data_events: u64 = files.values().map(|counted| counted.s3_data_events).sum();
    assert_eq!(renamed.len() as u64, s3_data_events, "every S3 data event is renamed");
    assert!(s3_data_events > 1000, "{s3_data_events} S3 data events");
    expect_evidence_of_each(&renamed);
}
