-- Mailed links that set a new password. A link dies with its use, its time, and any change of the password.
CREATE TABLE IF NOT EXISTS password_resets (
    token_hash BINARY(32) NOT NULL COMMENT 'SHA-256 of the token in the link',
    account_id BIGINT UNSIGNED NOT NULL,
    password_version INT UNSIGNED NOT NULL COMMENT 'of the account when the link was made',
    expires_at DATETIME(6) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (token_hash),
    KEY account_id (account_id),
    KEY expires_at (expires_at),
    CONSTRAINT password_resets_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'links that set a password';
