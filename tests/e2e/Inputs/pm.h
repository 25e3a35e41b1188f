/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the test programs on raw mmap share: a pool file mapped as persistent
 * memory, and flushes and fences by intrinsics. C11 and C++17.
 */
#ifndef FPOST_TESTS_E2E_PM_H
#define FPOST_TESTS_E2E_PM_H

#include <fcntl.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PM_SIZE 16384
#define PM_ALIGNED __attribute__((aligned(64)))

/* Maps the pool at path, zeroed if it is new; exits if it cannot be had. */
static inline void *pm_map(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  void *pm;

  if (fd < 0 || (lseek(fd, 0, SEEK_END) < PM_SIZE && ftruncate(fd, PM_SIZE))) {
    perror(path);
    exit(2);
  }
  pm = mmap(NULL, PM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (pm == MAP_FAILED) {
    perror(path);
    exit(2);
  }
  close(fd);
  return pm;
}

/* Flushes every line of [address, address + size); asynchronous. */
__attribute__((target("clflushopt"))) static inline void
pm_flush(const void *address, size_t size) {
  uintptr_t line = (uintptr_t)address & ~(uintptr_t)63;

  for (; line < (uintptr_t)address + size; line += 64)
    _mm_clflushopt((void *)line);
}

static inline void pm_fence(void) {
  _mm_sfence();
}

static inline void pm_persist(const void *address, size_t size) {
  pm_flush(address, size);
  pm_fence();
}

/* "check" as the first argument asks for recovery instead of the run. */
static inline int pm_is_check(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s run|check POOL\n", argv[0]);
    exit(2);
  }
  return strcmp(argv[1], "check") == 0;
}

#endif /* FPOST_TESTS_E2E_PM_H */
