-- Mails that were asked for, known and unknown addresses alike. The text is made when it is sent.
CREATE TABLE IF NOT EXISTS outbox (
    subject BINARY(32) NOT NULL COMMENT 'SHA-256 of `mail:<canonical address>`',
    account_id BIGINT UNSIGNED NULL COMMENT 'NULL where nobody has the address: nothing is sent',
    due_at DATETIME(6) NULL COMMENT 'UTC; NULL when nothing is to be sent',
    attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'failed ones since it was asked for',
    sent_at DATETIME(6) NULL COMMENT 'UTC; of the latest mail',
    PRIMARY KEY (subject),
    KEY account_id (account_id),
    KEY due_at (due_at),
    CONSTRAINT outbox_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'mails to be sent';
