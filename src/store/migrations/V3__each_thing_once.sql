-- Who asked is kept once for all rows that name them, and what is looked for in one slot lies there:
-- slots are numbered as they come, so that these indexes grow at their end and not all over.
-- docs/STORE.md says which question each index answers.

CREATE TABLE actors (
    id INTEGER PRIMARY KEY,
    actor TEXT NOT NULL UNIQUE               -- JSON
) STRICT;

INSERT INTO actors (actor)
    SELECT actor FROM evidence UNION SELECT actor FROM requests UNION SELECT actor FROM removals;

CREATE TABLE evidence_once (
    id TEXT NOT NULL,                        -- once in its slot, which it always has in common
    slot_id INTEGER,                         -- null when it is about no single key
    bucket TEXT NOT NULL,
    source TEXT NOT NULL,
    api TEXT,
    outcome TEXT,
    role TEXT NOT NULL,
    target TEXT NOT NULL,
    mark TEXT NOT NULL,
    cause TEXT NOT NULL,
    request_id TEXT,
    event_id TEXT,
    shared_event_id TEXT,
    amends_event_id TEXT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    total_millis INTEGER,                    -- Total Time of an access-log line
    sequencer TEXT,
    http_status INTEGER,
    error_code TEXT,
    marker_version_id TEXT,
    actor_id INTEGER NOT NULL,
    -- Whether it is found by the row of its request, which names this key.
    is_key_of_request INTEGER NOT NULL,
    log_object_id INTEGER,
    record_index INTEGER
) STRICT;

INSERT INTO evidence_once
    SELECT e.id, slot_id, bucket, source, api, outcome, role, target, mark, cause, request_id,
        event_id, shared_event_id, amends_event_id, account, region, at, started_at, ended_at,
        total_millis, sequencer, http_status, error_code, marker_version_id, a.id, 0,
        log_object_id, record_index
    FROM evidence AS e JOIN actors AS a ON a.actor = e.actor ORDER BY e.rowid;
DROP TABLE evidence;
ALTER TABLE evidence_once RENAME TO evidence;

CREATE UNIQUE INDEX evidence_by_slot ON evidence (slot_id, request_id, id);
CREATE UNIQUE INDEX evidence_without_request ON evidence (slot_id, id) WHERE request_id IS NULL;
CREATE UNIQUE INDEX evidence_of_no_key ON evidence (id) WHERE slot_id IS NULL;
CREATE INDEX evidence_by_shared_event ON evidence (slot_id, shared_event_id)
    WHERE shared_event_id IS NOT NULL;
CREATE INDEX evidence_by_event ON evidence (slot_id, event_id) WHERE request_id IS NULL;
CREATE INDEX evidence_children_of_slot ON evidence (slot_id, at) WHERE role = 'child';
CREATE INDEX evidence_children ON evidence (bucket, at)
    WHERE role = 'child'
        OR (role = 'none' AND api IS NULL AND slot_id IS NOT NULL AND amends_event_id IS NULL);
CREATE INDEX evidence_refused ON evidence (slot_id, at) WHERE role = 'none';
CREATE INDEX evidence_by_request ON evidence (request_id, slot_id)
    WHERE slot_id IS NOT NULL AND is_key_of_request = 0;

CREATE TABLE requests_once (
    bucket TEXT NOT NULL,
    identity TEXT NOT NULL,                  -- 'r:' and the request id, where there is one
    key TEXT,
    api TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    total_millis INTEGER,
    http_status INTEGER,
    error_code TEXT,
    sources INTEGER NOT NULL,                -- one bit for each source
    actor_kind TEXT NOT NULL,                -- principal, replication, lifecycle or service
    actor_id INTEGER NOT NULL,
    is_backfilled INTEGER NOT NULL,
    -- Of an accepted bulk call, once settled: 'resolved' or 'unresolved'; null before, and for
    -- others.
    resolution TEXT
) STRICT;

INSERT INTO requests_once
    SELECT bucket, identity, key, api, outcome, request_id, account, region, at, started_at,
        ended_at, total_millis, http_status, error_code, sources, actor_kind, a.id, is_backfilled,
        resolution
    FROM requests AS r JOIN actors AS a ON a.actor = r.actor ORDER BY r.rowid;
DROP TABLE requests;
ALTER TABLE requests_once RENAME TO requests;

CREATE UNIQUE INDEX requests_by_identity ON requests (identity, bucket);
CREATE INDEX requests_unsettled ON requests (bucket, at)
    WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL;
CREATE INDEX requests_unresolved ON requests (bucket, at) WHERE resolution = 'unresolved';

CREATE TABLE removals_once (
    slot_id INTEGER NOT NULL,                -- its evidence refers to the slot
    identity TEXT NOT NULL,                  -- once in its slot
    bucket TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    is_confirmed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_coarse INTEGER NOT NULL,
    sequencer TEXT,
    notified_at INTEGER,
    request_id TEXT,
    sources INTEGER NOT NULL,                -- one bit for each source
    actor_kind TEXT NOT NULL,                -- principal, replication, lifecycle or service
    actor_id INTEGER NOT NULL,
    marker_version_id TEXT,
    counted_kind TEXT,                       -- what the totals hold for this row
    counted_cause TEXT,
    counted_confirmed INTEGER NOT NULL,
    counted_latency INTEGER NOT NULL,
    is_backfilled INTEGER NOT NULL,
    -- 0: not yet; 1: settled; 2: was settled, and evidence came that may change what is said of it.
    settled INTEGER NOT NULL,
    -- What is said of it once settled. `is_stale` is null while no creations of the bucket are
    -- known.
    duplicate_of TEXT,
    is_stale INTEGER,
    is_undelete INTEGER NOT NULL,
    is_unconfirmed INTEGER NOT NULL
) STRICT;

INSERT INTO removals_once
    SELECT slot_id, identity, bucket, target, kind, cause, is_confirmed, at, is_coarse, sequencer,
        notified_at, request_id, sources, actor_kind, a.id, marker_version_id, counted_kind,
        counted_cause, counted_confirmed, counted_latency, is_backfilled, settled, duplicate_of,
        is_stale, is_undelete, is_unconfirmed
    FROM removals AS r JOIN actors AS a ON a.actor = r.actor ORDER BY r.rowid;
DROP TABLE removals;
ALTER TABLE removals_once RENAME TO removals;

CREATE UNIQUE INDEX removals_by_slot ON removals (slot_id, at, identity);
CREATE INDEX removals_by_time ON removals (bucket, at);
CREATE INDEX removals_unsettled ON removals (bucket, at) WHERE settled <> 1;
CREATE INDEX removals_unconfirmed ON removals (bucket) WHERE is_unconfirmed = 1;
CREATE INDEX removals_by_marker ON removals (slot_id, marker_version_id)
    WHERE marker_version_id IS NOT NULL;

DROP INDEX intent_keys_by_intent;
