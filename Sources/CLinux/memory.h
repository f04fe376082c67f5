// Memory that several processes share: a file without a name, handed down as a descriptor.
#pragma once
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A file in memory of `size` zero bytes, closed on exec; -1 and `errno` when it cannot be had.
static inline int homeroom_make_memory(const char *name, size_t size) { /* not in Debian 12's headers without _GNU_SOURCE */
    int file = (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */);
    if (file >= 0 && ftruncate(file, (off_t)size) != 0) {
        close(file);
        return -1;
    }
    return file;
}

/// The `size` bytes of such a file; of this process alone when `file` is negative. NULL when it has fewer or
/// cannot be mapped. Stays mapped.
static inline void *homeroom_map_memory(int file, size_t size) { /* MAP_FAILED is a macro */
    struct stat status;
    if (file >= 0 && (fstat(file, &status) != 0 || status.st_size < (off_t)size)) return NULL;
    int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}
