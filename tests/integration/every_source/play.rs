//! How a world is told to a daemon: all of it sent, the watermarks pushed on, the metrics compared
//! with the truth. It knows no act and no source by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;

use super::bucket::DOCUMENTS;
use super::delivery::{NOTHING, Parcel, Shipment};
use super::figures::{Figures, LOG_OBJECTS, RECORDS};
use super::now_millis;
use super::wire::{Origin, Piece, pulse};
use crate::emulator::{Daemon, Estate, eventually};
use crate::world::Counts;

/// More than a test takes: a deadline is there to fail, not to measure.
const SECONDS_MAX: u64 = 120;

/// How late an event of each source may be delivered, in milliseconds.
const LATENESS_MILLIS: [(&str, i64); 4] = [
    ("cloudtrail", 20 * 60_000),
    ("s3_notification", 2 * 60_000),
    ("eventbridge", 2 * 60_000),
    ("access_log", 3 * 60 * 60_000),
];

/// A world on its way to the daemon.
pub struct Play {
    estate: Estate,
    /// What has to be pushed on when all is told.
    origins: BTreeSet<Origin>,
    truth: Figures,
    /// What was put into the log bucket.
    objects: Vec<(String, Vec<u8>)>,
    /// What the daemon has to count of this life of its own.
    records: Counts,
    log_objects: Counts,
    random: Rng,
}

impl Play {
    /// Before anything is told; `truth` is what the metrics must say in the end, whatever came
    /// first.
    pub fn new(estate: Estate, origins: BTreeSet<Origin>, truth: Figures, random: Rng) -> Self {
        let (records, log_objects) = (Counts::new(), Counts::new());
        Self { estate, origins, truth, objects: Vec::new(), records, log_objects, random }
    }

    /// Starts the daemon, and gives it word of every queue: until then it calls nothing complete.
    pub async fn start(&self, folder: &Path) -> Daemon {
        let second_queue = self.queue_urls().last().unwrap();
        let settings = ["--queue-url", second_queue, "--important-bucket", DOCUMENTS.name];
        let daemon = Daemon::start_with(&self.estate, folder, &settings).await;
        self.send_nothing().await;
        daemon
    }

    /// Stops the daemon. The emulator goes on with the receives of one that has ended, and gives
    /// each of them what is sent next: something of no importance, as long as no other is there.
    pub async fn stop(&mut self, daemon: Daemon) {
        daemon.stop();
        self.records.clear();
        self.log_objects.clear();
        self.truth.begin_anew();
        self.send_nothing().await;
        let is_taken = eventually(SECONDS_MAX, "the message is taken", async || {
            let (visible, _) = self.estate.depth().await;
            if visible == 0 { Ok(()) } else { Err(format!("{visible} messages visible")) }
        });
        // If no receive was under way, the next daemon takes it.
        let _ = tokio::time::timeout(Duration::from_secs(2), is_taken).await;
    }

    async fn send_nothing(&self) {
        for url in self.queue_urls() {
            self.estate.send_all(url, &[NOTHING.to_owned()]).await;
        }
    }

    /// Sends pieces in any order, some of them twice.
    pub async fn send(&mut self, pieces: Vec<Piece>) {
        let shipment = Shipment::of(pieces, &mut self.random);
        self.ship(shipment).await;
    }

    async fn ship(&mut self, shipment: Shipment) {
        for (labels, amount) in shipment.records {
            *self.records.entry(labels).or_default() += amount;
        }
        let mut queues = [Vec::new(), Vec::new()];
        for parcel in shipment.parcels {
            match parcel {
                Parcel::Object { key, body } => {
                    self.estate.put(&key, body.clone()).await;
                    self.expect_objects("committed", 1);
                    self.objects.push((key, body));
                }
                Parcel::Message(body) => queues[self.random.usize(..2)].push(body),
            }
        }
        for (url, bodies) in self.queue_urls().zip(&queues) {
            self.estate.send_all(url, bodies).await;
        }
    }

    fn queue_urls(&self) -> impl Iterator<Item = &str> {
        let second = self.estate.second_queue_url.as_deref();
        std::iter::once(self.estate.queue_url.as_str()).chain(second)
    }

    /// The same files under the same keys: they are known, and not read again.
    pub async fn send_objects_again(&mut self) {
        for (key, body) in &self.objects {
            self.estate.put(key, body.clone()).await;
        }
        self.expect_objects("duplicate", self.objects.len() as u64);
    }

    fn expect_objects(&mut self, result: &str, count: u64) {
        *self.log_objects.entry(vec![result.to_owned()]).or_default() += count;
    }

    /// Waits until the daemon has read all records that were sent.
    pub async fn until_read(&self, daemon: &Daemon) {
        eventually(SECONDS_MAX, "everything is read", async || {
            let read = daemon.scrape()?.counts(RECORDS, &["source", "result"]);
            let sent = &self.records;
            if read == *sent { Ok(()) } else { Err(format!("read {read:?}, sent {sent:?}")) }
        })
        .await;
    }

    pub async fn expect_no_dead_letters(&self) {
        self.estate.until_drained(SECONDS_MAX).await;
        assert_eq!(self.estate.dead_letters(0, SECONDS_MAX).await, Vec::<String>::new());
    }

    /// When all has arrived, lets a little time pass at every origin, so that all of the world is
    /// settled; then the metrics must equal the truth. The watermarks among them show that it was
    /// looked at since.
    pub async fn push_and_compare(&mut self, daemon: &Daemon) {
        let second = now_millis().div_euclid(1_000) * 1_000;
        let mut shipment = Shipment::default();
        let mut watermarks: BTreeMap<&'static str, i64> = BTreeMap::new();
        for (nth, origin) in (0..).zip(&self.origins) {
            let at = second - nth * 1_000;
            let pulse = pulse(*origin, at, &mut self.random);
            shipment.pack(vec![pulse], &mut self.random);
            let (_, lateness) = LATENESS_MILLIS.iter().find(|it| it.0 == origin.0).unwrap();
            let watermark = watermarks.entry(origin.0).or_insert(i64::MAX);
            *watermark = (*watermark).min(at - lateness);
        }
        self.ship(shipment).await;
        let mut expected = self.truth.clone();
        expected.add_all(RECORDS, &self.records);
        expected.add_all(LOG_OBJECTS, &self.log_objects);
        expected.set_watermarks(&watermarks);
        eventually(SECONDS_MAX, "the metrics equal the truth", async || {
            let seen = Figures::of(&daemon.scrape()?);
            let difference = seen.difference(&expected);
            if difference.is_empty() { Ok(()) } else { Err(difference) }
        })
        .await;
    }
}
