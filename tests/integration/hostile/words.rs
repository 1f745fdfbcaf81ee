//! Words that a caller chose, which end in logs, tables, spreadsheets and metrics: each is shown as
//! one word, and nothing that reads it obeys it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use super::{LOG_BUCKET, Place, SECONDS_MAX, document};
use crate::emulator::eventually;
use crate::world::gzip;

/// What would be obeyed by a terminal, a reader of lines, a spreadsheet or a browser.
const WORDS: [&str; 10] = [
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\t=1+1",
    "\r=HYPERLINK(\"http://x\",\"y\")",
    "x\n2026-11-23T10:00:00Z ERROR deltrail: all is lost",
    "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J",
    "a\u{202e}gpj.exe\u{2066}\u{200b}\u{2028}",
    "<script>alert(1)</script>\"',;{}",
];
/// What no output for people may hold, but for the ends of its lines.
const OBEYED: [char; 9] =
    ['\u{1b}', '\u{7}', '\u{9b}', '\r', '\t', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}'];

/// A record in which every word that a caller may choose is this one.
fn record_of(word: &str, nth: usize) -> String {
    json!({
        "eventVersion": "1.11", "eventTime": "2026-11-23T10:00:00Z", "userAgent": word,
        "eventSource": "s3.amazonaws.com", "eventName": "DeleteObject", "awsRegion": "us-east-1",
        "sourceIPAddress": word, "eventType": "AwsApiCall",
        "userIdentity": {
            "type": "AssumedRole", "accountId": "111122223333", "accessKeyId": word,
            "principalId": word, "arn": format!("arn:aws:sts::111122223333:assumed-role/r/{word}"),
            "userName": word
        },
        "requestParameters": { "bucketName": "images-prod", "key": word, "versionId": word },
        "requestID": word, "eventID": format!("E{nth}"), "recipientAccountId": "111122223333",
    })
    .to_string()
}

/// The cells of comma separated values (RFC 4180).
fn cells_of(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let row = rows.last_mut().unwrap();
        let cell = row.last_mut().unwrap();
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\r' if !is_quoted && chars.next_if_eq(&'\n').is_some() => {
                rows.push(vec![String::new()]);
            }
            _ => cell.push(c),
        }
    }
    rows.pop();
    rows
}

/// What `deltrail` prints about the store of `place`, and what it says beside that.
fn printed(place: &Place, arguments: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(arguments)
        .arg(format!("--store=sqlite://{}", place.folder.join("deltrail.db").display()))
        .env_clear()
        .current_dir(&place.folder)
        .output()
        .unwrap();
    let [told, said] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{arguments:?}: {said}");
    (told, said)
}

fn expect_nothing_obeyed(text: &str) {
    let found = text.chars().find(|c| OBEYED.contains(c));
    assert_eq!(found, None, "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_caller_are_shown_and_never_obeyed() {
    let place = Place::new("words").await;
    let records: Vec<String> =
        WORDS.iter().enumerate().map(|(nth, word)| record_of(word, nth)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    place.put(LOG_BUCKET, "AWSLogs/words.json.gz", gzip(document(&records).as_bytes()));
    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;

    let (table, said) = printed(&place, &["deletions", "--output=table"]);
    expect_nothing_obeyed(&format!("{table}{said}"));
    let lines_of = |word: &str| table.lines().filter(|line| line.contains(word)).count();
    assert_eq!(lines_of("all is lost"), 1, "{table}");
    assert!(!table.lines().any(|line| line.starts_with("2026-11-23T10:00:00Z ERROR")), "{table}");

    let (csv, _) = printed(&place, &["deletions", "--output=csv"]);
    let rows = cells_of(&csv);
    assert_eq!(rows.len(), 1 + WORDS.len());
    for row in &rows {
        assert_eq!(row.len(), rows[0].len());
        let is_formula = |cell: &&String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert_eq!(row.iter().find(is_formula), None, "a spreadsheet would run it");
    }

    let (whole, _) = printed(&place, &["deletions", "--output=json"]);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let (lines, _) = printed(&place, &["deletions", "--output=ndjson"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), WORDS.len());
    let mut words = WORDS.to_vec();
    words.sort_unstable();
    for rows in [whole["deletions"].as_array().unwrap(), &lines] {
        let mut keys: Vec<&str> = rows.iter().map(|row| row["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        assert_eq!(keys, words, "programs get the words themselves");
    }

    for word in WORDS {
        let object = format!("s3://images-prod/{word}");
        let (told, said) = printed(&place, &["who-deleted", &object]);
        expect_nothing_obeyed(&format!("{told}{said}"));
        assert!(!told.lines().any(|line| line.starts_with("2026-11-23T10:00:00Z ERROR")), "{told}");
        let (told, _) = printed(&place, &["who-deleted", &object, "--output=json"]);
        assert!(serde_json::from_str::<Value>(&told).unwrap().is_object(), "{told}");
    }
    expect_nothing_obeyed(&daemon.output());
    daemon.expect_well_formed_log();
    daemon.stop();
}

/// A name of a bucket in a notification is the caller's word, and a label of the metrics.
#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_stay_metrics_whatever_buckets_are_called() {
    let place = Place::new("labels").await;
    let buckets = [
        "x\"} 1\ndeltrail_forged_total{bucket=\"y",
        "back\\slash\\n",
        "\u{1b}[31m\u{202e}",
        "\0",
        "",
        "spaces and # HELP",
    ];
    let long = "b".repeat(60_000);
    let all = buckets.iter().copied().chain([long.as_str()]).enumerate();
    let records: Vec<Value> = all
        .map(|(nth, bucket)| {
            json!({
                "eventTime": "2026-11-23T10:00:00Z", "eventName": "ObjectRemoved:Delete",
                "s3": { "bucket": { "name": bucket }, "object": { "key": format!("{nth}") } }
            })
        })
        .collect();
    place.send(json!({ "Records": records }).to_string());
    place.send(
        json!({ "Records": [{
            "eventTime": "2026-11-23T10:00:00Z", "eventName": "ObjectRemoved:Delete",
            "s3": { "bucket": { "name": "images-prod" }, "object": { "key": "good" } }
        }] })
        .to_string(),
    );
    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let metrics = daemon.metrics().unwrap();
    assert!(!metrics.lines().any(|line| line.starts_with("deltrail_forged_total")), "{metrics}");
    assert!(metrics.len() < 1 << 20, "{} bytes of metrics", metrics.len());
    let longest = metrics.lines().map(str::len).max().unwrap();
    assert!(longest < 1_000, "a line of {longest} bytes");
    // A new series shows 0 until it was scraped once.
    eventually(SECONDS_MAX, "what was told of a bucket is counted", async || {
        let removed = daemon.scrape()?.counts("deltrail_objects_removed_total", &["bucket"]);
        let counted = removed.get(&vec!["images-prod".to_owned()]) == Some(&1);
        if counted { Ok(()) } else { Err(format!("{removed:?}")) }
    })
    .await;
    daemon.stop();
}

/// What is wrong with a request is told without letting it speak.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_api_repeats_no_caller() {
    let place = Place::new("problems").await;
    let daemon = place.daemon(&["--watch-bucket", "images-*"]).await;
    let ask = |head: &str, body: &str| {
        let mut connection = TcpStream::connect(daemon.app_address()).unwrap();
        connection.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        let length = body.len();
        let host = daemon.app_address();
        write!(
            connection,
            "{head} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             content-type: application/json\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    };
    for word in WORDS {
        let intent = json!({
            "deltrail": "intent", "id": word, "bucket": word, "keys": [word],
            "requested_at": "2026-11-23T10:00:00Z"
        });
        let (head, body) = ask("POST /api/v1/intents", &intent.to_string());
        assert!(head.contains("application/problem+json"), "{head}\n{body}");
        assert!(!head.contains("all is lost") && !head.contains("calc"), "{head}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        expect_nothing_obeyed(problem["detail"].as_str().unwrap());
    }
    let nest = "[".repeat(100_000) + &"]".repeat(100_000);
    for body in [nest, "\0".to_owned(), "\u{202e}\u{1b}[31m".to_owned()] {
        let (head, body) = ask("POST /api/v1/intents", &body);
        let status = head.split(' ').nth(1).unwrap();
        assert!(status.starts_with('4'), "{head}\n{body}");
        expect_nothing_obeyed(
            serde_json::from_str::<Value>(&body).unwrap()["detail"].as_str().unwrap(),
        );
    }
    let (head, body) = ask("GET /%1b[31m%0aERROR/..%2f%E2%80%AE/<script>", "");
    assert!(head.starts_with("http/1.1 404") || head.starts_with("http/1.1 400"), "{head}");
    expect_nothing_obeyed(&body);
    expect_nothing_obeyed(&daemon.output());
    daemon.expect_well_formed_log();
    daemon.stop();
}
