-- Up to when evidence was forgotten, so that what is older is not learnt again; and what refers to
-- a log object, which is forgotten when nothing does.

CREATE TABLE forgotten (
    id INTEGER PRIMARY KEY NOT NULL,         -- 1: there is one row
    before_at INTEGER NOT NULL
) STRICT;

INSERT INTO forgotten (id, before_at) VALUES (1, 0);

CREATE INDEX rejects_by_log_object ON rejects (log_object_id) WHERE log_object_id IS NOT NULL;
CREATE INDEX protection_changes_by_log_object ON protection_changes (log_object_id)
    WHERE log_object_id IS NOT NULL;
