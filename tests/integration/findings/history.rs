//! Five weeks of a bucket as CloudTrail tells them: a job that removes a few files every day, and
//! an intern who removes an album yesterday. Written as files, with the truth beside them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use crate::world::gzip;

pub const BUCKET: &str = "example-images";

const ACCOUNT: &str = "111122223333";
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
const USUAL_A_DAY: u64 = 3;
const DAYS: i64 = 35;
const PURGED: u64 = 1_200;

pub struct History {
    /// Noon of yesterday.
    noon_millis: i64,
    /// Objects that the job removed in all.
    pub usual: u64,
    /// Objects that the intern removed.
    pub purged: u64,
}

impl History {
    /// Ends yesterday, whatever day is today.
    pub fn until_yesterday() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let today = i64::try_from(now).unwrap().div_euclid(DAY_MILLIS);
        Self {
            noon_millis: (today - 1) * DAY_MILLIS + DAY_MILLIS / 2,
            usual: USUAL_A_DAY * u64::try_from(DAYS).unwrap(),
            purged: PURGED,
        }
    }

    /// Writes a file for each day, and one for the album.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let write = |name: String, records: Vec<Value>| {
            let document = json!({ "Records": records }).to_string();
            std::fs::write(folder.join(name), gzip(document.as_bytes())).unwrap();
        };
        for day in 0..DAYS {
            let morning = self.noon_millis - day * DAY_MILLIS - DAY_MILLIS / 4;
            let records = (0..USUAL_A_DAY).map(|nth| {
                let at = morning + i64::try_from(nth).unwrap() * 60_000;
                removed("cleanup-job", &format!("tmp/{day}-{nth}"), at)
            });
            write(format!("day-{day}.json.gz"), records.collect());
        }
        let records = (0..PURGED).map(|nth| {
            let at = self.noon_millis + i64::try_from(nth).unwrap() * 200;
            removed("intern", &format!("albums/IMG_{nth:04}.jpg"), at)
        });
        write("album.json.gz".to_owned(), records.collect());
    }

    /// Writes a file that tells that the intern read the album an hour before.
    pub fn write_reads(&self, folder: &Path) {
        let records: Vec<Value> = (0..PURGED)
            .map(|nth| {
                let at = self.noon_millis - 3_600_000 + i64::try_from(nth).unwrap() * 200;
                called("GetObject", "intern", &format!("albums/IMG_{nth:04}.jpg"), at)
            })
            .collect();
        let document = json!({ "Records": records }).to_string();
        std::fs::write(folder.join("reads.json.gz"), gzip(document.as_bytes())).unwrap();
    }

    fn span(&self) -> [String; 2] {
        let [since, until] = [self.noon_millis - 60_000, self.noon_millis + 2 * DAY_MILLIS];
        [since, until].map(|millis| Timestamp::from_millis(millis).to_string())
    }

    /// What would have announced the album.
    pub fn expectation(&self) -> Value {
        let [since, until] = self.span();
        json!({
            "id": "ticket-17",
            "principal": "intern",
            "bucket": BUCKET,
            "prefix": "albums/",
            "since": since,
            "until": until,
            "max_objects": PURGED,
        })
    }

    /// The same in the file.
    pub fn in_file(&self) -> String {
        let [since, until] = self.span();
        format!(
            "[[expectations]]\nprincipal = \"intern\"\nbucket = \"{BUCKET}\"\n\
             prefix = \"albums/\"\nsince = {since}\nuntil = {until}\nmax-objects = {PURGED}\n"
        )
    }
}

/// CloudTrail's record of one delete by a role.
fn removed(role: &str, key: &str, at_millis: i64) -> Value {
    called("DeleteObject", role, key, at_millis)
}

/// CloudTrail's record of one call by a role.
fn called(event_name: &str, role: &str, key: &str, at_millis: i64) -> Value {
    let time = Timestamp::from_millis(at_millis / 1_000 * 1_000).to_string();
    let id = format!("{event_name}-{role}-{}", key.replace('/', "-"));
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": format!("AROA{}:session", role.to_uppercase()),
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"),
            "accountId": ACCOUNT,
            "sessionContext": { "sessionIssuer": {
                "type": "Role",
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                "accountId": ACCOUNT,
                "userName": role
            } }
        },
        "eventTime": time.replace(".000Z", "Z"),
        "eventSource": "s3.amazonaws.com",
        "eventName": event_name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.77",
        "userAgent": "[aws-sdk-js/3.901.0]",
        "requestParameters": { "bucketName": BUCKET, "key": key },
        "responseElements": null,
        "additionalEventData": {
            "startTime": at_millis, "endTime": at_millis + 40, "httpStatusCode": 204
        },
        "requestID": id,
        "eventID": format!("event-{id}"),
        "readOnly": event_name.starts_with("Get"),
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data"
    })
}
