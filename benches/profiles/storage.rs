//! Records about objects in S3: what is read, written and deleted. It knows who acts by what it is
//! given.

use std::fmt::Write as _;

use super::actor::ACCOUNT;
use super::{Deleted, Scene, Told};

const REGION: &str = "eu-west-1";
const BUCKETS: [&str; 4] =
    ["example-images-prod", "example-uploads", "example-reports-archive", "example-tmp-transfer"];
const VERSIONED: [&str; 2] = [BUCKETS[0], BUCKETS[1]];
/// Keys, as JSON writes them; see [`super::chance::Chance::filled`].
const USUAL_KEYS: [&str; 5] = [
    "images/2026/11/%n/%u/original.jpg",
    "uploads/tenant-%n/incoming/%u.bin",
    "thumbnails/v3/%u/%n_640x480.webp",
    "warehouse/events/dt=2026-11-23/hour=05/part-%n-%u.c000.snappy.parquet",
    "tmp/sessions/%h%h%h%h%h%h/chunk-%n",
];
/// Keys that mislead.
const ODD_KEYS: [&str; 8] = [
    "Übergabe/Müller & Söhne/Rechnung %n.pdf",
    "写真/2026/東京-%n.png",
    r"exports/caf\u00e9/\u65e5\u672c-%n.csv",
    r#"quotes/\"%n\"/}{][,.txt"#,
    r"windows\\share\\%n\\",
    r#"a{\"eventName\":\"DeleteObject\",\"n\":%n}"#,
    "spaces and + signs/%n?x=1&y=%25.txt",
    "\u{1f4f7}/%n.raw",
];
const ODD_KEYS_PER_THOUSAND: u64 = 20;
const REFUSED_PER_THOUSAND: u64 = 20;
const VERSION_NAMED_PER_THOUSAND: u64 = 50;

/// What a record tells beside what all of them do.
struct Line<'a> {
    name: &'a str,
    bucket: &'a str,
    /// As JSON writes it.
    key: Option<&'a str>,
    /// Members of `requestParameters` after the usual ones, in JSON, each after a comma.
    parameters: &'a str,
    response: &'a str,
    /// Members of `additionalEventData` after the usual ones, in JSON, each after a comma.
    additional: &'a str,
    transferred: [u64; 2],
    is_refused: bool,
    is_child: bool,
    request_id: &'a str,
    host_id: &'a str,
}

/// `GetObject`.
pub fn get(text: &mut String, scene: &Scene<'_>) {
    let (request_id, host_id) = ids(scene);
    let bucket = bucket(scene);
    let key = key(scene);
    let bytes = scene.chance.below(3_000_000);
    let additional = format!(r#","objectSize":{bytes},"turnAroundTime":{}"#, bytes % 89 + 8);
    let line = Line {
        transferred: [0, bytes],
        additional: &additional,
        ..Line::of("GetObject", bucket, &key, &request_id, &host_id)
    };
    line.write(text, scene);
}

/// `PutObject`.
pub fn put(text: &mut String, scene: &Scene<'_>) {
    let (request_id, host_id) = ids(scene);
    let bucket = bucket(scene);
    let key = key(scene);
    let bytes = scene.chance.below(3_000_000);
    let additional = format!(
        r#","SSEApplied":"Default_SSE_S3","objectSize":{bytes},"turnAroundTime":{}"#,
        bytes % 89 + 8
    );
    let parameters = concat!(
        r#","x-amz-server-side-encryption":"AES256","#,
        r#""x-amz-storage-class":"INTELLIGENT_TIERING","#,
        r#""x-amz-sdk-checksum-algorithm":"CRC64NVME","#,
        r#""x-amz-tagging":"service=images&retention=90d&owner=media-platform""#,
    );
    let version_id = scene.chance.identifiers().version_id();
    let response =
        format!(r#"{{"x-amz-server-side-encryption":"AES256","x-amz-version-id":"{version_id}"}}"#);
    let line = Line {
        transferred: [bytes, 0],
        parameters,
        response: &response,
        additional: &additional,
        ..Line::of("PutObject", bucket, &key, &request_id, &host_id)
    };
    line.write(text, scene);
}

/// `DeleteObject`, as somebody calls it.
pub fn delete_one(text: &mut String, scene: &Scene<'_>) -> Told {
    let (request_id, host_id) = ids(scene);
    let bucket = bucket(scene);
    let key = key(scene);
    let chance = scene.chance;
    let version = chance.of_thousand(VERSION_NAMED_PER_THOUSAND);
    let version = version.then(|| chance.identifiers().version_id());
    let parameters =
        version.as_ref().map_or_else(String::new, |id| format!(r#","versionId":"{id}""#));
    let is_refused = chance.of_thousand(REFUSED_PER_THOUSAND);
    let makes_marker = !is_refused && version.is_none() && VERSIONED.contains(&bucket);
    let response = if makes_marker {
        let id = chance.identifiers().version_id();
        format!(r#"{{"x-amz-delete-marker":"true","x-amz-version-id":"{id}"}}"#)
    } else {
        "null".to_owned()
    };
    let line = Line {
        parameters: &parameters,
        response: &response,
        is_refused,
        ..Line::of("DeleteObject", bucket, &key, &request_id, &host_id)
    };
    line.write(text, scene);
    told(bucket, Some(&key), is_refused)
}

/// `DeleteObjects`, and the records about some of its keys, which are to come.
pub fn delete_many(text: &mut String, scene: &Scene<'_>) -> (Told, Vec<(String, Told)>) {
    let (request_id, host_id) = ids(scene);
    let bucket = bucket(scene);
    let call = Line {
        key: None,
        parameters: r#","delete":"""#,
        ..Line::of("DeleteObjects", bucket, "", &request_id, &host_id)
    };
    call.write(text, scene);
    let following = (0..scene.chance.below(4)).map(|_| {
        let key = key(scene);
        let mut record = String::new();
        let child = Line {
            is_child: true,
            ..Line::of("DeleteObject", bucket, &key, &request_id, &host_id)
        };
        child.write(&mut record, scene);
        (record, told(bucket, Some(&key), false))
    });
    (told(bucket, None, false), following.collect())
}

fn ids(scene: &Scene<'_>) -> (String, String) {
    let identifiers = scene.chance.identifiers();
    (identifiers.request_id(), identifiers.host_id())
}

fn bucket(scene: &Scene<'_>) -> &'static str {
    BUCKETS[scene.chance.early(BUCKETS.len())]
}

/// A key that nothing else has, as JSON writes it.
fn key(scene: &Scene<'_>) -> String {
    let chance = scene.chance;
    let is_odd = chance.of_thousand(ODD_KEYS_PER_THOUSAND);
    let patterns = if is_odd { ODD_KEYS.as_slice() } else { USUAL_KEYS.as_slice() };
    let pattern: &str = chance.one_of::<&str>(patterns);
    chance.filled(pattern)
}

/// The key is told as it is, without the escapes of JSON.
fn told(bucket: &'static str, key: Option<&str>, is_refused: bool) -> Told {
    let read = |key: &str| serde_json::from_str(&format!("\"{key}\"")).unwrap_or_default();
    Told::Delete(Deleted { bucket, key: key.map(read), is_refused })
}

impl<'a> Line<'a> {
    fn of(
        name: &'a str,
        bucket: &'a str,
        key: &'a str,
        request_id: &'a str,
        host_id: &'a str,
    ) -> Self {
        Self {
            name,
            bucket,
            key: Some(key),
            parameters: "",
            response: "null",
            additional: "",
            transferred: [0, 0],
            is_refused: false,
            is_child: false,
            request_id,
            host_id,
        }
    }

    /// In the order in which S3 writes the members.
    fn write(&self, text: &mut String, scene: &Scene<'_>) {
        let Scene { at, actor, chance } = scene;
        let Self { name, bucket, key, request_id, host_id, .. } = self;
        let host = format!("{bucket}.s3.{REGION}.amazonaws.com");
        let key_member = key.map_or_else(String::new, |key| format!(r#","key":"{key}""#));
        let refusal = if self.is_refused { self.refusal(scene) } else { String::new() };
        let object = match key {
            Some(key) => format!(r#""ARN":"arn:aws:s3:::{bucket}/{key}""#),
            None => format!(r#""ARNPrefix":"arn:aws:s3:::{bucket}/""#),
        };
        let event_type = if self.is_child { "AwsServiceEvent" } else { "AwsApiCall" };
        let served = if self.is_child { String::new() } else { self.served(scene) };
        // A text takes what is written to it.
        let _ = write!(
            text,
            concat!(
                r#"{{"eventVersion":"1.11","userIdentity":{identity},"#,
                r#""eventTime":"{at}","eventSource":"s3.amazonaws.com","eventName":"{name}","#,
                r#""awsRegion":"{region}","sourceIPAddress":"{address}","#,
                r#""userAgent":"[{agent}]",{refusal}"#,
                r#""requestParameters":{{"bucketName":"{bucket}","Host":"{host}"{key_member}"#,
                r#"{parameters}}},"responseElements":{response},"#,
                r#""additionalEventData":{{"SignatureVersion":"SigV4","#,
                r#""CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{bytes_in},"#,
                r#""AuthenticationMethod":"AuthHeader","x-amz-id-2":"{host_id}","#,
                r#""bytesTransferredOut":{bytes_out}{additional}{served}}},"#,
                r#""requestID":"{request_id}","eventID":"{event_id}","readOnly":{reads},"#,
                r#""resources":[{{"type":"AWS::S3::Object",{object}}},"#,
                r#"{{"accountId":"{account}","type":"AWS::S3::Bucket","#,
                r#""ARN":"arn:aws:s3:::{bucket}"}}],"eventType":"{event_type}","#,
                r#""managementEvent":false,"recipientAccountId":"{account}","#,
                r#""eventCategory":"Data","tlsDetails":{{"tlsVersion":"TLSv1.3","#,
                r#""cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{host}"}}}}"#,
            ),
            identity = actor.identity,
            at = at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            name = name,
            region = REGION,
            address = actor.address,
            agent = actor.user_agent,
            refusal = refusal,
            bucket = bucket,
            host = host,
            key_member = key_member,
            parameters = self.parameters,
            response = self.response,
            bytes_in = self.transferred[0],
            host_id = host_id,
            bytes_out = self.transferred[1],
            additional = self.additional,
            served = served,
            request_id = request_id,
            event_id = chance.identifiers().uuid(),
            reads = *name == "GetObject",
            object = object,
            account = ACCOUNT,
            event_type = event_type,
        );
    }

    /// How S3 answered, and when, which only records of calls tell.
    fn served(&self, scene: &Scene<'_>) -> String {
        let status = match self.name {
            _ if self.is_refused => 403,
            "DeleteObject" => 204,
            _ => 200,
        };
        let ended_at = scene.at.as_millisecond() + scene.chance.millis(1_000);
        let started_at = ended_at - 20 - scene.chance.millis(100);
        format!(r#","startTime":{started_at},"endTime":{ended_at},"httpStatusCode":{status}"#)
    }

    fn refusal(&self, scene: &Scene<'_>) -> String {
        let Self { bucket, key, .. } = self;
        let key = key.unwrap_or_default();
        let policy = if scene.actor.is_person { "service control" } else { "resource-based" };
        format!(
            concat!(
                r#""errorCode":"AccessDenied","errorMessage":"User is not authorized to perform: "#,
                r#"s3:DeleteObject on resource: \"arn:aws:s3:::{}/{}\" with an explicit deny in "#,
                r#"a {} policy","#,
            ),
            bucket, key, policy
        )
    }
}
