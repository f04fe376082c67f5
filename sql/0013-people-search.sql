-- People by what their names begin with, in the order of their ids, without reading all who are found: of each 4096 ids,
-- which are a block, an index has the accounts of each role by name. A page comes from the first blocks that have any.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS id_block INT UNSIGNED NULL COMMENT 'id DIV 4096; NULL where a program from before made the row';
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS active_role ENUM('student', 'mentor', 'teacher') AS (IF(status = 'active', role, NULL)) VIRTUAL,
    ADD COLUMN IF NOT EXISTS shown_email_key VARCHAR(254) COLLATE utf8mb4_uca1400_nopad_as_ci AS (email) VIRTUAL;

-- A block at a time, each in a transaction of its own: nobody waits long for a row.
BEGIN NOT ATOMIC
    DECLARE start BIGINT UNSIGNED DEFAULT (SELECT MIN(id) FROM accounts);
    WHILE start IS NOT NULL DO
        UPDATE accounts SET id_block = id DIV 4096
            WHERE id BETWEEN start AND start DIV 4096 * 4096 + 4095 AND id_block IS NULL;
        SET start = (SELECT MIN(id) FROM accounts WHERE id > start DIV 4096 * 4096 + 4095);
    END WHILE;
END;

ALTER TABLE accounts
    ADD INDEX IF NOT EXISTS active_role (active_role),
    ADD INDEX IF NOT EXISTS shown_email_key (shown_email_key),
    ADD INDEX IF NOT EXISTS block_username (id_block, active_role, username_key),
    ADD INDEX IF NOT EXISTS block_full_name (id_block, active_role, full_name_key),
    ADD INDEX IF NOT EXISTS block_email (id_block, active_role, shown_email_key);
