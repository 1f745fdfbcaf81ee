//! Which buckets are meant: names with a prefix that may be read, and patterns of names. It reads
//! no setting and asks AWS nothing.

use std::fmt;

/// A bucket that log objects may be fetched from, all of it or below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBucket {
    /// The bucket's name.
    pub bucket: String,
    /// Where in it log objects lie, without a `/` at the end; empty for all of it.
    pub prefix: String,
}

impl LogBucket {
    /// Reads `NAME` or `NAME/prefix`.
    ///
    /// # Errors
    /// What is wrong with the text and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        refuse_locators(text, "NAME or NAME/prefix")?;
        let (bucket, prefix) = text.split_once('/').unwrap_or((text, ""));
        if bucket.contains(['*', '?']) {
            return Err("is a pattern: write the name of each log bucket, \
                        or allow all of them with --any-log-bucket"
                .to_owned());
        }
        check_name(bucket, is_name_character)?;
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.trim_end_matches('/').to_owned() })
    }

    /// Whether this key of the bucket may be fetched. A prefix ends at a `/`: `trail` allows
    /// `trail/AWSLogs/...` and not `trail-of-somebody-else/...`.
    #[must_use]
    pub fn allows(&self, key: &str) -> bool {
        self.prefix.is_empty()
            || key.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for LogBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => f.write_str(&self.bucket),
            prefix => write!(f, "{}/{prefix}", self.bucket),
        }
    }
}

/// All that may be fetched. Nothing is allowed unless it is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogBuckets {
    /// The named ones.
    pub named: Vec<LogBucket>,
    /// Whether every other bucket is allowed too.
    pub any: bool,
}

impl LogBuckets {
    /// Whether this object may be fetched.
    #[must_use]
    pub fn allows(&self, bucket: &str, key: &str) -> bool {
        self.any || self.named.iter().any(|named| named.bucket == bucket && named.allows(key))
    }
}

/// A bucket name in which `*` stands for any characters, also none, and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPattern(String);

impl BucketPattern {
    /// The pattern that every bucket fits.
    #[must_use]
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with the text and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        refuse_locators(text, "a bucket's name, in which * and ? may stand for characters")?;
        if text.contains('/') {
            return Err("holds a /: write a bucket's name without a key or prefix".to_owned());
        }
        if !text.contains('*') {
            check_name(text, |character| character == '?' || is_name_character(character))?;
        } else if let Some(odd) = text.chars().find(|&c| !"*?".contains(c) && !is_name_character(c))
        {
            return Err(format!("holds {odd:?}, which no bucket name has"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether other names fit it than the one that it is.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.contains(['*', '?'])
    }

    /// Whether `bucket` fits the pattern. Time grows with the product of both lengths at most.
    #[must_use]
    pub fn matches(&self, bucket: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), bucket.as_bytes());
        let (mut p, mut n) = (0, 0);
        // The last star, and the part of the name that it stands for so far.
        let mut star = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((at, taken)) = star else { return false };
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

impl fmt::Display for BucketPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// People paste what they have; say what to keep of it.
fn refuse_locators(text: &str, form: &str) -> Result<(), String> {
    let kept = if let Some(rest) = text.strip_prefix("s3://") {
        Some(rest.trim_end_matches('/'))
    } else if text.starts_with("arn:") {
        text.split_once(":::").map(|(_, rest)| rest.trim_end_matches(['*', '/']))
    } else if text.contains("://") {
        None
    } else {
        return Ok(());
    };
    Err(match kept {
        Some(kept) if !kept.is_empty() => format!("is not {form}: write {kept}"),
        _ => format!("is not {form}"),
    })
}

/// Old buckets of us-east-1 may have capitals, underscores and up to 255 characters.
fn check_name(name: &str, allows: impl Fn(char) -> bool) -> Result<(), String> {
    if let Some(odd) = name.chars().find(|&character| !allows(character)) {
        return Err(format!("holds {odd:?}, which no bucket name has"));
    }
    if !(3..=255).contains(&name.len()) {
        return Err("is not a bucket's name: those have 3 to 63 characters".to_owned());
    }
    Ok(())
}

const fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::{BucketPattern, LogBucket, LogBuckets};

    fn log_buckets(texts: &[&str]) -> LogBuckets {
        let named = texts.iter().map(|text| LogBucket::parse(text).unwrap()).collect();
        LogBuckets { named, any: false }
    }

    #[test]
    fn only_named_buckets_are_allowed() {
        let allowed = log_buckets(&["trail-logs"]);
        assert!(allowed.allows("trail-logs", "AWSLogs/1/CloudTrail/a.json.gz"));
        assert!(!allowed.allows("trail-logs-2", "AWSLogs/1/CloudTrail/a.json.gz"));
        assert!(!allowed.allows("trail", "a"));
        assert!(!LogBuckets::default().allows("trail-logs", "a"));
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        for text in ["trail-logs/org/trail", "trail-logs/org/trail/"] {
            let allowed = log_buckets(&[text]);
            assert!(allowed.allows("trail-logs", "org/trail/AWSLogs/a.json.gz"));
            assert!(!allowed.allows("trail-logs", "org/trail-2/AWSLogs/a.json.gz"));
            assert!(!allowed.allows("trail-logs", "org/trail"));
            assert!(!allowed.allows("trail-logs", "AWSLogs/a.json.gz"));
        }
    }

    #[test]
    fn several_prefixes_of_one_bucket_are_all_allowed() {
        let allowed = log_buckets(&["trail-logs/a", "trail-logs/b"]);
        assert!(allowed.allows("trail-logs", "a/1") && allowed.allows("trail-logs", "b/1"));
        assert!(!allowed.allows("trail-logs", "c/1"));
    }

    #[test]
    fn any_bucket_is_allowed_only_on_request() {
        let allowed = LogBuckets { any: true, ..LogBuckets::default() };
        assert!(allowed.allows("whatever", "key"));
    }

    #[test]
    fn an_url_or_arn_is_told_what_to_write_instead() {
        let wrong = |text| LogBucket::parse(text).unwrap_err();
        assert!(wrong("s3://trail-logs/AWSLogs/").ends_with("write trail-logs/AWSLogs"));
        assert!(wrong("arn:aws:s3:::trail-logs/*").ends_with("write trail-logs"));
        assert!(wrong("https://trail-logs.s3.amazonaws.com/").contains("is not NAME"));
        assert!(wrong("trail-*").contains("--any-log-bucket"));
        assert!(wrong("").contains("3 to 63"));
        assert!(wrong("trail logs").contains("' '"));
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        let matches = |pattern, name| BucketPattern::parse(pattern).unwrap().matches(name);
        assert!(matches("*", "anything") && matches("*", ""));
        assert!(matches("images", "images") && !matches("images", "images2"));
        assert!(matches("prod-*", "prod-images") && !matches("prod-*", "my-prod-images"));
        assert!(matches("*-logs", "a-logs-b-logs") && !matches("*-logs", "a-logs-b"));
        assert!(matches("shard-??", "shard-07") && !matches("shard-??", "shard-7"));
        assert!(matches("a*b*c", "a-b-b-c") && !matches("a*b*c", "a-c-b"));
    }

    #[test]
    fn a_pattern_with_many_stars_is_answered_at_once() {
        let pattern = BucketPattern::parse(&"*a".repeat(60)).unwrap();
        assert!(!pattern.matches(&format!("{}b", "a".repeat(255))));
    }

    #[test]
    fn a_pattern_is_about_names_only() {
        assert!(BucketPattern::parse("images/*").unwrap_err().contains("without a key"));
        assert!(BucketPattern::parse("s3://images").unwrap_err().ends_with("write images"));
        assert!(BucketPattern::parse("im ages*").unwrap_err().contains("' '"));
    }
}
