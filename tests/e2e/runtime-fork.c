/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 *
 * Intent: the child of a fork is tested as well, by itself: what its parent
 * left unflushed at the fork is not the child's fault, and the other way round.
 */
#include "Inputs/pm.h"

#include <sys/wait.h>

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);
  int status;

  pm[0] = 1; /* unflushed while the child runs */
  if (fork() == 0) {
    /* CHECK: ERROR: fencepost: missing-flush
     * CHECK-NEXT: store of 8 bytes to {{.*}}+0x200 {{.*}}runtime-fork.c:[[#@LINE+2]]
     */
    pm[64] = 2;
#ifdef FIXED
    pm_persist(&pm[64], 8);
#endif
    exit(0);
  }
  if (wait(&status) < 0 || status != 0)
    return 3;
  pm_persist(pm, 8);
  return 0;
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */
