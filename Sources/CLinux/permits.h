// A row of mutexes that several processes share; one that its holder was killed with is free again.
#pragma once
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// A file in memory for `count` permits, all free; -1 and `errno` when it cannot be had.
static inline int homeroom_make_permits(int count) { /* not in Debian 12's headers without _GNU_SOURCE */
    int file = (int)syscall(SYS_memfd_create, "homeroom-permits", 1u /* MFD_CLOEXEC */);
    if (file < 0 || ftruncate(file, (off_t)sizeof(pthread_mutex_t) * count) != 0) return -1;
    pthread_mutex_t *permits = (pthread_mutex_t *)mmap(
        NULL, sizeof(pthread_mutex_t) * (size_t)count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (permits == MAP_FAILED) return -1;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    for (int index = 0; index < count; index++) pthread_mutex_init(&permits[index], &kind);
    pthread_mutexattr_destroy(&kind);
    munmap(permits, sizeof(pthread_mutex_t) * (size_t)count);
    return file;
}

/// The permits of a file; NULL when it cannot be mapped. Stays mapped.
static inline void *homeroom_map_permits(int file, int count) { /* MAP_FAILED is a macro */
    void *permits =
        mmap(NULL, sizeof(pthread_mutex_t) * (size_t)count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return permits == MAP_FAILED ? NULL : permits;
}

static inline int homeroom_has_permit(pthread_mutex_t *permit, int code) {
    // Its holder was killed: nothing of ours is half done behind it.
    if (code == EOWNERDEAD) pthread_mutex_consistent(permit);
    return code == 0 || code == EOWNERDEAD;
}

/// Takes one of the permits `first` … `first + count - 1`, waiting for it; its index. By the thread that gives it back.
static inline int homeroom_take_permit(void *permits, int first, int count) { /* C's mutexes are no Swift values */
    pthread_mutex_t *all = (pthread_mutex_t *)permits;
    for (unsigned turn = (unsigned)(size_t)&all ^ (unsigned)getpid();; turn++) {
        for (int index = first; index < first + count; index++)
            if (homeroom_has_permit(&all[index], pthread_mutex_trylock(&all[index]))) return index;
        // Asleep at one of them; not for long, because another may be free before.
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_nsec += 5000000;
        if (end.tv_nsec >= 1000000000) { end.tv_sec++; end.tv_nsec -= 1000000000; }
        int index = first + (int)(turn % (unsigned)count);
        if (homeroom_has_permit(&all[index], pthread_mutex_timedlock(&all[index], &end))) return index;
    }
}

static inline void homeroom_give_permit(void *permits, int index) {
    pthread_mutex_unlock(&((pthread_mutex_t *)permits)[index]);
}
