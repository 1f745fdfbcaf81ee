//! The truth of some traffic, and what a store and `/metrics` say of it, in one shape. The truth is
//! told by whoever draws the traffic; nothing here is computed from what was written to the wire.

use std::collections::BTreeMap;
use std::path::Path;

use deltrail::sandbox::act::Effect;
use deltrail::store::{DeletionFilter, Location, Looking, Reader, Within};
use deltrail_core::domain::Cause;

use crate::emulator::Scrape;
use crate::world::Counts;

const STALE_WINDOW_MILLIS: i64 = 15 * 60_000;

/// One removal, as the store has to know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub bucket: String,
    pub key: String,
    /// `current`, or `version` and its id.
    pub target: String,
    pub kind: String,
    pub cause: String,
    /// ARN; none for a rule of the bucket.
    pub who: String,
    pub request_id: String,
}

/// A request: bucket, API, outcome, request id.
type Request = [String; 4];

/// Everything that has to be known in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    pub rows: Vec<Row>,
    pub requests: Vec<Request>,
    pub totals: BTreeMap<String, Counts>,
    /// Removals whose request is not known yet.
    pending: Vec<Row>,
}

const REMOVED: &str = "deltrail_objects_removed_total";
const CONFIRMED: &str = "deltrail_removals_confirmed_total";
const KINDS: &str = "deltrail_removals_by_kind_total";
const REQUESTS: &str = "deltrail_delete_requests_total";
const DUPLICATES: &str = "deltrail_duplicate_delete_requests_total";
const STALE: &str = "deltrail_stale_deletes_total";
const REJECTED: &str = "deltrail_rejected_total";
const LATENCIES: &str = "deltrail_request_to_delete_latency_seconds_count";

/// Families that are compared, with their labels: a series that nobody expected has to be 0.
const FAMILIES: [(&str, &[&str]); 11] = [
    (REQUESTS, &["bucket", "api", "outcome"]),
    (REMOVED, &["bucket"]),
    (CONFIRMED, &["bucket"]),
    (KINDS, &["bucket", "kind", "cause"]),
    (DUPLICATES, &["bucket"]),
    (STALE, &["bucket"]),
    ("deltrail_corrections_total", &["reason"]),
    ("deltrail_unresolved_bulk_deletes", &["bucket"]),
    ("deltrail_unconfirmed_removals", &["bucket"]),
    (REJECTED, &["source", "reason"]),
    ("deltrail_latency_discarded_total", &["reason"]),
];

impl Truth {
    /// A key that S3 said yes to, or expired; whose doing it was is said next.
    pub fn expects_removal(
        &mut self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        effect: &Effect,
    ) {
        let kind = match effect {
            Effect::Marker { .. } => "marker",
            Effect::Version { .. } => "version",
            Effect::Object | Effect::Nothing => "object",
        };
        self.pending.push(Row {
            bucket: bucket.into(),
            key: key.into(),
            target: version.map_or("current".into(), |version| format!("version {version}")),
            kind: kind.into(),
            cause: String::new(),
            who: String::new(),
            request_id: String::new(),
        });
    }

    /// The removals that were expected last were this request's.
    pub fn done(&mut self, request_id: &str, who: &str) {
        self.settle(request_id, "api", who);
    }

    /// The removals that were expected last are a lifecycle rule's.
    pub fn done_by_rule(&mut self, request_id: &str) {
        self.settle(request_id, "lifecycle", "");
    }

    fn settle(&mut self, request_id: &str, cause: &str, who: &str) {
        for row in std::mem::take(&mut self.pending) {
            self.count(REMOVED, &[&row.bucket]);
            // Every bucket logs its accesses, so that S3 confirms what it does not notify of, too.
            self.count(CONFIRMED, &[&row.bucket]);
            self.count(KINDS, &[&row.bucket, &row.kind, cause]);
            let (cause, who, request_id) = (cause.into(), who.into(), request_id.into());
            self.rows.push(Row { cause, who, request_id, ..row });
        }
    }

    pub fn expects_request(&mut self, bucket: &str, api: &str, outcome: &str, request_id: &str) {
        self.count(REQUESTS, &[bucket, api, outcome]);
        if outcome == "ok" {
            // CloudTrail says how long it took, and so does the access log.
            self.count(LATENCIES, &["service"]);
            self.count(LATENCIES, &["access_log"]);
        }
        self.requests.push([bucket, api, outcome, request_id].map(str::to_owned));
    }

    pub fn expects_duplicate(&mut self, bucket: &str) {
        self.count(DUPLICATES, &[bucket]);
    }

    /// A message that is rejected as a whole, of which nothing else is known than how it came.
    pub fn expects_reject(&mut self, reason: &str) {
        self.count(REJECTED, &["s3_notification", reason]);
    }

    pub fn expects_stale(&mut self, bucket: &str) {
        self.count(STALE, &[bucket]);
    }

    fn count(&mut self, family: &str, labels: &[&str]) {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        *self.totals.entry(family.into()).or_default().entry(labels).or_default() += 1;
    }

    /// What a store's file says, settled or not.
    pub fn read(store: &Path) -> Result<Self, String> {
        let (rows, _) = rows(store)?;
        Ok(Self { rows, requests: requests(store)?, ..Self::default() }.sorted())
    }

    /// What a store's file and a scrape say; why not, if they cannot be read, or when not all of it
    /// is settled.
    pub fn seen(store: &Path, scrape: &Scrape) -> Result<Self, String> {
        let (rows, unsettled) = rows(store)?;
        if unsettled > 0 {
            return Err(format!("{unsettled} of {} removals not settled", rows.len()));
        }
        let mut seen = Self { rows, requests: requests(store)?, ..Self::default() };
        for (family, labels) in FAMILIES {
            seen.totals.insert(family.into(), scrape.counts(family, labels));
        }
        let mut latencies = scrape.counts(LATENCIES, &["basis"]);
        // How long until S3 told of it: that depends on which notices came.
        latencies.remove(&vec!["confirmed".to_owned()]);
        seen.totals.insert(LATENCIES.into(), latencies);
        Ok(seen.sorted())
    }

    /// Fails with every difference to what was seen.
    pub fn expect(&self, seen: &Self) -> Result<(), String> {
        let truth = self.clone().sorted();
        let mut lines = Vec::new();
        lines.extend(self.expect_rows(seen).err());
        for family in seen.totals.keys() {
            let [seen, truth] = [seen, &truth].map(|it| it.totals.get(family).cloned());
            let (seen, truth) = (seen.unwrap_or_default(), truth.unwrap_or_default());
            if seen != truth {
                lines.push(format!("{family}: seen {seen:?}, expected {truth:?}"));
            }
        }
        if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
    }

    /// Fails with every difference of removals and requests to what was seen.
    pub fn expect_rows(&self, seen: &Self) -> Result<(), String> {
        let truth = self.clone().sorted();
        let mut lines = Vec::new();
        differ("row", &seen.rows, &truth.rows, &mut lines);
        differ("request", &seen.requests, &truth.requests, &mut lines);
        if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
    }

    /// The same, without what was taken away by each removal.
    pub fn without_kinds(mut self) -> Self {
        self.rows.iter_mut().for_each(|row| row.kind.clear());
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        self.rows.sort();
        self.requests.sort();
        self
    }
}

/// Tells what stands in one sorted list and not in the other.
fn differ<T: Ord + std::fmt::Debug>(what: &str, seen: &[T], truth: &[T], lines: &mut Vec<String>) {
    let (mut seen, mut truth) = (seen.iter().peekable(), truth.iter().peekable());
    loop {
        match (seen.peek(), truth.peek()) {
            (None, None) => return,
            (Some(one), Some(other)) if one == other => {
                seen.next();
                truth.next();
            }
            (Some(one), other) if other.is_none_or(|other| one < other) => {
                lines.push(format!("{what} too many: {one:?}"));
                seen.next();
            }
            (_, missing) => {
                lines.push(format!("{what} missing: {missing:?}"));
                truth.next();
            }
        }
    }
}

/// The removals, and how many of them are not settled.
fn rows(store: &Path) -> Result<(Vec<Row>, usize), String> {
    let location = Location::File(store.to_path_buf());
    let looking = Looking { stale_window_millis: STALE_WINDOW_MILLIS };
    let mut reader = Reader::open(&location, looking).map_err(|error| error.to_string())?;
    let filter = DeletionFilter {
        within: Within::Everything,
        principal: None,
        since: None,
        until: None,
        request_id: None,
        kind: None,
        only: None,
        after: None,
        limit: DeletionFilter::LIMIT_MAX,
    };
    let deletions = reader.deletions(&filter).map_err(|error| error.to_string())?;
    assert!(!deletions.has_more, "a test has fewer removals");
    let unsettled = deletions.rows.iter().filter(|row| !row.is_settled).count();
    let row = |row: deltrail::store::DeletionRow| {
        let removal = row.removal;
        let is_by_rule = removal.cause == Cause::Lifecycle;
        let who = removal.actor.arn.clone().filter(|_| !is_by_rule);
        Row {
            bucket: row.bucket,
            key: row.key.unwrap_or_default(),
            target: removal.target.to_string(),
            kind: removal.kind.as_str().into(),
            cause: removal.cause.as_str().into(),
            who: who.unwrap_or_default(),
            request_id: removal.request_id.unwrap_or_default().to_string(),
        }
    };
    Ok((deletions.rows.into_iter().map(row).collect(), unsettled))
}

fn requests(store: &Path) -> Result<Vec<Request>, String> {
    let read = || -> rusqlite::Result<Vec<Request>> {
        let connection = rusqlite::Connection::open(store)?;
        let mut all = connection
            .prepare("SELECT bucket, api, outcome, coalesce(request_id, '') FROM requests")?;
        let rows =
            all.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        rows.collect()
    };
    read().map_err(|error| error.to_string())
}
