//! Declared deletes that were not carried out, wherever they were declared. It writes nothing.

use deltrail_core::domain::{Intent, Timestamp};

use super::after_prefix;
use crate::store::session::{Result, Session, values};
use crate::store::{DeletionFilter, IntentState, KeyIntent, Within};

/// Those that are listed at most, the newest ones.
const LISTED_MAX: i64 = 100;

/// The keys that were declared to be deleted and, as far as is settled, were not.
pub(super) fn unfulfilled_within(
    session: &Session<'_>,
    filter: &DeletionFilter,
) -> Result<Vec<KeyIntent>> {
    let is_of_removals = filter.kind.is_some() || filter.only.is_some();
    if filter.principal.is_some() || filter.request_id.is_some() || is_of_removals {
        return Ok(Vec::new());
    }
    let prefix = match &filter.within {
        Within::Below(prefix) | Within::Prefix { prefix, .. } => prefix.as_str(),
        Within::Everything | Within::Bucket(_) => "",
    };
    let since = filter.since.map_or(i64::MIN, Timestamp::as_millis);
    let until = filter.until.map_or(i64::MAX, Timestamp::as_millis);
    session.rows(
        "SELECT k.intent_id, k.requested_at, k.bucket, s.key, i.said_by, i.reference
             FROM intent_keys AS k JOIN slots AS s ON s.id = k.slot_id
             LEFT JOIN intents AS i ON i.id = k.intent_id
             WHERE k.state = 'unfulfilled' AND (CAST(?1 AS TEXT) IS NULL OR k.bucket = ?1)
                 AND k.requested_at >= ?2 AND k.requested_at < ?3
                 AND s.key >= ?4 AND (CAST(?5 AS TEXT) IS NULL OR s.key < ?5)
             ORDER BY k.requested_at DESC, k.intent_id, s.key LIMIT ?6",
        &values![filter.bucket(), since, until, prefix, after_prefix(prefix), LISTED_MAX],
        |row| {
            let intent = Intent {
                id: row.read()?,
                requested_at: Timestamp::from_millis(row.read()?),
                bucket: row.read()?,
                keys: vec![row.read()?],
                by: row.read()?,
                reference: row.read()?,
            };
            Ok(KeyIntent { intent, state: IntentState::Unfulfilled })
        },
    )
}
