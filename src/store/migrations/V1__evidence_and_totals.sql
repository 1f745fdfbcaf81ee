-- The evidence set, what is derived from it, and the totals that the metrics continue from.
-- Times are milliseconds since the Unix epoch, UTC. Words are those of the metric labels.

CREATE TABLE slots (
    id INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,           -- '' when the source did not say which key it was
    has_child INTEGER NOT NULL DEFAULT 0,
    UNIQUE (bucket, key)
) STRICT;

-- The ledger. A row is made when the first evidence of an object arrives (state 'reading') and
-- becomes 'done' in the transaction that holds the last of it.
CREATE TABLE log_objects (
    id INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    revision TEXT NOT NULL,      -- version id, else etag
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    result TEXT,
    records INTEGER NOT NULL DEFAULT 0,
    evidence INTEGER NOT NULL DEFAULT 0,
    ignored INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    compressed_bytes INTEGER NOT NULL DEFAULT 0,
    inflated_bytes INTEGER NOT NULL DEFAULT 0,
    committed_at INTEGER,
    UNIQUE (bucket, key, revision)
) STRICT;

CREATE TABLE evidence (
    id TEXT PRIMARY KEY NOT NULL,
    slot_id INTEGER REFERENCES slots (id),   -- null when it is about no single key
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
    http_status INTEGER,
    error_code TEXT,
    marker_version_id TEXT,
    actor TEXT NOT NULL,                     -- JSON
    log_object_id INTEGER REFERENCES log_objects (id),
    record_index INTEGER
) STRICT;

-- The links that a slot's neighbourhood is gathered by.
CREATE INDEX evidence_by_request ON evidence (slot_id, request_id);
CREATE INDEX evidence_by_time ON evidence (slot_id, role, at);
CREATE INDEX evidence_by_shared_event ON evidence (slot_id, shared_event_id)
    WHERE shared_event_id IS NOT NULL;
CREATE INDEX evidence_by_event ON evidence (slot_id, event_id) WHERE request_id IS NULL;

CREATE TABLE requests (
    bucket TEXT NOT NULL,
    identity TEXT NOT NULL,
    key TEXT,
    api TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    http_status INTEGER,
    error_code TEXT,
    sources INTEGER NOT NULL,                -- one bit for each source
    actor_kind TEXT NOT NULL,                -- principal, replication, lifecycle or service
    actor TEXT NOT NULL,                     -- JSON
    PRIMARY KEY (bucket, identity)
) STRICT;

CREATE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (bucket, at);

CREATE TABLE removals (
    slot_id INTEGER NOT NULL REFERENCES slots (id),
    identity TEXT NOT NULL,
    bucket TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    is_confirmed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    request_id TEXT,
    sources INTEGER NOT NULL,                -- one bit for each source
    actor_kind TEXT NOT NULL,                -- principal, replication, lifecycle or service
    actor TEXT NOT NULL,                     -- JSON
    marker_version_id TEXT,
    counted_kind TEXT,                       -- what the totals hold for this row
    counted_cause TEXT,
    counted_confirmed INTEGER NOT NULL,
    PRIMARY KEY (slot_id, identity)
) STRICT;

CREATE INDEX removals_by_time ON removals (bucket, at);

-- What could not be understood, and where it can be read again.
CREATE TABLE rejects (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    log_object_id INTEGER REFERENCES log_objects (id),
    record_index INTEGER,
    queue TEXT,
    message_id TEXT,
    body TEXT
) STRICT;

-- A message that is delivered again, or an object that is read again, is rejected once.
CREATE UNIQUE INDEX rejects_by_origin ON rejects (
    coalesce(log_object_id, -1),
    coalesce(queue, ''),
    coalesce(message_id, ''),
    coalesce(record_index, -1),
    reason
);

-- Durable totals; a store-wide figure is the sum over the writers.
CREATE TABLE totals (
    family TEXT NOT NULL,
    labels TEXT NOT NULL,                    -- JSON array, in the order of the family's labels
    part TEXT NOT NULL,
    writer TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (family, labels, part, writer)
) STRICT;

-- Whether a bucket has its own metric label, decided when it is first counted.
CREATE TABLE labelled_buckets (
    bucket TEXT PRIMARY KEY NOT NULL,
    is_named INTEGER NOT NULL
) STRICT;

CREATE INDEX labelled_buckets_named ON labelled_buckets (is_named) WHERE is_named = 1;

CREATE TABLE sources (
    source TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    newest_event_at INTEGER,
    last_delivery_at INTEGER,
    proof_of_life_at INTEGER,
    PRIMARY KEY (source, account, region)
) STRICT;
