//! Laws of decoding over random documents and bytes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{decode_chunks, gzip};

/// Records with any key, name and order of members, among them what must not be mistaken.
fn any_records() -> impl Strategy<Value = Vec<Value>> {
    let names = prop::sample::select(vec!["DeleteObject", "DeleteObjects", "GetObject", "x"]);
    let sources = prop::sample::select(vec!["s3.amazonaws.com", "sns.amazonaws.com"]);
    let noise = prop::sample::select(vec![
        Value::Null,
        json!({"eventName": "DeleteObject", "eventSource": "s3.amazonaws.com"}),
        json!("{\"eventName\":\"DeleteObject\"}]}\\"),
        json!([[{}], "\"DeleteObject", 1.5]),
    ]);
    let key = "[a-z{}\\[\\]\"\\\\,: +%가\\n\u{1}]{1,12}";
    let record = (names, sources, noise, key).prop_map(|(name, source, noise, key)| {
        json!({
            "aNoise": noise.clone(), "eventName": name, "eventSource": source, "zNoise": noise,
            "eventTime": "2026-09-21T10:00:00Z", "eventID": "E",
            "requestParameters": {"bucketName": "b", "key": key}
        })
    });
    prop::collection::vec(record, 0..12)
}

proptest! {
    #[test]
    fn random_documents_agree_with_the_judge(
        records in any_records(),
        is_pretty in any::<bool>(),
        chunk_length in 1usize..300,
        member_length in 1usize..2_000,
    ) {
        let document = json!({"Records": records, "z": {"Records": [1]}});
        let text = if is_pretty {
            serde_json::to_string_pretty(&document).unwrap()
        } else {
            document.to_string()
        };
        let bytes: Vec<u8> = text.as_bytes().chunks(member_length).flat_map(gzip).collect();
        let (decoded, summary) = decode_chunks(bytes.chunks(chunk_length)).unwrap();
        let keys: Vec<_> = decoded
            .facts
            .iter()
            .map(|located| (located.record_index, located.fact.clone().deletion().unwrap().key))
            .collect();
        let is_delete = |record: &Value| {
            record["eventSource"] == "s3.amazonaws.com"
                && record["eventName"].as_str().is_some_and(|name| name.starts_with("DeleteObject"))
        };
        let expected: Vec<_> = (0..)
            .zip(&records)
            .filter(|(_, record)| is_delete(record))
            .map(|(index, record)| {
                let is_single = record["eventName"] == "DeleteObject";
                let key = record["requestParameters"]["key"].as_str().map(str::to_owned);
                (index, key.filter(|_| is_single))
            })
            .collect();
        prop_assert_eq!(keys, expected);
        prop_assert_eq!(summary.records, records.len() as u64);
        prop_assert_eq!(decoded.rejected, vec![]);
    }

    #[test]
    fn a_cut_gzip_file_never_gives_fewer_records_silently(
        records in any_records(),
        member_length in 1usize..2_000,
        at in any::<prop::sample::Index>(),
    ) {
        let text = json!({"Records": records}).to_string();
        let bytes: Vec<u8> = text.as_bytes().chunks(member_length).flat_map(gzip).collect();
        let end = 1 + at.index(bytes.len() - 1);
        prop_assert!(decode_chunks([&bytes[..end]]).is_err(), "cut at {} of {}", end, bytes.len());
        prop_assert!(decode_chunks([bytes.as_slice()]).is_ok());
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_do_not_depend_on_chunks(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        head in prop::sample::select(
            vec!["", r#"{"Records":["#, r#"[{"eventName":"DeleteObject","#]
        ),
        chunk_length in 1usize..20,
    ) {
        let bytes = [head.as_bytes(), &bytes].concat();
        prop_assert_eq!(
            decode_chunks(bytes.chunks(chunk_length)),
            decode_chunks([bytes.as_slice()])
        );
    }
}
