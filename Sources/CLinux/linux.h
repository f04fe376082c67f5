// What Swift's Glibc module leaves out: declarations only, and a line of C where Swift cannot make the call.
// Without _GNU_SOURCE: with it the system's headers would differ from those that Swift's Glibc module was made of.
#pragma once
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

// Hidden by the headers without _GNU_SOURCE.
int accept4(int descriptor, struct sockaddr *restrict address, socklen_t *restrict length, int flags);
int pipe2(int descriptors[2], int flags);
int syncfs(int descriptor);
int pthread_setname_np(pthread_t thread, const char *name);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

/// Puts the calling thread behind others that want its core: a smaller share of it for a higher `nice`, and that in pieces
/// of up to 50 ms, since each change of hands costs both sides what they had in the caches. (sched(7), sched_setattr(2);
/// Linux before 6.12 leaves the length of the pieces as it is.)
static inline void homeroom_work_behind_others(int nice) { /* variadic syscall() */
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wish = {.size = 48, .policy = 3 /* SCHED_BATCH, not in every header */, .nice = nice, .runtime = 50000000};
    if (syscall(SYS_sched_setattr, 0, &wish, 0) != 0) setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
}

/// Waits for one signal of the set; 0 when `seconds` pass without one. Negative seconds wait for ever.
static inline int homeroom_wait_signal(const sigset_t *set, double seconds) { /* siginfo_t is not imported whole */
    if (seconds < 0) return sigwaitinfo(set, NULL);
    struct timespec limit = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int signal = sigtimedwait(set, NULL, &limit);
    return signal > 0 ? signal : 0;
}

/// Asks the kernel to send `signal` to this process when the thread that made it ends.
static inline int homeroom_die_with_parent(int signal) { /* variadic */
    return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
}

/// Lets this process and its children leave no core dump: neither as a file, nor to a program that takes them, which the
/// kernel starts even for a limit of 0. A limit of 1 is its word for none at all. (core(5), fs/coredump.c)
static inline void homeroom_leave_no_core(void) { /* the resource is an enum to Swift */
    const struct rlimit none = {1, 1}, empty = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) setrlimit(RLIMIT_CORE, &empty);
}

/// Exit code of a waited-for child, or 128 + the signal that ended it.
static inline int homeroom_exit_code(int status) { /* macros */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Makes what is printed appear line by line also where standard output is no terminal.
static inline void homeroom_line_buffer_output(void) { /* `stdout` is a mutable global to Swift */
    setvbuf(stdout, NULL, _IOLBF, 0);
}
