//! A world in which objects are deleted: it writes the CloudTrail files that AWS would have written
//! and, while it acts, the truth of what was done. The truth is never computed from the files, and
//! nothing here knows how the daemon counts.

mod acts;
mod file;
mod oddities;
mod record;
mod scenes;

use std::collections::BTreeMap;

use serde_json::Value;

pub use file::{LogFile, Shape, gzip};

/// Counts by label values, as [`crate::emulator::Scrape::counts`] gives them; none is zero.
pub type Counts = BTreeMap<Vec<String>, u64>;

/// What was done, written when it was done.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Truth {
    /// By bucket, API and outcome.
    pub requests: Counts,
    /// By bucket.
    pub removed: Counts,
    /// By bucket, kind and cause; removals whose kind no record tells are in none.
    pub kinds: Counts,
    /// Accepted requests with a start and an end to the millisecond, and the sum of the times.
    pub timed_requests: u64,
    pub service_millis: u64,
    /// Records that say something about a delete, repetitions included.
    pub evidence_records: u64,
    /// Records about anything else.
    pub ignored_records: u64,
    /// Records and objects that cannot be understood or are not wanted, by reason.
    pub rejected: Counts,
}

/// An object of the log bucket that is no log file: by what it should be skipped.
pub struct Bystander {
    pub key: String,
    pub body: Vec<u8>,
}

/// A world at a moment; `seed` decides every id in it.
pub struct World {
    random: u64,
    /// Event time, in milliseconds since the epoch; every act moves it on.
    now_millis: i64,
    pub files: Vec<LogFile>,
    pub bystanders: Vec<Bystander>,
    /// The file that cannot be read, however often it is tried.
    pub poison: Option<Bystander>,
    pub truth: Truth,
}

/// A file of the world, by number.
pub type FileId = usize;

impl World {
    /// An empty world whose events began at `start_millis`.
    pub fn new(seed: u64, start_millis: i64) -> Self {
        Self {
            random: seed,
            now_millis: start_millis,
            files: Vec::new(),
            bystanders: Vec::new(),
            poison: None,
            truth: Truth::default(),
        }
    }

    /// Every scene of [`scenes`], and mixed traffic up to `files` files.
    pub fn full(seed: u64, start_millis: i64, files: usize) -> Self {
        let mut world = Self::new(seed, start_millis);
        scenes::play_all(&mut world);
        assert!(world.files.len() <= files, "{} files in the scenes", world.files.len());
        while world.files.len() < files {
            scenes::mixed_traffic(&mut world);
        }
        world
    }

    /// Opens a log file of an account.
    fn open(&mut self, account: &str, shape: Shape) -> FileId {
        let nonce = self.token(16);
        self.files.push(LogFile::new(account, "us-east-1", self.now_millis, &nonce, shape));
        self.files.len() - 1
    }

    /// Writes a record that says something about a delete.
    fn tell(&mut self, file: FileId, record: Value) {
        self.truth.evidence_records += 1;
        self.files[file].records.push(record);
    }

    /// Writes a record about something else.
    fn tell_foreign(&mut self, file: FileId, record: Value) {
        self.truth.ignored_records += 1;
        self.files[file].records.push(record);
    }

    /// Writes something that is no record that can be understood.
    fn tell_nonsense(&mut self, file: FileId, nonsense: Value, reason: &str) {
        add(&mut self.truth.rejected, &[reason], 1);
        self.files[file].records.push(nonsense);
    }

    fn next(&mut self) -> u64 {
        // splitmix64
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Upper-case letters and digits, like a request id.
    fn token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        (0..length)
            .map(|_| char::from(ALPHABET[usize::try_from(self.below(36)).unwrap()]))
            .collect()
    }

    /// A GUID, like an event id.
    fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let high = format!("{a:016x}");
        let low = format!("{b:016x}");
        format!("{}-{}-4{}-a{}-{}", &high[..8], &high[8..12], &high[13..], &low[1..4], &low[4..])
    }
}

/// Adds to one count.
fn add(counts: &mut Counts, labels: &[&str], amount: u64) {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    *counts.entry(labels).or_default() += amount;
}

/// A log file, compressed, with one delete in `bucket`.
pub fn one_delete(bucket: &str) -> Vec<u8> {
    // Every id in the file depends on the whole name, so that no two files share an event.
    let seed =
        bucket.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut world = World::new(seed, 1_795_428_000_000);
    let file = world.open("111122223333", Shape::Gzip);
    world.delete(file, "111122223333", (bucket, "a key.png"), |record| record);
    world.files[file].body()
}
