//! What is asked: each question as the commands put it, and how its answer is known to be one. They
//! know no clock.

use deltrail::store::{
    DeletionFilter, DeletionRow, Deletions, KeyQuestion, PrincipalPattern, Reader, SummaryFilter,
    Within,
};
use deltrail_core::domain::Timestamp;

use super::samples::{Sample, page};

/// Rows of a page.
const PAGE_ROWS: usize = 100;
const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
/// Letters of a key up to its second folder: some 20 of a million keys begin with the same.
const FOLDER_LETTERS: usize = "uploads/000/".len();

/// A question.
pub struct Question {
    pub name: &'static str,
    /// Whether its answer has to come in time; else it is only reported.
    pub is_bounded: bool,
    /// Asks about a removal, and says whether the answer is one.
    pub ask: fn(&mut Reader, &Sample) -> anyhow::Result<bool>,
}

impl Question {
    const fn bounded(
        name: &'static str,
        ask: fn(&mut Reader, &Sample) -> anyhow::Result<bool>,
    ) -> Self {
        Self { name, is_bounded: true, ask }
    }

    /// One that looks at many rows for a few: a narrower one would be asked.
    const fn wide(
        name: &'static str,
        ask: fn(&mut Reader, &Sample) -> anyhow::Result<bool>,
    ) -> Self {
        Self { name, is_bounded: false, ask }
    }
}

/// Every question.
pub const QUESTIONS: [Question; 15] = [
    Question::bounded("who deleted a key", who_deleted),
    Question::bounded("who deleted a key that nobody did", who_deleted_nothing),
    Question::bounded("bucket, an hour: first page", of_an_hour),
    Question::bounded("bucket: first page", of_bucket),
    Question::bounded("everywhere: first page", everywhere),
    Question::bounded("keys of a folder", of_folder),
    Question::bounded("request: its keys", of_request),
    Question::bounded("role, everywhere: first page", of_role),
    Question::bounded("session, bucket, an hour", of_session),
    Question::wide("session, everywhere, of any time", of_session_ever),
    Question::bounded("keys of a whole bucket: first page", of_whole_bucket),
    Question::bounded("bucket: a page in the middle", of_bucket_onwards),
    Question::bounded("everywhere: a page in the middle", everywhere_onwards),
    Question::wide("summary of a day, everywhere", summary_of_day),
    Question::wide("summary of all times, everywhere", summary_of_all),
];

fn who_deleted(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let told = reader.key_history(&key_of(sample, sample.key.clone()))?;
    Ok(told.deletions.iter().any(|row| row.removal.at == sample.at))
}

fn who_deleted_nothing(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let told = reader.key_history(&key_of(sample, format!("{}.bak", sample.key)))?;
    Ok(told.deletions.is_empty() && !told.completeness.sources.is_empty())
}

fn of_an_hour(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    first_page(reader, &around(sample, in_bucket(sample)), |row| row.bucket == sample.bucket)
}

fn of_bucket(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    first_page(reader, &in_bucket(sample), |row| row.bucket == sample.bucket)
}

fn everywhere(reader: &mut Reader, _: &Sample) -> anyhow::Result<bool> {
    first_page(reader, &page(Within::Everything, PAGE_ROWS), |_| true)
}

fn of_folder(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let folder = sample.key[..FOLDER_LETTERS].to_owned();
    let told = reader.deletions(&below(sample, folder))?;
    Ok(told.rows.iter().any(|row| row.removal.at == sample.at))
}

fn of_whole_bucket(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    first_page(reader, &below(sample, "uploads/".into()), |row| row.bucket == sample.bucket)
}

fn of_request(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let request_id = Some(sample.request_id.clone());
    let filter = DeletionFilter { request_id, ..page(Within::Everything, PAGE_ROWS) };
    let told = reader.deletions(&filter)?;
    Ok(told.rows.iter().any(|row| row.key.as_ref() == Some(&sample.key)))
}

fn of_role(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let filter = by(&sample.role, page(Within::Everything, PAGE_ROWS));
    let is_role = |row: &DeletionRow| row.removal.actor.user_name.as_ref() == Some(&sample.role);
    first_page(reader, &filter, is_role)
}

fn of_session(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let told = reader.deletions(&by(&sample.access_key_id, around(sample, in_bucket(sample))))?;
    Ok(told.rows.iter().any(|row| row.removal.at == sample.at))
}

fn of_session_ever(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let filter = by(&sample.access_key_id, page(Within::Everything, PAGE_ROWS));
    let Deletions { rows, .. } = reader.deletions(&filter)?;
    let is_session =
        |row: &DeletionRow| row.removal.actor.access_key_id.as_ref() == Some(&sample.access_key_id);
    Ok(!rows.is_empty() && rows.iter().all(is_session))
}

fn of_bucket_onwards(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let filter = DeletionFilter { after: Some(sample.cursor.clone()), ..in_bucket(sample) };
    let told = reader.deletions(&filter)?;
    Ok(told.rows.iter().all(|row| row.bucket == sample.bucket && row.removal.at <= sample.at))
}

fn everywhere_onwards(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let everywhere = page(Within::Everything, PAGE_ROWS);
    let filter = DeletionFilter { after: Some(sample.cursor.clone()), ..everywhere };
    Ok(reader.deletions(&filter)?.rows.iter().all(|row| row.removal.at <= sample.at))
}

fn summary_of_day(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let filter = SummaryFilter::last_day(Timestamp::from_millis(sample.at.as_millis() + 1));
    Ok(reader.summary(&filter)?.counts.removed > 0)
}

fn summary_of_all(reader: &mut Reader, sample: &Sample) -> anyhow::Result<bool> {
    let half = SummaryFilter::SPAN_MILLIS_MAX / 2;
    let [since, until] = [-half, half].map(|it| Timestamp::from_millis(sample.at.as_millis() + it));
    let summary = reader.summary(&SummaryFilter { bucket: None, since, until })?;
    Ok(summary.counts.removed > 0 && summary.bars.len() > 50)
}

/// Whether the page is full, and everything on it fits.
fn first_page(
    reader: &mut Reader,
    filter: &DeletionFilter,
    fits: impl Fn(&DeletionRow) -> bool,
) -> anyhow::Result<bool> {
    let told = reader.deletions(filter)?;
    Ok(told.rows.len() == PAGE_ROWS && told.rows.iter().all(fits))
}

fn key_of(sample: &Sample, key: String) -> KeyQuestion {
    KeyQuestion { bucket: sample.bucket.clone(), key, version_id: None }
}

fn in_bucket(sample: &Sample) -> DeletionFilter {
    page(Within::Bucket(sample.bucket.clone()), PAGE_ROWS)
}

fn below(sample: &Sample, prefix: String) -> DeletionFilter {
    page(Within::Prefix { bucket: sample.bucket.clone(), prefix }, PAGE_ROWS)
}

/// The hour that ends with the sample.
fn around(sample: &Sample, filter: DeletionFilter) -> DeletionFilter {
    let end = sample.at.as_millis() + 1;
    let (since, until) = (end - HOUR_MILLIS, end);
    DeletionFilter {
        since: Some(Timestamp::from_millis(since)),
        until: Some(Timestamp::from_millis(until)),
        ..filter
    }
}

fn by(principal: &str, filter: DeletionFilter) -> DeletionFilter {
    DeletionFilter { principal: Some(PrincipalPattern::new(principal)), ..filter }
}
