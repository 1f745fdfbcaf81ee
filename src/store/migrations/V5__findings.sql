-- What detectors count by, what they are to look at again, and what they found.
-- Times are milliseconds since the Unix epoch, UTC.

-- How much one caller did in one bucket within five minutes of event time; always the sums over
-- the rows of `removals` and `requests`, kept longer than these are asked for.
CREATE TABLE rollups (
    bucket TEXT NOT NULL,
    window_number INTEGER NOT NULL,          -- five minutes since the epoch
    actor_id INTEGER NOT NULL,
    removed INTEGER NOT NULL,                -- by calls, whatever the kind
    markers INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    lifecycle INTEGER NOT NULL,              -- by lifecycle rules
    denied INTEGER NOT NULL,                 -- refused requests
    without_cloudtrail INTEGER NOT NULL,
    without_confirmation INTEGER NOT NULL,
    stale INTEGER NOT NULL,                  -- that took a fresh upload away, once settled
    repeated INTEGER NOT NULL,               -- that repeat another one, once settled
    PRIMARY KEY (bucket, window_number, actor_id)
) STRICT, WITHOUT ROWID;

-- The first event time of all, before which silence means nothing.
CREATE TABLE observed (
    id INTEGER PRIMARY KEY NOT NULL,         -- 1: there is one row at most
    since_at INTEGER NOT NULL
) STRICT;

-- The days of buckets, how often what is known of them has changed, and at which change somebody
-- looked for findings last: those that changed since are due.
CREATE TABLE detection_due (
    bucket TEXT NOT NULL,                    -- '' for what concerns an account as a whole
    day_number INTEGER NOT NULL,             -- days since the epoch
    version INTEGER NOT NULL,                -- rises with each change
    is_live INTEGER NOT NULL,                -- whether anything but history made it due
    looked_version INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, day_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX detection_due_open ON detection_due (bucket, day_number)
    WHERE looked_version < version;

CREATE TABLE findings (
    id TEXT PRIMARY KEY NOT NULL,
    detector TEXT NOT NULL,
    bucket TEXT NOT NULL,
    day_number INTEGER NOT NULL,
    severity TEXT NOT NULL,
    mode TEXT NOT NULL,                      -- 'live' or 'dry_run'
    state TEXT NOT NULL,                     -- 'open', 'resolved' or 'withdrawn'
    is_live INTEGER NOT NULL,                -- 0: known from history only, and told to nobody
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,             -- when it was last another one than before
    closed_at INTEGER,
    revision INTEGER NOT NULL,               -- rises with each change that people should see
    finding TEXT NOT NULL                    -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX findings_by_day ON findings (bucket, day_number);
CREATE INDEX findings_by_time ON findings (last_at, id);
CREATE INDEX findings_open ON findings (changed_at) WHERE state = 'open';

-- What was told to whom. A row is claimed before anything is sent.
CREATE TABLE deliveries (
    finding_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    revision INTEGER NOT NULL,               -- of the finding, that is to be told
    told_revision INTEGER NOT NULL,          -- that was told; 0: none
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    claimed_by TEXT NOT NULL,
    gave_up INTEGER NOT NULL,
    PRIMARY KEY (finding_id, notifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (due_at) WHERE told_revision < revision AND gave_up = 0;

-- What was announced.
CREATE TABLE expectations (
    id TEXT PRIMARY KEY NOT NULL,
    principal TEXT,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    objects_max INTEGER NOT NULL,
    said_by TEXT,
    is_configured INTEGER NOT NULL           -- whether it stands in the configuration file
) STRICT, WITHOUT ROWID;

CREATE INDEX expectations_by_bucket ON expectations (bucket, until_at);

-- The single removals that somebody should look at.
CREATE INDEX removals_suspect ON removals (bucket, at)
    WHERE is_stale = 1 OR duplicate_of IS NOT NULL;

-- What is known already. Bit 0 of `sources` is CloudTrail.
INSERT INTO rollups
    SELECT bucket, window_number, actor_id, sum(removed), sum(markers), sum(versions),
        sum(objects), sum(lifecycle), sum(denied), sum(without_cloudtrail),
        sum(without_confirmation), sum(stale), sum(repeated)
    FROM (
        SELECT bucket, at / 300000 AS window_number, actor_id,
            cause = 'api' AS removed,
            cause = 'api' AND kind = 'marker' AS markers,
            cause = 'api' AND kind = 'version' AND is_undelete = 0 AS versions,
            cause = 'api' AND kind = 'object' AS objects,
            cause = 'lifecycle' AS lifecycle,
            0 AS denied,
            cause = 'api' AND sources & 1 = 0 AS without_cloudtrail,
            cause = 'api' AND is_confirmed = 0 AS without_confirmation,
            cause = 'api' AND coalesce(is_stale, 0) = 1 AS stale,
            cause = 'api' AND duplicate_of IS NOT NULL AS repeated
        FROM removals
        UNION ALL
        SELECT bucket, at / 300000, actor_id, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0
        FROM requests WHERE outcome = 'denied'
    )
    GROUP BY bucket, window_number, actor_id;

INSERT INTO detection_due
    SELECT DISTINCT bucket, window_number / 288, 1, 0, 0 FROM rollups WHERE true
    ON CONFLICT DO NOTHING;

INSERT INTO observed
    SELECT 1, min(window_number) * 300000 FROM rollups HAVING min(window_number) IS NOT NULL;
