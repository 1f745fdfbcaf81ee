-- Keys and request ids come in no order, and an index of all of them is written all over: each new
-- row costs a page of its own there. So rows are cut into slices as they come, and their index
-- begins with the slice: only its end is written. Which slices may hold a name, whoever writes knows
-- from a filter of each.

CREATE TABLE slices (
    sliced TEXT NOT NULL,                    -- 'keys' or 'requests'
    number INTEGER NOT NULL,                 -- the highest one is the one that grows
    filter BLOB,                             -- the names in it; null while it grows
    UNIQUE (sliced, number)
) STRICT;

CREATE TABLE slots_in_slices (
    id INTEGER PRIMARY KEY,
    slice INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,                       -- '' when the source did not say which key it was
    has_child INTEGER NOT NULL DEFAULT 0,
    has_intent INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO slots_in_slices
    SELECT id, id / 65536, bucket, key, has_child, has_intent FROM slots ORDER BY id;
DROP TABLE slots;
ALTER TABLE slots_in_slices RENAME TO slots;

-- Once in its slice; that no other slice has it, whoever writes looks after.
CREATE UNIQUE INDEX slots_by_name ON slots (slice, bucket, key);

CREATE TABLE requests_in_slices (
    slice INTEGER NOT NULL,
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

INSERT INTO requests_in_slices
    SELECT rowid / 65536, bucket, identity, key, api, outcome, request_id, account, region, at,
        started_at, ended_at, total_millis, http_status, error_code, sources, actor_kind, actor_id,
        is_backfilled, resolution
    FROM requests ORDER BY rowid;
DROP TABLE requests;
ALTER TABLE requests_in_slices RENAME TO requests;

-- Once in its slice, as above.
CREATE UNIQUE INDEX requests_by_identity ON requests (slice, identity, bucket);
CREATE INDEX requests_unsettled ON requests (bucket, at)
    WHERE api = 'DeleteObjects' AND outcome = 'ok' AND resolution IS NULL;
CREATE INDEX requests_unresolved ON requests (bucket, at) WHERE resolution = 'unresolved';

-- The filters of those that are full are made when the store is opened.
INSERT INTO slices (sliced, number)
    SELECT 'keys', slice FROM slots UNION SELECT 'keys', 0
    UNION SELECT 'requests', slice FROM requests UNION SELECT 'requests', 0;
