//! A sample of removals, spread over parts of time and buckets as all removals are: what their keys
//! begin with, and how long their requests took. It writes nothing.

use std::collections::{BTreeMap, HashMap};

use deltrail_core::domain::{Basis, Outcome, PLAUSIBLE_MILLIS_MAX, Target, Timestamp};

use super::super::rows::{optional_time, time};
use super::rows::request_identity;
use crate::store::session::{Result, Row, Session, values};
use crate::store::slices::Sliced;
use crate::store::{LatencySummary, PrefixSummary, Sample, words};

/// Removals of a sample.
const REMOVALS_MAX: u64 = 1_000;
/// How many prefixes are told.
const PREFIXES_MAX: usize = 10;

/// A part of a bucket's time, and how many removals it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) bucket: &'a str,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) removed: u64,
}

/// What a sample tells.
pub(super) struct LookedAt {
    pub(super) sample: Sample,
    pub(super) prefixes: Vec<PrefixSummary>,
    pub(super) latencies: Vec<LatencySummary>,
}

/// A removal of the sample.
struct Sampled {
    slot_id: i64,
    key: String,
    has_intent: bool,
    identity: String,
    target: Target,
    is_coarse: bool,
    at: Timestamp,
    notified_at: Option<Timestamp>,
    request_id: Option<String>,
}

/// What is known of how long a request took.
#[derive(Clone, Copy)]
struct Timing {
    started_at: Option<Timestamp>,
    service_millis: Option<i64>,
    access_log_millis: Option<i64>,
}

/// Looks at removals of these parts.
pub(super) fn sample(session: &Session<'_>, parts: &[Part<'_>]) -> Result<LookedAt> {
    let removed: u64 = parts.iter().map(|part| part.removed).sum();
    let mut keys: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut clock = Clock::of(session)?;
    let (mut passed, mut count) = (0, 0);
    for part in parts {
        let due = |passed: u64| match removed {
            0..=REMOVALS_MAX => passed,
            _ => share(passed, REMOVALS_MAX, removed),
        };
        let wanted = due(passed + part.removed) - due(passed);
        passed += part.removed;
        for removal in removals_of(session, part, wanted)? {
            count += 1;
            clock.measure(part.bucket, &removal)?;
            keys.entry(part.bucket).or_default().push(removal.key);
        }
    }
    let is_everything = removed <= REMOVALS_MAX;
    let mut prefixes: Vec<PrefixSummary> = Vec::new();
    for (bucket, keys) in &keys {
        for (prefix, sampled) in prefixes_of(keys) {
            let removed = if is_everything { sampled } else { share(sampled, removed, count) };
            prefixes.push(PrefixSummary { bucket: (*bucket).to_owned(), prefix, sampled, removed });
        }
    }
    prefixes.sort_by(|a, b| {
        let name = |it: &PrefixSummary| (it.bucket.clone(), it.prefix.clone());
        b.sampled.cmp(&a.sampled).then_with(|| name(a).cmp(&name(b)))
    });
    prefixes.truncate(PREFIXES_MAX);
    let sample = Sample { removals: count, is_everything };
    Ok(LookedAt { sample, prefixes, latencies: clock.told() })
}

/// `part` of `of`, on the scale of `whole`, rounded down.
fn share(part: u64, whole: u64, of: u64) -> u64 {
    let share = u128::from(part) * u128::from(whole) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// The first removals of a part.
fn removals_of(session: &Session<'_>, part: &Part<'_>, count: u64) -> Result<Vec<Sampled>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let (from, to) = (part.from.as_millis(), part.to.as_millis());
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    session.rows(
        "SELECT r.slot_id, s.key, s.has_intent, r.identity, r.target, r.is_coarse, r.at,
             r.notified_at, r.request_id
         FROM removals AS r CROSS JOIN slots AS s ON s.id = r.slot_id
         WHERE r.bucket = ?1 AND r.at >= ?2 AND r.at < ?3
         ORDER BY r.at LIMIT ?4",
        &values![part.bucket, from, to, limit],
        sampled_of,
    )
}

fn sampled_of(row: &mut Row<'_>) -> Result<Sampled> {
    Ok(Sampled {
        slot_id: row.read()?,
        key: row.read()?,
        has_intent: row.read()?,
        identity: row.read()?,
        target: row.text(words::target)?,
        is_coarse: row.read()?,
        at: time(row)?,
        notified_at: optional_time(row)?,
        request_id: row.read()?,
    })
}

/// What these keys begin with, as long as all keys of one first folder share it, and how many do.
/// The empty key is one that no source tells.
fn prefixes_of(keys: &[String]) -> Vec<(String, u64)> {
    let mut folders: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for key in keys.iter().filter(|key| !key.is_empty()) {
        let folder = key.find('/').map_or("", |end| &key[..=end]);
        let own = key.rfind('/').map_or("", |end| &key[..=end]);
        let (shared, count) = folders.entry(folder).or_insert((own, 0));
        *shared = common_folder(shared, own);
        *count += 1;
    }
    folders.into_values().map(|(prefix, count)| (prefix.to_owned(), count)).collect()
}

/// The longest folder that both lie in.
fn common_folder<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let end = a.as_bytes()[..same].iter().rposition(|byte| *byte == b'/');
    end.map_or("", |end| &a[..=end])
}

/// Measures how long requests took, each once.
struct Clock<'a> {
    session: &'a Session<'a>,
    /// Where requests are looked for: first where the last one was found.
    slices: Vec<i64>,
    known: HashMap<String, Option<Timing>>,
    millis: BTreeMap<Basis, Vec<i64>>,
}

impl<'a> Clock<'a> {
    fn of(session: &'a Session<'a>) -> Result<Self> {
        let slices = session.slices(Sliced::Requests)?;
        Ok(Self { session, slices, known: HashMap::new(), millis: BTreeMap::new() })
    }

    fn measure(&mut self, bucket: &str, removal: &Sampled) -> Result<()> {
        if let Some(timing) = self.timing_of(bucket, removal)?
            && let Some((from, to)) = timing.started_at.zip(removal.notified_at)
        {
            self.add(Basis::Confirmed, Some(to.millis_since(from)));
        }
        if removal.has_intent && !removal.is_coarse {
            let requested_at = self.session.optional(
                "SELECT requested_at FROM intent_keys WHERE slot_id = ?1 AND removal = ?2",
                &values![removal.slot_id, removal.identity],
                time,
            )?;
            self.add(Basis::Intent, requested_at.map(|from| removal.at.millis_since(from)));
        }
        Ok(())
    }

    /// How long the request behind a removal took, measured when it is met first.
    fn timing_of(&mut self, bucket: &str, removal: &Sampled) -> Result<Option<Timing>> {
        let request_id = removal.request_id.as_deref();
        let Some(identity) = request_identity(request_id, &removal.identity, &removal.target)
        else {
            return Ok(None);
        };
        if let Some(known) = self.known.get(&identity) {
            return Ok(*known);
        }
        let found = self.find(bucket, &identity)?;
        self.known.insert(identity, found);
        if let Some(timing) = found {
            self.add(Basis::Service, timing.service_millis);
            self.add(Basis::AccessLog, timing.access_log_millis);
        }
        Ok(found)
    }

    fn find(&mut self, bucket: &str, identity: &str) -> Result<Option<Timing>> {
        for (nth, &slice) in self.slices.iter().enumerate() {
            let found = self.session.optional(
                "SELECT started_at, ended_at, total_millis, outcome FROM requests
                     WHERE slice = ?1 AND identity = ?2 AND bucket = ?3",
                &values![slice, identity, bucket],
                |row| {
                    let (started_at, ended_at) = (optional_time(row)?, optional_time(row)?);
                    let total_millis = row.read::<Option<i64>>()?;
                    let is_ok = row.text(words::outcome)? == Outcome::Ok;
                    let service = started_at.zip(ended_at).map(|(from, to)| to.millis_since(from));
                    Ok(Timing {
                        started_at,
                        service_millis: service.filter(|_| is_ok),
                        access_log_millis: total_millis.filter(|_| is_ok),
                    })
                },
            )?;
            if found.is_some() {
                self.slices[..=nth].rotate_right(1);
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn add(&mut self, basis: Basis, millis: Option<i64>) {
        let is_plausible = |millis: &i64| (0..=PLAUSIBLE_MILLIS_MAX).contains(millis);
        if let Some(millis) = millis.filter(is_plausible) {
            self.millis.entry(basis).or_default().push(millis);
        }
    }

    fn told(self) -> Vec<LatencySummary> {
        let told = self.millis.into_iter();
        told.filter_map(|(basis, millis)| LatencySummary::of(basis, millis)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_as_long_as_all_keys_of_its_first_folder_share_it() {
        let keys = ["a/b/c/1", "a/b/c/2", "a/b/d", "tmp/1", "tmp/1/2", "top", "", "x/y/z/1"];
        let told = prefixes_of(&keys.map(str::to_owned));
        let told: Vec<(&str, u64)> = told.iter().map(|(it, count)| (it.as_str(), *count)).collect();
        assert_eq!(told, [("", 1), ("a/b/", 3), ("tmp/", 2), ("x/y/z/", 1)]);
        let apart = ["ü/é/1", "ü/è/1"].map(str::to_owned);
        assert_eq!(prefixes_of(&apart), [("ü/".to_owned(), 2)]);
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(share(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!((share(1, 1_000, 3), share(2, 1_000, 3), share(3, 1_000, 3)), (333, 666, 1_000));
        assert_eq!(share(5, 10, 0), 50);
    }
}
