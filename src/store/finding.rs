//! What the store is asked by those who look for findings, keep them, and tell people of them: the
//! part of [`Store`] that concerns detection. It knows no database.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::detect::{Expectation, PAST_DAYS, STRUCK_KEYS_MIN, TRACED_DAYS};
use deltrail_core::domain::{Day, Finding, Source, Timestamp};

use super::detection::{
    Announcing, Cells, Configured, Delivery, DeliveryEnd, DeliveryState, DueDay, Expected,
    FindingFilter, FindingRow, Findings, Found, Observations, Traces, Written,
};
use super::session::Session;
use super::tables::{
    deliveries, expectations, finding_rows, findings, observations, query, traces,
};
use super::{Store, StoreError};

impl Store {
    /// The days of buckets that something changed on since their findings were made, at most
    /// `limit` of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn due_days(&self, limit: usize) -> Result<Vec<DueDay>, StoreError> {
        self.0.read(move |session| observations::due_days(session, limit)).await
    }

    /// The days of a bucket, from `from` on, on which anything was removed or found.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn days_from(&self, bucket: &str, from: Day) -> Result<Vec<Day>, StoreError> {
        let bucket = bucket.to_owned();
        self.0.read(move |session| observations::days_from(session, &bucket, from)).await
    }

    /// The days from one up to another on which the protection of a bucket was changed, in no
    /// order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn days_of_changes(
        &self,
        bucket: &str,
        days: (Day, Day),
    ) -> Result<Vec<Day>, StoreError> {
        let bucket = bucket.to_owned();
        self.0.read(move |session| observations::days_of_changes(session, &bucket, days)).await
    }

    /// What detectors are given of a bucket around a day.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn observations(
        &self,
        bucket: &str,
        day: Day,
        stale_window_millis: i64,
    ) -> Result<Observations, StoreError> {
        let bucket = bucket.to_owned();
        self.0
            .read(move |session| {
                observations::observations(session, (&bucket, day), stale_window_millis)
            })
            .await
    }

    /// The past of a bucket before a day, by which the day is judged, and who its cells name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn past(&self, bucket: &str, day: Day) -> Result<Cells, StoreError> {
        let bucket = bucket.to_owned();
        let days = (day.plus(-PAST_DAYS), day.plus(-1));
        self.0.read(move |session| observations::cells(session, &bucket, days)).await
    }

    /// What callers did to keys of a bucket around a day: those who removed or encrypted many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn traces(&self, bucket: &str, day: Day) -> Result<Traces, StoreError> {
        let bucket = bucket.to_owned();
        let days = (day.plus(-2), day.plus(2));
        self.0.read(move |session| traces::traces(session, &bucket, days, STRUCK_KEYS_MIN)).await
    }

    /// The same of the past of a day, of everybody who removed or encrypted anything.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn past_traces(&self, bucket: &str, day: Day) -> Result<Traces, StoreError> {
        let bucket = bucket.to_owned();
        let days = (day.plus(-TRACED_DAYS), day.plus(-1));
        self.0.read(move |session| traces::traces(session, &bucket, days, 1)).await
    }

    /// Up to when each source that tells of a bucket is complete; of every source when it is empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn watermarks(
        &self,
        bucket: &str,
    ) -> Result<BTreeMap<Source, Timestamp>, StoreError> {
        let bucket = bucket.to_owned();
        self.0.read(move |session| observations::watermarks(session, &bucket)).await
    }

    /// Keys that were removed from a bucket between two times, the first `limit` of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sample_keys(
        &self,
        bucket: &str,
        between: (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let bucket = bucket.to_owned();
        self.0
            .read(move |session| observations::sample_keys(session, &bucket, between, limit))
            .await
    }

    /// Writes findings, all of a bucket and its days at once: new ones, changed ones, and those
    /// withdrawn that were not found again. Nothing when the rows have changed meanwhile.
    ///
    /// # Errors
    /// When nothing of it was kept.
    pub async fn write_findings(&self, found: Found) -> Result<Written, StoreError> {
        self.0
            .write(move |session, options| findings::write_findings(session, options, &found))
            .await
    }

    /// The findings of a bucket that begin on the days from one up to another and were not
    /// withdrawn, in no order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn standing_findings(
        &self,
        bucket: &str,
        days: (Day, Day),
    ) -> Result<Vec<Finding>, StoreError> {
        let bucket = bucket.to_owned();
        self.0.read(move |session| finding_rows::standing_findings(session, &bucket, days)).await
    }

    /// Resolves the findings that have not changed for half an hour, and gives them; those that are
    /// `shown` stay open for now.
    ///
    /// # Errors
    /// When nothing of it was kept.
    pub async fn resolve_findings(
        &self,
        now: Timestamp,
        shown: BTreeSet<String>,
    ) -> Result<Vec<FindingRow>, StoreError> {
        self.0.write(move |session, _| findings::resolve_findings(session, now, &shown)).await
    }

    /// The findings that fit, newest first, and how complete what they rest on is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn findings(&self, filter: FindingFilter) -> Result<Findings, StoreError> {
        let ask = move |session: &Session<'_>| {
            session.at_one_moment(|| query::findings(session, &filter))
        };
        self.0.read(ask).await
    }

    /// The finding of this id, if there is one, and how complete what it rests on is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn finding(&self, id: &str) -> Result<Findings, StoreError> {
        let id = id.to_owned();
        self.0.read(move |session| query::finding(session, &id)).await
    }

    /// Claims what somebody has to be told first, if anything is due.
    ///
    /// # Errors
    /// When nothing was claimed.
    pub async fn claim_delivery(&self, now: Timestamp) -> Result<Option<Delivery>, StoreError> {
        self.0
            .write(move |session, options| {
                deliveries::claim_delivery(session, &options.writer, now)
            })
            .await
    }

    /// Notes how telling somebody of a finding ended.
    ///
    /// # Errors
    /// When it was not noted: it will be told again.
    pub async fn end_delivery(
        &self,
        delivery: &Delivery,
        end: DeliveryEnd,
    ) -> Result<(), StoreError> {
        let (id, notifier) = (delivery.row.id.clone(), delivery.notifier.clone());
        let revision = delivery.row.revision;
        self.0
            .write(move |session, _| {
                deliveries::end_delivery(session, (&id, &notifier, revision), end)
            })
            .await
    }

    /// Who is to be told of a finding, by name, and how far that has come.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries(&self, finding_id: &str) -> Result<Vec<DeliveryState>, StoreError> {
        let id = finding_id.to_owned();
        self.0.read(move |session| deliveries::deliveries_of(session, &id)).await
    }

    /// Keeps an announcement, unless there is one of its name already. What it speaks of is looked
    /// at again.
    ///
    /// # Errors
    /// When it was not kept.
    pub async fn announce(
        &self,
        expectation: Expectation,
        said_by: Option<String>,
        now: Timestamp,
    ) -> Result<Announcing, StoreError> {
        self.0
            .write(move |session, _| {
                expectations::announce(session, &expectation, said_by.as_deref(), now)
            })
            .await
    }

    /// Puts the announcements of the configuration file in place of those that it held before.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn configure_expectations(
        &self,
        configured: Vec<Configured>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.write(move |session, _| expectations::configure(session, &configured, now)).await
    }

    /// What was announced and ends at `from` or later, first what ends last, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn expectations(
        &self,
        from: Timestamp,
        limit: usize,
    ) -> Result<Vec<Expected>, StoreError> {
        self.0.read(move |session| expectations::expectations(session, from, limit)).await
    }
}
