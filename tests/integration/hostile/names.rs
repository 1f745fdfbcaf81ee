//! Names with tricks in them: of log objects, of files below a folder, and of the objects that were
//! deleted. A name is read as what it is and leads nowhere else.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use super::{FOREIGN_BUCKET, Kept, LOG_BUCKET, Place, delete, document, key_set};
use crate::requirement::scratch;
use crate::world::gzip;

/// Keys that S3 takes, and that mean something else to a file system, a URL or a terminal.
const KEYS: [&str; 17] = [
    "../up.json.gz",
    "a/../../up.json.gz",
    "a/./b/../c.json.gz",
    "/leading.json.gz",
    "//leading.json.gz",
    "a//b.json.gz",
    "%2e%2e/%2fetc%2fpasswd",
    "..%2f..%2fup",
    "a b+c%20d%2B.json.gz",
    "a?versionId=x&y#z.json.gz",
    "a\\..\\b.json.gz",
    "tab\tline\nreturn\r.json.gz",
    "\u{1b}[2J\u{7}bell.json.gz",
    "\u{202e}zg.nosj\u{2066}.gz",
    "\u{1f4a3}\u{e9}e\u{301}.json.gz",
    "; rm -rf $(HOME) `id` | '\".gz",
    "AWSLogs/../../AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/../x.json.gz",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_log_object_is_read_whatever_it_is_called_and_no_other_is() {
    let place = Place::new("keys").await;
    for (nth, key) in KEYS.into_iter().enumerate() {
        let deleted = [delete(&format!("by {nth}"), ""), delete(key, "")];
        let records: Vec<&str> = deleted.iter().map(String::as_str).collect();
        place.put(LOG_BUCKET, key, gzip(document(&records).as_bytes()));
    }
    // Where a path would lead that was tidied up.
    let trap = document(&[&delete("trap", "")]);
    for key in ["up.json.gz", "leading.json.gz", "c.json.gz", "a/b.json.gz", "a/c.json.gz"] {
        place.put(FOREIGN_BUCKET, key, trap.clone());
    }
    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let mut expected: BTreeSet<String> = (0..KEYS.len()).map(|nth| format!("by {nth}")).collect();
    expected.extend(key_set(KEYS));
    assert_eq!(place.kept().keys_of("images-prod"), expected);
    let read = place.kept().pairs("SELECT key, bucket FROM log_objects WHERE result = 'committed'");
    let read: BTreeSet<String> = read.into_iter().map(|(key, _)| key).collect();
    assert_eq!(read, key_set(KEYS), "the ledger knows each by its name");
    let log = daemon.output();
    assert!(!log.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}']), "{log}");
    daemon.expect_well_formed_log();
    daemon.stop();
}

#[test]
fn a_file_below_a_folder_is_read_whatever_it_is_called() {
    let folder = scratch("hostile-scan-names").canonicalize().unwrap();
    let (logs, outside) = (folder.join("logs"), folder.join("outside.json"));
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(&outside, document(&[&delete("outside", "")])).unwrap();
    let is_file_name = |key: &&str| !key.contains('/') && !key.is_empty();
    let mut names: Vec<&str> = KEYS.into_iter().filter(is_file_name).collect();
    names.extend(["-rf", "--output=csv", " ", "...", "~", "CON", "%00"]);
    for name in &names {
        std::fs::write(logs.join(name), document(&[&delete(name, "")])).unwrap();
    }
    let not_utf8 = logs.join(OsStr::from_bytes(b"caf\xe9\x1b[31m\n.json"));
    std::fs::write(not_utf8, document(&[&delete("not told", "")])).unwrap();
    std::fs::write(logs.join("broken\u{1b}[31m\nERROR forged\u{202e}"), "\u{1b}[31m").unwrap();
    std::os::unix::fs::symlink(&outside, logs.join("link.json")).unwrap();
    std::os::unix::fs::symlink("/", logs.join("root")).unwrap();

    let store = folder.join("deltrail.db");
    for format in ["text", "json"] {
        let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .args(["scan", "--log-format", format])
            .arg(format!("--store=sqlite://{}", store.display()))
            .arg(&logs)
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "two files cannot be read");
        for told in [output.stdout, output.stderr] {
            let told = String::from_utf8(told).unwrap();
            let hostile = ['\u{1b}', '\r', '\u{202e}', '\u{2066}', '\u{7}', '\u{9b}'];
            assert!(!told.contains(hostile), "{told:?}");
            assert!(!told.lines().any(|line| line.starts_with("ERROR forged")), "{told:?}");
        }
    }
    assert_eq!(Kept::of(&store).keys_of("images-prod"), key_set(names));
}
