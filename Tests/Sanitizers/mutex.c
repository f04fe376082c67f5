// Tells the thread sanitizer of the locks that it cannot see: Swift's Mutex waits inside its library, which is not
// instrumented, so whoever had to wait for a lock would seem to hold it without having taken it.
// Preloaded: LD_PRELOAD=mutex.so. The functions take their Mutex in the register of Swift's `self`.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

void __tsan_acquire(void *) __attribute__((weak));
void __tsan_release(void *) __attribute__((weak));

typedef SWIFT void lock_function(uint32_t thread, void *SELF);
typedef SWIFT void unlock_function(void *SELF);

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

SWIFT void lock_slow(uint32_t thread, void *mutex SELF) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void lock_slow(uint32_t thread, void *mutex SELF) {
    static lock_function *next;
    if (next == NULL) next = (lock_function *)real("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    next(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock_slow(void *mutex SELF) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
SWIFT void unlock_slow(void *mutex SELF) {
    static unlock_function *next;
    if (next == NULL) next = (unlock_function *)real("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (__tsan_release) __tsan_release(mutex);
    next(mutex);
}
