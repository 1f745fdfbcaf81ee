//! How far an answer may be believed, as JSON: which sources tell of a bucket and up to when, and
//! which are missing, what that means and what to switch on. It asks nothing.

use deltrail_core::domain::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Text, Time, Word, owned, told};
use crate::store::{Completeness, SourceKey, SourceState};

/// Up to when what an answer rests on is complete.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldCompleteness<'a> {
    /// The bucket that it is about; null for all of them.
    pub bucket: Option<Text<'a>>,
    /// Up to when everything is known, by what the sources have delivered; null when nothing says.
    pub complete_until: Option<Time>,
    /// Whether uploads of the bucket are told of, without which nothing is called stale; false for
    /// all buckets together.
    pub has_uploads: bool,
    /// The sources that tell of it.
    pub sources: Vec<ToldSource<'a>>,
    /// What nobody tells.
    #[serde(skip_deserializing)]
    pub missing: Vec<Missing>,
}

/// One source in one account and region.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToldSource<'a> {
    /// Which one.
    pub source: Word<Source>,
    /// The account; empty when not said.
    pub account: Text<'a>,
    /// The AWS region; empty when not said.
    pub region: Text<'a>,
    /// Up to when it is believed to be complete.
    pub complete_until: Option<Time>,
    /// When it last delivered anything.
    pub last_delivery_at: Option<Time>,
    /// The first event that it told of the bucket; null for all buckets together.
    pub oldest_event_at: Option<Time>,
    /// The last event that it told of.
    pub newest_event_at: Option<Time>,
    /// Whether it has told nothing for a day while others did, so that nobody waits for it.
    pub is_silent: bool,
}

/// What nobody tells of a bucket.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// The sources that would tell; any of them would do.
    pub sources: &'static [&'static str],
    /// What that means.
    pub means: &'static str,
    /// What to switch on.
    pub remedy: &'static str,
}

impl<'a> ToldCompleteness<'a> {
    /// What is told of it.
    #[must_use]
    pub fn of(completeness: &'a Completeness) -> Self {
        Self {
            bucket: told(completeness.bucket.as_deref()),
            complete_until: completeness.until.map(Time),
            has_uploads: completeness.has_creations,
            sources: completeness.sources.iter().map(ToldSource::of).collect(),
            missing: missing(completeness),
        }
    }

    /// What it was told of.
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        Completeness {
            bucket: owned(self.bucket.as_ref()),
            until: self.complete_until.map(|at| at.0),
            has_creations: self.has_uploads,
            sources: self.sources.iter().map(ToldSource::state).collect(),
        }
    }
}

impl<'a> ToldSource<'a> {
    fn of(state: &'a SourceState) -> Self {
        Self {
            source: Word(state.key.source),
            account: Text::Borrowed(&state.key.account),
            region: Text::Borrowed(&state.key.region),
            complete_until: state.watermark_at.map(Time),
            last_delivery_at: state.last_delivery_at.map(Time),
            oldest_event_at: state.oldest_event_at.map(Time),
            newest_event_at: state.newest_event_at.map(Time),
            is_silent: state.is_silent,
        }
    }

    fn state(&self) -> SourceState {
        let (account, region) = (self.account.to_string(), self.region.to_string());
        SourceState {
            key: SourceKey { source: self.source.0, account, region },
            oldest_event_at: self.oldest_event_at.map(|at| at.0),
            newest_event_at: self.newest_event_at.map(|at| at.0),
            watermark_at: self.complete_until.map(|at| at.0),
            last_delivery_at: self.last_delivery_at.map(|at| at.0),
            is_silent: self.is_silent,
        }
    }
}

/// What is missing, the most telling first.
#[must_use]
pub fn missing(completeness: &Completeness) -> Vec<Missing> {
    let telling = completeness.telling();
    let has = |source| telling.contains(&source);
    let has_access_log = has(Source::AccessLog);
    let mut missing = Vec::new();
    if !has(Source::CloudTrail) {
        missing.push(Missing {
            sources: &["cloudtrail"],
            means: if has_access_log {
                "only the access log's requester tells who it was, and changes of protection are \
                 not seen"
            } else {
                "who it was may be unknown, and refused attempts are not seen"
            },
            remedy: "log the bucket's S3 data events (DeleteObject, DeleteObjects) in a trail that \
                     `deltrail run` reads",
        });
    }
    let has_notices = has(Source::S3Notification) || has(Source::EventBridge);
    if !has_notices {
        missing.push(Missing {
            sources: if has_access_log {
                &["s3_notification", "eventbridge"]
            } else {
                &["s3_notification", "eventbridge", "access_log"]
            },
            means: if has_access_log {
                "uploads are not seen, so nothing is called stale, and confirmations come hours \
                 late"
            } else {
                "nothing is confirmed, what lifecycle rules remove is not seen, nor are uploads, \
                 so nothing is called stale"
            },
            remedy: "send the bucket's s3:ObjectRemoved:*, s3:LifecycleExpiration:* and \
                     s3:ObjectCreated:* notifications to a queue of `deltrail run`",
        });
    }
    if has_notices && completeness.bucket.is_some() && !completeness.has_creations {
        missing.push(Missing {
            sources: &["s3_notification", "eventbridge"],
            means: "uploads are not seen, so nothing is called stale",
            remedy: "send the bucket's s3:ObjectCreated:* notifications to a queue of \
                     `deltrail run`",
        });
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SourceKey;

    fn told_by(sources: &[Source], has_creations: bool) -> Completeness {
        let state = |&source: &Source| SourceState {
            key: SourceKey { source, account: String::new(), region: String::new() },
            oldest_event_at: None,
            newest_event_at: None,
            watermark_at: None,
            last_delivery_at: None,
            is_silent: false,
        };
        Completeness {
            bucket: Some("b".into()),
            until: None,
            has_creations,
            sources: sources.iter().map(state).collect(),
        }
    }

    fn missing_of(sources: &[Source], has_creations: bool) -> Vec<&'static [&'static str]> {
        missing(&told_by(sources, has_creations)).into_iter().map(|it| it.sources).collect()
    }

    #[test]
    fn what_is_missing_depends_on_what_is_there() {
        let all = [Source::CloudTrail, Source::S3Notification];
        assert!(missing_of(&all, true).is_empty());
        assert_eq!(missing_of(&all, false), [["s3_notification", "eventbridge"]]);
        assert_eq!(missing_of(&[Source::EventBridge], true), [["cloudtrail"]]);
        assert_eq!(
            missing_of(&[Source::CloudTrail], false),
            [["s3_notification", "eventbridge", "access_log"]]
        );
        let by_log = missing(&told_by(&[Source::AccessLog], false));
        assert_eq!(by_log.len(), 2);
        assert!(by_log[0].means.contains("requester"), "{by_log:?}");
    }
}
