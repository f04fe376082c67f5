-- People by what their names begin with, in the order of their ids, without reading all who are found: of each 4096 ids,
-- which are a block, an index has the accounts of each role by name. A page comes from the first blocks that have any.
-- Names are in the order of their letters without accents: with accents letters come first all the same, so that whoever
-- searches for a rare accent would read all names with that letter.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS id_block INT UNSIGNED NULL COMMENT 'id DIV 4096; NULL where a program from before made the row';
-- Stored, from now on also those that were virtual: where rows wait to be purged from an index on a virtual column,
-- `mariadbd --wsrep-recover`, with which a node of a Galera cluster starts, never ends. (MariaDB 10.11)
ALTER TABLE accounts
    DROP INDEX IF EXISTS full_name_key,
    DROP INDEX IF EXISTS password_form,
    DROP COLUMN IF EXISTS full_name_key,
    DROP COLUMN IF EXISTS password_form,
    ADD COLUMN full_name_key VARCHAR(100) COLLATE utf8mb4_uca1400_nopad_as_ci AS (full_name) STORED,
    ADD COLUMN password_form VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin AS (
        LEFT(CASE
            WHEN password_hash LIKE '$argon2%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
            WHEN password_hash LIKE 'bcrypt%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'pbkdf2%' THEN SUBSTRING_INDEX(password_hash, '$', 2)
            WHEN password_hash LIKE '$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
        END, 128)) STORED COMMENT 'NULL where no password matches',
    ADD COLUMN IF NOT EXISTS active_role ENUM('student', 'mentor', 'teacher') AS (IF(status = 'active', role, NULL)) STORED,
    ADD COLUMN IF NOT EXISTS full_name_search VARCHAR(100) COLLATE utf8mb4_uca1400_nopad_ai_ci AS (full_name) STORED,
    ADD COLUMN IF NOT EXISTS email_search VARCHAR(254) COLLATE utf8mb4_uca1400_nopad_ai_ci AS (email) STORED,
    ADD INDEX full_name_key (full_name_key),
    ADD INDEX password_form (password_form);

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
    ADD INDEX IF NOT EXISTS full_name_search (full_name_search),
    ADD INDEX IF NOT EXISTS email_search (email_search),
    ADD INDEX IF NOT EXISTS block_username (id_block, active_role, username_key),
    ADD INDEX IF NOT EXISTS block_full_name_search (id_block, active_role, full_name_search),
    ADD INDEX IF NOT EXISTS block_email_search (id_block, active_role, email_search);
