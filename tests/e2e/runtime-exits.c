/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t return %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t exit %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t _exit %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t _Exit %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t quick %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t exec %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t vfork %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t return %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t _exit %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t quick %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t exec %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t vfork %t.pool
 *
 * Intent: the end of the run is seen in whichever way the process ends, and a
 * child of vfork, which shares the memory, is not taken for it. What handlers
 * of atexit flush is flushed.
 */
#include "Inputs/pm.h"

#include <sys/wait.h>

static uint64_t *pm;

static void at_exit(void) {
  pm_persist(&pm[8], 8);
}

/* CHECK: ERROR: fencepost: missing-flush
 * CHECK-NEXT: store of 8 bytes to {{.*}}+0x0
 * CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */
int main(int argc, char **argv) {
  if (argc != 3)
    return 3;
  pm = pm_map(argv[2]);
  pm[0] = 1;
  if (strcmp(argv[1], "vfork") == 0) {
    int status;
    pid_t child = vfork();
    if (child == 0)
      _exit(0);
    if (waitpid(child, &status, 0) < 0 || status != 0)
      return 3;
  }
#ifdef FIXED
  pm_persist(pm, 8);
#endif
  if (strcmp(argv[1], "return") == 0) {
    pm[8] = 2;
    atexit(at_exit);
  } else if (strcmp(argv[1], "exit") == 0) {
    exit(0);
  } else if (strcmp(argv[1], "_exit") == 0) {
    _exit(0);
  } else if (strcmp(argv[1], "_Exit") == 0) {
    _Exit(0);
  } else if (strcmp(argv[1], "quick") == 0) {
    quick_exit(0);
  } else if (strcmp(argv[1], "exec") == 0) {
    execl("/bin/true", "true", (char *)NULL);
  }
  return 0;
}
