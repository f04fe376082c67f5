-- The window in which failed logins are counted slides: each of the latest failures is remembered with its time.
-- `window_start` is the time of the latest one from now on, by which old rows are found.
ALTER TABLE login_failures
    ADD COLUMN IF NOT EXISTS failure_times VARBINARY(8000) NOT NULL DEFAULT '' COMMENT 'microseconds since 1970, 8 bytes each, big-endian; as many as lock';
