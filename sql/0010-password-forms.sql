-- What checking an account's password costs: its hash without salt and digest. How many accounts have which form decides
-- what an unknown name costs, so that time tells nobody who has an account.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS password_form VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin AS (
        LEFT(CASE
            WHEN password_hash LIKE '$argon2%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
            WHEN password_hash LIKE 'bcrypt%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'pbkdf2%' THEN SUBSTRING_INDEX(password_hash, '$', 2)
            WHEN password_hash LIKE '$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
        END, 128)) VIRTUAL COMMENT 'NULL where no password matches';
ALTER TABLE accounts
    ADD INDEX IF NOT EXISTS password_form (password_form);
