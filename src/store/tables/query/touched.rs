//! When removals of a prefix, or of a request, came and by whom, and which findings are about that.
//! It makes no finding.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use deltrail_core::detect::{Window, is_about};
use deltrail_core::domain::{Actor, Cause, Detector, Finding};

use super::{Selection, slices};
use crate::store::session::{Cell, Result, Row, Session, Value, values};
use crate::store::slices::Sliced;
use crate::store::tables::rows::actor;
use crate::store::{DeletionFilter, FindingFilter, Within, words};

/// What was done to a bucket within five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Done {
    Removed,
    Expired,
    Refused,
}

/// Where, when and by whom something was done that a question names.
struct Touch {
    bucket: String,
    window: Window,
    done: Done,
    actor_id: i64,
}

/// What a question about findings names by its removals.
pub(super) struct Touched<'f> {
    prefix: Option<&'f str>,
    touches: Vec<Touch>,
    callers: BTreeMap<i64, Actor>,
}

impl<'f> Touched<'f> {
    /// Looks for it; `None` when the question names nothing by its removals.
    pub(super) fn of(session: &Session<'_>, filter: &'f FindingFilter) -> Result<Option<Self>> {
        let prefix = filter.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let request_id = filter.request_id.as_deref();
        if prefix.is_none() && request_id.is_none() {
            return Ok(None);
        }
        let mut touches = removed(session, filter, prefix)?;
        if let (None, Some(request_id)) = (prefix, request_id) {
            touches.extend(refused(session, request_id)?);
        }
        let mut callers = BTreeMap::new();
        for touch in &touches {
            if !callers.contains_key(&touch.actor_id) {
                let ask = "SELECT actor FROM actors WHERE id = ?1";
                let caller = session.optional(ask, &values![touch.actor_id], actor)?;
                callers.extend(caller.map(|caller| (touch.actor_id, caller)));
            }
        }
        Ok(Some(Self { prefix: prefix.filter(|_| request_id.is_none()), touches, callers }))
    }

    /// Whether a finding is about any of it: of its bucket and time, and of whoever did it; or it
    /// names keys of the prefix.
    pub(super) fn fits(&self, finding: &Finding) -> bool {
        let begins = |text: &String| self.prefix.is_some_and(|prefix| text.starts_with(prefix));
        finding.sample_keys.iter().chain(&finding.prefixes).any(begins)
            || self.touches.iter().any(|touch| self.is_part_of(touch, finding))
    }

    fn is_part_of(&self, touch: &Touch, finding: &Finding) -> bool {
        looks_at(finding.detector) == Some(touch.done)
            && touch.bucket == finding.bucket
            && touch.window.start() <= finding.last_at
            && finding.first_at < touch.window.end()
            && self.callers.get(&touch.actor_id).is_some_and(|caller| is_about(finding, caller))
    }
}

/// What findings of this detector are made of; `None` when that is nothing that removes.
fn looks_at(detector: Detector) -> Option<Done> {
    match detector {
        Detector::DeleteDenied => Some(Done::Refused),
        Detector::LifecycleSurge => Some(Done::Expired),
        Detector::ProtectionOff | Detector::LogTamper | Detector::UnfulfilledIntent => None,
        _ => Some(Done::Removed),
    }
}

/// The removals of the prefix, the request, or both.
fn removed(
    session: &Session<'_>,
    filter: &FindingFilter,
    prefix: Option<&str>,
) -> Result<Vec<Touch>> {
    let bucket = filter.bucket.clone();
    let filter = DeletionFilter {
        within: match (bucket, prefix.map(str::to_owned)) {
            (Some(bucket), Some(prefix)) => Within::Prefix { bucket, prefix },
            (Some(bucket), None) => Within::Bucket(bucket),
            (None, _) => Within::Everything,
        },
        principal: None,
        since: None,
        until: None,
        request_id: filter.request_id.clone(),
        kind: None,
        only: None,
        after: None,
        limit: DeletionFilter::LIMIT_MAX,
    };
    let selection = Selection::of(session, &filter, filter.bucket(), None)?;
    let sql =
        format!("SELECT DISTINCT r.bucket, r.at / 300000, r.actor_id, r.cause {}", selection.from);
    touches(session, &sql, &selection.values, |row| {
        Ok(match row.text(words::cause)? {
            Cause::Lifecycle => Done::Expired,
            Cause::Api => Done::Removed,
        })
    })
}

/// The refusal of a request.
fn refused(session: &Session<'_>, request_id: &str) -> Result<Vec<Touch>> {
    let requests = slices(session, Sliced::Requests)?;
    let sql = format!(
        "SELECT bucket, at / 300000, actor_id FROM requests
         WHERE slice IN ({requests}) AND identity = ?1 AND outcome = 'denied'"
    );
    let identity = Cell::Text(format!("r:{request_id}").into());
    touches(session, &sql, &[identity], |_| Ok(Done::Refused))
}

fn touches(
    session: &Session<'_>,
    sql: &str,
    values: &[Cell<'static>],
    done: impl Fn(&mut Row<'_>) -> Result<Done>,
) -> Result<Vec<Touch>> {
    let values: Vec<Value<'_>> = values.iter().map(Value::from).collect();
    let mut touches = Vec::new();
    session.each_of_composed(sql, &values, |row| {
        touches.push(Touch {
            bucket: row.read()?,
            window: Window::numbered(row.read()?),
            actor_id: row.read()?,
            done: done(row)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(touches)
}

#[cfg(test)]
mod tests;
