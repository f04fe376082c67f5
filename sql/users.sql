-- The database and the service's user, who reads and writes rows and cannot change the schema. As MariaDB's root, before
-- the first `homeroom migrate` and before that of each new version; it may be run again at any time:
--   mariadb < users.sql
--
-- The user signs in over MariaDB's socket, as the machine's user of the same name and without a password. For a database
-- on another machine: the service's machine instead of `localhost`, and IDENTIFIED BY '…' REQUIRE SSL; the server needs a
-- certificate (ssl_cert, ssl_key) that names it as HOMEROOM_DATABASE_HOST does, and the service its authority's, in
-- HOMEROOM_DATABASE_CA. Without TLS the service does not connect, unless HOMEROOM_DATABASE_TLS=off.

CREATE DATABASE IF NOT EXISTS homeroom CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS homeroom@localhost IDENTIFIED VIA unix_socket;

-- What the statements in Sources/Accounts/Queries need, table by table. Rights on a table that is not there yet can be
-- given with CREATE only, which is taken away again.
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON homeroom.accounts TO homeroom@localhost;
REVOKE CREATE ON homeroom.accounts FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON homeroom.sessions TO homeroom@localhost;
REVOKE CREATE ON homeroom.sessions FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON homeroom.login_failures TO homeroom@localhost;
REVOKE CREATE ON homeroom.login_failures FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, DELETE ON homeroom.password_resets TO homeroom@localhost;
REVOKE CREATE ON homeroom.password_resets FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON homeroom.outbox TO homeroom@localhost;
REVOKE CREATE ON homeroom.outbox FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON homeroom.email_changes TO homeroom@localhost;
REVOKE CREATE ON homeroom.email_changes FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT ON homeroom.email_undo_tokens TO homeroom@localhost;
REVOKE CREATE ON homeroom.email_undo_tokens FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE ON homeroom.email_verifications TO homeroom@localhost;
REVOKE CREATE ON homeroom.email_verifications FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, DELETE ON homeroom.email_verification_tokens TO homeroom@localhost;
REVOKE CREATE ON homeroom.email_verification_tokens FROM homeroom@localhost;
GRANT CREATE, SELECT, INSERT, UPDATE ON homeroom.backups TO homeroom@localhost;
REVOKE CREATE ON homeroom.backups FROM homeroom@localhost;
GRANT CREATE, SELECT ON homeroom.migrations TO homeroom@localhost;
REVOKE CREATE ON homeroom.migrations FROM homeroom@localhost;
