/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a run says of the state that it recovered: its standard output, a file
 * or fencepost_observe, all of them one file of the explorer's. The server
 * hashes it after the run (docs/OPERATIONS.md).
 */
#define _GNU_SOURCE
#include "rt/base/assert.h"
#include "rt/hooks/recover_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Most observations are smaller, and are hashed where they lie. */
#define WINDOW (UINT64_C(1) << 20)

static const uint8_t *window;

static const uint8_t *map(uint64_t size) {
  long at = syscall(SYS_mmap, NULL, size, PROT_READ, MAP_SHARED,
                    fpost_run.plan->observe, 0L);
  FPOST_ASSERT(at != -1);
  return (const uint8_t *)at;
}

void fpost_observe_prepare(void) {
  const struct fpost_plan *plan = fpost_run.plan;
  if (plan->observe < 0) {
    return;
  }
  window = map(WINDOW);
  (void)syscall(SYS_ftruncate, plan->observe, 0L);
  if (plan->observe_stdout != 0) {
    (void)syscall(SYS_dup3, plan->observe, 1, 0);
  }
}

void fpost_observe_begin(void) {
  struct fpost_plan *plan = fpost_run.plan;
  if (plan->observed_size != 0) {
    (void)syscall(SYS_ftruncate, plan->observe, 0L);
    plan->observed_size = 0;
  }
}

uint64_t fpost_observe_hash(void) {
  if (window == NULL) {
    return 0;
  }
  long size = syscall(SYS_lseek, fpost_run.plan->observe, 0L, SEEK_END);
  uint64_t length = size > 0 ? (uint64_t)size : 0;
  fpost_run.plan->observed_size = length;
  if (length == 0) {
    return 0;
  }
  const uint8_t *bytes = length <= WINDOW ? window : map(length);
  uint64_t hash = XXH3_64bits(bytes, length);
  if (bytes != window) {
    (void)syscall(SYS_munmap, bytes, length);
  }
  return hash == 0 ? 1 : hash;
}

void fpost_recover_observe(const void *bytes, size_t size) {
  const char *at = bytes;
  int err = errno;
  while (size != 0 && window != NULL) {
    long done = syscall(SYS_write, fpost_run.plan->observe, at, size);
    if (done <= 0 && errno != EINTR) {
      break;
    }
    at += done > 0 ? done : 0;
    size -= done > 0 ? (size_t)done : 0;
  }
  errno = err;
}

const char *fpost_observe_path(int dirfd, const char *path, char other[64]) {
  const struct fpost_plan *plan = fpost_run.plan;
  if (!fpost_recover_on || window == NULL || plan->observe_path[0] == '\0' ||
      path == NULL || !fpost_run_same_path(dirfd, path, plan->observe_path)) {
    return path;
  }
  (void)snprintf(other, 64, "/proc/self/fd/%d", plan->observe);
  return other;
}
