/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --recover '%t check %t.pool' | FileCheck %s
 *
 * Intent: a descriptor of a pool is closed by a call that is not interposed.
 * What is opened next under its number is not the pool.
 *
 * CHECK: 0 errors
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  volatile uint64_t *pm = pm_map(argv[2]);

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
