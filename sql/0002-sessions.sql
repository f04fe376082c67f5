-- What stands behind every token and cookie. A session that is not here has ended.
CREATE TABLE IF NOT EXISTS sessions (
    id BIGINT UNSIGNED NOT NULL COMMENT 'random; the claim sid',
    account_id BIGINT UNSIGNED NOT NULL,
    contract TINYINT UNSIGNED NOT NULL COMMENT '1 … 5: which one issued it and may renew it',
    remembered BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'contract 5: renewed for 30 days',
    cookie_hash BINARY(32) NULL COMMENT 'SHA-256 of the cookie; contract 3 only',
    generation INT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'number of the token that is current',
    generation_times VARBINARY(128) NOT NULL COMMENT 'when the last 16 generations began: microseconds since 1970, 8 bytes each, big-endian',
    created_at DATETIME(6) NOT NULL COMMENT 'UTC',
    expires_at DATETIME(6) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (id),
    UNIQUE KEY cookie_hash (cookie_hash),
    KEY account_id (account_id),
    KEY expires_at (expires_at),
    CONSTRAINT sessions_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'sign-ins that are alive';
