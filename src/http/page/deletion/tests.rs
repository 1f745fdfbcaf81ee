//! Evidence of strangers on the page of a removal: whatever it holds, the page has the same shape,
//! and the commands on it say to a shell and to the AWS CLI what they are meant to say.

use std::process::Command;

use deltrail_core::domain::{
    Actor, Created, Evidence, Kind, Moment, Said, SourceSet, Target, Timestamp, fold,
};
use deltrail_core::domain::{Provenance, S3Call, shell_quoted};
use proptest::prelude::*;

use super::super::hostile::{expect_same_shape, hostile_text};
use super::super::removal::{list, list_of_key, sentence};
use super::body;
use crate::store::scene::evidence_of;
use crate::store::{Completeness, DeletionRow, LogObject, Piece, RecordPlace, RemovalEvidence};

fn actor(text: &str) -> Actor {
    Actor {
        arn: Some(text.into()),
        user_name: Some(text.into()),
        source_ip: Some(text.into()),
        user_agent: Some(text.into()),
        access_key_id: Some(text.into()),
        ..Actor::default()
    }
}

/// A removal by a marker, of which every text is this one.
fn removal_with(text: &str) -> RemovalEvidence {
    let evidence = Evidence {
        bucket: text.into(),
        key: Some(text.into()),
        target: Target::Version(text.into()),
        request_id: Some(text.into()),
        event_id: Some(text.into()),
        error_code: Some(text.into()),
        marker_version_id: Some(text.into()),
        account: text.into(),
        actor: actor(text).into(),
        ..evidence_of("cat.jpg", "REQUEST")
    };
    let mut removal = fold([&evidence]).remove(0);
    removal.kind = Kind::Marker;
    let row = DeletionRow {
        bucket: text.into(),
        key: Some(text.into()),
        removal,
        said: Said { duplicate_of: Some(text.into()), ..Said::default() },
        is_settled: false,
        repeats: None,
        stale: None,
        request: None,
        intents: Vec::new(),
        provenance: Provenance::Live,
    };
    let place = RecordPlace {
        object: LogObject {
            bucket: text.into(),
            key: text.into(),
            revision: text.into(),
            source: evidence.source,
        },
        record_index: 7,
    };
    let write = Created {
        identity: text.into(),
        moment: Moment { at: Timestamp::from_millis(1), is_coarse: false, sequencer: None },
        version_id: None,
        sources: SourceSet::default(),
        actor: actor(text).into(),
    };
    RemovalEvidence {
        near: vec![row.clone()],
        row,
        pieces: vec![Piece { evidence, place: Some(place) }],
        has_more_pieces: false,
        writes: vec![write],
        written_again: None,
        removed_versions: Vec::new(),
        undone_at: None,
        completeness: Completeness::default(),
    }
}

/// What a browser shows of a removal, on its own page and in lists.
fn shown(found: &RemovalEvidence) -> String {
    let row = &found.row;
    let rows = std::slice::from_ref(row);
    [body(found, None), sentence(row), list("all", rows), list_of_key("all", rows)]
        .map(maud::PreEscaped::into_string)
        .concat()
}

/// The arguments that a shell makes of a command line.
fn arguments_by(shell: &str, line: &str) -> Vec<String> {
    let script = format!("set -- {line}\nfor word in \"$@\"; do printf '%s\\0' \"$word\"; done");
    let output = Command::new(shell).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Bucket, key and version of a call, as its command line tells them once a shell has read it.
fn said_by(arguments: &[String]) -> Vec<String> {
    assert_eq!(arguments[..3], ["aws", "s3api", "delete-object"]);
    if arguments[3] == "--cli-input-json" {
        assert_eq!(arguments.len(), 5);
        let members: serde_json::Value = serde_json::from_str(&arguments[4]).unwrap();
        let names = ["Bucket", "Key", "VersionId"];
        return names.map(|name| members[name].as_str().unwrap().to_owned()).to_vec();
    }
    let flags: Vec<&str> = arguments[3..].iter().step_by(2).map(String::as_str).collect();
    assert_eq!(flags, ["--bucket", "--key", "--version-id"]);
    let values: Vec<String> = arguments[4..].iter().step_by(2).cloned().collect();
    for value in &values {
        let value = value.to_lowercase();
        let is_place = ["-", "file://", "fileb://", "http"].iter().any(|it| value.starts_with(it));
        assert!(!is_place, "the CLI takes this for a flag or a file: {value}");
    }
    values
}

/// Texts that mean something to a shell or to the CLI, and any others.
fn hostile_argument() -> impl Strategy<Value = String> {
    prop_oneof![
        "['\"$`\\\\;&|<>(){}*?!~#= \t\r\n\u{1b}\u{202e}a-]{1,12}",
        "(-|--|file://|fileb://|FILE://)[a-z/'$(]{0,8}",
        hostile_text(),
    ]
}

#[test]
fn harmless_texts_are_shown_whole() {
    let shown = shown(&removal_with("harmless"));
    for part in [
        "aws s3api delete-object --bucket harmless --key harmless --version-id harmless",
        "?records=shown#Therecordsthemselves",
        "It repeats ",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_of_evidence_becomes_markup(text in hostile_text()) {
        // Addresses of keys have the same form for all of them, be they folders or not.
        let harmless = shown(&removal_with("harmless"));
        expect_same_shape(&harmless, &shown(&removal_with(&text)));
    }

    #[test]
    fn no_key_or_version_escapes_from_its_argument(
        key in hostile_argument(),
        version_id in hostile_argument(),
    ) {
        let call = S3Call::DeleteVersion { bucket: "photos", key: &key, version_id: &version_id };
        let line = call.to_string();
        prop_assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        let expected = ["photos".to_owned(), key, version_id];
        prop_assert_eq!(said_by(&arguments_by("sh", &line)), expected);
    }

    #[test]
    fn a_quoted_word_is_read_back(word in hostile_argument()) {
        prop_assume!(!word.contains('\0'));
        prop_assert_eq!(arguments_by("sh", &shell_quoted(&word)), [word]);
    }
}
