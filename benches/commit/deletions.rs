//! Deletions as `ingest` hands them to the store: one batch for each log object, or for each
//! receive of notifications. Deterministic, composed from what AWS documents of its records; it
//! knows nothing of how they are kept.

use std::sync::Arc;

use deltrail::store::{
    Batch, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, ProofOfLife, StoredFact,
};
use deltrail_core::domain::{
    Actor, Api, Call, Cause, Evidence, Fact, Mark, Outcome, RemovalRole, Source, Target, Timestamp,
};
use fastrand::Rng;

/// The account that every record was written for.
const ACCOUNT: &str = "111122223333";
/// The region of every bucket.
const REGION: &str = "eu-west-1";
/// 2026-01-01T00:00:00Z in milliseconds: the event time of the first deletion.
const BEGIN_MILLIS: i64 = 1_767_225_600_000;
/// Event time from one deletion to the next, in milliseconds: about a million a day.
const STEP_MILLIS: i64 = 86;
/// Buckets that are deleted from.
const BUCKETS: u64 = 12;
/// Callers of an hour. Sessions, and with them the descriptions of callers, change every hour.
const CALLERS: u64 = 40;
/// Keys of one bulk call.
const BULK_KEYS: u64 = 20;

/// What the deletions are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Direct records alone, of keys that are deleted once; one of 50 keys was deleted before.
    Direct,
    /// The same, with 8 of 100 calls bulk calls: a record without keys, and one for each key.
    Bulk,
    /// S3's notifications alone.
    Notifications,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Bulk, Self::Notifications];

    /// What it is called on the command line and in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bulk => "bulk",
            Self::Notifications => "notifications",
        }
    }
}

/// An endless supply of deletions in the order of their event time.
#[derive(Debug)]
pub struct Deletions {
    profile: Profile,
    random: Rng,
    /// Deletions that were made so far; event time follows it.
    made: u64,
    objects: u64,
    hour: i64,
    callers: Vec<Arc<Actor>>,
}

impl Deletions {
    /// From the first deletion on.
    #[must_use]
    pub fn new(profile: Profile, seed: u64) -> Self {
        let random = Rng::with_seed(seed);
        Self { profile, random, made: 0, objects: 0, hour: -1, callers: Vec::new() }
    }

    /// The next log object, or the notifications of as many receives, with this many removals or a
    /// few more.
    pub fn batch(&mut self, removals: u64) -> Batch {
        let until = self.made + removals;
        let mut evidence = Vec::new();
        while self.made < until {
            match self.profile {
                Profile::Bulk if self.random.u64(..100) < 8 => self.bulk(&mut evidence),
                Profile::Direct | Profile::Bulk => evidence.push(self.direct()),
                Profile::Notifications => evidence.push(self.notification()),
            }
        }
        self.objects += 1;
        let newest_event_at = evidence.iter().map(|piece| piece.at).max();
        let is_log = self.profile != Profile::Notifications;
        let stored = |(index, piece)| StoredFact {
            fact: Fact::Deletion(Box::new(piece)),
            record_index: is_log.then_some(index),
        };
        let source = if is_log { Source::CloudTrail } else { Source::S3Notification };
        let life = ProofOfLife {
            source,
            account: if is_log { ACCOUNT.into() } else { String::new() },
            region: REGION.into(),
            newest_event_at,
            last_delivery_at: newest_event_at,
            proof_of_life_at: None,
        };
        let records = evidence.len() as u64;
        Batch {
            facts: (0..).zip(evidence).map(stored).collect(),
            ledger: is_log.then(|| self.ledger(records)),
            log_of: is_log.then(|| (ACCOUNT.into(), REGION.into())),
            life: vec![life],
            ..Batch::default()
        }
    }

    /// The event time of the newest deletion.
    #[must_use]
    pub fn newest_at(&self) -> Timestamp {
        Timestamp::from_millis(BEGIN_MILLIS + self.made.cast_signed() * STEP_MILLIS)
    }

    fn ledger(&self, records: u64) -> LedgerEntry {
        let file = format!("{ACCOUNT}_CloudTrail_{REGION}_20260101T0000Z_{:016x}", self.objects);
        let counts = LedgerCounts {
            records,
            evidence: records,
            compressed_bytes: records * 208,
            inflated_bytes: records * 2_088,
            ..LedgerCounts::default()
        };
        LedgerEntry {
            key: LedgerKey {
                bucket: "trail-logs".into(),
                key: format!("AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/01/01/{file}.json.gz"),
                revision: format!("{:032x}", self.objects),
            },
            source: Source::CloudTrail,
            state: LedgerState::Done(LedgerResult::Committed, counts),
        }
    }

    /// The record of a `DeleteObject`.
    fn direct(&mut self) -> Evidence {
        let nth = self.next();
        // Seldom the same key again, as it happens when a call is made twice.
        let of_key = if nth.is_multiple_of(50) { nth / 2 } else { nth };
        let event_id = self.event_id();
        let at = self.newest_at();
        Evidence {
            id: format!("ct:{ACCOUNT}:{event_id}"),
            call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
            key: Some(key_of(of_key)),
            event_id: Some(event_id),
            started_at: Some(at),
            ended_at: Some(later(at, self.random.i64(8..90))),
            http_status: Some(204),
            ..self.claim(of_key, at)
        }
    }

    /// The record of a `DeleteObjects`, which names no key, and those of its keys.
    fn bulk(&mut self, evidence: &mut Vec<Evidence>) {
        let of_key = self.made;
        let at = self.newest_at();
        let event_id = self.event_id();
        let call = Evidence {
            id: format!("ct:{ACCOUNT}:{event_id}"),
            call: Some(Call { api: Api::DeleteObjects, outcome: Outcome::Ok }),
            role: RemovalRole::None,
            target: Target::Unknown,
            mark: Mark::Unknown,
            event_id: Some(event_id),
            started_at: Some(at),
            ended_at: Some(later(at, self.random.i64(40..400))),
            http_status: Some(200),
            ..self.claim(of_key, at)
        };
        for _ in 0..BULK_KEYS {
            let nth = self.next();
            let event_id = self.event_id();
            evidence.push(Evidence {
                id: format!("ct:{ACCOUNT}:{event_id}"),
                call: None,
                role: RemovalRole::Child,
                key: Some(key_of(nth)),
                event_id: Some(event_id),
                started_at: None,
                ended_at: None,
                http_status: None,
                ..call.clone()
            });
        }
        evidence.push(call);
    }

    /// S3's notification of one key.
    fn notification(&mut self) -> Evidence {
        let nth = self.next();
        let at = self.newest_at();
        let claim = self.claim(nth, at);
        let print = format!("{:016x}{:016x}", self.random.u64(..), self.random.u64(..));
        let actor = Actor {
            principal_id: claim.actor.principal_id.clone(),
            source_ip: claim.actor.source_ip.clone(),
            ..Actor::default()
        };
        Evidence {
            id: format!("s3n:{:011x}:{print}", at.as_millis()),
            source: Source::S3Notification,
            key: Some(key_of(nth)),
            account: "".into(),
            sequencer: Some(format!("00{:016X}", at.as_millis() << 16)),
            actor: Arc::new(actor),
            ..claim
        }
    }

    /// What all of them have.
    fn claim(&mut self, of_key: u64, at: Timestamp) -> Evidence {
        Evidence {
            id: String::new(),
            source: Source::CloudTrail,
            call: None,
            role: RemovalRole::Claim,
            bucket: bucket_of(of_key).into(),
            key: None,
            target: Target::Current,
            mark: Mark::Object,
            cause: Cause::Api,
            request_id: Some(self.request_id().into()),
            event_id: None,
            shared_event_id: None,
            amends_event_id: None,
            account: ACCOUNT.into(),
            region: REGION.into(),
            at,
            started_at: None,
            ended_at: None,
            total_millis: None,
            sequencer: None,
            http_status: None,
            error_code: None,
            marker_version_id: None,
            actor: self.caller(at),
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn caller(&mut self, at: Timestamp) -> Arc<Actor> {
        let hour = at.as_millis() / 3_600_000;
        if hour != self.hour {
            self.hour = hour;
            self.callers = (0..CALLERS).map(|nth| Arc::new(session_of(nth, hour))).collect();
        }
        let nth = self.random.usize(..self.callers.len());
        Arc::clone(&self.callers[nth])
    }

    /// 16 characters, as S3 writes them.
    fn request_id(&mut self) -> String {
        format!("{:016X}", self.random.u64(..))
    }

    /// A random UUID, as CloudTrail writes them.
    fn event_id(&mut self) -> String {
        let (a, b) = (self.random.u64(..), self.random.u64(..));
        let (first, second, third) = (a >> 32, a >> 16 & 0xffff, a & 0xfff);
        let (fourth, last) = (b >> 48 & 0x3fff | 0x8000, b & 0xffff_ffff_ffff);
        format!("{first:08x}-{second:04x}-4{third:03x}-{fourth:04x}-{last:012x}")
    }
}

const fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + millis)
}

fn bucket_of(of_key: u64) -> String {
    format!("media-production-{:02}", scattered(of_key) % BUCKETS)
}

/// Keys lie in no order of time, as hashed and user-given names do.
fn key_of(of_key: u64) -> String {
    let place = scattered(of_key);
    format!("uploads/{:03x}/{place:016x}/original-{:04x}.jpg", place >> 52, place & 0xffff)
}

/// A number that seems random and belongs to this one alone.
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn session_of(nth: u64, hour: i64) -> Actor {
    let role = format!("media-worker-{:02}", nth % 8);
    let session = format!("i-{:017x}", scattered(nth));
    let access_key = scattered(nth + CALLERS * hour.cast_unsigned()) % 1_000_000_000_000;
    Actor {
        arn: Some(format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}")),
        identity_type: Some("AssumedRole".into()),
        principal_id: Some(format!("AROAEXAMPLE{:010}:{session}", nth % 8)),
        account_id: Some(ACCOUNT.into()),
        user_name: Some(role.clone()),
        access_key_id: Some(format!("ASIAEXAM{access_key:012}")),
        session_issuer_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/{role}")),
        source_ip: Some(format!("10.0.{}.{}", nth % 4, nth)),
        user_agent: Some(
            "[aws-sdk-java/2.25.60 Linux/6.1.119-129.201.amzn2023.x86_64 \
             OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS Java/21.0.5 vendor/Amazon.com_Inc. io/sync \
             http/Apache cfg/retry-mode/legacy]"
                .into(),
        ),
        ..Actor::default()
    }
}
