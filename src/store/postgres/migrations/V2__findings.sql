-- What detectors count by, what they are to look at again, and what they found.
-- Times are milliseconds since the Unix epoch, UTC.

-- How much one caller did in one bucket within five minutes of event time; always the sums over
-- the rows of `removals` and `requests`, kept longer than these are asked for.
CREATE TABLE rollups (
    bucket TEXT NOT NULL,
    window_number BIGINT NOT NULL,          -- five minutes since the epoch
    actor_id BIGINT NOT NULL,
    removed BIGINT NOT NULL,                -- by calls, whatever the kind
    markers BIGINT NOT NULL,
    versions BIGINT NOT NULL,
    objects BIGINT NOT NULL,
    lifecycle BIGINT NOT NULL,              -- by lifecycle rules
    denied BIGINT NOT NULL,                 -- refused requests
    without_cloudtrail BIGINT NOT NULL,
    without_confirmation BIGINT NOT NULL,
    stale BIGINT NOT NULL,                  -- that took a fresh upload away, once settled
    repeated BIGINT NOT NULL,               -- that repeat another one, once settled
    PRIMARY KEY (bucket, window_number, actor_id)
);

-- The first event time of all, before which silence means nothing.
CREATE TABLE observed (
    id BIGINT PRIMARY KEY NOT NULL,         -- 1: there is one row at most
    since_at BIGINT NOT NULL
);

-- The days of buckets, how often what is known of them has changed, and at which change somebody
-- looked for findings last: those that changed since are due.
CREATE TABLE detection_due (
    bucket TEXT NOT NULL,                    -- '' for what concerns an account as a whole
    day_number BIGINT NOT NULL,             -- days since the epoch
    version BIGINT NOT NULL,                -- rises with each change
    is_live BIGINT NOT NULL,                -- whether anything but history made it due
    looked_version BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (bucket, day_number)
);

CREATE INDEX detection_due_open ON detection_due (bucket, day_number)
    WHERE looked_version < version;

CREATE TABLE findings (
    id TEXT PRIMARY KEY NOT NULL,
    detector TEXT NOT NULL,
    bucket TEXT NOT NULL,
    day_number BIGINT NOT NULL,
    severity TEXT NOT NULL,
    mode TEXT NOT NULL,                      -- 'live' or 'dry_run'
    state TEXT NOT NULL,                     -- 'open', 'resolved' or 'withdrawn'
    is_live BIGINT NOT NULL,                -- 0: known from history only, and told to nobody
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,             -- when it was last another one than before
    closed_at BIGINT,
    revision BIGINT NOT NULL,               -- rises with each change that people should see
    finding TEXT NOT NULL                    -- JSON
);

CREATE INDEX findings_by_day ON findings (bucket, day_number);
CREATE INDEX findings_by_time ON findings (last_at, id);
CREATE INDEX findings_open ON findings (changed_at) WHERE state = 'open';

-- What was told to whom. A row is claimed before anything is sent.
CREATE TABLE deliveries (
    finding_id TEXT NOT NULL,
    notifier TEXT NOT NULL,
    revision BIGINT NOT NULL,               -- of the finding, that is to be told
    told_revision BIGINT NOT NULL,          -- that was told; 0: none
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    claimed_by TEXT NOT NULL,
    gave_up BIGINT NOT NULL,
    PRIMARY KEY (finding_id, notifier)
);

CREATE INDEX deliveries_due ON deliveries (due_at) WHERE told_revision < revision AND gave_up = 0;

-- What was announced.
CREATE TABLE expectations (
    id TEXT PRIMARY KEY NOT NULL,
    principal TEXT,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    objects_max BIGINT NOT NULL,
    said_by TEXT,
    is_configured BIGINT NOT NULL           -- whether it stands in the configuration file
);

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
            (cause = 'api')::integer AS removed,
            (cause = 'api' AND kind = 'marker')::integer AS markers,
            (cause = 'api' AND kind = 'version' AND is_undelete = 0)::integer AS versions,
            (cause = 'api' AND kind = 'object')::integer AS objects,
            (cause = 'lifecycle')::integer AS lifecycle,
            0 AS denied,
            (cause = 'api' AND sources & 1 = 0)::integer AS without_cloudtrail,
            (cause = 'api' AND is_confirmed = 0)::integer AS without_confirmation,
            coalesce((cause = 'api' AND is_stale = 1)::integer, 0) AS stale,
            (cause = 'api' AND duplicate_of IS NOT NULL)::integer AS repeated
        FROM removals
        UNION ALL
        SELECT bucket, at / 300000, actor_id, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0
        FROM requests WHERE outcome = 'denied'
    ) AS known
    GROUP BY bucket, window_number, actor_id;

INSERT INTO detection_due
    SELECT DISTINCT bucket, window_number / 288, 1, 0, 0 FROM rollups WHERE true
    ON CONFLICT DO NOTHING;

INSERT INTO observed
    SELECT 1, min(window_number) * 300000 FROM rollups HAVING min(window_number) IS NOT NULL;
