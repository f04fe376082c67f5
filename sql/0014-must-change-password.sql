-- A password that an operator has set or an import has brought, for its owner to change at the first login. A program from
-- before does not ask for that, and leaves the mark when it changes the password.
ALTER TABLE accounts
    ADD COLUMN IF NOT EXISTS must_change_password BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'until then nothing else can be done';
