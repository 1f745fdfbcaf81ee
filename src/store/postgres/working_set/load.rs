//! The rows that a commit may read: everything that the facts of its batches can be about, as the
//! statements of the commit look it up. It writes nothing but the names of new log objects.

use std::collections::{HashMap, HashSet};

use deltrail_core::domain::{Deed, Timestamp, Trace};

use super::copy::Array;
use super::fetch::{Ask, Fetch, integer, text};
use super::memory::{Row, Table};
use super::named::Named;
use super::neighbours::{Neighbours, Slot};
use super::pieces::Piece;
use crate::store::session::Result;
use crate::store::tables::actor_text;
use crate::store::{Batch, LedgerKey, Origin, words};

/// Loads what `named` may need.
pub(super) fn load(
    fetch: &Fetch<'_, '_>,
    named: &Named<'_>,
    batches: &[&Batch],
    now: Timestamp,
) -> Result<()> {
    let objects = load_log_objects(fetch, named, now)?;
    load_rejects(fetch, batches, &objects)?;
    let first = fetch.all(&by_name(named))?;
    let [slots, requests, bucket_sources] = [&first[0], &first[1], &first[2]];
    let slots = slots_by_name(fetch, slots);
    let mut around = Neighbours::new(fetch, &slots);
    let fresh: Vec<Piece> = named
        .evidence
        .iter()
        .filter_map(|(evidence, key)| {
            let slot = slots.get(&(evidence.bucket.to_string(), (*key)?.to_owned()))?;
            Some(Piece::of(evidence, slot.id))
        })
        .collect();
    around.of(fresh)?;
    load_calls(fetch, named, requests, bucket_sources, &mut around)?;
    load_other_keys(fetch, named, requests)?;
    around.load_rest(named)?;
    fetch.all(&traces(named)?)?;
    let actors: Vec<i64> = fetch.actors.take().into_iter().collect();
    fetch.all(&[Ask {
        table: Table::Actors,
        from: "actors AS t WHERE t.id = ANY($1::bigint[])",
        values: vec![Array::integers(actors)],
    }])?;
    Ok(())
}

/// What is looked up by the names alone: slots, requests and the sources of buckets first.
fn by_name(named: &Named<'_>) -> Vec<Ask> {
    let buckets = || Array::texts(named.buckets.iter().copied());
    let without_slot = named.evidence.iter().filter(|(_, key)| key.is_none());
    let asks = [
        Ask {
            table: Table::Slots,
            from: "unnest($1::text[], $2::text[]) AS i (bucket, key)
                JOIN slots AS t ON t.bucket = i.bucket AND t.key = i.key",
            values: vec![
                Array::texts(named.slots.iter().map(|(bucket, _)| *bucket)),
                Array::texts(named.slots.iter().map(|(_, key)| *key)),
            ],
        },
        Ask {
            table: Table::Requests,
            from: REQUESTS_BY_NAME,
            values: vec![
                Array::texts(named.requests.iter().map(|(identity, _)| identity.as_str())),
                Array::texts(named.requests.iter().map(|(_, bucket)| *bucket)),
            ],
        },
        Ask {
            table: Table::BucketSources,
            from: "bucket_sources AS t WHERE t.bucket = ANY($1::text[])",
            values: vec![buckets()],
        },
        Ask { table: Table::Forgotten, from: "forgotten AS t", values: Vec::new() },
        Ask {
            table: Table::LabelledBuckets,
            from: "labelled_buckets AS t WHERE t.bucket = ANY($1::text[])",
            values: vec![buckets()],
        },
        Ask {
            table: Table::Evidence,
            from: "evidence AS t WHERE t.slot_id IS NULL AND t.id = ANY($1::text[])",
            values: vec![Array::texts(without_slot.map(|(evidence, _)| evidence.id.as_str()))],
        },
        Ask {
            table: Table::Intents,
            from: "intents AS t WHERE t.id = ANY($1::text[])",
            values: vec![Array::texts(named.intents.iter().copied())],
        },
        Ask {
            table: Table::ProtectionChanges,
            from: "protection_changes AS t WHERE t.id = ANY($1::text[])",
            values: vec![Array::texts(named.protection_changes.iter().copied())],
        },
        Ask {
            table: Table::Requests,
            from: "unnest($1::text[], $2::bigint[], $3::bigint[]) AS i (bucket, first, last)
                JOIN requests AS t ON t.bucket = i.bucket AND t.at BETWEEN i.first AND i.last
                    AND t.resolution = 'unresolved'",
            values: vec![
                Array::texts(named.bulk_calls.iter().map(|(bucket, _)| bucket.as_str())),
                Array::integers(named.bulk_calls.iter().map(|(_, (first, _))| *first)),
                Array::integers(named.bulk_calls.iter().map(|(_, (_, last))| *last)),
            ],
        },
    ];
    asks.into()
}

pub(super) const REQUESTS_BY_NAME: &str = "unnest($1::text[], $2::text[]) AS i (identity, bucket)
    JOIN requests AS t ON t.identity = i.identity AND t.bucket = i.bucket";

/// What is known of what the same callers did in the same hours; and of reads, what was done to
/// keys within a day after.
fn traces(named: &Named<'_>) -> Result<[Ask; 2]> {
    let actors: Vec<String> =
        named.traces.iter().map(|it| actor_text(&it.actor)).collect::<Result<_>>()?;
    let buckets = |traces: &[&Trace]| Array::texts(traces.iter().map(|it| &*it.bucket));
    let hours = |traces: &[&Trace]| Array::integers(traces.iter().map(|it| it.hour.number()));
    let mut reads: Vec<&Trace> =
        named.traces.iter().copied().filter(|it| it.deed == Deed::Read).collect();
    reads.sort_unstable_by_key(|it| (&it.bucket, it.hour));
    reads.dedup_by_key(|it| (&it.bucket, it.hour));
    Ok([
        Ask {
            table: Table::Traces,
            from: "unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
                    AS i (bucket, hour_number, deed, actor)
                JOIN actors AS a ON a.actor = i.actor
                JOIN traces AS t ON t.bucket = i.bucket AND t.hour_number = i.hour_number
                    AND t.deed = i.deed AND t.actor_id = a.id",
            values: vec![
                buckets(&named.traces),
                hours(&named.traces),
                Array::texts(named.traces.iter().map(|it| it.deed.as_str())),
                Array::texts(actors.iter().map(String::as_str)),
            ],
        },
        Ask {
            table: Table::Traces,
            from: "unnest($1::text[], $2::bigint[]) AS i (bucket, hour_number)
                JOIN traces AS t ON t.bucket = i.bucket AND t.deed <> 'read'
                    AND t.hour_number BETWEEN i.hour_number AND i.hour_number + 24",
            values: vec![buckets(&reads), hours(&reads)],
        },
    ])
}

/// Makes the rows of log objects that have none, and locks them all: whoever reads the same object
/// at the same time waits here, and finds what was committed of it.
fn load_log_objects(
    fetch: &Fetch<'_, '_>,
    named: &Named<'_>,
    now: Timestamp,
) -> Result<HashMap<LedgerKey, i64>> {
    let objects: Vec<(&&LedgerKey, &&str)> = named.log_objects.iter().collect();
    if objects.is_empty() {
        return Ok(HashMap::new());
    }
    let column = |of: fn(&LedgerKey) -> &str| Array::texts(objects.iter().map(|it| of(it.0)));
    let columns = [column(|it| &it.bucket), column(|it| &it.key), column(|it| &it.revision)];
    let sources = Array::texts(objects.iter().map(|it| *it.1));
    fetch.connection.execute(
        "INSERT INTO log_objects (bucket, key, revision, source, state, committed_at)
         SELECT i.bucket, i.key, i.revision, i.source, 'reading', $5::bigint
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
             AS i (bucket, key, revision, source)
         WHERE NOT EXISTS (
             SELECT FROM log_objects AS t
             WHERE t.bucket = i.bucket AND t.key = i.key AND t.revision = i.revision
         )
         ORDER BY i.bucket COLLATE \"C\", i.key COLLATE \"C\", i.revision COLLATE \"C\"
         ON CONFLICT DO NOTHING",
        &[
            columns[0].value(),
            columns[1].value(),
            columns[2].value(),
            sources.value(),
            &now.as_millis(),
        ],
    )?;
    let asked = Ask {
        table: Table::LogObjects,
        from: "unnest($1::text[], $2::text[], $3::text[]) AS i (bucket, key, revision)
            JOIN log_objects AS t
                ON t.bucket = i.bucket AND t.key = i.key AND t.revision = i.revision
            ORDER BY t.bucket, t.key, t.revision FOR UPDATE OF t",
        values: columns.into(),
    };
    let rows = fetch.all(&[asked])?.concat();
    let place = |name| fetch.memory.column(Table::LogObjects, name);
    let [id, bucket, key, revision] = ["id", "bucket", "key", "revision"].map(place);
    let named = |row: &Row| {
        let [bucket, key, revision] =
            [bucket, key, revision].map(|place| text(&row[place]).map(str::to_owned));
        let key = LedgerKey { bucket: bucket?, key: key?, revision: revision? };
        Some((key, integer(&row[id])?))
    };
    Ok(rows.iter().filter_map(named).collect())
}

/// The rejects that came from where these come from.
fn load_rejects(
    fetch: &Fetch<'_, '_>,
    batches: &[&Batch],
    objects: &HashMap<LedgerKey, i64>,
) -> Result<()> {
    let rejects = || batches.iter().flat_map(|batch| &batch.rejects);
    let index = |index: Option<u64>| index.map_or(-1, |it| i64::try_from(it).unwrap_or(i64::MAX));
    let origins = rejects().map(|reject| match &reject.origin {
        Origin::LogObject { object, record_index } => {
            (objects.get(object).copied().unwrap_or(-1), "", "", index(*record_index))
        }
        Origin::Message { queue, message_id, record_index, .. } => {
            (-1, queue.as_str(), message_id.as_str(), index(*record_index))
        }
    });
    let origins: Vec<(i64, &str, &str, i64)> = origins.collect();
    let asked = Ask {
        table: Table::Rejects,
        from: "unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[])
                AS i (log_object_id, queue, message_id, record_index, reason)
            JOIN rejects AS t ON coalesce(t.log_object_id, -1) = i.log_object_id
                AND coalesce(t.queue, '') = i.queue AND coalesce(t.message_id, '') = i.message_id
                AND coalesce(t.record_index, -1) = i.record_index AND t.reason = i.reason",
        values: vec![
            Array::integers(origins.iter().map(|it| it.0)),
            Array::texts(origins.iter().map(|it| it.1)),
            Array::texts(origins.iter().map(|it| it.2)),
            Array::integers(origins.iter().map(|it| it.3)),
            Array::texts(rejects().map(|reject| reject.reason.as_str())),
        ],
    };
    fetch.all(&[asked]).map(drop)
}

fn slots_by_name(fetch: &Fetch<'_, '_>, rows: &[Row]) -> HashMap<(String, String), Slot> {
    let place = |name| fetch.memory.column(Table::Slots, name);
    let [id, bucket, key] = ["id", "bucket", "key"].map(place);
    let [has_child, has_intent] = ["has_child", "has_intent"].map(place);
    let named = |row: &Row| {
        let slot = Slot {
            id: integer(&row[id])?,
            has_child: integer(&row[has_child]) == Some(1),
            has_intent: integer(&row[has_intent]) == Some(1),
        };
        Some(((text(&row[bucket])?.to_owned(), text(&row[key])?.to_owned()), slot))
    };
    rows.iter().filter_map(named).collect()
}

/// What waited for the calls that are told of for the first time: the keys of bulk calls, and what
/// S3 itself told before.
fn load_calls(
    fetch: &Fetch<'_, '_>,
    named: &Named<'_>,
    requests: &[Row],
    bucket_sources: &[Row],
    around: &mut Neighbours<'_, '_, '_>,
) -> Result<()> {
    let place = |name| fetch.memory.column(Table::Requests, name);
    let [request_id, bucket, started_at] = ["request_id", "bucket", "started_at"].map(place);
    let known: HashSet<(&str, &str)> = requests
        .iter()
        .filter(|row| integer(&row[started_at]).is_some())
        .filter_map(|row| Some((text(&row[request_id])?, text(&row[bucket])?)))
        .collect();
    let place = |name| fetch.memory.column(Table::BucketSources, name);
    let [told_bucket, source] = ["bucket", "source"].map(place);
    let noticed: HashSet<&str> = bucket_sources
        .iter()
        .filter(|row| text(&row[source]).and_then(words::source).is_some_and(tells_first))
        .filter_map(|row| text(&row[told_bucket]))
        .collect();
    let waited_for = || {
        named.calls.iter().filter(|((id, bucket), is_of_many)| {
            !known.contains(&(*id, *bucket)) && (**is_of_many || noticed.contains(bucket))
        })
    };
    if waited_for().next().is_none() {
        return Ok(());
    }
    around.join(Ask {
        table: Table::Evidence,
        from: "unnest($1::text[], $2::text[]) AS i (request_id, bucket)
            JOIN evidence AS t ON t.request_id = i.request_id AND t.slot_id IS NOT NULL
                AND t.is_key_of_request = 0 AND t.bucket = i.bucket",
        values: vec![
            Array::texts(waited_for().map(|((id, _), _)| *id)),
            Array::texts(waited_for().map(|((_, bucket), _)| *bucket)),
        ],
    })
}

/// Whether a source tells of removals whose latency waits for the record of their request.
fn tells_first(source: deltrail_core::domain::Source) -> bool {
    source == deltrail_core::domain::Source::S3Notification
}

/// The evidence of other keys that a request is known by, if it is told of again with another one.
fn load_other_keys(fetch: &Fetch<'_, '_>, named: &Named<'_>, requests: &[Row]) -> Result<()> {
    let place = |name| fetch.memory.column(Table::Requests, name);
    let [bucket, key, request_id] = ["bucket", "key", "request_id"].map(place);
    let told: HashSet<(&str, &str, &str)> = named
        .evidence
        .iter()
        .filter_map(|(it, key)| Some((&*it.bucket, (*key)?, it.request_id.as_deref()?)))
        .collect();
    let others: Vec<(&str, &str, &str)> = requests
        .iter()
        .filter_map(|row| Some((text(&row[bucket])?, text(&row[key])?, text(&row[request_id])?)))
        .filter(|other| !told.contains(other))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let slots = || {
        vec![
            Array::texts(others.iter().map(|other| other.0)),
            Array::texts(others.iter().map(|other| other.1)),
        ]
    };
    let mut of_request = slots();
    of_request.push(Array::texts(others.iter().map(|other| other.2)));
    let asks = [
        Ask {
            table: Table::Slots,
            from: "unnest($1::text[], $2::text[]) AS i (bucket, key)
                JOIN slots AS t ON t.bucket = i.bucket AND t.key = i.key",
            values: slots(),
        },
        Ask {
            table: Table::Evidence,
            from: "unnest($1::text[], $2::text[], $3::text[]) AS i (bucket, key, request_id)
                JOIN slots AS s ON s.bucket = i.bucket AND s.key = i.key
                JOIN evidence AS t ON t.slot_id = s.id AND t.request_id = i.request_id",
            values: of_request,
        },
    ];
    fetch.all(&asks).map(drop)
}
