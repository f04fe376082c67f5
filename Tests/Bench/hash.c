// What libargon2 alone does on so many threads: hashes a second, with the service's parameters.
// usage: hash THREADS SECONDS
#include <argon2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double end;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Parts of a hash count too: a few dozen a second would else be cut off by one a thread.
static void *hash(void *rate) {
    const char *password = "seven-Owls-42";
    unsigned char salt[16] = {0}, tag[32];
    int done = 0;
    double begin = now();
    while (now() < end) {
        memcpy(salt, &done, sizeof done);
        if (argon2id_hash_raw(2, 19456, 1, password, strlen(password), salt, sizeof salt, tag, sizeof tag) != ARGON2_OK)
            exit(1);
        done++;
    }
    *(double *)rate = done / (now() - begin);
    return NULL;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    int threads = atoi(words[1]);
    pthread_t handles[threads];
    double rates[threads], sum = 0;
    end = now() + atof(words[2]);
    for (int index = 0; index < threads; index++)
        if (pthread_create(&handles[index], NULL, hash, &rates[index]) != 0) return 1;
    for (int index = 0; index < threads; index++) {
        pthread_join(handles[index], NULL);
        sum += rates[index];
    }
    printf("%f\n", sum);
    return 0;
}
