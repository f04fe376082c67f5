-- What the owner of an account sees of its sessions. Rows from before know neither address nor program.
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'where the login came from',
    ADD COLUMN IF NOT EXISTS client VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'made from the User-Agent of the login: Firefox on Windows',
    ADD COLUMN IF NOT EXISTS used_at DATETIME(6) NULL COMMENT 'UTC; written at most every five minutes';

-- What teachers and mentors search by: the other two names have keys. LIKE needs a collation that knows neither case nor
-- width, and an index with it.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS full_name_key VARCHAR(100) COLLATE utf8mb4_uca1400_nopad_as_ci AS (full_name) VIRTUAL,
    ADD COLUMN IF NOT EXISTS email_undo_until DATETIME(6) NULL COMMENT 'UTC; until then an earlier address can be had back';
ALTER TABLE accounts
    ADD INDEX IF NOT EXISTS full_name_key (full_name_key);
UPDATE accounts a JOIN (SELECT account_id, MAX(undo_until) AS undo_until FROM email_changes GROUP BY account_id) c
    ON c.account_id = a.id SET a.email_undo_until = c.undo_until WHERE a.email_undo_until IS NULL;

-- The mail that asks whoever reads an address to prove it: one row for each account that was ever asked.
CREATE TABLE IF NOT EXISTS email_verifications (
    account_id BIGINT UNSIGNED NOT NULL,
    asked_at DATETIME(6) NOT NULL COMMENT 'UTC; of the latest mail',
    due_at DATETIME(6) NULL COMMENT 'UTC; NULL when none is to be sent',
    attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'failed ones',
    PRIMARY KEY (account_id),
    KEY due_at (due_at),
    CONSTRAINT email_verifications_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'mails that ask for proof of an address';

-- The links that were mailed for it. A change of the address ends them.
CREATE TABLE IF NOT EXISTS email_verification_tokens (
    token_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token in the link',
    account_id BIGINT UNSIGNED NOT NULL,
    email_version INT UNSIGNED NOT NULL COMMENT 'of the account when the link was made',
    expires_at DATETIME(6) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (token_hash),
    KEY account_id (account_id),
    KEY expires_at (expires_at),
    CONSTRAINT email_verification_tokens_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'links that prove an address';
