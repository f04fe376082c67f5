-- A password that an operator has set or an import has brought, for its owner to change at the first login. A program from
-- before does not ask for that, and leaves the mark when it changes the password.
-- And the form of Django's scrypt hashes, whose salt stands among the costs: `scrypt$16384$8$5`.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS must_change_password BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'until then nothing else can be done',
    MODIFY COLUMN password_form VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin AS (
        LEFT(CASE
            WHEN password_hash LIKE '$argon2%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%$v=%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'argon2$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
            WHEN password_hash LIKE 'bcrypt%' THEN SUBSTRING_INDEX(password_hash, '$', 4)
            WHEN password_hash LIKE 'pbkdf2%' THEN SUBSTRING_INDEX(password_hash, '$', 2)
            WHEN password_hash LIKE 'scrypt$%' THEN CONCAT(
                SUBSTRING_INDEX(password_hash, '$', 2), '$',
                SUBSTRING_INDEX(SUBSTRING_INDEX(password_hash, '$', -3), '$', 2))
            WHEN password_hash LIKE '$%' THEN SUBSTRING_INDEX(password_hash, '$', 3)
        END, 128)) STORED COMMENT 'NULL where no password matches';
