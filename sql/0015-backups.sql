-- When the latest backup was whole, for the alarm that it is too old.
CREATE TABLE IF NOT EXISTS backups (
    id TINYINT UNSIGNED NOT NULL COMMENT '1',
    finished_at DATETIME(6) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COMMENT 'one row, once there was a backup';
