-- What was slow: single requests, and removals that came long after they were declared. A slow one
-- is rare, so these indexes cost nearly nothing.

CREATE INDEX requests_slow ON requests (bucket, at)
    WHERE outcome = 'ok' AND (total_millis > 1000 OR ended_at - started_at > 1000);
CREATE INDEX intent_keys_slow ON intent_keys (bucket, removed_at)
    WHERE removed_at - requested_at > 60000;
