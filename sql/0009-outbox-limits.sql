-- How often an account was sent mail, to bound it, and an index for what the clean-up looks for.
ALTER TABLE outbox
    ADD COLUMN IF NOT EXISTS asked_at DATETIME(6) NULL COMMENT 'UTC; when the latest mail that resets the password was asked for',
    ADD COLUMN IF NOT EXISTS mail_times VARBINARY(160) NOT NULL DEFAULT '' COMMENT 'when the latest 20 mails were asked for: microseconds since 1970, 8 bytes each, big-endian';
ALTER TABLE outbox
    ADD INDEX IF NOT EXISTS due_sent (due_at, sent_at);
