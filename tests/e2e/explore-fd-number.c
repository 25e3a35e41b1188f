/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --recover '%t check %t.pool' | FileCheck %s
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.again.fpdb --recover '%t again %t.pool' | FileCheck --check-prefix=AGAIN %s
 *
 * Intent: a descriptor of a pool is closed by a call that is not interposed.
 * What is opened next under its number is not the pool. What is opened by the
 * name of a pool's descriptor is, with both of its states.
 *
 * CHECK: 0 errors
 * AGAIN: recovery exited with 4
 * AGAIN: 1 error
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

static int again(const char *path) {
  char name[64];
  char byte = 0;

  snprintf(name, sizeof name, "/proc/self/fd/%d", open(path, O_RDWR));
  int fd = open(name, O_RDONLY);
  return read(fd, &byte, 1) != 1 ? 3 : byte == 1 ? 4 : 0;
}

int main(int argc, char **argv) {
  volatile uint64_t *pm = pm_map(argv[2]);

  if (strcmp(argv[1], "again") == 0)
    return again(argv[2]);
  if (!pm_is_check(argc, argv)) {
    pm[0] = 1;
    pm_persist((const void *)(uintptr_t)pm, 8);
    return 0;
  }
  char byte = 0;
  int fd = open(argv[2], O_RDWR);
  closefrom(fd);
  if (open("/dev/null", O_RDONLY) != fd)
    return 3;
  return read(fd, &byte, 1) != 0 || pm[0] > 1;
}
