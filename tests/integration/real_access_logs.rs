//! Real lines of server access logs through the decoder: every line is accounted for, and each
//! would be the evidence that it says if it were one of a delete. The data lies beside the project
//! and is no part of it.

use std::path::{Path, PathBuf};

use deltrail_core::decode::{Content, DecodeError, Decoded, Limits, LogDecoder, LogPath, Summary};
use deltrail_core::domain::{Api, Evidence, Target, Timestamp};

use crate::requirement::{root, skipped};

/// Lines and files that are there at least.
const LINES_MIN: usize = 50;
const FILES_MIN: usize = 15;

fn decode(bytes: &[u8], chunk_bytes: usize) -> Result<(Summary, Decoded), DecodeError> {
    let limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };
    let mut decoder = LogDecoder::new(limits, LogPath::default());
    for chunk in bytes.chunks(chunk_bytes) {
        decoder.push(chunk)?;
    }
    Ok((decoder.finish()?, decoder.take()))
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The texts of all access logs among the real data; none when it is not there. A file is one for
/// this test if its first line has its fourth field in brackets.
fn access_logs() -> Option<Vec<String>> {
    let folder = root().join("../shared/data/real");
    if !folder.is_dir() {
        skipped("real access logs: ../shared/data/real is not there");
        return None;
    }
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let texts = files.iter().filter_map(|file| String::from_utf8(std::fs::read(file).ok()?).ok());
    let is_log = |text: &String| {
        let mut fields = text.lines().next().unwrap_or_default().split(' ');
        fields.nth(2).is_some_and(|field| field.starts_with('['))
            && fields.next().is_some_and(|field| field.ends_with(']'))
            && fields.nth(3).is_some_and(|operation| operation.starts_with("REST."))
    };
    let logs: Vec<String> = texts.filter(is_log).collect();
    assert!(logs.len() >= FILES_MIN, "{} files", logs.len());
    Some(logs)
}

fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn every_real_line_is_read_or_is_nothing_to_us() {
    let Some(logs) = access_logs() else { return };
    let (mut calls, mut keys, mut ignored) = (0, Vec::new(), 0);
    for text in logs {
        let (summary, decoded) = decode(text.as_bytes(), 4_096).unwrap();
        assert_eq!(decode(text.as_bytes(), 61), Ok((summary, decoded.clone())));
        assert_eq!(summary.content, Content::AccessLog);
        assert_eq!(summary.records, lines_of(&text).count() as u64);
        assert_eq!(decoded.rejected, vec![]);
        ignored += decoded.ignored;
        for evidence in decoded.facts.into_iter().filter_map(|located| located.fact.deletion()) {
            match evidence.call {
                Some(call) => {
                    assert_eq!((call.api, evidence.key), (Api::DeleteObjects, None));
                    calls += 1;
                }
                None => keys.push(evidence.key.unwrap()),
            }
        }
    }
    assert!(ignored > 40, "{ignored} lines are about other operations");
    assert_eq!(calls, 2, "two bulk calls");
    assert_eq!(keys, ["fork-0004/", "fork-0004/test/", "fork-0001/test/"]);
}

/// The fields of a line by its quotation marks and brackets, where these are in pairs.
fn fields(line: &str) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let length = match rest.as_bytes()[0] {
            b'"' => 2 + rest[1..].find('"')?,
            b'[' => 1 + rest.find(']')?,
            _ => rest.find(' ').unwrap_or(rest.len()),
        };
        fields.push(rest[..length].trim_matches('"'));
        let behind = &rest[length..];
        rest = behind.strip_prefix(' ').or_else(|| behind.is_empty().then_some(""))?;
    }
    Some(fields)
}

/// What each line says, by position. None of the keys holds what an encoding changes.
fn expect_fields(evidence: &Evidence, fields: &[&str], line: &str) {
    let time = jiff::fmt::strtime::parse("[%d/%b/%Y:%H:%M:%S %z]", fields[2]).unwrap();
    let millis = time.to_timestamp().unwrap().as_millisecond();
    assert_eq!(evidence.at, Timestamp::from_millis(millis), "{line}");
    assert_eq!(evidence.target, Target::named(Some(fields[17])), "{line}");
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let number = |number: Option<i64>| text(&number.map(|number| number.to_string()));
    let said = [
        (evidence.bucket.to_string(), fields[1]),
        (text(&evidence.actor.source_ip), fields[3]),
        (text(&evidence.request_id.clone().map(Into::into)), fields[5]),
        (text(&evidence.key), fields[7]),
        (number(evidence.http_status.map(i64::from)), fields[9]),
        (text(&evidence.error_code), fields[10]),
        (number(evidence.total_millis), fields[13]),
        (text(&evidence.actor.user_agent), fields[16]),
    ];
    for (said, field) in said {
        assert_eq!(said, field, "{line}");
    }
}

#[test]
fn every_real_line_would_be_evidence_of_what_it_says_if_it_were_of_a_delete() {
    let Some(logs) = access_logs() else { return };
    let (mut count, mut odd) = (0, Vec::new());
    for line in logs.iter().flat_map(|text| lines_of(text)) {
        let operation = line.split(' ').nth(7).unwrap();
        let line = line.replacen(operation, "REST.DELETE.OBJECT", 1);
        let (_, decoded) = decode(line.as_bytes(), 4_096).unwrap();
        assert_eq!(decoded.rejected, vec![], "{line}");
        let evidence = decoded.facts[0].fact.clone().deletion().unwrap();
        match fields(&line) {
            Some(fields) => expect_fields(&evidence, &fields, &line),
            None => odd.push(evidence),
        }
        count += 1;
    }
    assert!(count >= LINES_MIN, "{count} lines");
    // Quotation marks that are not in pairs: in one target and referer, and in one user agent.
    let (targets, agents): (Vec<_>, Vec<_>) =
        odd.into_iter().partition(|evidence| evidence.key.as_deref() == Some("/"));
    assert_eq!((targets.len(), agents.len()), (4, 3));
    for evidence in targets {
        assert_eq!((evidence.http_status, evidence.total_millis), (Some(404), Some(9)));
        assert_eq!(evidence.error_code.as_deref(), Some("NoSuchKey"));
        assert_eq!(evidence.target, Target::Current);
        assert!(
            evidence
                .actor
                .user_agent
                .as_deref()
                .unwrap()
                .starts_with("Mozilla/5.0 (compatible; Baidu")
        );
    }
    for evidence in agents {
        assert_eq!((evidence.http_status, evidence.total_millis), (Some(200), Some(205)));
        assert_eq!((evidence.error_code, evidence.target), (None, Target::Current));
        let agent = evidence.actor.user_agent.as_deref().unwrap();
        assert!(agent.starts_with("\"Mozilla/5.0 (W") && agent.ends_with("Safari/537.36"));
    }
}
