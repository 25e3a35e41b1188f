/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -pthread -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: a fence completes the flushes of its own thread only (rule F3). Here
 * a worker flushes, and the thread that joins it fences for it.
 */
#include "Inputs/pm.h"

#include <pthread.h>

static void *work(void *argument) {
  uint64_t *cell = argument;

  /* CHECK: ERROR: fencepost: missing-fence
   * CHECK-NEXT: store of 8 bytes to {{.*}}missing-fence-threads.c:[[#@LINE+2]]
   */
  *cell = 42;
  pm_flush(cell, sizeof *cell);
#ifdef FIXED
  pm_fence();
#endif
  return NULL;
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */

int main(int argc, char **argv) {
  uint64_t *cells;
  pthread_t worker;

  if (pm_is_check(argc, argv))
    return 0;
  cells = pm_map(argv[2]);
  if (pthread_create(&worker, NULL, work, cells) != 0)
    return 2;
  pthread_join(worker, NULL);
  cells[8] = 1;
  pm_persist(&cells[8], sizeof cells[8]);
  return 0;
}
