//! Which objects of a log bucket may hold what happened in a span of time, by their keys and by
//! when they were written. It lists nothing, and does not read what is in them.

#[cfg(test)]
mod tests;

use super::log_key::{LogKey, LogPath};
use crate::domain::{Day, Timestamp};

const MINUTE_MILLIS: i64 = 60 * 1_000;
/// A log is written after what it tells of; the clocks of those who write differ a little.
const EARLIER_MILLIS: i64 = 10 * MINUTE_MILLIS;
/// CloudTrail is up to 20 minutes late as a rule, and in measured files never more. What a refused
/// or slow delivery brings later is seldom, and two hours cost 24 more files of each region.
const TRAIL_LATER_MILLIS: i64 = 120 * MINUTE_MILLIS;
/// Access logs come within hours as a rule, and nobody promises when.
const ACCESS_LATER_MILLIS: i64 = Day::MILLIS;

/// The folders of a day.
const DATE: &str = "yyyy/mm/dd";

/// The span of event time that is asked for; without a bound there is none on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeBounds {
    /// What happened at this time or later.
    pub since: Option<Timestamp>,
    /// What happened before this time.
    pub until: Option<Timestamp>,
}

/// What is to be done about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It may hold something of the span.
    Within,
    /// It holds nothing of it.
    Outside,
    /// Nor does any object whose key comes before this one in the order of bytes, which is the
    /// order of S3's lists.
    OutsideUntil(String),
}

/// A folder of a day, as CloudTrail and partitioned access logs have them.
struct DatedFolder<'a> {
    /// All before the date, with the `/`.
    parent: &'a str,
    /// `2026/11/23`.
    date: &'a str,
    source: Writer,
}

/// Who wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Trail,
    AccessLog,
}

impl TimeBounds {
    /// Whether the object of this key, written at `written_at`, may hold anything of the span.
    ///
    /// A key tells by the date of its folder and the time in its name. An object whose key tells
    /// nothing is judged by when it was written, a day later at most than what is asked for.
    #[must_use]
    pub fn look(&self, key: &str, written_at: Option<Timestamp>) -> Look {
        if *self == Self::default() {
            return Look::Within;
        }
        let folder = DatedFolder::of(key);
        if let Some(folder) = &folder
            && let Some(next) = self.beyond(folder)
        {
            return Look::OutsideUntil(next);
        }
        let file = key.rsplit('/').next().unwrap_or(key);
        let is_within = if let Some(at) = trail_time(file) {
            self.holds(at, EARLIER_MILLIS, TRAIL_LATER_MILLIS)
        } else if let Some(day) = access_log_day(file) {
            // Where logs are named after event times, the time of day is 0.
            self.since.is_none_or(|since| Day::of(since) <= day)
                && self.until.is_none_or(|until| day <= Day::of(later(until, ACCESS_LATER_MILLIS)))
        } else {
            folder.is_some()
                || written_at.is_none_or(|at| self.holds(at, EARLIER_MILLIS, ACCESS_LATER_MILLIS))
        };
        if is_within { Look::Within } else { Look::Outside }
    }

    /// Where the list goes on, if nothing in the folder of this day is wanted.
    fn beyond(&self, folder: &DatedFolder<'_>) -> Option<String> {
        let (earlier, later_by) = match folder.source {
            Writer::Trail => (EARLIER_MILLIS, TRAIL_LATER_MILLIS),
            Writer::AccessLog => (0, ACCESS_LATER_MILLIS),
        };
        let first = self.since.map(|since| date_of(later(since, -earlier)));
        if let Some(first) = first.filter(|first| folder.date < first.as_str()) {
            return Some(format!("{}{first}", folder.parent));
        }
        let last = self.until.map(|until| date_of(later(until, later_by)));
        last.filter(|last| folder.date > last.as_str())?;
        // The character after `/`: past everything in the folder that holds the dates.
        folder.parent.strip_suffix('/').map(|parent| format!("{parent}0"))
    }

    fn holds(&self, at: Timestamp, earlier_millis: i64, later_millis: i64) -> bool {
        self.since.is_none_or(|since| later(since, -earlier_millis) <= at)
            && self.until.is_none_or(|until| at < later(until, later_millis))
    }
}

impl<'a> DatedFolder<'a> {
    fn of(key: &'a str) -> Option<Self> {
        let source = match LogKey::of(key) {
            LogKey::Log(LogPath { account: Some(_), bucket: None, .. })
            | LogKey::Digest(_)
            | LogKey::Insight
            | LogKey::NetworkActivity
            | LogKey::Aggregated => Writer::Trail,
            LogKey::Log(LogPath { bucket: Some(_), .. }) => Writer::AccessLog,
            LogKey::Log(_) | LogKey::Folder => return None,
        };
        let (folder, _file) = key.rsplit_once('/')?;
        let at = folder.len().checked_sub(DATE.len())?;
        let (parent, date) = folder.split_at_checked(at)?;
        let is_date = DATE.bytes().zip(date.bytes()).all(|(pattern, byte)| match pattern {
            b'/' => byte == b'/',
            _ => byte.is_ascii_digit(),
        });
        (is_date && parent.ends_with('/')).then_some(Self { parent, date, source })
    }
}

/// The time in the name of a file of CloudTrail: `ACCOUNT_CloudTrail_REGION_20261123T1005Z_...`,
/// and of a digest, which has seconds.
#[must_use]
pub fn trail_time(file: &str) -> Option<Timestamp> {
    let (account, rest) = file.split_once("_CloudTrail")?;
    if account.len() != 12 {
        return None;
    }
    let name = rest.strip_suffix(".gz").unwrap_or(rest);
    let name = name.strip_suffix(".json").unwrap_or(name);
    name.rsplit('_').find_map(compact_time)
}

/// `20261123T1005Z` or `20261123T100500Z`.
pub(super) fn compact_time(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let seconds = match (text.len(), part(13, 14)?) {
        (14, "Z") => "00",
        (16, _) if text.ends_with('Z') => part(13, 15)?,
        _ => return None,
    };
    let (day, hour, minute) = (part(6, 8)?, part(9, 11)?, part(11, 13)?);
    let text = format!("{}-{}-{day}T{hour}:{minute}:{seconds}Z", part(0, 4)?, part(4, 6)?);
    Timestamp::parse(&text).ok()
}

/// The day in the name of an access log: `[prefix]2026-11-23-10-05-00-0123456789ABCDEF`.
fn access_log_day(file: &str) -> Option<Day> {
    const NAME: &str = "yyyy-mm-dd-hh-mm-ss-0123456789ABCDEF";
    let at = file.len().checked_sub(NAME.len())?;
    let name = file.get(at..)?;
    let is_name = NAME.bytes().zip(name.bytes()).all(|(pattern, byte)| match pattern {
        b'-' => byte == b'-',
        b'a'..=b'z' => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric(),
    });
    if !is_name {
        return None;
    }
    Timestamp::parse(&format!("{}T00:00:00Z", name.get(..10)?)).ok().map(Day::of)
}

/// `2026/11/23`.
fn date_of(at: Timestamp) -> String {
    Day::of(at).to_string().replace('-', "/")
}

const fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}
