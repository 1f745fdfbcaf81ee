//! `deltrail verify` over a folder and over a bucket of the sandbox: what is as CloudTrail wrote it
//! is called intact, and each kind of tampering is told as such.

mod in_daemon;
mod in_s3;
mod trail;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltrail::sandbox::identifiers::Identifiers;
use deltrail::sandbox::record::digest::{Chain, DigestKey, DigestedFile};
use deltrail::sandbox::record::log_file::{TrailPlace, packed_records};
use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use crate::requirement::scratch;
use crate::world::gzip;
use trail::{Trail, digest_key, log_key};

/// What a verification said.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Each fault as `VERDICT FILE`; of a gap the file that is missing, or when it ends.
    fn faults(&self) -> BTreeSet<String> {
        let told = self.json();
        let files = told["files"].as_array().unwrap();
        let faults = files.iter().filter(|file| file["is_fault"] == true).map(|file| {
            let name = file["name"].as_str().unwrap().rsplit('/').next().unwrap();
            let is_hole = file["verdict"] == "gap";
            let name = if is_hole { file["to"].as_str().unwrap() } else { name };
            format!("{} {name}", file["verdict"].as_str().unwrap())
        });
        faults.collect()
    }

    fn summary(&self) -> Value {
        self.json()["summary"].clone()
    }
}

fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn verify(folder: &Path, keys: &Path, arguments: &[&str]) -> Said {
    verify_as("json", folder, keys, arguments)
}

fn verify_as(form: &str, folder: &Path, keys: &Path, arguments: &[&str]) -> Said {
    run(Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(["verify", "--output", form, "--log-format=text"])
        .arg(folder)
        .arg("--public-keys")
        .arg(keys)
        .args(arguments)
        .env_clear())
}

/// `VERDICT FILE` of keys.
fn told<const COUNT: usize>(faults: [(&str, String); COUNT]) -> BTreeSet<String> {
    let file = |key: String| key.rsplit('/').next().unwrap().to_owned();
    faults.into_iter().map(|(verdict, key)| format!("{verdict} {}", file(key))).collect()
}

/// What is said of a morning that somebody changed so.
fn after(name: &str, tamper: impl FnOnce(&mut Trail)) -> Said {
    let mut trail = Trail::of_a_morning(&format!("verify-{name}-keys"));
    let keys = trail.keys_file();
    tamper(&mut trail);
    let folder = scratch(&format!("verify-{name}"));
    trail.write_to(&folder);
    verify(&folder, &keys, &[])
}

#[test]
fn a_copy_that_nobody_touched_is_intact() {
    let said = after("intact", |_| {});
    assert_eq!((said.code, said.faults()), (0, BTreeSet::new()), "{}", said.stdout);
    let summary = said.summary();
    assert_eq!(summary["is_intact"], true);
    assert_eq!(summary["digests"], json!({"verified": 5}));
    assert_eq!(summary["log_files"], json!({"verified": 10}));
    assert_eq!(summary["from"], "2026-11-23T00:00:00.000Z");
    assert_eq!(summary["to"], "2026-11-23T05:00:00.000Z");
}

#[test]
fn a_copy_may_lie_anywhere_and_signatures_in_the_next_digest() {
    let trail = Trail::of_a_morning("verify-flat-keys");
    let folder = scratch("verify-flat");
    for (key, stored) in &trail.objects {
        std::fs::write(folder.join(key.rsplit('/').next().unwrap()), &stored.body).unwrap();
    }
    let said = verify(&folder, &trail.keys_file(), &[]);
    let newest = digest_key(5, false);
    let logs = [("unvouched", log_key(5, 10)), ("unvouched", log_key(5, 35))];
    let expected = told([("unsigned", newest.clone()), logs[0].clone(), logs[1].clone()]);
    assert_eq!((said.code, said.faults()), (1, expected));
    assert_eq!(said.summary()["digests"], json!({"unsigned": 1, "verified": 4}));

    let file = newest.rsplit('/').next().unwrap();
    let signature = trail.objects[&newest].signature.clone().unwrap();
    std::fs::write(folder.join(format!("{file}.signature")), signature + "\n").unwrap();
    assert_eq!(verify(&folder, &trail.keys_file(), &[]).code, 0);
}

/// The sandbox writes digests too, by code that knows nothing of these tests.
#[test]
fn the_digests_of_the_sandbox_hold() {
    let key = Arc::new(DigestKey::generate().unwrap());
    let place = TrailPlace {
        bucket: "example-trail-logs".into(),
        prefix: Some("own".into()),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        trail: "all_objects".into(),
    };
    let folder = scratch("verify-sandbox");
    let write = |key: &str, bytes: &[u8]| {
        std::fs::create_dir_all(folder.join(key).parent().unwrap()).unwrap();
        std::fs::write(folder.join(key), bytes).unwrap();
    };
    let mut chain = Chain::starting(place.clone(), Arc::clone(&key));
    let hour = |hour: i64| Timestamp::from_millis(1_795_435_200_000 + hour * 3_600_000);
    for number in 0..3 {
        let log = packed_records(&[json!({ "eventVersion": "1.11", "number": number })]);
        let written_at = Timestamp::from_millis(hour(number).as_millis() + 600_000);
        let file = DigestedFile {
            key: place.log_file_key(written_at, &Identifiers::seeded(number.unsigned_abs())),
            sha256: log.sha256,
            newest_event_at: written_at,
            oldest_event_at: written_at,
        };
        write(&file.key, &log.body);
        let digest = chain.next(hour(number), hour(number + 1), &[file]).unwrap();
        write(&digest.key, &digest.file.body);
        write(&format!("{}.signature", digest.key), digest.signature.as_bytes());
    }
    let keys = scratch("verify-sandbox-keys").join("keys.json");
    let value = STANDARD.encode(key.public_key());
    let list = json!({ "PublicKeyList": [{ "Value": value, "Fingerprint": key.fingerprint() }] });
    std::fs::write(&keys, list.to_string()).unwrap();
    let said = verify(&folder, &keys, &[]);
    assert_eq!((said.code, said.faults()), (0, BTreeSet::new()), "{}", said.stdout);
    assert_eq!(said.summary()["log_files"], json!({"verified": 3}));
}

#[test]
fn a_log_file_that_is_not_what_was_delivered_is_told_with_what_became_of_it() {
    let key = log_key(3, 10);
    for (verdict, tamper) in [
        ("changed", Box::new(|_: &[u8]| gzip(b"{\"Records\":[]}")) as Box<dyn Fn(&[u8]) -> _>),
        ("appended", Box::new(|body: &[u8]| [body, b"x"].concat())),
        ("appended", Box::new(|body: &[u8]| [body, &gzip(b"{\"Records\":[]}")].concat())),
        ("damaged", Box::new(|body: &[u8]| body[..body.len() - 3].to_vec())),
        ("changed", Box::new(|_: &[u8]| b"plain".to_vec())),
    ] {
        let said = after("log", |trail| {
            let stored = trail.stored(&key);
            stored.body = tamper(&stored.body);
        });
        assert_eq!((said.code, said.faults()), (1, told([(verdict, key.clone())])), "{verdict}");
    }
    let said = after("log-missing", |trail| {
        trail.objects.remove(&key);
    });
    assert_eq!((said.code, said.faults()), (1, told([("missing", key)])));
}

#[test]
fn a_log_file_that_no_digest_names_is_foreign_uncovered_or_young() {
    let put = |name: &str, key: &str| {
        let key = key.to_owned();
        after(name, move |trail| trail.log(&key, "{\"Records\":[]}"))
    };
    let foreign = log_key(3, 20);
    let said = put("foreign", &foreign);
    assert_eq!((said.code, said.faults()), (1, told([("unnamed", foreign)])));
    let late = log_key(12, 10);
    let said = put("late", &late);
    assert_eq!((said.code, said.faults()), (1, told([("uncovered", late)])), "no digest came");
    let young = log_key(6, 5);
    let said = put("young", &young);
    assert_eq!((said.code, said.faults()), (0, BTreeSet::new()));
    assert_eq!(said.summary()["log_files"], json!({"not_yet_covered": 1, "verified": 10}));
    let other = log_key(3, 20).replace("eu-west-1", "us-east-1");
    let said = put("other-region", &other);
    assert_eq!((said.code, said.faults()), (1, told([("uncovered", other)])));
}

#[test]
fn a_digest_that_does_not_hold_vouches_for_nothing() {
    let key = digest_key(3, false);
    let with_logs = |verdict: &'static str| {
        let logs = [("unvouched", log_key(3, 10)), ("unvouched", log_key(3, 35))];
        told([(verdict, digest_key(3, false)), logs[0].clone(), logs[1].clone()])
    };
    // Somebody changes a log file, and the digest so that it fits.
    let forged = after("forged", |trail| {
        trail.log(&log_key(3, 10), "{\"Records\":[]}");
        let mut document = trail.document(&key);
        document["logFiles"][0]["hashValue"] = json!("9b".repeat(32));
        trail.stored(&key).body = gzip(document.to_string().as_bytes());
    });
    assert_eq!((forged.code, forged.faults()), (1, with_logs("signature_invalid")));
    let resigned = after("resigned", |trail| {
        let mut stranger = Trail::new("verify-resigned-forger");
        stranger.put_digest(&key, &trail.document(&key), false);
        trail.objects.insert(key.clone(), stranger.objects.remove(&key).unwrap());
    });
    assert_eq!(resigned.faults(), with_logs("signature_invalid"));
    let unknown = after("unknown-key", |trail| {
        let mut document = trail.document(&key);
        document["digestPublicKeyFingerprint"] = json!("31e8b5433410dfb61a9dc45cc65b22ff");
        trail.put_digest(&key, &document, false);
    });
    assert_eq!(unknown.faults(), with_logs("key_unknown"));
    let appended = after("digest-appended", |trail| trail.stored(&key).body.push(b'x'));
    assert_eq!(appended.faults(), with_logs("appended"));
    let signature = after("digest-signature", |trail| {
        trail.stored(&key).signature = Some("00".repeat(256));
    });
    assert_eq!(signature.faults(), with_logs("signature_invalid"));
    let moved = after("moved", |trail| {
        let earlier = trail.objects[&digest_key(2, false)].clone();
        trail.objects.insert(key.clone(), earlier);
    });
    let without = |verdict: &'static str| {
        let logs = [("uncovered", log_key(3, 10)), ("uncovered", log_key(3, 35))];
        told([(verdict, digest_key(3, false)), logs[0].clone(), logs[1].clone()])
    };
    assert_eq!((moved.code, moved.faults()), (1, without("moved")));
    for (verdict, body) in [("damaged", b"\x1f\x8b\x08".to_vec()), ("malformed", gzip(b"{}"))] {
        let said = after("malformed", |trail| trail.stored(&key).body = body.clone());
        assert_eq!((said.code, said.faults()), (1, without(verdict)));
    }
}

#[test]
fn a_missing_digest_is_a_gap_and_what_it_named_is_known_by_nobody() {
    let said = after("digest-missing", |trail| {
        trail.objects.remove(&digest_key(3, false));
    });
    let gap = ("digest_missing", digest_key(3, false));
    let logs = [("uncovered", log_key(3, 10)), ("uncovered", log_key(3, 35))];
    assert_eq!((said.code, said.faults()), (1, told([gap, logs[0].clone(), logs[1].clone()])));
    let first = after("first-missing", |trail| {
        trail.objects.remove(&digest_key(1, false));
    });
    let gap = ("digest_missing", digest_key(1, false));
    let logs = [("uncovered", log_key(1, 10)), ("uncovered", log_key(1, 35))];
    assert_eq!(first.faults(), told([gap, logs[0].clone(), logs[1].clone()]));
}

#[test]
fn hours_without_validation_are_a_gap_unless_digests_came_afterwards() {
    let build = |name: &str, fills: bool| {
        let mut trail = Trail::new(&format!("verify-{name}-keys"));
        trail.hour(1);
        trail.hour(2);
        trail.begin_anew();
        trail.hour(5);
        if fills {
            let logs = [log_key(3, 10), log_key(4, 10)];
            for key in &logs {
                trail.log(key, "{\"Records\":[]}");
            }
            trail.digest(3, &logs[..1], true);
            trail.digest(4, &logs[1..], true);
        }
        let folder = scratch(&format!("verify-{name}"));
        trail.write_to(&folder);
        verify(&folder, &trail.keys_file(), &[])
    };
    let said = build("restarted", false);
    assert_eq!((said.code, said.faults()), (1, ["gap 2026-11-23T04:00:00.000Z".into()].into()));
    let said = build("backfilled", true);
    assert_eq!((said.code, said.faults()), (0, BTreeSet::new()), "{}", said.stdout);
    assert_eq!(said.summary()["digests"], json!({"verified": 5}));
}

#[test]
fn bounds_leave_out_what_is_not_asked_for() {
    let mut trail = Trail::of_a_morning("verify-bounds-keys");
    trail.objects.remove(&digest_key(1, false));
    trail.stored(&log_key(2, 10)).body.push(b'x');
    let folder = scratch("verify-bounds");
    trail.write_to(&folder);
    let keys = trail.keys_file();
    assert_eq!(verify(&folder, &keys, &[]).code, 1);
    let said = verify(&folder, &keys, &["--since=2026-11-23T03:30:00Z"]);
    assert_eq!((said.code, said.faults()), (0, BTreeSet::new()), "{}", said.stdout);
    assert_eq!(said.summary()["digests"], json!({"verified": 2}));
    let none = verify(&folder, &keys, &["--since=2031-01-01"]);
    assert_eq!((none.code, &none.summary()["is_intact"]), (1, &json!(false)), "nothing is shown");
}

#[test]
fn every_form_tells_the_same() {
    let mut trail = Trail::of_a_morning("verify-forms-keys");
    trail.stored(&log_key(2, 10)).body.push(b'x');
    let folder = scratch("verify-forms");
    trail.write_to(&folder);
    let of = |form: &str| verify_as(form, &folder, &trail.keys_file(), &[]);
    let table = of("table");
    assert_eq!((table.code, table.stderr.as_str()), (1, ""));
    assert!(table.stdout.starts_with("appended "), "{}", table.stdout);
    assert!(table.stdout.contains("digests    5 of 5 verified\n"), "{}", table.stdout);
    assert!(table.stdout.contains("log files  9 of 10 verified  appended 1\n"), "{}", table.stdout);
    let lines = of("ndjson").stdout;
    assert_eq!(lines.lines().count(), 15);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(of("csv").stdout.lines().count(), 16);
    assert_eq!(of("json").json()["files"].as_array().unwrap().len(), 15);
}

#[test]
fn what_is_no_order_is_told_with_the_next_step() {
    let folder = scratch("verify-usage");
    let said = verify(&folder, Path::new("not-there.json"), &[]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("aws cloudtrail list-public-keys"), "{}", said.stderr);
    let trail = Trail::new("verify-usage-keys");
    let said = verify(&folder.join("not-there"), &trail.keys_file(), &[]);
    assert!(said.code == 1 && said.stderr.contains("cannot be read"), "{}", said.stderr);
    let said = verify(&folder, &trail.keys_file(), &["--since=2026-11-23", "--until=2026-11-22"]);
    assert_eq!(said.code, 2);
    let empty = verify_as("table", &folder, &trail.keys_file(), &[]);
    assert_eq!(empty.code, 1, "nothing vouches for anything");
    assert!(empty.stdout.contains("nothing vouches"), "{}", empty.stdout);
}
