// The least program on libfcgi that answers a profile read: threads in FCGX_Accept_r, an HS256 token, one prepared
// statement on a connection of each thread's own; and one more that writes a bio, where there is one in the body. No log,
// no routes, no limits, no time-outs, no JSON but what the bench sends.
// usage: least SOCKET THREADS, with TOKEN_KEY and DATABASE_* in the environment.
#include "database.h"
#include <fcgiapp.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

// What the service asks for, in SessionByID.
static const char sql[] =
    "SELECT s.id, s.account_id, s.contract, s.remembered, s.generation, s.generation_times, s.expires_at, "
    "a.id, a.username, a.email, a.role, a.status, a.is_staff, a.is_superuser, a.full_name, a.first_name, "
    "a.last_name, a.phone, a.bio, a.avatar, a.is_email_verified, a.is_phone_verified, a.language, a.timezone, "
    "a.theme, a.login_count, a.created_at, a.updated_at, a.last_login_at "
    "FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.id = ?";
static const char update[] = "UPDATE accounts SET bio = ?, updated_at = UTC_TIMESTAMP(6) WHERE id = ?";
// Their places.
enum { accountID = 1, sessionEnd = 6, username = 8, email = 9, status = 11, bio = 18, avatar = 19, created = 26 };
enum { lastLogin = 28, columns };

static int listening;

typedef struct {
    MYSQL_STMT *statement, *update;
    MYSQL_BIND binds[columns];
    unsigned long lengths[columns];
    my_bool nulls[columns];
    union {
        long long number;
        MYSQL_TIME time;
        char text[2048];
    } values[columns];
    unsigned long long session;
    EVP_MAC_CTX *hmac;
} Worker;

static void prepare(Worker *worker) {
    worker->statement = prepared(sql, sizeof sql - 1);
    MYSQL_BIND parameter = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &worker->session, .is_unsigned = 1};
    if (mysql_stmt_bind_param(worker->statement, &parameter) != 0) fail("bind", mysql_stmt_error(worker->statement));
    MYSQL_RES *result = mysql_stmt_result_metadata(worker->statement);
    MYSQL_FIELD *fields = mysql_fetch_fields(result);
    for (int index = 0; index < columns; index++) {
        MYSQL_BIND *bind = &worker->binds[index];
        switch (fields[index].type) {
        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_LONGLONG: bind->buffer_type = MYSQL_TYPE_LONGLONG; break;
        case MYSQL_TYPE_DATETIME: bind->buffer_type = MYSQL_TYPE_DATETIME; break;
        default: bind->buffer_type = MYSQL_TYPE_STRING;
        }
        bind->is_unsigned = (fields[index].flags & UNSIGNED_FLAG) != 0;
        bind->buffer = &worker->values[index];
        bind->buffer_length = sizeof worker->values[index];
        bind->length = &worker->lengths[index];
        bind->is_null = &worker->nulls[index];
    }
    mysql_free_result(result);
    if (mysql_stmt_bind_result(worker->statement, worker->binds) != 0) fail("bind", mysql_stmt_error(worker->statement));
    worker->update = mysql_stmt_init(worker->statement->mysql);
    if (mysql_stmt_prepare(worker->update, update, sizeof update - 1) != 0)
        fail("prepare", mysql_stmt_error(worker->update));
    const char *key = getenv("TOKEN_KEY");
    OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0), OSSL_PARAM_END};
    worker->hmac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
    if (key == NULL || !EVP_MAC_init(worker->hmac, (const unsigned char *)key, strlen(key), digest))
        fail("TOKEN_KEY", "cannot be used");
}

// base64url without padding, RFC 7515 §2. The count of bytes; -1 when it is none.
static int decoded(const char *text, size_t length, unsigned char *bytes) {
    char padded[2048];
    if (length > sizeof padded - 4) return -1;
    for (size_t index = 0; index < length; index++)
        padded[index] = text[index] == '-' ? '+' : text[index] == '_' ? '/' : text[index];
    size_t whole = (length + 3) / 4 * 4;
    memset(padded + length, '=', whole - length);
    int count = EVP_DecodeBlock(bytes, (unsigned char *)padded, (int)whole);
    return count < 0 ? -1 : count - (int)(whole - length);
}

// The account of a good access token, whose session is then in `worker`; 0 for any other.
static unsigned long long verified(Worker *worker, const char *token) {
    const char *claims = strchr(token, '.'), *signature = claims ? strchr(claims + 1, '.') : NULL;
    if (signature == NULL) return 0;
    unsigned char expected[EVP_MAX_MD_SIZE], given[2048], text[2048];
    size_t length = 0;
    if (!EVP_MAC_init(worker->hmac, NULL, 0, NULL) ||
        !EVP_MAC_update(worker->hmac, (const unsigned char *)token, (size_t)(signature - token)) ||
        !EVP_MAC_final(worker->hmac, expected, &length, sizeof expected))
        return 0;
    if (decoded(signature + 1, strlen(signature + 1), given) != (int)length ||
        CRYPTO_memcmp(expected, given, length) != 0)
        return 0;
    int count = decoded(claims + 1, (size_t)(signature - claims - 1), text);
    if (count < 0) return 0;
    text[count] = 0;
    const char *end = strstr((char *)text, "\"exp\":"), *account = strstr((char *)text, "\"user_id\":");
    const char *session = strstr((char *)text, "\"sid\":\"");
    if (end == NULL || account == NULL || session == NULL || atoll(end + 6) <= time(NULL) ||
        strstr((char *)text, "\"token_type\":\"access\"") == NULL)
        return 0;
    worker->session = strtoull(session + 7, NULL, 16);
    return strtoull(account + 10, NULL, 10);
}

// Whether the session lives and is the account's; its row is then in `worker`.
static int isAlive(Worker *worker, unsigned long long account) {
    if (mysql_stmt_execute(worker->statement) != 0) fail("execute", mysql_stmt_error(worker->statement));
    int isFound = mysql_stmt_fetch(worker->statement) == 0;
    mysql_stmt_free_result(worker->statement);
    if (!isFound || (unsigned long long)worker->values[accountID].number != account) return 0;
    MYSQL_TIME end = worker->values[sessionEnd].time;
    struct tm parts = {.tm_year = (int)end.year - 1900, .tm_mon = (int)end.month - 1, .tm_mday = (int)end.day,
                       .tm_hour = (int)end.hour, .tm_min = (int)end.minute, .tm_sec = (int)end.second};
    return timegm(&parts) > time(NULL) && strncmp(worker->values[status].text, "active", worker->lengths[status]) == 0;
}

static char *putText(char *to, const char *text, unsigned long length) {
    *to++ = '"';
    for (const char *end = text + length; text < end; text++) {
        if (*text == '"' || *text == '\\') *to++ = '\\';
        if ((unsigned char)*text < 0x20) to += sprintf(to, "\\u%04x", *text);
        else *to++ = *text;
    }
    *to++ = '"';
    return to;
}

static char *putColumn(char *to, Worker *worker, int index) {
    if (worker->nulls[index]) return to + sprintf(to, "null");
    if (worker->binds[index].buffer_type == MYSQL_TYPE_STRING)
        return putText(to, worker->values[index].text, worker->lengths[index]);
    MYSQL_TIME *time = &worker->values[index].time;
    return to + sprintf(to, "\"%04u-%02u-%02uT%02u:%02u:%02u.%06luZ\"", time->year, time->month, time->day, time->hour,
                        time->minute, time->second, time->second_part);
}

// Writes the bio that a body `{"bio": "…"}` has, and puts it into `worker`.
static void write_bio(Worker *worker, FCGX_Request *request) {
    char body[2048];
    int count = FCGX_GetStr(body, sizeof body - 1, request->in);
    body[count] = 0;
    char *start = strstr(body, ": \""), *end = start ? strchr(start + 3, '"') : NULL;
    if (end == NULL) return;
    worker->lengths[bio] = (unsigned long)(end - start - 3);
    memcpy(worker->values[bio].text, start + 3, worker->lengths[bio]);
    worker->nulls[bio] = 0;
    MYSQL_BIND parameters[] = {
        {.buffer_type = MYSQL_TYPE_STRING, .buffer = worker->values[bio].text, .length = &worker->lengths[bio]},
        {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &worker->values[accountID].number, .is_unsigned = 1},
    };
    if (mysql_stmt_bind_param(worker->update, parameters) != 0 || mysql_stmt_execute(worker->update) != 0)
        fail("update", mysql_stmt_error(worker->update));
}

static void answer(Worker *worker, FCGX_Request *request) {
    const char *header = FCGX_GetParam("HTTP_AUTHORIZATION", request->envp);
    unsigned long long account = 0;
    if (header != NULL && strncmp(header, "Bearer ", 7) == 0) account = verified(worker, header + 7);
    if (account == 0 || !isAlive(worker, account)) {
        FCGX_FPrintF(request->out, "Status: 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n{}");
        return;
    }
    if (strcmp(FCGX_GetParam("REQUEST_METHOD", request->envp), "PATCH") == 0) write_bio(worker, request);
    char body[16384], *to = body;
    to += sprintf(to, "{\"message\":\"获取用户资料成功\",\"user\":{\"id\":%llu,\"username\":", account);
    to = putColumn(to, worker, username);
    to = putColumn(to + sprintf(to, ",\"email\":"), worker, email);
    to = putColumn(to + sprintf(to, ",\"avatar\":"), worker, avatar);
    // No account of the bench has an avatar.
    to = putColumn(to + sprintf(to, ",\"avatar_url\":"), worker, avatar);
    to = putColumn(to + sprintf(to, ",\"bio\":"), worker, bio);
    to = putColumn(to + sprintf(to, ",\"date_joined\":"), worker, created);
    to = putColumn(to + sprintf(to, ",\"last_login\":"), worker, lastLogin);
    to += sprintf(to, "}}");
    char head[256];
    int length = sprintf(head, "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                               "Cache-Control: no-store\r\n\r\n", (int)(to - body));
    FCGX_PutStr(head, length, request->out);
    FCGX_PutStr(body, (int)(to - body), request->out);
}

static void *serve(void *unused) {
    Worker *worker = calloc(1, sizeof *worker);
    FCGX_Request *request = calloc(1, sizeof *request);
    if (worker == NULL || request == NULL || FCGX_InitRequest(request, listening, 0) != 0) fail("serve", "out of memory");
    prepare(worker);
    while (FCGX_Accept_r(request) == 0) {
        answer(worker, request);
        FCGX_Finish_r(request);
    }
    // After SIGTERM, which FCGX_Init took over.
    exit(0);
    return unused;
}

int main(int count, char **words) {
    if (count != 3 || FCGX_Init() != 0 || mysql_library_init(0, NULL, NULL) != 0) return 2;
    listening = FCGX_OpenSocket(words[1], 4096);
    if (listening < 0 || chmod(words[1], 0666) != 0) fail(words[1], "cannot listen");
    for (int index = 1; index < atoi(words[2]); index++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL) != 0) fail("thread", "cannot start");
    }
    serve(NULL);
}
