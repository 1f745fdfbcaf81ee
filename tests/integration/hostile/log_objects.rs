//! Log objects in which bad records lie between good ones: each bad one is counted by its reason
//! and can be found again, and the good ones are all there.

use std::collections::BTreeMap;

use serde_json::json;

use super::{LOG_BUCKET, Place, counts, delete, document, key_set, record};
use crate::emulator::Scrape;
use crate::world::gzip;

const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
/// A path that tells an account and a region.
const PATH: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/";
const DEPTH: usize = 100_000;

/// Records that are refused, each with its reason.
fn bad_records() -> Vec<(Vec<u8>, &'static str)> {
    let nest = |open: &str, close: &str| open.repeat(DEPTH) + "1" + &close.repeat(DEPTH);
    let in_place = |more: &str| {
        let named = r#""bucketName":"images-prod","#;
        delete("bad", "").replace(named, &format!("{named}{more},"))
    };
    let with = |from: &str, to: &str| delete("bad", "").replace(from, to);
    let not_utf8 = |key: &[u8]| {
        let text = delete("NOT-UTF-8", "");
        let at = text.find("NOT-UTF-8").unwrap();
        [&text.as_bytes()[..at], key, &text.as_bytes()[at + 9..]].concat()
    };
    let deep_list = in_place(&format!(r#""x":{}"#, nest("[", "]")));
    let deep_object = in_place(&format!(r#""x":{}"#, nest(r#"{"a":"#, "}")));
    let mut records: Vec<(Vec<u8>, &str)> = vec![
        (not_utf8(b"a\xff\xfeb"), "invalid_utf8"),
        (not_utf8(b"\xed\xa0\x80"), "invalid_utf8"),
        (not_utf8(b"a\0b"), "invalid_json"),
        (not_utf8(br"\ud800"), "invalid_json"),
        (not_utf8(b"a\nb"), "invalid_json"),
    ];
    let texts = [
        (deep_list, "missing_bucket"),
        (deep_object, "missing_bucket"),
        (with("2026-11-23T10", "9999999-11-23T10"), "missing_time"),
        (with("2026-11-23T10", "-2026-11-23T10"), "missing_time"),
        (with(r#""2026-11-23T10:00:00Z""#, "1e999999"), "invalid_json"),
        (with(r#""2026-11-23T10:00:00Z""#, &"9".repeat(400)), "invalid_json"),
        (with(r#""1.11""#, "1e400"), "invalid_json"),
        (with("111122223333", "999988887777"), "account_mismatch"),
        (with("us-east-1", "eu-central-1"), "account_mismatch"),
        (with(r#""images-prod""#, "{}"), "missing_bucket"),
        ("[{}]".to_owned(), "not_an_object"),
        ("1e999999".to_owned(), "not_an_object"),
    ];
    records.extend(texts.map(|(text, reason)| (text.into_bytes(), reason)));
    records
}

/// Records that are odd, and told.
fn odd_records() -> Vec<String> {
    let nest = |open: &str, close: &str| open.repeat(DEPTH) + "1" + &close.repeat(DEPTH);
    let status =
        |written: &str| format!(r#","additionalEventData":{{"httpStatusCode":{written}}}"#);
    vec![
        record("DeleteObject", r#""odd/\u0000nul""#, ""),
        delete("odd/deep list", &format!(r#","x":{}"#, nest("[", "]"))),
        delete("odd/deep object", &format!(r#","x":{}"#, nest(r#"{"eventName":"#, "}"))),
        delete("odd/400 digits", &status(&"9".repeat(400))),
        delete("odd/negative", &status("-204")),
        delete("odd/exponent", &format!(r#","x":{}"#, "1e999999")),
        delete(
            "odd/times",
            r#","additionalEventData":{"startTime":-1,"endTime":9223372036854775808}"#,
        ),
    ]
}

fn odd_keys() -> Vec<&'static str> {
    vec![
        "odd/\0nul",
        "odd/deep list",
        "odd/deep object",
        "odd/400 digits",
        "odd/negative",
        "odd/exponent",
        "odd/times",
    ]
}

/// All of them in one list, a good record before and behind each.
fn hostile_trail() -> (Vec<u8>, usize) {
    let bad = bad_records();
    let mut text = br#"{"Records":["#.to_vec();
    for (nth, (record, _)) in bad.iter().enumerate() {
        text.extend(delete(&format!("good/{nth}"), "").as_bytes());
        text.push(b',');
        text.extend(record);
        text.push(b',');
    }
    for record in odd_records() {
        text.extend(record.as_bytes());
        text.push(b',');
    }
    text.extend(delete("good/last", "").as_bytes());
    text.extend(b"]}");
    (text, bad.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_kept_apart_and_good_ones_arrive() {
    let place = Place::new("records").await;
    let (text, bad) = hostile_trail();
    place.put(LOG_BUCKET, &format!("{PATH}hostile.json.gz"), gzip(&text));
    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;

    let mut expected = key_set(odd_keys());
    expected.extend((0..bad).map(|nth| format!("good/{nth}")));
    expected.insert("good/last".to_owned());
    assert_eq!(place.kept().keys_of("images-prod"), expected);
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for (_, reason) in bad_records() {
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }
    assert_eq!(place.kept().rejects(), reasons);
    let positions = place.kept().pairs(
        "SELECT cast(r.record_index AS TEXT), o.key FROM rejects AS r \
         JOIN log_objects AS o ON o.id = r.log_object_id ORDER BY r.record_index",
    );
    let odd_numbers = (0..bad).map(|nth| (2 * nth + 1).to_string());
    let found: Vec<_> = positions.iter().map(|(index, _)| index.clone()).collect();
    assert_eq!(found, odd_numbers.collect::<Vec<_>>(), "each can be found again");
    assert_eq!(rejected(&daemon.scrape().unwrap()), reasons);
    daemon.stop();
}

fn rejected(scrape: &Scrape) -> BTreeMap<String, u64> {
    let counts = scrape.counts("deltrail_rejected_total", &["reason"]);
    counts.into_iter().map(|(labels, count)| (labels[0].clone(), count)).collect()
}

/// Who may write to the folder of one account must not speak for another one.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_shares_the_bucket_speaks_for_itself_only() {
    let place = Place::new("accounts").await;
    let forged =
        |more: &str| delete(&format!("forged {}", more.len()), "").replace("111122223333", more);
    let path = PATH.replace("111122223333", "999988887777");
    let own = delete("own", "").replace("111122223333", "999988887777");
    let records = [own, forged("111122223333"), forged("1111222233330"), forged("0")];
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    place.put(LOG_BUCKET, &format!("{path}forged.json.gz"), gzip(document(&records).as_bytes()));
    // Of an access log the path tells the bucket.
    let line = |bucket: &str, key: &str| {
        format!(
            "{OWNER} {bucket} [23/Nov/2026:10:00:00 +0000] 192.0.2.3 - R{key} REST.DELETE.OBJECT \
             {key} \"DELETE /{bucket}/{key} HTTP/1.1\" 204 - - - 9 8 \"-\" \"x\" - H= -\n"
        )
    };
    let lines = [line("thumbnails", "own"), line("images-prod", "forged"), line("x", "forged")];
    let folder = "999988887777/us-east-1/thumbnails/2026/11/23/";
    let name = "2026-11-23-10-00-00-0123456789ABCDEF";
    place.put(LOG_BUCKET, &format!("{folder}{name}"), lines.concat());

    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let own = [("images-prod", "own"), ("thumbnails", "own")];
    let own = own.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
    assert_eq!(place.kept().removed(), own);
    assert_eq!(place.kept().rejects(), counts([("account_mismatch", 5)]));
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_kept_apart_and_good_ones_arrive() {
    let place = Place::new("lines").await;
    let line = |key: &str| {
        format!(
            "{OWNER} images-prod [23/Nov/2026:10:00:00 +0000] 192.0.2.3 - R{key} \
             REST.DELETE.OBJECT {key} \"DELETE /images-prod/{key} HTTP/1.1\" 204 - - - 9 8 \"-\" \
             \"agent\" - H= SigV4 C AuthHeader h TLSv1.2 - -"
        )
        .into_bytes()
    };
    let with = |key: &str, from: &str, to: &[u8]| {
        let line = line(key);
        let at = line.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        [&line[..at], to, &line[at + from.len()..]].concat()
    };
    let lines = [
        line("good/1"),
        with("KEY", "KEY \"DELETE", b"caf\xe9 \"DELETE"),
        with("good/2", "agent", b"\xff\x00\x1b[31m\" 403 AccessDenied 9 - 9 - \"-\" \"x"),
        with("bad/time", "23/Nov/2026", b"23/Nov/9999999"),
        with("bad/status", " 204 ", b" 2e04 "),
        with("bad/times", " 9 8 ", b" -9 99999999999999999999999 "),
        b"\0\0\0\0".to_vec(),
        with("bad/spaces", "bad/spaces \"DELETE", b"bad/ spaces \"DELETE"),
        vec![b' '; 10_000],
        line("good/3"),
    ];
    place.put(LOG_BUCKET, "access/2026-11-23-10-00-00-0123456789ABCDEF", lines.join(&b'\n'));
    let intent = |id: &str| {
        json!({
            "deltrail": "intent", "id": id, "bucket": "images-prod", "keys": [id],
            "requested_at": "2026-11-23T09:59:00Z"
        })
        .to_string()
    };
    let many: Vec<String> = (0..20_000).map(|nth| nth.to_string()).collect();
    let nest = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let intents = [
        intent("good 1"),
        nest.clone(),
        intent("bad deep").replace(r#"["bad deep"]"#, &nest),
        intent("bad many").replace(r#"["bad many"]"#, &json!(many).to_string()),
        intent("bad year").replace("2026", "9999999"),
        intent("bad").replace(r#""id":"bad""#, r#""id":"bad","id":"good""#),
        intent("bad").replace(r#""images-prod""#, r#""arn:aws:s3:::images-prod""#),
        intent("good 2").replace('{', r#"{"x":1e999999,"y":-1,"#),
        "\0".to_owned(),
        intent("good 3"),
    ];
    place.put(LOG_BUCKET, "intents.ndjson", intents.join("\n"));

    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let good = ["good/1", "good/2", "good/3"];
    assert_eq!(place.kept().keys_of("images-prod"), key_set(good));
    let declared = place.kept().pairs("SELECT id, bucket FROM intents ORDER BY id");
    let declared: Vec<_> = declared.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(declared, ["good 1", "good 2", "good 3"]);
    let expected = counts([
        ("bucket_not_allowed", 1),
        ("invalid_json", 2),
        ("invalid_utf8", 1),
        ("malformed_line", 4),
        ("missing_time", 2),
        ("record_too_large", 1),
        ("unknown_envelope", 1),
        ("wrong_type", 1),
    ]);
    assert_eq!(place.kept().rejects(), expected);
    daemon.stop();
}
