//! How what was written travels: shuffled, now and then twice, cut anywhere into log objects and
//! messages, in every envelope. It counts the records that arrive, and knows nothing of deletes.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Value, json};

use super::bucket::{Bucket, OWNER};
use super::wire::{Piece, What, exact, guid, whole_seconds};
use super::world::token;
use crate::world::{Counts, LogFile, Shape, gzip};

/// Something that is sent.
#[derive(Debug, Clone)]
pub enum Parcel {
    /// An object of the log bucket.
    Object { key: String, body: Vec<u8> },
    /// A message to a queue.
    Message(String),
}

/// What is sent of some pieces, and what arrives with it.
#[derive(Debug, Default)]
pub struct Shipment {
    pub parcels: Vec<Parcel>,
    /// By source and result.
    pub records: Counts,
}

impl Shipment {
    /// Packs pieces; what came twice does so in another file or message.
    pub fn of(mut pieces: Vec<Piece>, random: &mut Rng) -> Self {
        let again = pieces.len() / 10;
        for _ in 0..again {
            let piece = random.choice(&pieces).cloned();
            pieces.extend(piece);
        }
        random.shuffle(&mut pieces);
        let mut shipment = Self::default();
        // A bus of its own knows one account only.
        let is_on_bus = |piece: &Piece| matches!(piece.what, What::Record { account: OWNER, .. });
        let (by_bus, by_file): (Vec<_>, Vec<_>) =
            pieces.into_iter().partition(|piece| is_on_bus(piece) && random.u8(..4) == 0);
        for piece in by_bus {
            shipment.count(&piece);
            if let What::Record { region, record, .. } = piece.what {
                shipment.message(&via_event_bridge(region, &record, random), random);
            }
        }
        shipment.pack(by_file, random);
        shipment.parcels.extend(NOTHINGS.map(|text| Parcel::Message(text.to_owned())));
        random.shuffle(&mut shipment.parcels);
        shipment
    }

    /// Packs pieces as they are, each kind in its own way.
    pub fn pack(&mut self, pieces: Vec<Piece>, random: &mut Rng) {
        let mut records: BTreeMap<(&str, &str), Vec<(i64, Value)>> = BTreeMap::new();
        let mut lines: BTreeMap<&str, (&Bucket, i64, Vec<String>)> = BTreeMap::new();
        let mut notices = Vec::new();
        let mut intents = Vec::new();
        for piece in pieces {
            self.count(&piece);
            let Piece { what, at, .. } = piece;
            match what {
                What::Record { account, region, record } => {
                    records.entry((account, region)).or_default().push((at, record));
                }
                What::Line { bucket, line } => {
                    lines.entry(bucket.name).or_insert((bucket, at, Vec::new())).2.push(line);
                }
                What::Notice { record, .. } => notices.push(record),
                What::Event { event, .. } => self.message(&event, random),
                What::Intent(intent) => intents.push(intent),
            }
        }
        for ((account, region), records) in records {
            for records in cut(records, 40, random) {
                self.trail_file(account, region, records, random);
            }
        }
        for (bucket, at, lines) in lines.into_values() {
            for lines in cut(lines, 30, random) {
                self.access_log(bucket, at, &lines, random);
            }
        }
        for records in cut(notices, 3, random) {
            self.message(&json!({ "Records": records }), random);
        }
        for intents in cut(intents, 4, random) {
            self.intents(&intents, random);
        }
    }

    fn count(&mut self, piece: &Piece) {
        let source = match piece.what {
            What::Record { .. } => "cloudtrail",
            What::Notice { .. } => "s3_notification",
            What::Event { .. } => "eventbridge",
            What::Line { .. } => "access_log",
            What::Intent(_) => "intent",
        };
        let result = if piece.is_evidence { "evidence" } else { "ignored" };
        *self.records.entry(vec![source.to_owned(), result.to_owned()]).or_default() += 1;
    }

    /// A message as it is, or through SNS in either way.
    fn message(&mut self, inner: &Value, random: &mut Rng) {
        let body = match random.u8(..3) {
            0 => in_sns(inner, random),
            // Raw delivery leaves the inner message alone.
            _ => inner.to_string(),
        };
        self.parcels.push(Parcel::Message(body));
    }

    fn trail_file(
        &mut self,
        account: &str,
        region: &str,
        records: Vec<(i64, Value)>,
        random: &mut Rng,
    ) {
        let shapes = [Shape::Gzip, Shape::GzipMembers, Shape::Plain, Shape::PrettyGzip];
        let shape = random.choice(shapes).unwrap();
        let mut file = LogFile::new(account, region, records[0].0, &token(random, 16), shape);
        file.records = records.into_iter().map(|(_, record)| record).collect();
        self.parcels.push(Parcel::Object { key: file.key.clone(), body: file.body() });
    }

    fn access_log(&mut self, bucket: &Bucket, at: i64, lines: &[String], random: &mut Rng) {
        let time = whole_seconds(at);
        let (date, _) = time.split_once('T').unwrap();
        let file =
            format!("{}-{}", time.replace(['T', ':'], "-").replace('Z', ""), { token(random, 16) });
        let key = if bucket.is_log_partitioned {
            let day = date.replace('-', "/");
            format!("access/{OWNER}/{}/{}/{day}/{file}", bucket.region, bucket.name)
        } else {
            format!("access/{file}")
        };
        let body = format!("{}\n", lines.join("\n")).into_bytes();
        self.parcels.push(Parcel::Object { key, body });
    }

    /// By message, or as lines of an object.
    fn intents(&mut self, intents: &[Value], random: &mut Rng) {
        if random.bool() {
            return intents.iter().for_each(|intent| self.message(intent, random));
        }
        let lines = intents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let name = format!("intents/{}.ndjson", token(random, 16));
        self.parcels.push(if random.bool() {
            Parcel::Object { key: format!("{name}.gz"), body: gzip(lines.as_bytes()) }
        } else {
            Parcel::Object { key: name, body: lines.into_bytes() }
        });
    }
}

/// Messages that report nothing.
const NOTHINGS: [&str; 3] = [NOTHING, "CloudTrail validation message.", r#"{"Records":[]}"#];
/// S3's test of a new configuration.
pub const NOTHING: &str = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"images"}"#;

/// Parts of at most so many, each at least one.
fn cut<T>(mut whole: Vec<T>, largest: usize, random: &mut Rng) -> Vec<Vec<T>> {
    let mut parts = Vec::new();
    while !whole.is_empty() {
        let rest = whole.split_off(whole.len().min(random.usize(1..=largest)));
        parts.push(std::mem::replace(&mut whole, rest));
    }
    parts
}

fn via_event_bridge(region: &str, record: &Value, random: &mut Rng) -> Value {
    let of = if record["eventType"] == json!("AwsApiCall") { "API Call" } else { "Service Event" };
    json!({
        "version": "0",
        "id": guid(random),
        "detail-type": format!("AWS {of} via CloudTrail"),
        "source": "aws.s3",
        "account": OWNER,
        "time": record["eventTime"],
        "region": region,
        "resources": [],
        "detail": record
    })
}

fn in_sns(inner: &Value, random: &mut Rng) -> String {
    let message = json!({
        "Type": "Notification",
        "MessageId": guid(random),
        "TopicArn": format!("arn:aws:sns:us-east-1:{OWNER}:told"),
        "Subject": "Amazon S3 Notification",
        "Message": inner.to_string(),
        "Timestamp": exact(1_795_428_000_000),
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "http://127.0.0.1:9/never-fetched.pem",
        "UnsubscribeURL": "http://127.0.0.1:9/never-fetched"
    });
    message.to_string()
}
