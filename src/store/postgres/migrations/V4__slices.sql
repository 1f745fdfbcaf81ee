-- SQLite cuts these tables into slices, because one program at a time writes there. Here many do, so
-- that one index of all names has to keep rows from being there twice: all are in one slice.

ALTER TABLE slots ADD COLUMN slice BIGINT NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN slice BIGINT NOT NULL DEFAULT 0;
