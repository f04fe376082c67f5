// A row of mutexes that several processes share; one that its holder was killed with is free again.
#pragma once
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "memory.h"

typedef struct {
    pthread_mutex_t mutex;
    /// How often permits of the range that begins here were given back: what those who have none sleep on.
    unsigned returned;
} homeroom_permit;

/// A file in memory for `count` permits, all free; -1 and `errno` when it cannot be had.
static inline int homeroom_make_permits(int count) { /* C's mutexes are no Swift values */
    const size_t size = sizeof(homeroom_permit) * (size_t)count;
    int file = homeroom_make_memory("homeroom-permits", size);
    homeroom_permit *permits = file < 0 ? NULL : (homeroom_permit *)homeroom_map_memory(file, size);
    if (permits == NULL) return -1;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    for (int index = 0; index < count; index++) pthread_mutex_init(&permits[index].mutex, &kind);
    pthread_mutexattr_destroy(&kind);
    munmap(permits, size);
    return file;
}

/// The permits of a file; NULL when it cannot be mapped. Stays mapped.
static inline void *homeroom_map_permits(int file, int count) { /* the size of C's mutexes */
    return homeroom_map_memory(file, sizeof(homeroom_permit) * (size_t)count);
}

/// Takes one of the permits `first` … `first + count - 1`, waiting for it; its index. By the thread that gives it back.
/// -1 when none is free for so many seconds; negative seconds wait for ever.
static inline int homeroom_take_permit(void *permits, int first, int count, double seconds) { /* futex(2) has no function in C's library */
    homeroom_permit *all = (homeroom_permit *)permits;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds;
    for (;;) {
        const unsigned seen = __atomic_load_n(&all[first].returned, __ATOMIC_ACQUIRE);
        for (int index = first; index < first + count; index++) {
            const int code = pthread_mutex_trylock(&all[index].mutex);
            // Its holder was killed: nothing of ours is half done behind it.
            if (code == EOWNERDEAD) pthread_mutex_consistent(&all[index].mutex);
            if (code == 0 || code == EOWNERDEAD) return index;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (seconds >= 0 && (double)now.tv_sec + (double)now.tv_nsec / 1e9 >= end) return -1;
        // Not for ever: one that is killed gives nothing back, and may have been the one that was woken.
        const struct timespec timeout = {.tv_nsec = 50000000};
        syscall(SYS_futex, &all[first].returned, FUTEX_WAIT, seen, &timeout, NULL, 0);
    }
}

/// Gives a permit back and wakes one of those who wait.
static inline void homeroom_give_permit(void *permits, int first, int index) {
    homeroom_permit *all = (homeroom_permit *)permits;
    pthread_mutex_unlock(&all[index].mutex);
    __atomic_add_fetch(&all[first].returned, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &all[first].returned, FUTEX_WAKE, 1, NULL, NULL, 0);
}
