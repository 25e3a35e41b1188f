/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool
 *
 * Intent: a fence with no flush before it completes nothing; the locked
 * addition of a lock or counter is no fence by intent and is not reported.
 */
#include "Inputs/pm.h"

static uint64_t volatile_counter;

int main(int argc, char **argv) {
  uint64_t *cell;

  if (pm_is_check(argc, argv))
    return 0;
  cell = pm_map(argv[2]);
  *cell = 1;
#ifndef FIXED
  /* CHECK: fencepost: redundant-fence
   * CHECK: redundant-fence-mmap.c:[[#@LINE+2]] in main
   */
  _mm_sfence();
#endif
  pm_persist(cell, sizeof *cell);
  __atomic_fetch_add(&volatile_counter, 1, __ATOMIC_SEQ_CST);
  return 0;
}
/* CHECK-NOT: fencepost: redundant
 * CHECK: SUMMARY:
 */
