-- All sessions of an account end with one row's change, whatever their number: a session lives while its epoch is the
-- account's. Rows from before have the epoch 0, those of a program from before this migration none, until they end.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS session_epoch INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'one more each time all sessions end';
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS epoch INT UNSIGNED NULL DEFAULT 0 COMMENT 'session_epoch of the account at its beginning';
ALTER TABLE sessions
    ALTER COLUMN epoch SET DEFAULT NULL,
    ADD INDEX IF NOT EXISTS account_created (account_id, created_at),
    ADD INDEX IF NOT EXISTS account_epoch (account_id, epoch);
