-- What callers did to keys, so that it is known whether who removes them had read them before.
-- Times are milliseconds since the Unix epoch, UTC.

-- A caller is one without session, address and program. `keys` are the smallest hashes of the keys,
-- 256 at most, 8 letters each: the same for the same keys, whatever came in which order.
CREATE TABLE traces (
    bucket TEXT COLLATE "C" NOT NULL,
    hour_number BIGINT NOT NULL,            -- hours since the epoch, by event time
    deed TEXT COLLATE "C" NOT NULL,                     -- 'read', 'removed', 'customer_key' or 'foreign_key'
    actor_id BIGINT NOT NULL,
    keys TEXT COLLATE "C" NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, hour_number, deed, actor_id)
);
