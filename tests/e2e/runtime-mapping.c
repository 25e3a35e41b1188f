/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 *
 * Intent: a pool is one memory however it is mapped: twice at a time, again
 * after unmapping, grown, moved by mremap. What was left unflushed when it was
 * unmapped is not forgotten, and memory that takes the place of a mapping is
 * not PM.
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

static void *map(int fd, size_t size, off_t offset) {
  void *pm = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  if (pm == MAP_FAILED)
    exit(3);
  return pm;
}

int main(int argc, char **argv) {
  int fd = open(argv[argc - 1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ftruncate(fd, 8192))
    return 3;
  uint64_t *a = map(fd, 8192, 0);
  uint64_t *b = map(fd, 4096, 4096);

  /* Stored through one mapping, flushed through the other. */
  a[512] = 1;
  pm_persist(b, 8);

  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x40 {{.*}}runtime-mapping.c:[[#@LINE+2]] in main
   */
  a[8] = 2;
  munmap(a, 8192);
  munmap(b, 4096);

  /* Grown, mapped again elsewhere. */
  if (ftruncate(fd, 65536))
    return 3;
  a = map(fd, 65536, 0);
  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x8000 {{.*}}runtime-mapping.c:[[#@LINE+2]] in main
   */
  a[4096] = 3;
#ifdef FIXED
  pm_persist(&a[8], 8);
  pm_persist(&a[4096], 8);
#endif
  /* Moved. */
  void *room = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t *c = mremap(a, 65536, 65536, MREMAP_MAYMOVE | MREMAP_FIXED, room);
  if (c == MAP_FAILED)
    return 3;
  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x9000 {{.*}}runtime-mapping.c:[[#@LINE+2]] in main
   */
  c[4608] = 4;
#ifdef FIXED
  pm_persist(&c[4608], 8);
#endif
  /* What is there now is ordinary memory. */
  uint64_t *d = mmap(c, 65536, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  d[0] = 5;
  return d != c;
}
/* CHECK: SUMMARY: fencepost: 3 errors
 */
