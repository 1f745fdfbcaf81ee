//! Large log objects pass in bounded memory: one of 1 GiB, and one with more evidence than may wait
//! in memory. The emulator that serves them is another process, so that the daemon's peak is its
//! own.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::emulator::{Daemon, Estate, Scrape, emulator, eventually};
use crate::requirement::scratch;

/// The default of `--max-inflated`: the object comes as close to it as whole records can.
const INFLATED_BYTES_MAX: u64 = 1 << 30;
const RECORD_BYTES_MAX: u64 = 4096;
const RESIDENT_BYTES_MAX: u64 = 128 << 20;
/// A purge: a smaller object of nothing but deletes, with more evidence than the 16 MiB that wait
/// for the end of a file.
const PURGE_BYTES_MAX: u64 = 48 << 20;
/// How many different records of other events there are: more than gzip can look back over.
const FOREIGN_RECORDS: u64 = 512;

/// Hexadecimal digits that do not compress, decided by `seed`.
fn noise(seed: u64, words: u64) -> String {
    let word = |n: u64| {
        let mut z = (seed * 64 + n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        format!("{:016x}", z ^ (z >> 31))
    };
    (0..words).map(word).collect()
}

/// A record of about 1.8 KB, as they are in trails with data events.
fn record(seed: u64, name: &str, key: &str) -> String {
    let id = noise(seed, 2);
    format!(
        concat!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"#,
            r#""AROAEXAMPLEROLEID0000:{noise}","arn":"arn:aws:sts::111122223333:assumed-role/"#,
            r#"image-service/{noise}","accountId":"111122223333","accessKeyId":"#,
            r#""ASIAIOSFODNN7EXAMPLE","sessionContext":{{"sessionIssuer":{{"type":"Role","#,
            r#""principalId":"AROAEXAMPLEROLEID0000","arn":"arn:aws:iam::111122223333:role/"#,
            r#"image-service","accountId":"111122223333","userName":"image-service"}},"#,
            r#""attributes":{{"creationDate":"2026-11-23T08:00:00Z","mfaAuthenticated":"#,
            r#""false"}}}}}},"eventTime":"2026-11-23T10:00:00Z","eventSource":"#,
            r#""s3.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","#,
            r#""sourceIPAddress":"203.0.113.77","userAgent":"[aws-sdk-js/3.901.0 ua/2.1 "#,
            r#"os/linux#6.1.0 lang/js md/nodejs#22.11.0 api/s3#3.901.0 exec-env/AWS_Lambda_"#,
            r#"nodejs22.x m/E,n]","requestParameters":{{"bucketName":"images-prod","Host":"#,
            r#""images-prod.s3.us-east-1.amazonaws.com","key":"{key}","x-id":"{name}"}},"#,
            r#""responseElements":null,"additionalEventData":{{"SignatureVersion":"SigV4","#,
            r#""CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0.0,"#,
            r#""bytesTransferredOut":0.0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"#,
            r#""{noise}"}},"requestID":"{id}","eventID":"{id}","readOnly":false,"resources":"#,
            r#"[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::images-prod/{key}"}},"#,
            r#"{{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"#,
            r#""arn:aws:s3:::images-prod"}}],"eventType":"AwsApiCall","managementEvent":false,"#,
            r#""recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":"#,
            r#"{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
            r#""clientProvidedHostHeader":"images-prod.s3.us-east-1.amazonaws.com"}}}}"#,
        ),
        noise = noise(seed + 1, 4),
        id = id,
        name = name,
        key = key,
    )
}

/// Writes a log object of nearly `bytes_max` inflated, and says how many deletes are in it.
fn write_log_object(path: &Path, bytes_max: u64, records_per_delete: u64) -> u64 {
    let foreign: Vec<String> = (0..FOREIGN_RECORDS)
        .map(|n| record(n << 32, "GetObject", &format!("images/{}.png", noise(n, 2))))
        .collect();
    let file = BufWriter::new(File::create(path).unwrap());
    let mut gzip = GzEncoder::new(file, Compression::fast());
    gzip.write_all(br#"{"Records":["#).unwrap();
    let (mut bytes, mut records, mut deletes) = (0_u64, 0_u64, 0_u64);
    while bytes < bytes_max - RECORD_BYTES_MAX {
        let delete;
        let next = if records.is_multiple_of(records_per_delete) {
            deletes += 1;
            delete = record(records, "DeleteObject", &format!("images/{records}.png"));
            &delete
        } else {
            &foreign[usize::try_from(records % FOREIGN_RECORDS).unwrap()]
        };
        if records > 0 {
            gzip.write_all(b",").unwrap();
        }
        gzip.write_all(next.as_bytes()).unwrap();
        bytes += 1 + next.len() as u64;
        records += 1;
    }
    gzip.write_all(b"]}").unwrap();
    gzip.finish().unwrap().flush().unwrap();
    deletes
}

const KEY: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/\
    111122223333_CloudTrail_us-east-1_20261123T1000Z_0NEG1B1BYTE0BJCT.json.gz";

fn removed(scrape: &Scrape) -> u64 {
    let counts = scrape.counts("deltrail_objects_removed_total", &["bucket"]);
    counts.get(&vec!["images-prod".to_owned()]).copied().unwrap_or_default()
}

async fn until_removed(daemon: &Daemon, deletes: u64) {
    eventually(240, "every delete of the object is counted", async || {
        match removed(&daemon.scrape()?) {
            seen if seen == deletes => Ok(()),
            seen => Err(format!("{seen} of {deletes}")),
        }
    })
    .await;
}

/// A file whose evidence does not fit is verified first and then committed in chunks. Killed in
/// the middle of that, it is read again from its start and nothing is counted twice.
#[tokio::test]
async fn a_purge_that_outgrows_memory_is_committed_in_chunks_and_survives_a_kill() {
    let Some(emulator) = emulator() else { return };
    let folder = scratch("purge");
    let object = folder.join("object.json.gz");
    let deletes = write_log_object(&object, PURGE_BYTES_MAX, 1);
    let estate = Estate::build(emulator, "purge", 20).await;
    estate.put_file(KEY, &object).await;
    std::fs::remove_file(&object).unwrap();

    let daemon = Daemon::start(&estate, &folder).await;
    let seen = eventually(240, "a part of the deletes is counted", async || {
        match removed(&daemon.scrape()?) {
            0 => Err("none".to_owned()),
            seen => Ok(seen),
        }
    })
    .await;
    daemon.kill();
    assert!(seen < deletes, "killed after all {deletes} were committed: not in chunks");

    let daemon = Daemon::start(&estate, &folder).await;
    until_removed(&daemon, deletes).await;
    estate.until_drained(60).await;
    assert_eq!(removed(&daemon.scrape().unwrap()), deletes);
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}

/// A log object of one delete, among other records with `record_words` of noise, which keep it from
/// arriving all at once.
fn log_object(seed: u64, records: u64, record_words: u64) -> Vec<u8> {
    let other = |n| {
        let id = (seed << 20) + 2 + n;
        record(id, "GetObject", &noise(id, record_words))
    };
    let mut written = vec![record(seed << 20, "DeleteObject", &format!("images/{seed}.png"))];
    written.extend((0..records).map(other));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    write!(gzip, r#"{{"Records":[{}]}}"#, written.join(",")).unwrap();
    gzip.finish().unwrap()
}

/// Objects that share a budget for one or two of them wait for each other; none of them fails, for
/// that would cost its message a receive.
#[tokio::test]
async fn objects_of_any_records_share_a_small_budget_without_failing() {
    let Some(emulator) = emulator() else { return };
    let folder = scratch("budget");
    let estate = Estate::build(emulator, "budget", 2).await;
    let objects = 30;
    for seed in 0..objects {
        let body = match seed % 3 {
            0 => log_object(seed, 4, 28_000),
            _ => log_object(seed, 300, 8),
        };
        estate.put(&KEY.replace("0NEG1B1BYTE0BJCT", &format!("{seed:016}")), body).await;
    }
    let settings = ["--memory-budget=1280KiB", "--in-flight-objects=6", "--max-record=1MiB"];
    let daemon = Daemon::start_with(&estate, &folder, &settings).await;
    until_removed(&daemon, objects).await;
    estate.until_drained(60).await;
    let scrape = daemon.scrape().unwrap();
    let failed = scrape.sum("deltrail_log_objects_total", &[("result", "failed")])
        + scrape.sum("deltrail_messages_failed_total", &[]);
    assert!(failed < 0.5, "{failed} failures");
    daemon.stop();
}

#[tokio::test]
async fn an_object_of_a_gibibyte_passes_in_bounded_memory() {
    let Some(emulator) = emulator() else { return };
    let folder = scratch("memory");
    let object = folder.join("object.json.gz");
    let deletes = write_log_object(&object, INFLATED_BYTES_MAX, 50);
    let estate = Estate::build(emulator, "memory", 2).await;
    estate.put_file(KEY, &object).await;
    std::fs::remove_file(&object).unwrap();

    let daemon = Daemon::start(&estate, &folder).await;
    until_removed(&daemon, deletes).await;
    estate.until_drained(60).await;
    let inflated = daemon.scrape().unwrap().sum("deltrail_inflated_bytes_total", &[]);
    assert!(inflated > 1_073_700_000.0, "{inflated} bytes were inflated");
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}
