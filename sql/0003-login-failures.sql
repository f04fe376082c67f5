-- Failed logins of an account, or of a name that no account has.
CREATE TABLE IF NOT EXISTS login_failures (
    subject BINARY(32) NOT NULL COMMENT 'SHA-256 of `account:<id>` or `name:<canonical name>`',
    failures INT UNSIGNED NOT NULL COMMENT 'since window_start',
    window_start DATETIME(6) NOT NULL COMMENT 'UTC; time of the first failure that counts',
    locked_until DATETIME(6) NULL COMMENT 'UTC',
    PRIMARY KEY (subject),
    KEY window_start (window_start)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'brakes on guessing';
