//! Things that are small in the bucket and large inside: the limits stop them, the memory of the
//! daemon does not grow with them, and whatever else was delivered is counted.

use std::io::Write as _;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Kept, LOG_BUCKET, Place, RESIDENT_BYTES_MAX, SECONDS_MAX, counts, delete, document};
use crate::emulator::eventually;
use crate::requirement::scratch;
use crate::world::gzip;

/// Given as `--max-inflated`.
const INFLATED_BYTES_MAX: usize = 64 << 20;
const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

/// The text before, a character that is repeated, and the text after, compressed.
fn bomb(before: &str, filling: u8, times: usize, after: &str) -> Vec<u8> {
    let piece = vec![filling; 1 << 20];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(before.as_bytes()).unwrap();
    for _ in 0..times >> 20 {
        gzip.write_all(&piece).unwrap();
    }
    gzip.write_all(after.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn access_line(key: &str) -> String {
    format!(
        "{OWNER} images-prod [23/Nov/2026:10:00:00 +0000] 192.0.2.3 - {key:0>16} \
         REST.DELETE.OBJECT {key} \"DELETE /images-prod/{key} HTTP/1.1\" 204 - - - 9 8 \"-\" \"x\" \
         - H= SigV4 C AuthHeader h TLSv1.2 - -\n"
    )
}

fn intent_line(id: &str) -> String {
    format!(r#"{{"deltrail":"intent","id":"{id}","bucket":"images-prod","keys":["{id}.png"],"#)
        + r#""requested_at":"2026-11-23T09:59:00Z"}"#
        + "\n"
}

/// Objects that hold too much in one record or line, and good ones before and behind it.
fn with_a_huge_record() -> Vec<(&'static str, Vec<u8>)> {
    let (before, behind) = (delete("trail/before", ""), delete("trail/behind", ""));
    let filling = INFLATED_BYTES_MAX - (1 << 20);
    let trail = bomb(
        &format!("{{\"Records\":[{before},{{\"x\":\""),
        b'y',
        filling,
        &format!("\"}},{behind}]}}"),
    );
    let nest = bomb(
        &format!("{{\"Records\":[{},", delete("nest/before", "")),
        b'[',
        8 << 20,
        &format!("{},{}]}}", "]".repeat(8 << 20), delete("nest/behind", "")),
    );
    let log = bomb(
        &access_line("log/before"),
        b'y',
        filling,
        &format!("\n{}", access_line("log/behind")),
    );
    let intents =
        bomb(&intent_line("before"), b'{', filling, &format!("\n{}", intent_line("behind")));
    vec![
        ("AWSLogs/trail.json.gz", trail),
        ("AWSLogs/nest.json.gz", nest),
        ("access/2026-11-23-10-00-00-0123456789ABCDEF", log),
        ("intents.ndjson.gz", intents),
    ]
}

/// Objects that inflate to more than is allowed, each in its own way.
fn over_the_limit() -> Vec<(&'static str, Vec<u8>)> {
    let begin = format!("{{\"Records\":[{},", delete("never", ""));
    // An object may go over its limit by one record.
    let over = INFLATED_BYTES_MAX + (6 << 20);
    let member = gzip(&vec![b' '; 1 << 20]);
    let members = [gzip(begin.as_bytes()), member.repeat(over >> 20), gzip(b"{}]}")].concat();
    let line = access_line("never");
    vec![
        ("AWSLogs/ratio.json.gz", bomb(&begin, b' ', over, "{}]}")),
        ("AWSLogs/members.json.gz", members),
        ("access/2026-11-23-10-00-01-0123456789ABCDEF", bomb(&line, b'y', over, "\n")),
        ("access/2026-11-23-10-00-02-0123456789ABCDEF", bomb(&line, b'\n', over, &line)),
        ("never.ndjson.gz", bomb(&intent_line("never"), b'x', over, "")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_stopped_and_what_lies_beside_them_arrives() {
    let place = Place::new("bombs").await;
    for (key, body) in with_a_huge_record().into_iter().chain(over_the_limit()) {
        assert!(body.len() < 1 << 20, "{key} is a bomb of {} bytes", body.len());
        place.put(LOG_BUCKET, key, body);
    }
    let daemon = place.daemon(&["--max-inflated=64MiB"]).await;
    let dead = over_the_limit().len() as u64;
    place.until_settled(dead).await;

    let expected = ["trail", "nest", "log"];
    let expected = expected.iter().flat_map(|at| [format!("{at}/before"), format!("{at}/behind")]);
    assert_eq!(place.kept().keys_of("images-prod"), expected.collect());
    assert_eq!(place.kept().rejects(), counts([("record_too_large", 4)]));
    let intents = place.kept().pairs("SELECT id, bucket FROM intents ORDER BY id");
    assert_eq!(intents.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["before", "behind"]);

    let scrape = daemon.scrape().unwrap();
    let failed = scrape.counts("deltrail_messages_failed_total", &["reason"]);
    let receives = 2 * dead;
    assert_eq!(failed, [(vec!["inflated_too_large".to_owned()], receives)].into());
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}

/// Two million records of two bytes, and three hundred thousand gzip members of one byte or none.
#[tokio::test(flavor = "multi_thread")]
async fn millions_of_tiny_things_are_passed_over() {
    let place = Place::new("tiny").await;
    let many = "{},".repeat(2_000_000);
    let numbers = "7,".repeat(1_000_000);
    let text = format!(
        "{{\"Records\":[{},{many}{numbers}{}]}}",
        delete("records/before", ""),
        delete("records/behind", "")
    );
    place.put(LOG_BUCKET, "AWSLogs/records.json.gz", gzip(text.as_bytes()));
    let text = document(&[&delete("members/before", ""), &delete("members/behind", "")]);
    let (head, tail) = text.split_at(text.len() / 2);
    let spaces = gzip(b"").repeat(200_000);
    let of_one = text.as_bytes().chunks(1).flat_map(gzip);
    let members = [gzip(head.as_bytes()), spaces.clone(), gzip(tail.as_bytes()), spaces].concat();
    place.put(LOG_BUCKET, "AWSLogs/members.json.gz", members);
    let text_in_members: Vec<u8> = of_one.collect();
    place.put(LOG_BUCKET, "AWSLogs/again.json.gz", text_in_members);
    let blank = "\n\r\n \n".repeat(1_000_000);
    let lines = format!("{}{blank}{}", access_line("lines/before"), access_line("lines/behind"));
    place.put(LOG_BUCKET, "access/2026-11-23-10-00-00-0123456789ABCDEF", lines);

    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let expected = ["records", "members", "lines"];
    let expected = expected.iter().flat_map(|at| [format!("{at}/before"), format!("{at}/behind")]);
    assert_eq!(place.kept().keys_of("images-prod"), expected.collect());
    let scrape = eventually(SECONDS_MAX, "the records are counted", async || {
        let scrape = daemon.scrape()?;
        let refused = scrape.sum("deltrail_rejected_total", &[("reason", "not_an_object")]);
        if refused > 999_999.5 { Ok(scrape) } else { Err(format!("{refused} refused")) }
    })
    .await;
    let ignored = scrape.sum("deltrail_records_total", &[("result", "ignored")]);
    assert!((ignored - 2e6).abs() < 0.5, "{ignored} ignored");
    let kept = place.kept().rejects();
    assert_eq!(kept, counts([("not_an_object", 1_000)]), "as many rows as are of use");
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}

#[test]
fn a_bomb_in_a_folder_stops_no_scan() {
    let folder = scratch("hostile-scan-bombs");
    let logs = folder.join("logs");
    for (name, body) in with_a_huge_record().into_iter().chain(over_the_limit()) {
        let path = logs.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }
    let store = folder.join("deltrail.db");
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(["scan", "--output=json", "--max-inflated=64MiB", "--log-format=text"])
        .arg(format!("--store=sqlite://{}", store.display()))
        .arg(&logs)
        .env_clear()
        .output()
        .unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["files"]["read"], 4, "{summary}");
    assert_eq!(summary["files"]["failed"], serde_json::json!({ "inflated_too_large": 5 }));
    assert_eq!(summary["records"]["rejects"], serde_json::json!({ "record_too_large": 4 }));
    assert_eq!(summary["removals_learnt"], 6);
    assert!(!output.status.success(), "files that could not be read are no success");
    assert!(!Kept::of(&store).keys_of("images-prod").contains("never"));
}
