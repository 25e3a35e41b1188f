/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Check and record mode: what functions that are interposed for recovery's sake
 * (recover_call.c, recover_libc.c) have done to files in the other modes. All
 * of it may be called for any file, and leaves errno alone.
 */
#ifndef FPOST_HOOKS_FILES_H
#define FPOST_HOOKS_FILES_H

#include <stdint.h>
#include <sys/uio.h>

/* The kernel has written `done` bytes of the parts to the file, from offset on,
   or if that is -1 up to its position. */
void fpost_file_wrote(int fd, const struct iovec *parts, int count,
                      int64_t offset, int64_t done, uintptr_t pc,
                      uintptr_t cfa);
/* It has read them from some file. */
void fpost_file_read(const struct iovec *parts, int count, int64_t done,
                     uintptr_t pc, uintptr_t cfa);
/* It has copied `done` bytes to the file, up to offset *end, or if that is null
   up to the file's position. */
void fpost_file_copied(int fd, const int64_t *end, int64_t done, uintptr_t pc,
                       uintptr_t cfa);
/* The file at path has another size. */
void fpost_file_truncated(const char *path);
/* Recording: the number of the pool with this name, of which a link is not one;
   UINT32_MAX: none. */
uint32_t fpost_file_pool(int dirfd, const char *path);
/* The pool, if it is one, has lost the name. */
void fpost_file_gone(uint32_t pool);

#endif /* FPOST_HOOKS_FILES_H */
