// A connection to the bench's MariaDB, as the environment says, for the C programs beside.
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

static inline void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static inline MYSQL_STMT *prepared(const char *sql, unsigned long length) {
    MYSQL *connection = mysql_init(NULL);
    if (connection == NULL) fail("mysql_init", "out of memory");
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(connection, NULL, getenv("DATABASE_USER"), getenv("DATABASE_PASSWORD"),
                           getenv("DATABASE_NAME"), 0, getenv("DATABASE_SOCKET"), 0) == NULL)
        fail("connect", mysql_error(connection));
    MYSQL_STMT *statement = mysql_stmt_init(connection);
    if (statement == NULL || mysql_stmt_prepare(statement, sql, length) != 0) fail("prepare", mysql_error(connection));
    return statement;
}
