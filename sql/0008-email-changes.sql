-- A changed address: what it was before, for three days, in which it can be had back and nobody else can take it.
CREATE TABLE IF NOT EXISTS email_changes (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'a later change has a higher one',
    account_id BIGINT UNSIGNED NOT NULL,
    email VARCHAR(254) NOT NULL COMMENT 'the address before the change, as typed',
    email_key VARCHAR(254) COLLATE utf8mb4_nopad_bin NOT NULL COMMENT 'what is compared',
    was_verified BOOLEAN NOT NULL,
    undo_until DATETIME(6) NOT NULL COMMENT 'UTC',
    resets_until DATETIME(6) NULL COMMENT 'UTC; until then mails that reset the password go to this address',
    due_at DATETIME(6) NULL COMMENT 'UTC; of the mail that tells the address; NULL when none is to be sent',
    attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'failed ones',
    PRIMARY KEY (id),
    UNIQUE KEY account_email (account_id, email_key),
    KEY email_key (email_key),
    KEY undo_until (undo_until),
    KEY due_at (due_at),
    CONSTRAINT email_changes_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'addresses that can be had back';

-- The links that were mailed for it. They end with their change.
CREATE TABLE IF NOT EXISTS email_undo_tokens (
    token_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token in the link',
    change_id BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (token_hash),
    CONSTRAINT email_undo_tokens_change FOREIGN KEY (change_id) REFERENCES email_changes (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'links that give an address back';

-- A mailed link that sets a password dies with any change of the address, also with one that happens while it is sent.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS email_version INT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'counts changes of the address';
ALTER TABLE password_resets
    ADD COLUMN IF NOT EXISTS email_version INT UNSIGNED NULL COMMENT 'of the account when the link was made; NULL: by a program that did not count';
