/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Recover mode: what the hooks and the interposed functions hand over when
 * FENCEPOST_OPTIONS says mode=recover. The functions run in the program under
 * test, with the runtime's guard held (their own calls of interposed functions
 * go straight to libc), errno saved by the caller, and must not allocate.
 */
#ifndef FPOST_HOOKS_RECOVER_H
#define FPOST_HOOKS_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fpost_flags;

/*
 * From the constructor of the runtime, before main: becomes the fork server.
 * Returns in each forked child, which then runs main. Does not return in the
 * server, and ends the process with a message if `recover=` names no explorer.
 */
void fpost_recover_start(const struct fpost_flags *flags);

/* Hooks: size bytes at address are about to be loaded; were stored; will be, by
   an atomic operation that may also read. */
void fpost_recover_load(const void *address, uint64_t size);
void fpost_recover_store(const void *address, uint64_t size);
void fpost_recover_atomic(const void *address, uint64_t size, uint32_t flags);
/* Code without hooks may run next: undecided PM must be protected again. */
void fpost_recover_leave(void);

/*
 * The path to use in place of path by open, stat, access, truncate and their
 * kind: path itself unless it names a pool under test. at_fd as in openat.
 */
const char *fpost_recover_path(int at_fd, const char *path);

/*
 * A mapping of fd was asked for. Returns true if it is a pool under test, and
 * then *result is what mmap returns (MAP_FAILED and *error for a failure).
 */
bool fpost_recover_mmap(void *address, size_t size, int protection, int flags,
                        int fd, off_t offset, void **result, int *error);

/* [address, address + size) was unmapped, or moved by mremap. */
void fpost_recover_munmap(const void *address, size_t size);

/*
 * Code without hooks in the kernel (read, write, ...) will access size bytes at
 * address: read them (decide) and open them for it.
 */
void fpost_recover_access(const void *address, size_t size, bool writes);

/* The run is over: exit, _exit or abort; code is the exit code, or -signal. */
void fpost_recover_end(int code);

/* In the child of a fork that the program made itself. */
void fpost_recover_forked(void);

#endif /* FPOST_HOOKS_RECOVER_H */
