-- Each caller is there once, however many replicas learn of it at once, and is found by its
-- description. That may be longer than a row of an ordered index, so a hash of it is kept apart.

CREATE TEMPORARY TABLE doubles ON COMMIT DROP AS
    SELECT a.id, k.id AS kept
    FROM (SELECT min(id) AS id, actor FROM actors GROUP BY actor HAVING count(*) > 1) AS k
    JOIN actors AS a ON a.actor = k.actor AND a.id <> k.id;

UPDATE evidence AS t SET actor_id = d.kept FROM doubles AS d WHERE t.actor_id = d.id;
UPDATE requests AS t SET actor_id = d.kept FROM doubles AS d WHERE t.actor_id = d.id;
UPDATE removals AS t SET actor_id = d.kept FROM doubles AS d WHERE t.actor_id = d.id;
WITH moved AS (
    DELETE FROM rollups AS t USING doubles AS d WHERE t.actor_id = d.id RETURNING t.*, d.kept
)
INSERT INTO rollups AS t (bucket, window_number, actor_id, removed, markers, versions, objects,
        lifecycle, denied, without_cloudtrail, without_confirmation, stale, repeated)
    SELECT bucket, window_number, kept, sum(removed), sum(markers), sum(versions), sum(objects),
        sum(lifecycle), sum(denied), sum(without_cloudtrail), sum(without_confirmation),
        sum(stale), sum(repeated)
    FROM moved GROUP BY bucket, window_number, kept
    ON CONFLICT (bucket, window_number, actor_id) DO UPDATE SET
        removed = t.removed + excluded.removed,
        markers = t.markers + excluded.markers,
        versions = t.versions + excluded.versions,
        objects = t.objects + excluded.objects,
        lifecycle = t.lifecycle + excluded.lifecycle,
        denied = t.denied + excluded.denied,
        without_cloudtrail = t.without_cloudtrail + excluded.without_cloudtrail,
        without_confirmation = t.without_confirmation + excluded.without_confirmation,
        stale = t.stale + excluded.stale,
        repeated = t.repeated + excluded.repeated;
DELETE FROM actors AS t USING doubles AS d WHERE t.id = d.id;

ALTER TABLE actors ADD CONSTRAINT actors_by_description EXCLUDE USING hash (actor WITH =);
