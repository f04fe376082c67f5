// What MariaDB alone does: durable updates of single rows a second, each thread on a connection of its own.
// usage: update THREADS SECONDS FIRST LAST (ids of accounts), with DATABASE_* in the environment.
#include "database.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

static const char sql[] = "UPDATE accounts SET bio = ?, updated_at = ? WHERE id = ?";
static unsigned long long first, last;
static int threads;
static double end;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *update(void *index) {
    MYSQL_STMT *statement = prepared(sql, sizeof sql - 1);
    char bio[64];
    unsigned long length;
    unsigned long long id = first + (unsigned long long)(long)index;
    MYSQL_TIME stamp = {.time_type = MYSQL_TIMESTAMP_DATETIME};
    MYSQL_BIND parameters[] = {
        {.buffer_type = MYSQL_TYPE_STRING, .buffer = bio, .buffer_length = sizeof bio, .length = &length},
        {.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &stamp, .buffer_length = sizeof stamp},
        {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &id, .is_unsigned = 1},
    };
    if (mysql_stmt_bind_param(statement, parameters) != 0) fail("bind", mysql_stmt_error(statement));
    long done = 0;
    for (; now() < end; done++) {
        struct timespec time;
        struct tm parts;
        clock_gettime(CLOCK_REALTIME, &time);
        gmtime_r(&time.tv_sec, &parts);
        stamp.year = (unsigned)parts.tm_year + 1900, stamp.month = (unsigned)parts.tm_mon + 1;
        stamp.day = (unsigned)parts.tm_mday, stamp.hour = (unsigned)parts.tm_hour;
        stamp.minute = (unsigned)parts.tm_min, stamp.second = (unsigned)parts.tm_sec;
        stamp.second_part = (unsigned long)time.tv_nsec / 1000;
        length = (unsigned long)sprintf(bio, "Grade 7, entry %ld-%ld", (long)index, done);
        if (mysql_stmt_execute(statement) != 0) fail("execute", mysql_stmt_error(statement));
        if (mysql_stmt_affected_rows(statement) != 1) fail("execute", "no such account");
        id += (unsigned)threads;
        if (id > last) id = first + (unsigned long long)(long)index;
    }
    return (void *)done;
}

int main(int count, char **words) {
    if (count != 5 || mysql_library_init(0, NULL, NULL) != 0) return 2;
    threads = atoi(words[1]);
    first = strtoull(words[3], NULL, 10), last = strtoull(words[4], NULL, 10);
    pthread_t handles[threads];
    double begin = now();
    end = begin + atof(words[2]);
    for (long index = 0; index < threads; index++)
        if (pthread_create(&handles[index], NULL, update, (void *)index) != 0) fail("thread", "cannot start");
    long sum = 0;
    for (int index = 0; index < threads; index++) {
        void *done;
        pthread_join(handles[index], &done);
        sum += (long)done;
    }
    printf("%f\n", (double)sum / (now() - begin));
    return 0;
}
