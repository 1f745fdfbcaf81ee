//! What the key of an object in a log bucket tells before anything is fetched: what kind of file it
//! is, and whose. It knows no log bucket and no content.

use super::log_time::trail_time;
use crate::domain::Timestamp;

const ACCOUNT_DIGITS: usize = 12;

/// A key of a log bucket, classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogKey {
    /// A marker object: CloudTrail writes an empty one when a trail is created.
    Folder,
    /// An hourly digest.
    Digest(DigestPath),
    /// CloudTrail Insights.
    Insight,
    /// Network activity events.
    NetworkActivity,
    /// Aggregated events: counts without keys.
    Aggregated,
    /// Anything else, which may be a log file: its content decides.
    Log(LogPath),
}

/// What the path of a log file says. A custom key says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPath {
    /// The account whose events it holds.
    pub account: Option<String>,
    /// The region whose events it holds.
    pub region: Option<String>,
    /// The bucket whose access log it is.
    pub bucket: Option<String>,
}

/// What the path of a digest says. A copy with another path says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestPath {
    /// Whose trail it vouches for, and where.
    pub log: LogPath,
    /// The end of the hour that it covers: the last part of its file's name.
    pub ended_at: Option<Timestamp>,
}

impl LogKey {
    /// Classifies `key`, decoded. Canonical keys are
    /// `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`, and the same with
    /// `CloudTrail-Digest` and so on in the place of CloudTrail. Access logs that are partitioned
    /// by date are `[prefix]ACCOUNT/REGION/BUCKET/YYYY/MM/DD/FILE`; all others say nothing.
    #[must_use]
    pub fn of(key: &str) -> Self {
        if key.is_empty() || key.ends_with('/') {
            return Self::Folder;
        }
        let segments: Vec<&str> = key.split('/').collect();
        let file = segments.last().copied().unwrap_or_default();
        (0..segments.len())
            .find_map(|at| Self::of_canonical(&segments[at..]))
            .or_else(|| Self::of_file_name(file))
            .or_else(|| LogPath::of_partition(&segments).map(Self::Log))
            .unwrap_or_else(|| Self::Log(LogPath::default()))
    }

    /// Why the object is not worth a fetch; the value of a label. `None` for a possible log file.
    #[must_use]
    pub const fn skip_reason(&self) -> Option<&'static str> {
        match self {
            Self::Folder => Some("folder"),
            Self::Digest(_) => Some("digest"),
            Self::Insight => Some("insight"),
            Self::NetworkActivity => Some("network_activity"),
            Self::Aggregated => Some("aggregated"),
            Self::Log(_) => None,
        }
    }

    fn of_canonical(segments: &[&str]) -> Option<Self> {
        let (account, folder, rest) = match *segments {
            ["AWSLogs", account, folder, ref rest @ ..] if is_account(account) => {
                (account, folder, rest)
            }
            ["AWSLogs", organisation, account, folder, ref rest @ ..]
                if organisation.starts_with("o-") && is_account(account) =>
            {
                (account, folder, rest)
            }
            _ => return None,
        };
        match (folder, rest) {
            ("CloudTrail", [region, .., _file]) if is_region(region) => {
                Some(Self::Log(LogPath::named(account, region)))
            }
            ("CloudTrail-Digest", [region, .., file]) if is_region(region) => {
                Some(Self::Digest(DigestPath {
                    log: LogPath::named(account, region),
                    ended_at: trail_time(file),
                }))
            }
            (_, [_, ..]) => Self::of_sibling(folder),
            _ => None,
        }
    }

    /// Copies of files keep their names: `ACCOUNT_CloudTrail-Digest_REGION_...`.
    fn of_file_name(file: &str) -> Option<Self> {
        let (account, rest) = file.split_once('_')?;
        let (folder, _) = rest.split_once('_')?;
        is_account(account).then_some(())?;
        Self::of_sibling(folder)
    }

    fn of_sibling(folder: &str) -> Option<Self> {
        match folder {
            "CloudTrail-Digest" => Some(Self::Digest(DigestPath::default())),
            "CloudTrail-Insight" => Some(Self::Insight),
            "CloudTrail-NetworkActivity" => Some(Self::NetworkActivity),
            "CloudTrail-Aggregated" => Some(Self::Aggregated),
            _ => None,
        }
    }
}

impl LogPath {
    fn named(account: &str, region: &str) -> Self {
        Self { account: Some(account.to_owned()), region: Some(region.to_owned()), bucket: None }
    }

    /// The prefix of an access log need not end with a slash, so the account may follow other text.
    fn of_partition(segments: &[&str]) -> Option<Self> {
        let [.., prefixed, region, bucket, year, month, day, _file] = *segments else {
            return None;
        };
        let account = prefixed.get(prefixed.len().checked_sub(ACCOUNT_DIGITS)?..)?;
        let is_date = is_number(year, 4) && is_number(month, 2) && is_number(day, 2);
        (is_account(account) && is_region(region) && is_date && !bucket.is_empty())
            .then(|| Self { bucket: Some(bucket.to_owned()), ..Self::named(account, region) })
    }
}

fn is_account(segment: &str) -> bool {
    is_number(segment, ACCOUNT_DIGITS)
}

fn is_number(segment: &str, digits: usize) -> bool {
    segment.len() == digits && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// `us-east-1`, `us-gov-west-1`, `ap-southeast-3`: words, then a number.
fn is_region(segment: &str) -> bool {
    let Some((words, number)) = segment.rsplit_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    words.contains('-')
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{LogKey, LogPath};

    const FILE: &str = "us-east-1/2026/09/21/111122223333_CloudTrail_us-east-1_x.json.gz";

    fn path(key: &str) -> Option<(String, String)> {
        match LogKey::of(key) {
            LogKey::Log(LogPath { account: Some(account), region: Some(region), bucket: None }) => {
                Some((account, region))
            }
            _ => None,
        }
    }

    #[test]
    fn a_canonical_path_tells_account_and_region() {
        let told = Some(("111122223333".to_owned(), "us-east-1".to_owned()));
        assert_eq!(path(&format!("AWSLogs/111122223333/CloudTrail/{FILE}")), told);
        assert_eq!(path(&format!("AWSLogs/o-abc123/111122223333/CloudTrail/{FILE}")), told);
        assert_eq!(path(&format!("logs/AWSLogs/x/AWSLogs/111122223333/CloudTrail/{FILE}")), told);
        let gov = "AWSLogs/111122223333/CloudTrail/us-gov-west-1/2026/09/21/a.json.gz";
        assert_eq!(path(gov).unwrap().1, "us-gov-west-1");
    }

    #[test]
    fn sibling_folders_are_skipped_with_a_reason() {
        for (folder, reason) in [
            ("CloudTrail-Digest", "digest"),
            ("CloudTrail-Insight", "insight"),
            ("CloudTrail-NetworkActivity", "network_activity"),
            ("CloudTrail-Aggregated", "aggregated"),
        ] {
            let key = format!("prefix/AWSLogs/o-1/111122223333/{folder}/{FILE}");
            assert_eq!(LogKey::of(&key).skip_reason(), Some(reason));
            let copy = format!("copies/111122223333_{folder}_us-east-1_x.json.gz");
            assert_eq!(LogKey::of(&copy).skip_reason(), Some(reason));
        }
    }

    #[test]
    fn a_digest_tells_whose_trail_is_alive_and_until_when() {
        let folder = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/21";
        let name = "111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20260921T100500Z";
        for end in [".json.gz", "_backfill.json.gz"] {
            let LogKey::Digest(digest) = LogKey::of(&format!("{folder}/{name}{end}")) else {
                panic!("a digest");
            };
            assert_eq!(digest.log.account.as_deref(), Some("111122223333"));
            assert_eq!(digest.log.region.as_deref(), Some("us-east-1"));
            let ended_at = digest.ended_at.map(|time| time.to_string());
            assert_eq!(ended_at.as_deref(), Some("2026-09-21T10:05:00.000Z"));
        }
        let LogKey::Digest(odd) = LogKey::of(&format!("{folder}/x_yesterday.json.gz")) else {
            panic!("a digest");
        };
        assert_eq!(odd.ended_at, None);
    }

    #[test]
    fn marker_objects_are_folders() {
        assert_eq!(LogKey::of("AWSLogs/111122223333/CloudTrail/"), LogKey::Folder);
        assert_eq!(LogKey::of("AWSLogs/111122223333/CloudTrail-Digest/"), LogKey::Folder);
        assert_eq!(LogKey::of(""), LogKey::Folder);
    }

    #[test]
    fn a_partition_by_date_tells_the_bucket_too() {
        let file = "2026/11/23/2026-11-23-12-00-00-0123456789ABCDEF";
        let told = LogPath {
            account: Some("111122223333".into()),
            region: Some("eu-west-1".into()),
            bucket: Some("images".into()),
        };
        for prefix in ["", "access/", "access-", "2024", "AWSLogs/", "a/111122223333/"] {
            let key = format!("{prefix}111122223333/eu-west-1/images/{file}");
            assert_eq!(LogKey::of(&key), LogKey::Log(told.clone()), "{key}");
        }
        for other in [
            file.to_owned(),
            format!("11112222333/eu-west-1/images/{file}"),
            format!("111122223333/ireland/images/{file}"),
            format!("111122223333/eu-west-1//{file}"),
            "111122223333/eu-west-1/images/2026/11/x/file".to_owned(),
            "access2026-11-23-12-00-00-0123456789ABCDEF".to_owned(),
        ] {
            assert_eq!(LogKey::of(&other), LogKey::Log(LogPath::default()), "{other}");
        }
    }

    #[test]
    fn custom_keys_may_be_logs_of_anybody() {
        for key in [
            "trail.json.gz",
            "AWSLogs/me/CloudTrail/us-east-1/x.json.gz",
            "AWSLogs/111122223333/CloudTrail/2026/09/21/x.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1",
            "my-CloudTrail-Digest/x.json.gz",
        ] {
            assert_eq!(LogKey::of(key), LogKey::Log(LogPath::default()), "{key}");
        }
    }
}
