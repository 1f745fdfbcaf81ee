-- Every source of evidence beside CloudTrail: creations, declared intents, changes of protection,
-- and what is said once the sources are complete. Times are milliseconds since the Unix epoch, UTC.

ALTER TABLE slots ADD COLUMN has_intent INTEGER NOT NULL DEFAULT 0;

ALTER TABLE evidence ADD COLUMN total_millis INTEGER;   -- Total Time of an access-log line
ALTER TABLE evidence ADD COLUMN sequencer TEXT;

-- Serves a slot's neighbourhood, and the keys of one call in all slots.
DROP INDEX evidence_by_request;
CREATE INDEX evidence_by_request ON evidence (request_id, slot_id);

-- The children near a claim; claims near a child are found by their removals.
DROP INDEX evidence_by_time;
CREATE INDEX evidence_children_of_slot ON evidence (slot_id, at) WHERE role = 'child';

-- The keys of bulk calls by time, refused ones too: they resolve a call whose id they do not share.
CREATE INDEX evidence_children ON evidence (bucket, at)
    WHERE role = 'child'
        OR (role = 'none' AND api IS NULL AND slot_id IS NOT NULL AND amends_event_id IS NULL);

ALTER TABLE requests ADD COLUMN total_millis INTEGER;
ALTER TABLE requests ADD COLUMN is_backfilled INTEGER NOT NULL DEFAULT 0;
-- Of an accepted bulk call, once settled: 'resolved' or 'unresolved'; null before, and for others.
ALTER TABLE requests ADD COLUMN resolution TEXT;

CREATE INDEX requests_unsettled ON requests (bucket, at)
    WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL;
CREATE INDEX requests_unresolved ON requests (bucket, at) WHERE resolution = 'unresolved';

-- Written anew, because every index of its own costs each removal about as much as its row. One
-- index serves both a row by its name and the history of its key.
CREATE TABLE removals_of_every_source (
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
    actor TEXT NOT NULL,                     -- JSON
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

INSERT INTO removals_of_every_source
    SELECT slot_id, identity, bucket, target, kind, cause, is_confirmed, at, 1, NULL, NULL,
        request_id, sources, actor_kind, actor, marker_version_id, counted_kind, counted_cause,
        counted_confirmed, 0, 0, 0, NULL, NULL, 0, 0
    FROM removals;
DROP TABLE removals;
ALTER TABLE removals_of_every_source RENAME TO removals;

CREATE UNIQUE INDEX removals_by_slot ON removals (slot_id, at, identity);
CREATE INDEX removals_by_time ON removals (bucket, at);
CREATE INDEX removals_unsettled ON removals (bucket, at) WHERE settled <> 1;
CREATE INDEX removals_unconfirmed ON removals (bucket) WHERE is_unconfirmed = 1;
-- The making of a delete marker that was removed by its id.
CREATE INDEX removals_by_marker ON removals (slot_id, marker_version_id)
    WHERE marker_version_id IS NOT NULL;

CREATE TABLE creations (
    slot_id INTEGER NOT NULL REFERENCES slots (id),
    identity TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_coarse INTEGER NOT NULL,
    sequencer TEXT,
    version_id TEXT,
    sources INTEGER NOT NULL,                -- one bit for each source
    actor TEXT NOT NULL,                     -- JSON
    superseded_at INTEGER,                   -- when the next write of the key came, if one is known
    PRIMARY KEY (slot_id, identity)
) STRICT, WITHOUT ROWID;

-- The history of one key.
CREATE INDEX creations_by_slot ON creations (slot_id, at);
-- What may be forgotten: first what was superseded long ago, then the oldest.
CREATE INDEX creations_superseded ON creations (superseded_at) WHERE superseded_at IS NOT NULL;
CREATE INDEX creations_by_time ON creations (at);

CREATE TABLE intents (
    id TEXT PRIMARY KEY NOT NULL,
    bucket TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    said_by TEXT,
    reference TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE intent_keys (
    slot_id INTEGER NOT NULL REFERENCES slots (id),
    intent_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    -- Event time that has to be settled before it is looked at (again).
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL,                     -- 'pending', 'fulfilled' or 'unfulfilled'
    was_unfulfilled INTEGER NOT NULL DEFAULT 0,
    removal TEXT,                            -- the identity of the removal that fulfilled it
    removed_at INTEGER,
    counted_latency INTEGER NOT NULL DEFAULT 0,
    is_backfilled INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (slot_id, intent_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX intent_keys_pending ON intent_keys (bucket, due_at) WHERE state = 'pending';
CREATE INDEX intent_keys_unfulfilled ON intent_keys (bucket, requested_at)
    WHERE state = 'unfulfilled';
-- What removals of the key fulfilled, and with null what none did.
CREATE INDEX intent_keys_settled ON intent_keys (slot_id, removed_at) WHERE state <> 'pending';
CREATE INDEX intent_keys_by_intent ON intent_keys (intent_id);

CREATE TABLE protection_changes (
    id TEXT PRIMARY KEY NOT NULL,
    service TEXT NOT NULL,
    event_name TEXT NOT NULL,
    bucket TEXT,
    resource TEXT,
    detail TEXT,
    outcome TEXT NOT NULL,
    error_code TEXT,
    request_id TEXT,
    event_id TEXT,
    shared_event_id TEXT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,                     -- JSON
    log_object_id INTEGER REFERENCES log_objects (id),
    record_index INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX protection_changes_by_time ON protection_changes (bucket, at);

ALTER TABLE sources ADD COLUMN watermark_at INTEGER;

-- Which source, account and region has told of a bucket, and when: what a fact about it waits for.
CREATE TABLE bucket_sources (
    bucket TEXT NOT NULL,
    source TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    oldest_event_at INTEGER NOT NULL,
    newest_event_at INTEGER NOT NULL,
    newest_creation_at INTEGER,
    PRIMARY KEY (bucket, source, account, region)
) STRICT, WITHOUT ROWID;
