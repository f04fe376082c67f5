// A row of mutexes that several processes share; one that its holder was killed with is free again.
#pragma once
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "memory.h"

/// A file in memory for `count` permits, all free; -1 and `errno` when it cannot be had.
static inline int homeroom_make_permits(int count) { /* C's mutexes are no Swift values */
    const size_t size = sizeof(pthread_mutex_t) * (size_t)count;
    int file = homeroom_make_memory("homeroom-permits", size);
    pthread_mutex_t *permits = file < 0 ? NULL : (pthread_mutex_t *)homeroom_map_memory(file, size);
    if (permits == NULL) return -1;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    for (int index = 0; index < count; index++) pthread_mutex_init(&permits[index], &kind);
    pthread_mutexattr_destroy(&kind);
    munmap(permits, size);
    return file;
}

/// The permits of a file; NULL when it cannot be mapped. Stays mapped.
static inline void *homeroom_map_permits(int file, int count) { /* the size of C's mutexes */
    return homeroom_map_memory(file, sizeof(pthread_mutex_t) * (size_t)count);
}

static inline int homeroom_has_permit(pthread_mutex_t *permit, int code) {
    // Its holder was killed: nothing of ours is half done behind it.
    if (code == EOWNERDEAD) pthread_mutex_consistent(permit);
    return code == 0 || code == EOWNERDEAD;
}

/// Takes one of the permits `first` … `first + count - 1`, waiting for it; its index. By the thread that gives it back.
/// Of those who wait only one watches them all, the one that holds the permit `gate`.
static inline int homeroom_take_permit(void *permits, int first, int count, int gate) { /* C's mutexes are no Swift values */
    pthread_mutex_t *all = (pthread_mutex_t *)permits;
    while (!homeroom_has_permit(&all[gate], pthread_mutex_lock(&all[gate]))) {}
    for (int turn = 0;; turn++) {
        for (int index = first; index < first + count; index++)
            if (homeroom_has_permit(&all[index], pthread_mutex_trylock(&all[index]))) {
                pthread_mutex_unlock(&all[gate]);
                return index;
            }
        // Asleep at one of them; not for long, because another may be free before: then a core would do nothing.
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_nsec += 500000;
        if (end.tv_nsec >= 1000000000) { end.tv_sec++; end.tv_nsec -= 1000000000; }
        int index = first + turn % count;
        if (homeroom_has_permit(&all[index], pthread_mutex_timedlock(&all[index], &end))) {
            pthread_mutex_unlock(&all[gate]);
            return index;
        }
    }
}

static inline void homeroom_give_permit(void *permits, int index) {
    pthread_mutex_unlock(&((pthread_mutex_t *)permits)[index]);
}
