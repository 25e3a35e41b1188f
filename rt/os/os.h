/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The system calls that the runtime makes: issued directly, so that they are
 * neither interposed nor cancellation points, and leave errno alone.
 * Async-signal safe. Functions that can fail return a negative errno.
 */
#ifndef FPOST_OS_OS_H
#define FPOST_OS_OS_H

#include "rt/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands in for an address that could not be had. */
#define FPOST_OS_FAILED ((void *)-1)

/* What fpost_os_file_info knows of an open file. */
struct fpost_os_file {
  uint64_t device;
  uint64_t inode;
  uint64_t birth;   /* when it was made, ns; 0: not known */
  uint64_t changed; /* when it was changed last, ns */
  uint64_t size;    /* bytes */
  uint32_t mode;    /* as st_mode */
  bool dax;         /* the file system maps it without a page cache */
};

/* The size, and the alignment, of a huge page, in bytes. */
#define FPOST_OS_HUGE (UINT64_C(2) << 20)

/*
 * Address space without memory behind it: pages come, zeroed, when they are
 * touched; no huge pages, so that memory grows with what is touched. size is
 * rounded up to pages; from FPOST_OS_HUGE on the address is a multiple of that.
 * Returns FPOST_OS_FAILED if there is none.
 */
void *fpost_os_reserve(size_t size);
/* Give it back; or empty it: its pages read as zero again. */
void fpost_os_release(void *address, size_t size);
void fpost_os_empty(void *address, size_t size);
/* Make a huge page of the FPOST_OS_HUGE bytes at address of a reservation: now,
   with the content that is there, or when it is touched first. Without effect
   where the kernel cannot. */
void fpost_os_make_huge(void *address, bool now);
/* Move a reservation to a larger one; FPOST_OS_FAILED, and nothing changed. */
void *fpost_os_grow(void *address, size_t size, size_t new_size);

/*
 * Open path; flags and mode as for open(2), O_CLOEXEC added. The descriptor is
 * FPOST_OS_FD_MIN or above where the limits allow it, out of the program's way.
 */
#define FPOST_OS_FD_MIN 900
FPOST_MUST_USE int fpost_os_open(const char *path, int flags, uint32_t mode);
/* The same of a path from dirfd (or AT_FDCWD) on, of what is there. */
FPOST_MUST_USE int fpost_os_open_at(int dirfd, const char *path, int flags);
FPOST_MUST_USE int fpost_os_memory_file(const char *name);
void fpost_os_close(int fd);
FPOST_MUST_USE int fpost_os_file_info(int fd, struct fpost_os_file *file);
/* Is there a file of this path, which begins at dirfd? */
bool fpost_os_exists(int dirfd, const char *path);
FPOST_MUST_USE int fpost_os_resize(int fd, uint64_t size);
/* Blocks for [offset, offset + size): writing them cannot fail for lack of
 * room. */
FPOST_MUST_USE int fpost_os_allocate(int fd, uint64_t offset, uint64_t size);
/* Shared mapping, readable and writable; FPOST_OS_FAILED on error. */
void *fpost_os_map(int fd, uint64_t offset, size_t size);
/* The path of an open file, at most size - 2 bytes and NUL; returns its length,
   or a negative number, also if it is longer. */
FPOST_MUST_USE int fpost_os_path(int fd, char *path, size_t size);
/* Number of bytes read, or a negative errno. */
FPOST_MUST_USE int64_t fpost_os_read_at(int fd, void *out, size_t size,
                                        uint64_t offset);
/* The first byte at or after offset that is data (or hole); the size if none.
 */
FPOST_MUST_USE int64_t fpost_os_seek(int fd, uint64_t offset, bool data);
/* The file position of fd, or a negative errno. */
FPOST_MUST_USE int64_t fpost_os_position(int fd);

/* Write all of it, as far as it goes: there is nobody to tell. */
void fpost_os_write(int fd, const void *bytes, size_t size);

/* there[i]: does the page i pages after `page` exist without being made? 1 or
   0, and 1 when in doubt. */
void fpost_os_resident(const void *page, size_t count, uint8_t *there);

/* Copy up to size bytes of this process's memory, which may not be there;
   returns how many, from the first, could be read. */
size_t fpost_os_peek(const void *address, void *out, size_t size);

/* The ids of the process and of the thread, as the kernel counts them. */
uint32_t fpost_os_process(void);
uint32_t fpost_os_thread(void);
/* Sleep while *word is value, or for no reason; wake one who sleeps. */
void fpost_os_wait(_Atomic uint32_t *word, uint32_t value);
void fpost_os_wake(_Atomic uint32_t *word);
/* Now, ns since 1970. */
uint64_t fpost_os_clock(void);
/* 64 random bits. */
uint64_t fpost_os_random(void);
_Noreturn void fpost_os_exit(int code);

/*
 * Run argv[0] with argv and environment and wait for it. The child has fd open,
 * not closed on exec. Returns its exit code, 128 + n for death by signal n, or
 * a negative errno if it could not be started.
 */
FPOST_MUST_USE int fpost_os_run(char *const argv[], char *const environment[],
                                int fd);

#endif /* FPOST_OS_OS_H */
