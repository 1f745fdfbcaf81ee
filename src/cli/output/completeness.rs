//! How far an answer may be believed: which sources tell of a bucket and up to when, and which are
//! missing, what that means and what to switch on.

use std::fmt::Write as _;

use deltrail_core::domain::Source;
use serde::Serialize;

use super::text::shown;
use crate::store::{Completeness, SourceState};

/// Why a removal is not called stale, and never can be.
pub(in crate::cli) const STALE_IS_OFF: &str =
    "off, because no ObjectCreated notifications of this bucket are known";

/// Completeness as JSON.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Extent<'a> {
    bucket: Option<&'a str>,
    complete_until: Option<String>,
    sources: Vec<Told<'a>>,
    missing: Vec<Missing>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    source: &'static str,
    account: &'a str,
    region: &'a str,
    complete_until: Option<String>,
    last_delivery_at: Option<String>,
    oldest_event_at: Option<String>,
    newest_event_at: Option<String>,
    is_silent: bool,
}

/// What nobody tells of a bucket.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Missing {
    /// Any of them would do.
    sources: &'static [&'static str],
    means: &'static str,
    remedy: &'static str,
}

impl<'a> Extent<'a> {
    pub(in crate::cli) fn of(completeness: &'a Completeness) -> Self {
        Self {
            bucket: completeness.bucket.as_deref(),
            complete_until: completeness.until.map(|at| at.to_string()),
            sources: completeness.sources.iter().map(Told::of).collect(),
            missing: missing(completeness),
        }
    }
}

impl<'a> Told<'a> {
    fn of(state: &'a SourceState) -> Self {
        Self {
            source: state.key.source.as_str(),
            account: &state.key.account,
            region: &state.key.region,
            complete_until: state.watermark_at.map(|at| at.to_string()),
            last_delivery_at: state.last_delivery_at.map(|at| at.to_string()),
            oldest_event_at: state.oldest_event_at.map(|at| at.to_string()),
            newest_event_at: state.newest_event_at.map(|at| at.to_string()),
            is_silent: state.is_silent,
        }
    }
}

/// What is missing, the most telling first.
pub(in crate::cli) fn missing(completeness: &Completeness) -> Vec<Missing> {
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

/// Completeness in lines for people.
pub(in crate::cli) fn lines(completeness: &Completeness) -> Vec<String> {
    let mut lines = vec![match completeness.until {
        Some(until) => format!("complete up to {until}; later removals may still be on their way"),
        None => "nothing that was delivered says up to when this is complete".to_owned(),
    }];
    lines.extend(completeness.sources.iter().map(line_of));
    lines.extend(missing(completeness).into_iter().map(|it| {
        let sources = it.sources.join(" or ");
        format!("no {sources}: {}; to change that, {}", it.means, it.remedy)
    }));
    lines
}

fn line_of(state: &SourceState) -> String {
    let mut line = state.key.source.as_str().to_owned();
    let place: Vec<String> = [&state.key.account, &state.key.region]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| shown(text))
        .collect();
    if !place.is_empty() {
        let _ = write!(line, " ({})", place.join(", "));
    }
    match state.watermark_at {
        Some(at) => {
            let _ = write!(line, ": complete up to {at}");
        }
        None => line.push_str(": not known up to when it is complete"),
    }
    if let Some(at) = state.last_delivery_at {
        let _ = write!(line, ", last delivery {at}");
    }
    if state.is_silent {
        line.push_str(", silent for more than a day while others told");
    }
    line
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
