// Takes from the calling process what a picture decoder does not need. For `homeroom avatar-worker`.
#pragma once
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOMEROOM_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define HOMEROOM_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#error "seccomp: which architecture is this?"
#endif

#define HOMEROOM_ALLOW(call) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(call), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/// Allows memory, threads and the descriptors that are open; no file, no socket, no program: in all threads, also those
/// that libraries have started before. 0 on success. (seccomp(2))
static inline int homeroom_confine_system_calls(void) { /* macros throughout */
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HOMEROOM_AUDIT_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        // The handed-over descriptors and the answer.
        HOMEROOM_ALLOW(SYS_read), HOMEROOM_ALLOW(SYS_pread64), HOMEROOM_ALLOW(SYS_write), HOMEROOM_ALLOW(SYS_lseek),
        HOMEROOM_ALLOW(SYS_close), HOMEROOM_ALLOW(SYS_recvmsg), HOMEROOM_ALLOW(SYS_sendto),
        HOMEROOM_ALLOW(SYS_fstat),
        // Memory.
        HOMEROOM_ALLOW(SYS_brk), HOMEROOM_ALLOW(SYS_mmap), HOMEROOM_ALLOW(SYS_munmap), HOMEROOM_ALLOW(SYS_mprotect),
        HOMEROOM_ALLOW(SYS_mremap), HOMEROOM_ALLOW(SYS_madvise),
        // Threads. clone3 hides its flags behind a pointer: glibc takes clone when there is none.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        HOMEROOM_ALLOW(SYS_futex), HOMEROOM_ALLOW(SYS_set_robust_list), HOMEROOM_ALLOW(SYS_rseq),
        HOMEROOM_ALLOW(SYS_sched_yield), HOMEROOM_ALLOW(SYS_sched_getaffinity), HOMEROOM_ALLOW(SYS_gettid),
        HOMEROOM_ALLOW(SYS_getpid), HOMEROOM_ALLOW(SYS_exit), HOMEROOM_ALLOW(SYS_exit_group),
        // Signals, time, randomness.
        HOMEROOM_ALLOW(SYS_rt_sigaction), HOMEROOM_ALLOW(SYS_rt_sigprocmask), HOMEROOM_ALLOW(SYS_rt_sigreturn),
        HOMEROOM_ALLOW(SYS_sigaltstack), HOMEROOM_ALLOW(SYS_restart_syscall), HOMEROOM_ALLOW(SYS_clock_gettime),
        HOMEROOM_ALLOW(SYS_clock_nanosleep), HOMEROOM_ALLOW(SYS_setitimer), HOMEROOM_ALLOW(SYS_getrandom),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], (struct sock_filter *)filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/// Sets a limit of this process, now and for good. 0 on success.
static inline int homeroom_limit(int resource, unsigned long max) { /* the resource is an enum to Swift */
    const struct rlimit limit = {max, max};
    return setrlimit((__rlimit_resource_t)resource, &limit);
}

/// Closes all descriptors from `first` on.
static inline int homeroom_close_from(unsigned first) { /* syscall() is variadic */
    return (int)syscall(SYS_close_range, first, ~0u, 0);
}
