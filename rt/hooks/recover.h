/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Recover mode: the recovery program on a crash state that is decided as it
 * reads.
 *
 * The explorer starts the program once, with mode=recover:recover=<descriptor
 * of the plan, rt/os/plan.h>. fpost_recover_start, in the last constructor
 * before main, turns the process into a fork server and returns only in its
 * children, at the beginning of each run: a child does one, or several in turn
 * that it takes back (recover_rewind.c).
 *
 * In a run, a recorded pool's path stands for the crash state. Each pool has a
 * *view*: a private copy-on-write mapping of the guaranteed image, in which
 * bytes that a crash leaves undecided are filled in when something reads them
 * (docs/EXPLORE.md). Pages that hold undecided bytes are *closed* (PROT_NONE)
 * while code without hooks may run.
 *
 * The hooks and the interposed functions call what follows, in recover mode
 * only. Nothing here allocates or calls an interposed function; all but start
 * and the signal handlers may change errno only where that is said. A function
 * that returns bool says whether the call was about a pool; if so *result is
 * what the real function would return, errno is set as it would set it, and the
 * real function must not be called.
 *
 * Who interposes what: functions of which check and record must know as well
 * (open family, mmap family, read and write family, sizes, fsync, close, dup,
 * fork, exec) are interposed where these modes need them, and hand over here
 * first. Functions that matter in recovery first of all (stat family, access,
 * unlink, rename, truncate, fopen, mprotect, sigaction, signal) are interposed
 * in recover_libc.c, and tell record mode what it has to know.
 */
#ifndef FPOST_HOOKS_RECOVER_H
#define FPOST_HOOKS_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct fpost_flags;

/* This process is a run. False in check and record mode, and in the server. */
extern bool fpost_recover_on;

/*
 * Become the fork server of the explorer; returns in each run. Does not return
 * when the plan cannot be attached: says why and exits with code 2.
 */
void fpost_recover_start(const struct fpost_flags *flags);

/* ---- memory (hooks) ---- */

/*
 * Where the access is in the program: the frame that resumes at pc with stack
 * pointer cfa (rt/hooks/unwind.h). In a hook or interposed function:
 * __builtin_return_address(0), __builtin_frame_address(0) + 16. 0, 0: not
 * known.
 */
struct fpost_site {
  uintptr_t pc;
  uintptr_t cfa;
};

/* size bytes at address are about to be read: decide them, open their pages. */
void fpost_recover_load(const void *address, uint64_t size,
                        struct fpost_site site);
/* size bytes at address have been overwritten: they are no longer undecided. */
void fpost_recover_store(const void *address, uint64_t size);
/* size bytes at address have a checksum: what was read of them is noted so. */
void fpost_recover_validated(const void *address, uint64_t size);
/* Something is flushed: perhaps code without hooks has stored to a pool. */
void fpost_recover_flush(void);
/* An atomic access is about to happen; flags as in __fencepost_atomic_begin. */
void fpost_recover_atomic(const void *address, uint64_t size, uint32_t flags,
                          struct fpost_site site);
/*
 * The kernel will read (or write) size bytes at address: decide them and open
 * their pages. If it wrote, fpost_recover_store follows with what was written.
 */
void fpost_recover_access(const void *address, size_t size, bool writes,
                          struct fpost_site site);
/* Code without hooks may run next: close again what was opened. */
void fpost_recover_leave(void);

/* ---- files ---- */

/*
 * A path may lie in a pool, in bytes that are undecided or closed to the
 * kernel: decides and copies it, and returns the copy; any other path is
 * returned as it is, and copy left alone.
 */
#define FPOST_RECOVER_PATH_MAX 4096u
const char *fpost_recover_string(const char *text,
                                 char copy[FPOST_RECOVER_PATH_MAX]);

/* open, openat, creat (with their flags); dirfd is AT_FDCWD for open. */
bool fpost_recover_open(int dirfd, const char *path, int flags, int *result);
/* Before close, and after a successful dup, dup2, dup3 or F_DUPFD. */
void fpost_recover_close(int fd);
void fpost_recover_dup(int old_fd, int new_fd);
/* Is fd an open pool of this run? */
bool fpost_recover_is_pool(int fd);

/* read, readv, pread, preadv (write ...); offset -1: at the file position. */
bool fpost_recover_read(int fd, const struct iovec *parts, int count,
                        off_t offset, ssize_t *result);
bool fpost_recover_write(int fd, const struct iovec *parts, int count,
                         off_t offset, ssize_t *result);
bool fpost_recover_ftruncate(int fd, off_t size, int *result);
/* fallocate; posix_fallocate is mode 0 and turns -1 into errno. */
bool fpost_recover_fallocate(int fd, int mode, off_t offset, off_t size,
                             int *result);
/* fsync, fdatasync, sync_file_range. */
bool fpost_recover_fsync(int fd, int *result);

/* ---- mappings ---- */

bool fpost_recover_mmap(void *address, size_t size, int prot, int flags, int fd,
                        off_t offset, void **result);
/*
 * Also to be called, result ignored, before mmap with MAP_FIXED of anything
 * else over a pool's mapping. Only a range that lies in one mapping of a pool
 * is handled here; any other is unmapped as far as it belongs to pools, and the
 * function returns false so that the caller unmaps the rest.
 */
bool fpost_recover_munmap(void *address, size_t size, int *result);
bool fpost_recover_mremap(void *old, size_t old_size, size_t new_size,
                          int flags, void *new_address, void **result);
bool fpost_recover_mprotect(void *address, size_t size, int prot, int *result);
bool fpost_recover_msync(void *address, size_t size, int *result);

/* The run says something of the state that it recovered. */
void fpost_recover_observe(const void *bytes, size_t size);
/* Where a file is really to be opened: path, or the observation in its place,
   with other as room for its name. */
const char *fpost_observe_path(int dirfd, const char *path, char other[64]);

/* ---- what is refused, or means nothing (recover_guard.c) ---- */

/*
 * Before another program is run: true in a run, which then must not; errno is
 * EPERM. The other program would be given the user's files.
 */
bool fpost_recover_exec(void);
/* Is this fcntl a lock of a pool in a run? It is to succeed without effect. */
bool fpost_recover_lock(int fd, int command);

#endif /* FPOST_HOOKS_RECOVER_H */
