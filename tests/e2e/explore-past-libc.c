/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool 2>&1 | FileCheck %s
 *
 * Intent: a recovery that opens its pool by a system call of its own gets at
 * the user's file; that is noticed and said.
 *
 * CHECK: pool' was changed during the exploration
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <sys/syscall.h>

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check) {
    long fd = syscall(SYS_openat, AT_FDCWD, argv[2], O_WRONLY);
    return pm[0] > 1 || syscall(SYS_write, fd, "lost", 4) != 4;
  }
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
