-- Why a finding was withdrawn, in one line; null as long as it is not.

ALTER TABLE findings ADD COLUMN withdrawn_because TEXT;
