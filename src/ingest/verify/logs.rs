//! Reads the log files that digests name, side by side, and looks for those that none names. It
//! keeps a name by its hash only, so that many cost little.

use std::collections::HashSet;

use deltrail_core::decode::digest::{
    ContentHash, Coverage, DigestedLog, LogFault, LogState, Sha256Sum,
};
use deltrail_core::decode::{Look, TimeBounds, trail_time};
use tokio::task::JoinSet;

use super::places::{Place, Places, file_of, is_log, listing_failed};
use super::told::Verified;
use super::{VerifyError, VerifyOrder};
use crate::ingest::patience::patiently;
use crate::ingest::scan::ScanSource;
use crate::objects::{FILES, Listing, ObjectError, Objects, Revision};

/// Log files on their way.
pub(super) struct Logs<'a> {
    order: VerifyOrder,
    objects: Objects,
    places: &'a Places,
    reading: JoinSet<Verified>,
    /// The first half of the hash of each name.
    named: HashSet<[u8; 16]>,
}

impl<'a> Logs<'a> {
    pub fn new(order: &VerifyOrder, objects: &Objects, places: &'a Places) -> Self {
        Self {
            order: order.clone(),
            objects: objects.clone(),
            places,
            reading: JoinSet::new(),
            named: HashSet::new(),
        }
    }

    /// Begins to read a log file that a verified digest names, and gives the verdicts that are
    /// known by now.
    pub async fn read(&mut self, log: &DigestedLog) -> Vec<Verified> {
        let mut known = Vec::new();
        for place in self.places_of(log) {
            if let ScanSource::S3 { bucket, .. } = &self.order.source
                && *bucket != place.bucket
            {
                known.push(Verified::elsewhere(&place));
                continue;
            }
            while self.reading.len() >= self.order.at_once.max(1) {
                known.extend(self.next().await);
            }
            let (objects, sha256) = (self.objects.clone(), log.sha256);
            let inflated_bytes_max = self.order.inflated_bytes_max;
            self.reading.spawn(async move {
                let state = patiently(ObjectError::is_transient, || {
                    state_of(&objects, &place, sha256, inflated_bytes_max)
                });
                match state.await {
                    Ok(state) => Verified::log(&place, state),
                    Err(error) => Verified::unreadable_log(&place, &error),
                }
            });
        }
        known
    }

    /// The verdicts on a log file that only a digest names that does not hold.
    pub fn unvouched(&mut self, log: &DigestedLog) -> Vec<Verified> {
        let state = || LogState::Failed(LogFault::Unvouched);
        self.places_of(log).iter().map(|place| Verified::log(place, state())).collect()
    }

    /// The next verdict on what is being read; none when nothing is.
    pub async fn next(&mut self) -> Option<Verified> {
        loop {
            match self.reading.join_next().await? {
                Ok(verified) => return Some(verified),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // Nobody cancels them.
                Err(_) => {}
            }
        }
    }

    /// Where a log file lies; each copy of it on this host. One that is not there has the name by
    /// which CloudTrail knows it.
    fn places_of(&mut self, log: &DigestedLog) -> Vec<Place> {
        let original = Place { bucket: log.bucket.clone(), key: log.key.clone() };
        if let ScanSource::S3 { .. } = &self.order.source {
            self.named.insert(name_of(&original));
            return vec![original];
        }
        let local = |key: &String| Place { bucket: FILES.to_owned(), key: key.clone() };
        let copies: Vec<Place> = self.places.local_copies(&log.key).map(local).collect();
        let missing = Place { bucket: FILES.to_owned(), key: log.key.clone() };
        self.named.insert(name_of(&missing));
        if copies.is_empty() { vec![missing] } else { copies }
    }

    /// What no digest names.
    pub fn unnamed<'c>(self, coverage: &'c Coverage) -> Unnamed<'c>
    where
        'a: 'c,
    {
        let source = match &self.order.source {
            ScanSource::Path(_) => Left::Local(Box::new(self.places.local_logs())),
            ScanSource::S3 { bucket, prefix } => {
                Left::Listed(bucket.clone(), self.objects.listing(bucket, prefix))
            }
        };
        Unnamed { named: self.named, bounds: self.order.bounds, source, coverage }
    }
}

/// A search for log files that no digest names.
pub(super) struct Unnamed<'a> {
    named: HashSet<[u8; 16]>,
    bounds: TimeBounds,
    source: Left<'a>,
    coverage: &'a Coverage,
}

/// Where they are looked for.
enum Left<'a> {
    Local(Box<dyn Iterator<Item = &'a String> + Send + 'a>),
    Listed(String, Listing),
}

impl Unnamed<'_> {
    /// The next one, with what is known of it.
    pub async fn next(&mut self) -> Result<Option<Verified>, VerifyError> {
        loop {
            let place = match &mut self.source {
                Left::Local(keys) => {
                    let Some(key) = keys.next() else { return Ok(None) };
                    Place { bucket: FILES.to_owned(), key: key.clone() }
                }
                Left::Listed(bucket, listing) => {
                    let listed = listing.next().await.map_err(|error| listing_failed(&error))?;
                    let Some(listed) = listed else { return Ok(None) };
                    Place { bucket: bucket.clone(), key: listed.key }
                }
            };
            match self.bounds.look(&place.key, None) {
                Look::Within => {
                    if let Some(verified) = self.verdict(&place) {
                        return Ok(Some(verified));
                    }
                }
                Look::Outside => {}
                Look::OutsideUntil(key) => {
                    if let Left::Listed(_, listing) = &mut self.source {
                        listing.skip_until(&key);
                    }
                }
            }
        }
    }

    /// What is known of a file, if it is a log file that no digest names.
    fn verdict(&self, place: &Place) -> Option<Verified> {
        if !is_log(&place.key) || self.named.contains(&name_of(place)) {
            return None;
        }
        let file = file_of(&place.key);
        let (account, rest) = file.split_once("_CloudTrail_")?;
        let region = rest.split('_').next()?;
        let state = match trail_time(file) {
            Some(at) => self.coverage.of_unnamed(account, region, at),
            None => LogState::Failed(LogFault::Uncovered),
        };
        Some(Verified::log(place, state))
    }
}

/// What a log file is, whose document is to have this sum.
pub(super) async fn state_of(
    objects: &Objects,
    place: &Place,
    sha256: Sha256Sum,
    inflated_bytes_max: u64,
) -> Result<LogState, ObjectError> {
    if place.is_local() && !place.key.starts_with('/') {
        return Ok(LogState::Failed(LogFault::Missing));
    }
    let mut object = objects.get(&place.bucket, &place.key, Revision::default(), None).await?;
    let mut hash = ContentHash::new(inflated_bytes_max);
    while let Some(chunk) = object.chunk().await? {
        if let Err(error) = hash.push(&chunk) {
            return Ok(LogState::Failed(error.into()));
        }
    }
    Ok(match hash.finish() {
        Err(error) => LogState::Failed(error.into()),
        Ok(hashed) if hashed.sha256 != sha256 => LogState::Failed(LogFault::Changed),
        Ok(hashed) if hashed.appended_bytes > 0 => {
            LogState::Failed(LogFault::Appended { bytes: hashed.appended_bytes })
        }
        Ok(_) => LogState::Verified,
    })
}

/// By what a log file is remembered: where it lies, and of a copy its file name.
fn name_of(place: &Place) -> [u8; 16] {
    let name = match place.bucket.as_str() {
        FILES => file_of(&place.key).to_owned(),
        bucket => format!("{bucket}/{}", place.key),
    };
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256Sum::of(name.as_bytes()).as_bytes()[..16]);
    half
}
