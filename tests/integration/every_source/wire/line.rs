//! Lines of server access logs, with 27 fields or with the 18 of the past. Keys are form-encoded
//! twice, as in captures of 2026; those that a request's path stands beside, sometimes once.

use deltrail_core::domain::Timestamp;
use fastrand::Rng;

use super::{What, form_encoded, path_encoded};
use crate::every_source::bucket::Bucket;
use crate::every_source::world::{By, Call, Refusal, Removed, Upload, token};

const CANONICAL_OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/image-service/image-service";
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Callers write what they like, and S3 escapes nothing of it.
const AGENTS: [&str; 3] = [
    "aws-sdk-js/3.901.0 ua/2.1 os/linux lang/js md/nodejs#22.11.0",
    r#"Agent "quoted" 1.0"#,
    "S3Console/0.4, aws-internal/3",
];
const CALL_ENDS: &str = "SigV4 TLS_AES_128_GCM_SHA256 AuthHeader s3.amazonaws.com TLSv1.3";

/// A line in the making: what differs from one to another.
struct Line<'a> {
    bucket: &'a Bucket,
    at: i64,
    requester: &'a str,
    request_id: &'a str,
    /// Operation and key.
    what: String,
    /// The request and its answer, up to the turn-around time.
    answer: String,
    callers: String,
    version: &'a str,
}

impl Line<'_> {
    fn write(&self, random: &mut Rng) -> String {
        let ends = if self.requester == "AmazonS3" { "- - - - -" } else { CALL_ENDS };
        let mut line = format!(
            "{CANONICAL_OWNER} {} [{}] 203.0.113.77 {} {} {} {} {} {}",
            self.bucket.name,
            time(self.at),
            self.requester,
            self.request_id,
            self.what,
            self.answer,
            self.callers,
            self.version,
        );
        if random.u8(..6) > 0 {
            let host_id = token(random, 60);
            line = format!("{line} {host_id}= {ends} - - {}", self.bucket.region);
        }
        line
    }
}

/// `23/Nov/2026:10:00:00 +0000`: when the request was received.
fn time(at_millis: i64) -> String {
    let text = Timestamp::from_millis(at_millis).to_string();
    let month: usize = text[5..7].parse().unwrap();
    format!("{}/{}/{}:{} +0000", &text[8..10], MONTHS[month - 1], &text[..4], &text[11..19])
}

pub fn of_call(call: &Call, random: &mut Rng) -> Vec<What> {
    let line = |line: String| What::Line { bucket: call.bucket, line };
    let logged = || call.keys.iter().filter(|removed| removed.is_logged);
    match call.by {
        By::DeleteObject => logged().map(|it| line(single(call, it, random))).collect(),
        By::Lifecycle => logged().map(|it| line(expired(call, it, random))).collect(),
        By::DeleteObjects => {
            let mut lines = vec![line(bulk(call, random))];
            if call.refusal.is_none() {
                lines.extend(logged().map(|it| line(key_of_bulk(call, it, random))));
            }
            lines
        }
    }
}

fn of<'a>(call: &'a Call, removed: Option<&'a Removed>) -> Line<'a> {
    Line {
        bucket: call.bucket,
        at: call.started_at,
        requester: ROLE,
        request_id: &call.request_id,
        what: String::new(),
        answer: String::new(),
        callers: "- -".to_owned(),
        version: removed.and_then(|removed| removed.version.as_deref()).unwrap_or("-"),
    }
}

/// Status and error code.
fn status(refusal: Option<Refusal>, success: u16) -> String {
    match refusal {
        None => format!("{success} -"),
        Some(Refusal { code, status }) => format!("{status} {code}"),
    }
}

/// What the caller wrote into its headers.
fn callers(random: &mut Rng) -> String {
    format!("\"-\" \"{}\"", random.choice(AGENTS).unwrap())
}

fn single(call: &Call, removed: &Removed, random: &mut Rng) -> String {
    let once = form_encoded(&removed.key);
    let field = if random.bool() { form_encoded(&once) } else { once };
    let query = match &removed.version {
        Some(version) => format!("?versionId={version}"),
        None => "?x-id=DeleteObject".to_owned(),
    };
    let path = path_encoded(&removed.key);
    let host = if random.bool() { format!("/{}", call.bucket.name) } else { String::new() };
    let line = Line {
        what: format!("REST.DELETE.OBJECT {field}"),
        answer: format!(
            "\"DELETE {host}/{path}{query} HTTP/1.1\" {} - - {} 18",
            status(call.refusal, 204),
            call.ended_at - call.started_at
        ),
        callers: callers(random),
        ..of(call, Some(removed))
    };
    line.write(random)
}

fn bulk(call: &Call, random: &mut Rng) -> String {
    let line = Line {
        what: "REST.POST.MULTI_OBJECT_DELETE -".to_owned(),
        answer: format!(
            "\"POST /{}?delete HTTP/1.1\" {} 116 - {} -",
            call.bucket.name,
            status(call.refusal, 200),
            call.ended_at - call.started_at
        ),
        callers: callers(random),
        ..of(call, None)
    };
    line.write(random)
}

/// No request, no times and no callers' words stand beside a key of a bulk call.
fn key_of_bulk(call: &Call, removed: &Removed, random: &mut Rng) -> String {
    let line = Line {
        what: format!("BATCH.DELETE.OBJECT {}", form_encoded(&form_encoded(&removed.key))),
        answer: format!("- {} - - - -", status(removed.refusal, 204)),
        ..of(call, Some(removed))
    };
    line.write(random)
}

fn expired(call: &Call, removed: &Removed, random: &mut Rng) -> String {
    let operation =
        if removed.marker.is_some() { "S3.CREATE.DELETEMARKER" } else { "S3.EXPIRE.OBJECT" };
    let line = Line {
        requester: "AmazonS3",
        what: format!("{operation} {}", form_encoded(&form_encoded(&removed.key))),
        answer: "\"-\" - - - 1024 - -".to_owned(),
        callers: "\"-\" \"-\"".to_owned(),
        ..of(call, Some(removed))
    };
    line.write(random)
}

pub fn of_upload(upload: &Upload, random: &mut Rng) -> Vec<What> {
    let key = form_encoded(&form_encoded(&upload.key));
    let line = bystander(upload.bucket, upload.at, &format!("REST.PUT.OBJECT {key}"), random);
    vec![What::Line { bucket: upload.bucket, line }]
}

pub fn of_bystander(bucket: &'static Bucket, key: &str, at: i64, random: &mut Rng) -> Vec<What> {
    let key = form_encoded(&form_encoded(key));
    ["REST.GET.OBJECT", "REST.DELETE.OBJECT_TAGGING", "REST.DELETE.UPLOAD", "S3.DELETE.UPLOAD"]
        .map(|operation| {
            let line = bystander(bucket, at, &format!("{operation} {key}"), random);
            What::Line { bucket, line }
        })
        .to_vec()
}

/// A line about anything but a delete.
fn bystander(bucket: &'static Bucket, at: i64, what: &str, random: &mut Rng) -> String {
    let request_id = token(random, 16);
    let line = Line {
        bucket,
        at,
        requester: ROLE,
        request_id: &request_id,
        what: what.to_owned(),
        answer: "\"GET /DeleteObject HTTP/1.1\" 200 - 700 700 20 19".to_owned(),
        callers: callers(random),
        version: "-",
    };
    line.write(random)
}
